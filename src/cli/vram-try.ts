// `coc vram --try`: a step that is really run under a limit of memory, and what is printed of it.
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { formatSeconds } from '../base/progress';
import { parsePolicy } from '../memory/policy';
import type { Question } from '../profilers/vram/answer';
import type { CardMemoryName } from '../profilers/vram/card-memory';
import { cardMemories } from '../profilers/vram/card-memory';
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
  card?: CardMemoryName;
}

/** Run the step of a setting, by the policy that is named or chosen by dry run. */
export async function tryStep(flags: TryFlags, setting: Omit<Setting, 'policy'>, long: Long): Promise<void> {
  const { limit: limitBytes, policy: asked, card } = flags;
  if (card && asked !== 'cheapest') throw await noCard(card);
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

/** No step is tried on a card: where there is none that says so, and where there is one that a limit cannot be put on it. */
async function noCard(card: CardMemoryName): Promise<InputError> {
  const { nvidiaCards } = await import('../backends/card.js');
  const here = (await nvidiaCards()).map(({ name }) => name).join(', ');
  const { bytes } = cardMemories[card];
  return new InputError({
    what: 'cannot try the step on a card',
    given: `--card ${card} on ${here ? `a machine with ${here}, whose memory TensorFlow.js can put no limit on` : 'a machine without a card (nvidia-smi lists none)'}`,
    expected: "no card: the step runs on the processor, with TensorFlow's allocator of cards",
    fix: `leave out --card; as much memory as it has is --limit ${bytes / units.MiB}MiB`,
  });
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
  const { needBytes, resolutionBytes, dryRunBytes, tries } = tried;
  const need =
    needBytes === null
      ? `No limit was found under which it fits; the dry run says ${size(dryRunBytes)}`
      : `It needs ${size(needBytes)}, to within ${size(resolutionBytes)}`;
  const each = tries.map(
    (one) =>
      `  ${size(one.limitBytes)}: ${one.fits === null ? 'not known' : one.fits ? 'fits' : 'does not fit'}`,
  );
  return [need, ...each, ...lines].join('\n');
}
