// Downloads live once per user under their SHA-256 (`downloads/<sha256>` in the cache), whoever asked for them.
//
// A download in progress is a part file whose name carries its owner. Only one process works on a part at a time, and a
// part that a dead process left behind is taken over, so that a killed download goes on where it stopped.
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as files from '../base/files';
import { temporaryName, writeJsonAtomic } from '../base/files';
import { sha256, sha256OfFile } from '../base/hash';
import { cacheDir } from '../base/paths';

/** A part whose owner has not been heard of for so long is free to take, in seconds. */
const SILENT_OWNER = 60;

/** Where the file with this hash lies once it is here. */
export function cachedPath(hash: string): string {
  return cacheDir('downloads', hash);
}

/** The cached file with this hash, re-hashed; a damaged one is removed. Undefined when there is none. */
export async function cached(hash: string, signal?: AbortSignal): Promise<string | undefined> {
  const file = cachedPath(hash);
  if (!fs.existsSync(file)) return undefined;
  if ((await sha256OfFile(file, signal)) === hash) return file;
  fs.rmSync(file, { force: true });
  return undefined;
}

/** Move a complete, checked file into the cache, read-only, and return its place there. */
export function keep(file: string, hash: string): string {
  return onDisk(() => {
    fs.chmodSync(file, 0o444);
    fs.renameSync(file, cachedPath(hash));
    return cachedPath(hash);
  }, cachedPath(hash));
}

/** A private copy of a local file in the cache folder, to be hashed and kept or removed. */
export async function copyIntoCache(from: string): Promise<string> {
  const target = temporaryName(cacheDir('downloads', 'parts', path.basename(from)));
  await onDiskAsync(async () => {
    fs.mkdirSync(path.dirname(target), { recursive: true });
    await fs.promises.copyFile(from, target, fs.constants.COPYFILE_FICLONE);
    // A mirror may be read-only; the copy must be removable and renamable.
    fs.chmodSync(target, 0o644);
  }, target);
  return target;
}

/** Put a cached file at its place for use: a hard link where the file system allows, else a copy; atomic. */
export async function place(from: string, to: string): Promise<void> {
  await onDiskAsync(async () => {
    fs.mkdirSync(path.dirname(to), { recursive: true });
    const temporary = temporaryName(to);
    try {
      try {
        fs.linkSync(from, temporary);
      } catch {
        await fs.promises.copyFile(from, temporary, fs.constants.COPYFILE_FICLONE);
      }
      fs.renameSync(temporary, to);
    } finally {
      // rename() leaves the source where both names are one file already.
      fs.rmSync(temporary, { force: true });
    }
  }, to);
}

/** What was seen when a file of unknown hash was first fetched: trust on first use. */
export interface FirstUse {
  sha256: string;
  bytes: number;
  from: string;
  date: string;
}

function firstUsePath(dataset: string, file: string): string {
  return cacheDir('downloads', 'first-use', `${sha256(`${dataset}/${file}`)}.json`);
}

/** The record of a file's first use, if there is one. */
export function firstUse(dataset: string, file: string): FirstUse | undefined {
  try {
    return JSON.parse(fs.readFileSync(firstUsePath(dataset, file), 'utf8')) as FirstUse;
  } catch {
    return undefined;
  }
}

/** Record a file's first use. */
export function recordFirstUse(dataset: string, file: string, seen: FirstUse): void {
  onDisk(
    () => writeJsonAtomic(firstUsePath(dataset, file), { dataset, file, ...seen }),
    firstUsePath(dataset, file),
  );
}

const parts = (...names: string[]): string => cacheDir('downloads', 'parts', ...names);
const hostTag = sha256(os.hostname()).slice(0, 8);

/**
 * Work on the part file of one download, alone among all processes.
 *
 * Announce first, look second: a process that sees another's live part withdraws its own and tries again later, so two
 * can never both go on. What `work` leaves behind when it throws stays as a part without owner for the next attempt.
 * @param key   names the download
 * @param done  whether another process has finished it meanwhile; then `work` is not called
 * @param work  receives the part's path; must move the file away when it is complete
 */
export async function withPart<T>(
  key: string,
  done: () => boolean,
  work: (part: string) => Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const nonce = randomBytes(4).toString('hex');
  const own = parts(`${key}.${hostTag}-${process.pid}-${nonce}.part`);
  for (;;) {
    if (done()) return undefined;
    const orphans = onDisk(() => announce(key, own), own);
    if (orphans) {
      adoptLargest(orphans, own);
      break;
    }
    await sleep(50 + Math.floor(Math.random() * 150), undefined, { signal });
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    fs.promises.utimes(own, now, now).catch(() => undefined);
  }, 10_000);
  heartbeat.unref();
  try {
    return done() ? undefined : await work(own);
  } finally {
    clearInterval(heartbeat);
    // Without an owner in its name, the next attempt takes it over at once. An empty one is of no use.
    if (fs.existsSync(own)) {
      if (fs.statSync(own).size > 0) fs.renameSync(own, parts(`${key}.none-0-${nonce}.part`));
      else fs.rmSync(own, { force: true });
    }
  }
}

/** Create our part; the orphaned parts of the same download, or undefined (and ours withdrawn) when another owner lives. */
function announce(key: string, own: string): string[] | undefined {
  fs.mkdirSync(parts(), { recursive: true });
  fs.writeFileSync(own, '', { flag: 'wx' });
  const others = fs
    .readdirSync(parts())
    .filter((name) => name.startsWith(`${key}.`) && name.endsWith('.part') && name !== path.basename(own))
    .map((name) => parts(name));
  if (!others.some(hasLiveOwner)) return others;
  fs.rmSync(own, { force: true });
  return undefined;
}

function hasLiveOwner(part: string): boolean {
  const [host, pid] = path.basename(part).split('.')[1].split('-');
  if (host === 'none') return false;
  try {
    if (Date.now() - fs.statSync(part).mtimeMs > SILENT_OWNER * 1000) return false;
  } catch {
    return false; // gone meanwhile
  }
  if (host !== hostTag) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function adoptLargest(orphans: string[], own: string): void {
  const size = (file: string): number => fs.statSync(file, { throwIfNoEntry: false })?.size ?? -1;
  const [largest, ...rest] = orphans.sort((a, b) => size(b) - size(a));
  if (largest !== undefined && size(largest) > 0) fs.renameSync(largest, own);
  for (const other of rest) fs.rmSync(other, { force: true });
}

/** Errors of the disk (full, read-only, no permission) as something the user can put right; others pass. */
export function diskError(error: unknown, file: string): unknown {
  const fix =
    'free or open the folder, or choose others with COC_CACHE (downloads) and COC_DATA (placed files)';
  return files.diskError(error, file, fix);
}

function onDisk<T>(action: () => T, file: string): T {
  try {
    return action();
  } catch (error) {
    throw diskError(error, file);
  }
}

async function onDiskAsync<T>(action: () => Promise<T>, file: string): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw diskError(error, file);
  }
}
