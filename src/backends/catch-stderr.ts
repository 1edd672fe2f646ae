// What machine code writes to the terminal while it is loaded. TensorFlow logs two lines while its libraries are linked, before
// anything can tell it to be quiet.
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';

/** How a piece of work ended, and what it wrote to file descriptor 2 meanwhile. */
export type Caught<T> = { said: string } & ({ value: T } | { error: unknown });

/**
 * Do something with file descriptor 2 put aside. Where it cannot be put back (a socket, as between processes of Node, or a
 * file that stdout may share), it stays as it is and nothing is caught: whoever started this process reads it, or nobody.
 */
export function catchStderr<T>(work: () => T): Caught<T> {
  const terminal = canBeReopened() ? reopened(2) : undefined;
  if (terminal === undefined) return { ...attempt(work), said: '' };
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-stderr-'));
  const file = path.join(folder, 'said');
  try {
    // An open takes the lowest number that is free. Node cannot duplicate a descriptor onto another.
    closeSync(2);
    openSync(file, 'a+');
    const end = attempt(work);
    closeSync(2);
    reopened(terminal);
    return { ...end, said: readFileSync(file, 'utf8') };
  } finally {
    closeSync(terminal);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A terminal or a pipe of a shell. */
function canBeReopened(): boolean {
  if (process.platform === 'win32' || !isMainThread) return false;
  try {
    const stderr = fstatSync(2);
    return stderr.isCharacterDevice() || stderr.isFIFO();
  } catch {
    return false;
  }
}

function reopened(descriptor: number): number | undefined {
  try {
    return openSync(`/dev/fd/${descriptor}`, constants.O_WRONLY | constants.O_APPEND | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}

function attempt<T>(work: () => T): { value: T } | { error: unknown } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}
