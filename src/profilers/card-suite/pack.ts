// Archives for a machine without Node or network.
import { InputError } from '../../base/errors';

/** @throws InputError: not there yet */
export function makePack(): never {
  throw new InputError({
    what: 'cannot make the archives',
    given: '--pack',
    expected: 'test/gpu/pack.sh, until this does the same',
    fix: 'run that',
  });
}
