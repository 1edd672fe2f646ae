// Records of a zip file that are stored as they are, read at any place. yauzl knows the directory, zip64 included.
import { crc32 } from 'node:zlib';
import type { Entry } from 'yauzl';
import { fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl';
import { Interrupted, messageOf } from '../base/errors';
import type { BytesSource } from '../volume/bytes-source';
import { openFile } from '../volume/bytes-source';
import type { WrongIn } from '../volume/file-errors';
import { roomFor } from './number-types';

export interface ZipRecords {
  /** Names below the one folder in which everything lies. */
  has(name: string): boolean;
  /** Bytes of a record. */
  sizeOf(name: string): number;
  /**
   * A record, or a part of it. A whole one is compared with its checksum; a part cannot be, nor can anything in a file that was
   * saved without checksums.
   * @throws InputError for a record that is missing, compressed, not whole or not as it was written
   */
  read(name: string, from?: number, length?: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Open a zip file whose records all lie in one folder, as torch.save writes.
 * @param inside  a record that names the folder: the one that holds it
 * @throws InputError for a file that is missing or no such zip file
 */
export async function openRecords(
  file: string,
  inside: string,
  wrong: WrongIn,
  signal?: AbortSignal,
): Promise<ZipRecords> {
  const source = await openFile(file, signal);
  const damaged = (why: string, cause?: unknown): Error =>
    wrong(why, 'a whole zip file as torch.save writes it', 'take a whole copy of the file', cause);
  const close = (): Promise<void> => source.close();
  try {
    const reader = new SourceReader(source);
    const opened = await fromRandomAccessReaderPromise(reader, source.size, { autoClose: false });
    const all = new Map<string, Entry>();
    for await (const entry of opened.eachEntry()) {
      if (all.has(entry.fileName)) throw new Error(`the record ${entry.fileName} a second time`);
      all.set(entry.fileName, entry);
    }
    const folders = [...all.keys()].filter((name) => name.split('/').slice(1).join('/') === inside);
    if (folders.length !== 1) throw new Error(`${folders.length} records ${inside}`);
    const folder = folders[0].slice(0, -inside.length);
    const entryOf = (name: string): Entry => {
      const entry = all.get(folder + name);
      if (!entry) throw damaged(`no record ${name}`);
      if (
        entry.compressionMethod !== 0 ||
        entry.isEncrypted() ||
        entry.compressedSize !== entry.uncompressedSize
      )
        throw damaged(`the record ${name} compressed or encrypted`);
      return entry;
    };
    return {
      has: (name) => all.has(folder + name),
      sizeOf: (name) => entryOf(name).uncompressedSize,
      async read(name, from = 0, length = entryOf(name).uncompressedSize - from) {
        const entry = entryOf(name);
        // yauzl compares with the size of the file.
        const { fileDataStart } = await opened
          .readLocalFileHeaderPromise(entry, { minimal: true })
          .catch((error: unknown) => {
            throw damaged(`the record ${name}: ${messageOf(error)}`, error);
          });
        const bytes = roomFor(length, `the record ${name}`, wrong);
        if ((await source.read(bytes, fileDataStart + from)) !== length)
          throw damaged(`the record ${name} cut short`);
        // PyTorch writes 0 where it was told to compute none (`set_crc32_options(False)`), and only there.
        const whole = from === 0 && length === entry.uncompressedSize;
        if (whole && entry.crc32 !== 0 && crc32(bytes) !== entry.crc32)
          throw damaged(`the record ${name}, whose bytes do not have its checksum`);
        return bytes;
      },
      close,
    };
  } catch (error) {
    await close();
    if (error instanceof Interrupted) throw error;
    throw damaged(messageOf(error), error);
  }
}

/** yauzl's own reader of files ends the process when a damaged directory sends it beyond 2^53; this one says so. */
class SourceReader extends RandomAccessReader {
  constructor(private readonly source: BytesSource) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, bytesRead?: number) => void,
  ): void {
    const target = buffer.subarray(offset, offset + length);
    const inside = position >= 0 && position + length <= this.source.size;
    const read = inside ? this.source.read(target, position) : Promise.resolve(0);
    read.then(
      (got) => setImmediate(done, null, got),
      (error: Error) => setImmediate(done, error),
    );
  }
}
