// An archive as parts that fit through a limit on files, with a list of their hashes in the form that `sha256sum -c` reads.
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../../base/files';

/** One file of an archive. */
export interface ArchivePart {
  file: string;
  bytes: number;
  sha256: string;
}

/** `webgpu.part.000`: sorted by name they are in order. */
const partName = (archive: string, index: number): string =>
  `${archive}.part.${String(index).padStart(3, '0')}`;

/** The list of an archive's parts. */
export const listName = (archive: string): string => `${archive}.sha256`;

/**
 * Write a stream as parts, and the list of their hashes last; what lay there of an earlier archive of this name goes first.
 * @param most  bytes of a part at most
 */
export async function cutIntoParts(
  stream: AsyncIterable<Buffer>,
  dir: string,
  archive: string,
  most: number,
): Promise<ArchivePart[]> {
  for (const file of readdirSync(dir))
    if (file.startsWith(`${archive}.part.`) || file === listName(archive)) rmSync(path.join(dir, file));
  const parts: ArchivePart[] = [];
  let handle: FileHandle | undefined;
  let hash = createHash('sha256');
  let bytes = 0;
  const finish = async (): Promise<void> => {
    if (!handle) return;
    await handle.close();
    handle = undefined;
    parts.push({ file: partName(archive, parts.length), bytes, sha256: hash.digest('hex') });
    hash = createHash('sha256');
    bytes = 0;
  };
  try {
    for await (const piece of stream) {
      for (let from = 0; from < piece.length;) {
        handle ??= await open(path.join(dir, partName(archive, parts.length)), 'w');
        const some = piece.subarray(from, from + most - bytes);
        await handle.writeFile(some);
        hash.update(some);
        bytes += some.length;
        from += some.length;
        if (bytes === most) await finish();
      }
    }
    await finish();
  } finally {
    await handle?.close();
  }
  writeFileAtomic(
    path.join(dir, listName(archive)),
    parts.map(({ sha256, file }) => `${sha256}  ${file}\n`).join(''),
  );
  return parts;
}
