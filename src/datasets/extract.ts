// Unpacking a tar archive from elsewhere: nothing lands outside the target folder, and nothing but plain files does.
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Header } from 'tar-stream';
import { extract } from 'tar-stream';
import { InputError, Interrupted, messageOf } from '../base/errors';
import { temporaryName, writeJsonAtomic } from '../base/files';
import { formatBytes } from '../base/progress';
import { diskError } from './cache';

/** What an archive may hold at most. */
export interface ArchiveLimits {
  /** Files and folders. */
  entries: number;
  /** Bytes of all files together. */
  bytes: number;
  /** Unpacked bytes per byte of the archive; holds from 10 MB on. */
  ratio: number;
}

/** Room for the largest set we list (Task 01: 7.6 GB) and no more than a small multiple of it. */
export const archiveLimits: ArchiveLimits = { entries: 20_000, bytes: 50e9, ratio: 100 };

/** A member in the stream. */
interface Member extends AsyncIterable<Buffer> {
  header: Header;
  resume(): unknown;
}

/**
 * Unpack `.tar` or `.tar.gz` (told by its first bytes) into a folder of its own, all or nothing: the folder appears when
 * every member is in it, and replaces an older one.
 * @param mark  written to `<target>.unpacked.json`, so that `extractedBefore` knows this archive
 * @returns how many files and bytes were unpacked
 * @throws InputError for paths that lead out, links, devices, members twice, limits passed, a damaged archive; Interrupted
 */
export async function extractTar(
  archive: string,
  target: string,
  {
    limits = archiveLimits,
    signal,
    mark,
  }: { limits?: ArchiveLimits; signal?: AbortSignal; mark?: string } = {},
): Promise<{ files: number; bytes: number }> {
  const temporary = temporaryName(target);
  const problem = (given: string, expected: string): InputError =>
    new InputError({
      what: `${archive} was not unpacked`,
      given,
      expected,
      fix: 'get the archive from its publisher; do not unpack it by other means before you know why it looks like this',
    });
  const count = { entries: 0, files: 0, bytes: 0, read: 0 };
  const seen = new Set<string>();

  /** Where a member goes, undefined for the root folder itself. */
  const destination = ({ name, type }: Header): string | undefined => {
    const clean = name.replace(/\/+$/, '').replace(/^(\.\/)+/, '');
    if (type !== 'file' && type !== 'directory')
      throw problem(
        `the member "${name}" of type ${type ?? 'unknown'}`,
        'plain files and folders, no links, no devices',
      );
    if (clean === '' || clean === '.') return undefined;
    const partsOf = clean.split('/');
    if (/^[/\\]|^[A-Za-z]:|[\\\0]/.test(clean) || partsOf.some((p) => p === '..' || p === '.' || p === ''))
      throw problem(`the member "${name}"`, 'paths inside the target folder');
    if (clean.length > 1000)
      throw problem(`a member with a path of ${clean.length} characters`, 'at most 1000');
    const key = clean.normalize('NFC').toLowerCase();
    if (type === 'file' && seen.has(key)) throw problem(`the member "${name}" twice`, 'each member once');
    seen.add(key);
    return path.join(temporary, ...partsOf);
  };

  const writeMember = async (entry: Member): Promise<void> => {
    const { header } = entry;
    if (++count.entries > limits.entries) throw problem(`more than ${limits.entries} members`, 'fewer');
    const file = destination(header);
    if (file !== undefined && header.type === 'file') {
      count.bytes += header.size ?? 0;
      count.files++;
      if (count.bytes > limits.bytes)
        throw problem(`more than ${formatBytes(limits.bytes)} of content`, 'less');
      mkdirSync(path.dirname(file), { recursive: true });
      const handle = await open(file, 'wx', 0o644);
      try {
        for await (const piece of entry) await handle.appendFile(piece);
      } finally {
        await handle.close();
      }
      return;
    }
    if (file !== undefined) mkdirSync(file, { recursive: true });
    entry.resume();
  };

  /** Counts what is read of the archive. */
  async function* reading(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      count.read += piece.length;
      yield piece;
    }
  }

  /** Ends the work when an archive grows out of proportion; tar itself adds 512 bytes a member and its padding. */
  async function* guarded(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let unpacked = 0;
    for await (const piece of pieces) {
      unpacked += piece.length;
      if (unpacked > 10e6 && unpacked > limits.ratio * count.read)
        throw problem(`content more than ${limits.ratio} times as long as the archive`, 'a smaller ratio');
      yield piece;
    }
  }

  try {
    mkdirSync(temporary, { recursive: true });
    const tar = extract();
    const members = async (): Promise<void> => {
      for await (const entry of tar) await writeMember(entry as unknown as Member);
    };
    const source = createReadStream(archive, { highWaterMark: 1 << 18 });
    const flow = isGzip(archive)
      ? pipeline(source, reading, createGunzip(), guarded, tar, { signal })
      : pipeline(source, reading, guarded, tar, { signal });
    // When a member is refused the flow ends with an error of its own: the member's reason is the one to tell.
    flow.catch(() => undefined);
    await members().catch(async (error: unknown) => {
      await flow.catch((of: unknown) => {
        if (of instanceof InputError) throw of;
      });
      throw error;
    });
    await flow;
    if (count.files === 0) throw problem('an archive without files', 'files');
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
    if (mark !== undefined) writeJsonAtomic(markOf(target), { archive: mark, ...count });
    return { files: count.files, bytes: count.bytes };
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (signal?.aborted) throw new Interrupted(`Unpacking ${archive}`);
    if (error instanceof InputError) throw error;
    const disk = diskError(error, target);
    throw disk instanceof InputError ? disk : problem(messageOf(error), 'a whole, undamaged tar archive');
  }
}

/** How many files an earlier unpacking of the same archive put into `target`; undefined when there was none. */
export function extractedBefore(target: string, mark: string): number | undefined {
  if (!existsSync(target) || !existsSync(markOf(target))) return undefined;
  try {
    const seen = JSON.parse(readFileSync(markOf(target), 'utf8')) as { archive?: string; files?: number };
    return seen.archive === mark ? seen.files : undefined;
  } catch {
    return undefined;
  }
}

const markOf = (target: string): string => `${target}.unpacked.json`;

function isGzip(file: string): boolean {
  const head = Buffer.alloc(2);
  const handle = openSync(file, 'r');
  try {
    readSync(handle, head, 0, 2, 0);
  } finally {
    closeSync(handle);
  }
  return head[0] === 0x1f && head[1] === 0x8b;
}
