// `coc vram --try`: a step that is really run under a limit of memory, and what is printed of it.
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { formatSeconds } from '../base/progress';
import { parsePolicy } from '../memory/policy';
import type { Question } from '../profilers/vram/answer';
import type { Setting } from '../profilers/vram/setting';
import type { Tried, TriedNeed } from '../profilers/vram/try';
import { print } from './output';

/** The options of a try. */
interface TryFlags {
  try?: true;
  limit?: number;
  bisect?: true;
  json?: boolean;
  policy: Question['policy'];
  card?: Question['cards'][number];
}

/** Run the step of a setting, by the policy that is named or chosen by dry run. */
export async function tryStep(flags: TryFlags, setting: Omit<Setting, 'policy'>, long: Long): Promise<void> {
  const { limit: limitBytes, policy: asked, card } = flags;
  if (limitBytes === undefined)
    throw new InputError({
      what: 'cannot try a step',
      given: 'no limit',
      expected: 'how much memory it may have',
      fix: 'name it: --limit 16GiB',
    });
  const { answer } = await import('../profilers/vram/answer.js');
  const question = { stack: 'tfjs', setting, policy: asked, cards: card ? [card] : [] } as const;
  const policy = typeof asked === 'string' ? parsePolicy((await answer(question, long)).policy) : asked;
  const { findNeed, trySetting } = await import('../profilers/vram/try.js');
  const run = flags.bisect ? findNeed : trySetting;
  const tried = await run({ ...setting, policy }, { limitBytes, ...long });
  print(flags, { setting, ...tried }, triedText(tried));
}

/** @throws InputError for options that say how to try, where nothing is tried */
export function refuseWithoutTry({ limit, bisect }: Pick<TryFlags, 'limit' | 'bisect'>): void {
  const given = limit !== undefined ? '--limit' : bisect ? '--bisect' : undefined;
  if (given === undefined) return;
  throw new InputError({
    what: `cannot take ${given}`,
    given: 'no --try',
    expected: 'both: without --try nothing is run',
    fix: 'add --try',
  });
}

const units: Record<string, number> = { MiB: 2 ** 20, GiB: 2 ** 30, MB: 1e6, GB: 1e9 };

/** `16GiB` in bytes. */
export function bytesOf(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*(MiB|GiB|MB|GB)$/.exec(text);
  if (found) return Math.floor(Number(found[1]) * units[found[2]]);
  throw new InputError({
    what: 'cannot take --limit',
    given: `"${text}"`,
    expected: `a number and a unit: ${Object.keys(units).join(', ')}`,
    fix: 'for example --limit 16GiB',
  });
}

const size = (bytes: number): string => `${(bytes / units.MiB).toFixed(1)} MiB`;

function triedText(tried: Tried | TriedNeed): string {
  const { fits, limitBytes, peakBytes, processBytes, seconds, policy, error, notes } = tried;
  const verdict = fits === null ? 'NOT KNOWN' : fits ? 'fits' : 'does not fit';
  const lines = [
    `Under ${size(limitBytes)}, policy ${policy}: ${verdict}, ${formatSeconds(seconds)}`,
    ...(peakBytes === null ? [] : [`Most in use in the allocator: ${size(peakBytes)}`]),
    ...(processBytes === null ? [] : [`Most resident memory of the process: ${size(processBytes)}`]),
    ...(error === null ? [] : [`It said: ${error}`]),
    ...notes,
  ];
  if (!('tries' in tried)) return lines.join('\n');
  const { needBytes, resolutionBytes, tries } = tried;
  const need =
    needBytes === null
      ? 'No limit was found under which it fits'
      : `It needs ${size(needBytes)}, to within ${size(resolutionBytes)}`;
  const each = tries.map(
    (one) =>
      `  ${size(one.limitBytes)}: ${one.fits === null ? 'not known' : one.fits ? 'fits' : 'does not fit'}`,
  );
  return [need, ...each, ...lines].join('\n');
}
