// Where the bytes of a file come from: the disk, read in pieces (files of any size), or memory.
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { InputError, Interrupted, messageOf } from '../base/errors';

/** A file that can be read at any place. */
export interface BytesSource {
  /** Name for messages. */
  name: string;
  size: number;
  /** Fill `target` from `position`; short only where the file ends. Returns how many bytes were read. */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/** More than this in one system call fails on some platforms. */
const pieceBytes = 2 ** 30;

/** @throws InputError when the file is missing, is a folder or may not be read */
export async function openFile(file: string, signal?: AbortSignal): Promise<BytesSource> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('it is not a file');
    return fromHandle(handle, file, stat.size, signal);
  } catch (error) {
    await handle?.close();
    throw new InputError(
      {
        what: `cannot read ${file}`,
        given: messageOf(error),
        expected: 'a readable file',
        fix: 'check the path and its permissions',
      },
      { cause: error },
    );
  }
}

function fromHandle(handle: FileHandle, name: string, size: number, signal?: AbortSignal): BytesSource {
  return {
    name,
    size,
    async read(target, position) {
      let done = 0;
      while (done < target.length) {
        if (signal?.aborted) throw new Interrupted(`reading ${name}`);
        const length = Math.min(pieceBytes, target.length - done);
        const { bytesRead } = await handle.read(target, done, length, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    },
    close: () => handle.close(),
  };
}

/** Bytes in memory as a source; they are never written to. */
export function fromBytes(bytes: Uint8Array, name: string): BytesSource {
  return {
    name,
    size: bytes.length,
    read(target, position) {
      const part = bytes.subarray(position, position + target.length);
      target.set(part);
      return Promise.resolve(part.length);
    },
    close: () => Promise.resolve(),
  };
}
