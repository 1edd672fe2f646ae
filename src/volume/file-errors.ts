// How errors about one file are told.
import { InputError } from '../base/errors';

/** Makes the error for something wrong in one file. */
export type WrongIn = (given: string, expected: string, fix: string, cause?: unknown) => InputError;

/** Errors about one file that is read. */
export function problemIn(file: string): WrongIn {
  return (given, expected, fix, cause) =>
    new InputError({ what: `cannot read ${file}`, given, expected, fix }, { cause });
}
