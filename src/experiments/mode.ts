// The mode: draw what is recorded, or compute anew. And how large a study is run in it.
import { InputError } from '../base/errors';
import type { Mode } from '../results/result';
import { modes } from '../results/result';

const meanings: Record<Mode, string> = {
  stored: 'results are drawn from the record, nothing is measured on this machine',
  quick: 'studies run on this machine at a size for a CPU, unless the run store holds their run already',
  full: 'studies run on this machine at the size of the paper, unless the run store holds their run already',
};

// Not in the module: the kernel loads modules anew when their source changes, and the choice stays.
const key = Symbol.for('cost-of-consistency.mode');
const place = globalThis as typeof globalThis & { [key]?: Mode };

/**
 * Choose the mode of a notebook, in its first code cell: `const mode = chooseMode('stored')`. `COC_MODE` wins where it is
 * set (a reproduce sets it). Prints one line that says which mode it is, why, and what it means; `runStudy` keeps to it.
 * @throws InputError when there is no such mode
 */
export function chooseMode(word: Mode): Mode {
  const given = process.env.COC_MODE;
  const mode = checked(given ?? word, given === undefined ? 'the word' : 'COC_MODE');
  place[key] = mode;
  const why =
    given === undefined
      ? `the word in this cell; the others are ${modes.filter((m) => m !== mode).join(' and ')}`
      : 'by COC_MODE, which wins over the word in this cell';
  process.stdout.write(`Mode: ${mode} (${why}): ${meanings[mode]}.\n`);
  return mode;
}

/** The mode that was chosen, else the one that `COC_MODE` names, else `stored`. */
export function currentMode(): Mode {
  return place[key] ?? checked(process.env.COC_MODE ?? 'stored', 'COC_MODE');
}

function checked(given: string, by: string): Mode {
  const mode = modes.find((m) => m === given);
  if (mode) return mode;
  throw new InputError({
    what: 'cannot choose a mode',
    given: `${by} ${given}`,
    expected: modes.join(', '),
    fix: 'choose one of these',
  });
}

/** What a rehearsal's results carry among their notes. */
export const rehearsalNote =
  'rehearsal: run with the smallest spec, to try the code path; these numbers are no results';

/**
 * Whether studies run with their smallest specs in place of those of the mode (`COC_SPECS=tiny`): a rehearsal of the code
 * path, whose results never become those of the mode.
 * @throws InputError when `COC_SPECS` is set to anything else
 */
export function isRehearsal(): boolean {
  const given = process.env.COC_SPECS;
  if (given === undefined || given === '') return false;
  if (given === 'tiny') return true;
  throw new InputError({
    what: 'cannot choose the size of the studies',
    given: `COC_SPECS=${given}`,
    expected: 'tiny, or nothing',
    fix: 'set COC_SPECS=tiny for a rehearsal, or leave it unset',
  });
}
