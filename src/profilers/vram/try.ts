// A training step really run under a limit of memory, in a fresh process: whether it fits, and the least limit under which it does.
// It runs on the processor, by the allocator of cards. That the bytes fit is all it says: a card's own kernels differ.
import { InputError } from '../../base/errors';
import { inRepo } from '../../base/paths';
import type { Long } from '../../base/progress';
import { formatBytes, Meter } from '../../base/progress';
import { policyName } from '../../memory/policy';
import type { LeastLimit } from './least-limit';
import { leastLimit } from './least-limit';
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
  /** What tensors hold at one time by the dry run: where the search begins. */
  dryRunBytes: number;
  tries: { limitBytes: number; fits: boolean | null; peakBytes: number | null; seconds: number }[];
}

/** The largest limit that is tried, signal and progress. */
export type TryLimit = { limitBytes: number } & Long;

const mebibyte = 2 ** 20;

/**
 * Run one training step of a setting under a limit.
 * @throws InputError for a setting that our step does not have, or a limit that is none; Interrupted
 */
export async function trySetting(setting: Setting, { limitBytes, ...long }: TryLimit): Promise<Tried> {
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
 * Find the least limit under which a step fits (least-limit.ts). Every try is a fresh process.
 * @param limitBytes       the largest limit that is tried
 * @param resolutionBytes  how near the answer must be; one hundredth of the peak, and at least 1 MiB, where left out
 * @throws as `trySetting`
 */
export async function findNeed(
  setting: Setting,
  { limitBytes, resolutionBytes, ...long }: TryLimit & { resolutionBytes?: number },
): Promise<TriedNeed> {
  await checkTried(setting);
  if (resolutionBytes !== undefined && !(resolutionBytes >= mebibyte))
    throw new InputError({
      what: 'cannot find the least limit',
      given: `a resolution of ${resolutionBytes} bytes`,
      expected: 'at least 1 MiB',
      fix: 'leave it out: one hundredth of the peak is taken',
    });
  const { batch, ...rest } = setting;
  const { readingsOf } = await import('./stacks.js');
  const [said] = await readingsOf('tfjs', [{ setting: rest, batch }], long);
  if ('refusal' in said) throw said.refusal;
  const dryRunBytes = said.reading.need(batch).peakBytes;
  const found = await leastLimit({ dryRunBytes, limitBytes, resolutionBytes }, (bytes) =>
    tryOnce(setting, bytes, long),
  );
  return needOf(found, dryRunBytes);
}

/** What a search has found, with the causes of what is needed beyond the dry run. */
export function needOf({ least, tries, resolutionBytes }: LeastLimit<Tried>, dryRunBytes: number): TriedNeed {
  const said = least ?? tries.at(-1)!;
  return {
    ...said,
    needBytes: least?.limitBytes ?? null,
    resolutionBytes,
    dryRunBytes,
    tries: tries.map(({ limitBytes, fits, peakBytes, seconds }) => ({ limitBytes, fits, peakBytes, seconds })), // prettier-ignore
    notes: [...said.notes, ...(least ? causesOf(least, dryRunBytes) : [])],
  };
}

/** From the dry run to the need. */
function causesOf({ limitBytes, peakBytes, requestedBytes }: Tried, dryRunBytes: number): string[] {
  if (peakBytes === null || requestedBytes === null) return [];
  return [
    `the dry run says ${formatBytes(dryRunBytes)}; ${formatBytes(requestedBytes)} were asked of the allocator at one time; rounding adds ${formatBytes(peakBytes - requestedBytes)}, fragmentation ${formatBytes(Math.max(0, limitBytes - peakBytes))} at most`,
  ];
}
