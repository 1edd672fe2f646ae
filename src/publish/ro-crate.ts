// The recorded results as a Research Object Crate: what ran, from what, when, on what, and what came out.
import { InputError } from '../base/errors';

/**
 * Write `ro-crate-metadata.json` for a folder of recorded studies.
 * @returns the files written
 */
export function writeCrate(dir: string): string[] {
  throw notYet(dir);
}

/**
 * Check a folder against its crate.
 * @returns problems, one line each with what to do; none where all is as recorded
 */
export function checkCrate(dir: string): string[] {
  throw notYet(dir);
}

const notYet = (dir: string): InputError =>
  new InputError({
    what: `cannot describe ${dir}`,
    given: 'a library in which crates are not built yet',
    expected: 'a later version',
    fix: 'wait for it',
  });
