// Taking the libraries and headers out of a wheel.
import { createWriteStream, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import { Interrupted, messageOf } from '../../base/errors';
import { diskError, isDiskError } from '../../base/files';
import type { Long } from '../../base/progress';
import { Meter } from '../../base/progress';
import { damagedWheel } from './messages';
import type { Wheel } from './recipe';
import { isKept } from './recipe';

/**
 * Unpack what is kept of a wheel into a folder.
 * @returns the bytes of each file, by its name in the wheel
 * @throws InputError for a damaged wheel or a full disk; Interrupted
 */
export async function unpackWheel(
  file: string,
  wheel: Wheel,
  into: string,
  long: Long,
): Promise<Record<string, number>> {
  const meter = new Meter(`unpacking ${wheel.project} ${wheel.version}`, 'B', wheel.keptBytes, long);
  const sizes: Record<string, number> = {};
  try {
    const zip = await openPromise(file);
    for await (const entry of zip.eachEntry()) {
      const { fileName, uncompressedSize } = entry;
      if (!isKept(fileName)) continue;
      const target = path.join(into, fileName);
      mkdirSync(path.dirname(target), { recursive: true });
      // The mode stands in the upper half; of it only "may be run" matters (XLA's assembler).
      const mode = (entry.externalFileAttributes >>> 16) & 0o100 ? 0o755 : 0o644;
      await pipeline(
        await zip.openReadStreamPromise(entry),
        async function* (pieces: Readable) {
          for await (const piece of pieces as AsyncIterable<Buffer>) {
            meter.add(piece.length, path.basename(fileName));
            yield piece;
          }
        },
        createWriteStream(target, { flags: 'wx', mode }),
        { signal: long.signal },
      );
      sizes[fileName] = uncompressedSize;
    }
  } catch (error) {
    if (error instanceof Interrupted || long.signal?.aborted)
      throw new Interrupted('the install of native TensorFlow');
    if (isDiskError(error)) throw diskError(error, into, 'make room or give permission, then run it again');
    throw damagedWheel(wheel, messageOf(error));
  }
  if (Object.keys(sizes).length === 0) throw damagedWheel(wheel, 'a zip file without libraries');
  meter.finish();
  return sizes;
}
