// The mode: draw what is recorded, or compute anew.
import { InputError } from '../base/errors';
import type { Mode } from '../results/result';
import { modes } from '../results/result';

/**
 * The mode that `COC_MODE` names; `stored` where it is not set, so that a notebook opened in a front end shows the
 * recorded results within seconds.
 */
export function modeFromEnvironment(): Mode {
  const given = process.env.COC_MODE ?? 'stored';
  const mode = modes.find((m) => m === given);
  if (mode) return mode;
  throw new InputError({
    what: 'cannot choose a mode',
    given: `COC_MODE=${given}`,
    expected: modes.join(', '),
    fix: 'set COC_MODE to one of these, or leave it unset',
  });
}
