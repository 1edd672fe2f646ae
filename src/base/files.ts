// Files that are never half-written: everything goes to a temporary name first and is renamed when complete.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { InputError, Interrupted, messageOf } from './errors';
import { canonicalJson } from './hash';

/**
 * Make the folder that a result is to go to, before the work on it begins.
 * @throws InputError when there can be none
 */
export function requireFolderOf(file: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true });
  } catch (error) {
    throw new InputError({
      what: `cannot write ${file}`,
      given: messageOf(error),
      expected: 'a folder, or a place for one',
      fix: 'give another path',
    });
  }
}

/** A temporary name in the same folder, so that the rename stays within one file system. */
export function temporaryName(file: string): string {
  return `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
}

/**
 * Write a file so that readers see the old content or the whole new one, never a part.
 * @param file  path; missing folders are made
 * @param data  text (UTF-8) or bytes
 * @throws the system's error (disk full, read-only folder); the old file is then untouched and no temporary is left
 */
export function writeFileAtomic(file: string, data: string | Uint8Array): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const temporary = temporaryName(file);
  try {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    const handle = openSync(temporary, 'wx');
    try {
      let written = 0;
      while (written < bytes.length) written += writeSync(handle, bytes, written);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Write a file of any size piece by piece, whole or not at all as `writeFileAtomic` does.
 * @throws what `pieces` throws; Interrupted; the system's error. The old file is then untouched and no temporary is left
 */
export async function writePiecesAtomic(
  file: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true });
  const temporary = temporaryName(file);
  try {
    const handle = await open(temporary, 'wx');
    try {
      for await (const piece of pieces)
        for (let done = 0; done < piece.length;)
          done += (await handle.write(piece, done, piece.length - done)).bytesWritten;
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (signal?.aborted) throw new Interrupted(`writing ${file}`);
    await rename(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Write a value as canonical JSON (sorted keys, two spaces, final newline), atomically: equal values give equal bytes. */
export function writeJsonAtomic(file: string, value: unknown): void {
  writeFileAtomic(file, canonicalJson(value) + '\n');
}

/** Read a JSON file; the error names the file. */
export function readJson(file: string): unknown {
  const text = readFileSync(file, 'utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const problem = {
      given: messageOf(error),
      expected: 'a JSON file',
      fix: 'mend it, or restore it from git',
    };
    throw new InputError({ what: `${file} is not valid JSON`, ...problem }, { cause: error });
  }
}

const diskCodes = [
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'ENOTDIR',
  'EISDIR',
  'EIO',
  'ENAMETOOLONG',
];

/** Whether an error is one of the disk: full, read-only, no permission. */
export function isDiskError(error: unknown): boolean {
  return diskCodes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** An error of the disk (full, read-only, no permission) as something the user can put right; others as they are. */
export function diskError(error: unknown, file: string, fix: string): unknown {
  if (!isDiskError(error)) return error;
  return new InputError(
    {
      what: `cannot write ${file}`,
      given: messageOf(error),
      expected: 'a folder with room and permission to write',
      fix,
    },
    { cause: error },
  );
}

/** Keep the newest files of a cache folder and remove the others. */
export function keepNewest(dir: string, count: number): void {
  const names = readdirSync(dir).filter((name) => !name.endsWith('.tmp'));
  if (names.length <= count) return;
  const byAge = names
    .map((name) => path.join(dir, name))
    .map((file) => ({ file, time: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.time - a.time);
  for (const { file } of byAge.slice(count)) rmSync(file, { recursive: true, force: true });
}
