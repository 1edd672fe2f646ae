// A training step really run under a limit of memory, in a fresh process: whether it fits, and the least limit under which it does.
// It runs on the processor, by the allocator of cards. That the bytes fit is all it says: a card's own kernels differ.
import { InputError } from '../../base/errors';
import { inRepo } from '../../base/paths';
import type { Long } from '../../base/progress';
import { formatBytes, Meter } from '../../base/progress';
import { policyName } from '../../memory/policy';
import type { LimitedRun } from './limited-process';
import { runLimited } from './limited-process';
import type { Setting } from './setting';

/** One try. */
export interface Tried {
  /** Null where neither can be said: it ended for a reason other than memory. */
  fits: boolean | null;
  limitBytes: number;
  /** Most bytes in use in the allocator, weights and all; null where it says nothing. */
  peakBytes: number | null;
  /** Of these, what tensors asked for; the rest is lost to rounding. */
  requestedBytes: number | null;
  /** Most resident memory of the process, the allocator's and all else; null where the system does not tell. */
  processBytes: number | null;
  /** Of the step where it fits; until its end else. */
  seconds: number;
  policy: string;
  error: string | null;
  /** What a reader must know: above all, how much of the limit lay in pieces too small. */
  notes: string[];
}

/** The least limit that was found. */
export interface TriedNeed extends Tried {
  /** Null where even the limit that was given is too little, or a try ended for another reason. */
  needBytes: number | null;
  /** How near the next smaller limit was that failed. */
  resolutionBytes: number;
  tries: { limitBytes: number; fits: boolean | null; peakBytes: number | null; seconds: number }[];
}

const mebibyte = 2 ** 20;

/**
 * Run one training step of a setting under a limit.
 * @throws InputError for a setting that our step does not have, or a limit that is none; Interrupted
 */
export async function trySetting(
  setting: Setting,
  { limitBytes, ...long }: { limitBytes: number } & Long,
): Promise<Tried> {
  await checkTried(setting);
  return tryOnce(setting, limitBytes, long);
}

async function checkTried(setting: Setting): Promise<void> {
  // It refuses what it cannot run.
  const { vramStep } = await import('./step.js');
  vramStep(setting);
}

async function tryOnce(setting: Setting, limitBytes: number, { signal, progress }: Long): Promise<Tried> {
  const meter = new Meter(`a step under ${formatBytes(limitBytes)}`, 'steps', 1, { signal, progress });
  const program = inRepo('dist', 'profilers', 'vram', 'try-task.js');
  const run = await runLimited(program, setting, { limitBytes, signal, stage: (what) => meter.add(0, what) });
  meter.finish();
  return triedOf(run, limitBytes, policyName(setting.policy));
}

function triedOf(run: LimitedRun, limitBytes: number, policy: string): Tried {
  const { fits, allocator, processBytes, error, result } = run;
  return {
    fits,
    limitBytes,
    peakBytes: allocator?.peakBytes ?? null,
    requestedBytes: allocator?.requestedBytes ?? null,
    processBytes,
    seconds: fits ? (result as { seconds: number }).seconds : run.seconds,
    policy,
    error,
    notes: [
      ...notesOf(run, limitBytes),
      'run on the processor by the allocator of cards: kernels of a card may need more',
    ],
  };
}

function notesOf({ fits, allocator }: LimitedRun, limitBytes: number): string[] {
  if (!allocator) return [];
  const { peakBytes, requestedBytes, reservedBytes, failure } = allocator;
  if (fits)
    return [
      `of ${formatBytes(limitBytes)} the allocator took ${formatBytes(reservedBytes)}; ${formatBytes(peakBytes)} of it were in use at most, for ${formatBytes(requestedBytes)} that tensors asked for`,
    ];
  if (fits !== false || failure === null) return [];
  const { bytes, leftBytes, largestBytes } = failure;
  if (leftBytes === null || largestBytes === null) return [];
  const left = `${formatBytes(bytes)} were asked for; ${formatBytes(leftBytes)} were left, the largest piece ${formatBytes(largestBytes)}`;
  return [leftBytes >= bytes ? `${left}: fragmentation, not want, made it fail` : left];
}

/**
 * Find the least limit under which a step fits, by halving.
 * @param limitBytes       the largest limit that is tried
 * @param resolutionBytes  how near the answer must be; one hundredth of the peak, and at least 1 MiB, where left out
 * @param attempt          one try; the real one where left out
 * @throws as `trySetting`
 */
export async function findNeed(
  setting: Setting,
  { limitBytes, resolutionBytes, ...long }: { limitBytes: number; resolutionBytes?: number } & Long,
  attempt: (limitBytes: number) => Promise<Tried> = (bytes) => tryOnce(setting, bytes, long),
): Promise<TriedNeed> {
  await checkTried(setting);
  if (resolutionBytes !== undefined && !(resolutionBytes >= mebibyte))
    throw new InputError({
      what: 'cannot find the least limit',
      given: `a resolution of ${resolutionBytes} bytes`,
      expected: 'at least 1 MiB',
      fix: 'leave it out: one hundredth of the peak is taken',
    });
  const tries: TriedNeed['tries'] = [];
  const once = async (bytes: number): Promise<Tried> => {
    const tried = await attempt(bytes);
    const { limitBytes: limit, fits, peakBytes, seconds } = tried;
    tries.push({ limitBytes: limit, fits, peakBytes, seconds });
    return tried;
  };
  let best = await once(limitBytes);
  const resolution = resolutionBytes ?? Math.max(mebibyte, (best.peakBytes ?? 0) / 100);
  if (!best.fits || best.peakBytes === null)
    return { ...best, needBytes: null, resolutionBytes: resolution, tries };
  // Under less than tensors ask for at one time nothing can fit.
  let low = best.requestedBytes ?? 0;
  let next = Math.min(best.peakBytes, limitBytes);
  while (best.limitBytes - low > resolution) {
    const bytes = Math.ceil(next / mebibyte) * mebibyte;
    if (bytes >= best.limitBytes) break;
    const tried = await once(bytes);
    if (tried.fits === null) return { ...tried, needBytes: null, resolutionBytes: resolution, tries };
    if (tried.fits) best = tried;
    else low = bytes;
    next = (low + best.limitBytes) / 2;
  }
  return { ...best, needBytes: best.limitBytes, resolutionBytes: resolution, tries };
}
