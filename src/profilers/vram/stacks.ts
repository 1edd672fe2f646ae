// Both stacks behind one door: what each says of a setting, or why it says nothing.
import { InputError } from '../../base/errors';
import type { Long } from '../../base/progress';
import { derivedNeed } from '../derived/need';
import { readingOf } from './dry-reading';
import type { Wanted } from './dry-runs';
import { dryRunsOf } from './dry-runs';
import type { Stack } from './need';
import type { Reading } from './reading';
import { readingBy } from './reading';
import { checkSetting, checkTfjsSetting } from './setting';

/** A reading, or why there is none. */
export type Said = { readonly reading: Reading } | { readonly refusal: InputError };

/**
 * Readings on a stack, in the order of what is wanted.
 * @param wanted  of our own step it takes less time to tell of one batch than of all
 * @throws InputError for settings that there are on no stack; Interrupted
 */
export async function readingsOf(
  stack: Stack,
  wanted: readonly Wanted[],
  long: Long = {},
): Promise<readonly Said[]> {
  for (const { setting } of wanted) checkSetting({ ...setting, batch: 1 });
  if (stack === 'pytorch')
    return wanted.map(({ setting, batch }) => {
      const reading = readingBy((n) => derivedNeed({ ...setting, batch: n }));
      // Whether there is such a step shows when it is asked of a batch; the answer is kept for who asks again.
      const refusal = refusalOf(() => reading.need(batch === 'every' ? 1 : batch));
      return refusal ? { refusal } : { reading };
    });
  const refusals = wanted.map(({ setting }) => refusalOf(() => checkTfjsSetting(setting)));
  const possible = wanted.filter((_, k) => !refusals[k]);
  const readings = (await dryRunsOf(possible, long)).map((runs, k) =>
    readingOf(runs, possible[k].setting.model),
  );
  return wanted.map((one, k) => {
    const refusal = refusals[k];
    return refusal ? { refusal } : { reading: readings[possible.indexOf(one)] };
  });
}

/** Why there is no such step; undefined where there is. */
function refusalOf(ask: () => unknown): InputError | undefined {
  try {
    ask();
    return undefined;
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}
