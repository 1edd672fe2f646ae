// Fetching and verifying: a file comes from its place, the cache, the mirror folder, a Debian package or its address,
// in this order, and its hash decides wherever it came from.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, rmSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { InputError, Interrupted, messageOf } from '../base/errors';
import { sha256, sha256OfFile } from '../base/hash';
import { cacheDir, dataDir, inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { cached, cachedPath, copyIntoCache, firstUse, keep, place, recordFirstUse, withPart } from './cache';
import { WrongLength, download } from './download';
import { extractTar, extractedBefore } from './extract';
import type { Patience } from './http';
import { Unavailable, patience } from './http';
import type { DataFile, Manifest } from './manifest';
import { loadManifest } from './manifest';
import type { Selection } from './select';
import { placeOf, selectFiles, urlOf } from './select';

/** Where a file was found. `data`: it lay at its place already. */
export type From = 'data' | 'cache' | 'mirror' | 'package' | 'repository' | 'url';

/**
 * Why the bytes are believed. `manifest`: their hash is one we computed. `quoted`: it is one that others published.
 * `first use`: no hash is known, and these bytes were recorded now. `recorded`: they equal the recorded ones.
 */
export type Trust = 'manifest' | 'quoted' | 'first use' | 'recorded';

/** What became of one file. */
export interface Outcome {
  path: string;
  /** Absolute path of its place. */
  place: string;
  /** `ready`: right and in place. `absent`: nowhere to be had. `wrong`: had, but not the file that the manifest means. */
  state: 'ready' | 'absent' | 'wrong';
  from?: From;
  sha256?: string;
  bytes?: number;
  trust?: Trust;
  /** For an archive: how many files it was unpacked to. */
  unpacked?: number;
  /** Why it is absent or wrong; for a ready file, what else was noticed. */
  reason?: string;
}

/** What became of a selection. */
export interface Report {
  dataset: string;
  ready: number;
  absent: number;
  wrong: number;
  outcomes: Outcome[];
}

export interface FetchOptions extends Long {
  /** Files in hand at once. */
  parallel?: number;
  patience?: Partial<Patience>;
}

/**
 * Fetch files of a data set to their places. Files that cannot be had are named in the report and do not stop the rest.
 * @throws InputError for the disk (full, read-only) and for a wrong selection; Interrupted
 */
export async function fetchFiles(
  manifest: Manifest,
  selection: Selection = {},
  options: FetchOptions = {},
): Promise<Report> {
  const files = selectFiles(manifest, selection);
  const total = files.every((f) => f.bytes !== undefined)
    ? files.reduce((sum, f) => sum + (f.bytes ?? 0), 0)
    : undefined;
  const meter = new Meter(`Fetching ${manifest.name}`, 'B', total, options);
  const limits = { ...patience, ...options.patience };
  const outcomes = await inParallel(files, options, (file, signal) =>
    obtain(manifest, file, limits, signal, (bytes) => meter.add(bytes, file.path)),
  );
  meter.finish();
  return reportOf(manifest, outcomes);
}

/**
 * Fetch one file and say where it lies.
 * @param dataset  name of a manifest
 * @param file     the file's path in the data set
 * @throws InputError naming what was tried when the file cannot be had or is not the right one
 */
export async function fetchOne(
  dataset: string,
  file: string,
  long: Long = {},
): Promise<{ path: string; sha256: string; from: From }> {
  const manifest = loadManifest(dataset);
  const entry = manifest.files.find((f) => f.path === file);
  if (!entry) {
    throw new InputError({
      what: `${dataset} has no such file`,
      given: `"${file}"`,
      expected: `a path of its manifest, e.g. ${manifest.files[0].path}`,
      fix: `coc data list ${dataset} shows them`,
    });
  }
  const meter = new Meter(`Fetching ${file}`, 'B', entry.bytes, long);
  // Few attempts: a notebook or a test waits for this.
  const limits = { ...patience, tries: 2 };
  const signal = long.signal ?? new AbortController().signal;
  const outcome = await obtain(manifest, entry, limits, signal, (bytes) => meter.add(bytes));
  if (outcome.state !== 'ready' || outcome.sha256 === undefined || outcome.from === undefined) {
    throw new InputError({
      what: `cannot get ${file} of ${dataset}`,
      given: outcome.reason ?? outcome.state,
      expected: 'the file in the cache, in the mirror folder (COC_DATA_MIRROR) or at its address',
      fix: `go online, or set COC_DATA_MIRROR to a folder that holds ${dataset}/${file}`,
    });
  }
  meter.finish();
  return { path: outcome.place, sha256: outcome.sha256, from: outcome.from };
}

/** Hash the placed files of a selection again and compare. Fetches nothing. */
export async function verifyFiles(
  manifest: Manifest,
  selection: Selection = {},
  options: FetchOptions = {},
): Promise<Report> {
  const files = selectFiles(manifest, selection);
  const meter = new Meter(`Verifying ${manifest.name}`, 'files', files.length, options);
  const outcomes = await inParallel(files, options, async (file, signal) => {
    const target = placeOf(manifest, file);
    const outcome: Outcome = { path: file.path, place: target, state: 'absent', reason: 'not fetched yet' };
    if (existsSync(target))
      Object.assign(outcome, { reason: undefined }, await judge(manifest, file, target, signal));
    meter.add(1, file.path);
    return outcome;
  });
  meter.finish();
  return reportOf(manifest, outcomes);
}

function reportOf(manifest: Manifest, outcomes: Outcome[]): Report {
  const count = (state: Outcome['state']): number => outcomes.filter((o) => o.state === state).length;
  return {
    dataset: manifest.name,
    ready: count('ready'),
    absent: count('absent'),
    wrong: count('wrong'),
    outcomes,
  };
}

/** Results in the order of the files. The first error that is thrown stops the others. */
async function inParallel(
  files: readonly DataFile[],
  { parallel = 4, signal }: FetchOptions,
  work: (file: DataFile, signal: AbortSignal) => Promise<Outcome>,
): Promise<Outcome[]> {
  const own = new AbortController();
  const both = signal ? AbortSignal.any([signal, own.signal]) : own.signal;
  const outcomes = new Array<Outcome>(files.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < files.length) {
      if (both.aborted) throw new Interrupted('The work on the data set');
      const i = next++;
      outcomes[i] = await work(files[i], both);
    }
  };
  let first: Error | undefined;
  const workers = Array.from({ length: Math.min(parallel, files.length) }, () =>
    worker().catch((error: unknown) => {
      first ??= error instanceof Error ? error : new Error(String(error));
      own.abort();
    }),
  );
  await Promise.all(workers);
  if (first) throw first;
  return outcomes;
}

/** One file, from wherever it can be had. */
async function obtain(
  manifest: Manifest,
  file: DataFile,
  limits: Patience,
  signal: AbortSignal,
  onBytes: (delta: number) => void,
): Promise<Outcome> {
  const target = placeOf(manifest, file);
  const base = { path: file.path, place: target };
  const tried: string[] = [];
  let wrong = false;

  const settle = async (from: From, found: Found): Promise<Outcome> => {
    if (from !== 'data') await place(cachedPath(found.sha256), target);
    const unpacked = await unpack(manifest, file, target, found.sha256, signal);
    const reason = tried.length ? tried.join('; ') : undefined;
    return { ...base, state: 'ready', from, ...found, ...(unpacked !== undefined && { unpacked }), reason };
  };

  if (existsSync(target)) {
    const found = await judge(manifest, file, target, signal);
    if (found.state === 'ready') {
      onBytes(found.bytes);
      return settle('data', found);
    }
    tried.push(`the file in place is replaced: ${found.reason}`);
  }

  const expected = file.sha256 ?? firstUse(manifest.name, file.path)?.sha256;
  const hit = expected === undefined ? undefined : await cached(expected, signal);
  if (hit !== undefined) {
    const found = await judge(manifest, file, hit, signal);
    if (found.state === 'ready') {
      onBytes(found.bytes);
      return settle('cache', found);
    }
  }

  for (const [from, folder] of localFolders(manifest)) {
    const local = path.join(folder, ...file.path.split('/'));
    if (!existsSync(local)) {
      tried.push(`not in the ${from === 'package' ? 'package folder' : from} ${folder}`);
      continue;
    }
    const copy = await copyIntoCache(local);
    try {
      const found = await judge(manifest, file, copy, signal, local);
      if (found.state === 'ready') {
        keep(copy, found.sha256);
        onBytes(found.bytes);
        return await settle(from, found);
      }
      wrong = true;
      tried.push(`${local}: ${found.reason}`);
    } finally {
      rmSync(copy, { force: true });
    }
  }

  const url = urlOf(manifest, file);
  if (url === undefined) {
    const { source } = manifest;
    tried.push(
      source?.kind === 'debian'
        ? `it comes in the Debian package ${source.package} ${source.version}: install it, or put the file into the mirror folder`
        : 'it has no address',
    );
  } else if (manifest.licence.gated) {
    tried.push(`not for free download: ${manifest.licence.gated}`);
  } else {
    try {
      return await settle('url', await fromUrl(manifest, file, url, limits, signal, onBytes));
    } catch (error) {
      if (error instanceof WrongFile || error instanceof WrongLength) wrong = true;
      else if (!(error instanceof Unavailable)) throw error;
      tried.push(messageOf(error));
    }
  }
  return { ...base, state: wrong ? 'wrong' : 'absent', reason: tried.join('; ') };
}

/** Folders on this machine that may hold the file: the mirror, and where a Debian package puts it or this repository has it. */
function localFolders(manifest: Manifest): [Extract<From, 'mirror' | 'package' | 'repository'>, string][] {
  const folders: ReturnType<typeof localFolders> = [];
  if (process.env.COC_DATA_MIRROR)
    folders.push(['mirror', path.resolve(process.env.COC_DATA_MIRROR, manifest.name)]);
  const { source } = manifest;
  if (source?.kind === 'debian') folders.push(['package', source.folder]);
  if (source?.kind === 'repository') folders.push(['repository', inRepo(source.folder)]);
  return folders;
}

class WrongFile extends Error {}

interface Found {
  sha256: string;
  bytes: number;
  trust: Trust;
}

/**
 * Whether the bytes at `where` are the file that the manifest means. A file of unknown hash is recorded on first use.
 * @param origin  what to record as its origin
 */
async function judge(
  manifest: Manifest,
  file: DataFile,
  where: string,
  signal: AbortSignal,
  origin = where,
): Promise<({ state: 'ready' } & Found) | { state: 'wrong'; reason: string }> {
  const wrong = (reason: string): { state: 'wrong'; reason: string } => ({ state: 'wrong', reason });
  const bytes = statSync(where).size;
  if (file.bytes !== undefined && bytes !== file.bytes)
    return wrong(`it has ${bytes} bytes, the manifest says ${file.bytes}`);
  const hash = await sha256OfFile(where, signal).catch((error: unknown) => {
    throw signal.aborted ? new Interrupted(`Hashing ${file.path}`) : error;
  });
  if (file.sha256 !== undefined) {
    if (hash !== file.sha256) return wrong(`its sha256 is ${hash}, the manifest says ${file.sha256}`);
    return { state: 'ready', sha256: hash, bytes, trust: file.verified === false ? 'quoted' : 'manifest' };
  }
  if (file.md5 !== undefined) {
    const md5 = await md5OfFile(where, signal);
    if (md5 !== file.md5) return wrong(`its md5 is ${md5}, the manifest says ${file.md5}`);
  }
  const seen = firstUse(manifest.name, file.path);
  if (seen) {
    if (hash !== seen.sha256) {
      return wrong(`its sha256 is ${hash}; on first use (${seen.date}) ${seen.sha256} was recorded`);
    }
    return { state: 'ready', sha256: hash, bytes, trust: 'recorded' };
  }
  recordFirstUse(manifest.name, file.path, {
    sha256: hash,
    bytes,
    from: origin,
    date: new Date().toISOString().slice(0, 10),
  });
  return { state: 'ready', sha256: hash, bytes, trust: 'first use' };
}

async function md5OfFile(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('md5');
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 20, signal }))
    hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Download into the cache. @throws Unavailable, WrongFile, WrongLength, InputError (disk), Interrupted */
async function fromUrl(
  manifest: Manifest,
  file: DataFile,
  url: string,
  limits: Patience,
  signal: AbortSignal,
  onBytes: (delta: number) => void,
): Promise<Found> {
  const expected = (): string | undefined => file.sha256 ?? firstUse(manifest.name, file.path)?.sha256;
  const here = (): boolean => {
    const hash = expected();
    return hash !== undefined && existsSync(cachedPath(hash));
  };
  const key = file.sha256 ?? sha256(url);
  const validatorFile = cacheDir('downloads', 'parts', `${key}.json`);
  const work = async (part: string): Promise<Found> => {
    const job = { url, part, validatorFile, bytes: file.bytes, hashKnown: expected() !== undefined };
    onBytes(statSync(part).size);
    for (;;) {
      const { resumed } = await download(job, limits, onBytes, signal);
      const found = await judge(manifest, file, part, signal, url);
      rmSync(validatorFile, { force: true });
      if (found.state === 'ready') {
        keep(part, found.sha256);
        return found;
      }
      onBytes(-statSync(part).size);
      truncateSync(part);
      if (!resumed) throw new WrongFile(`${url}: ${found.reason}`);
      // The part of an earlier attempt may have been the bad half: once more, from the start.
    }
  };
  const mine = await withPart(key, here, work, signal);
  if (mine) return mine;
  // Another process has finished it meanwhile.
  const found = await judge(manifest, file, cachedPath(expected() ?? ''), signal, url);
  if (found.state === 'wrong') throw new WrongFile(`${url}: ${found.reason}`);
  onBytes(found.bytes);
  return found;
}

async function unpack(
  manifest: Manifest,
  file: DataFile,
  archive: string,
  hash: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (file.extractTo === undefined) return undefined;
  const target = dataDir(manifest.name, ...file.extractTo.split('/'));
  return extractedBefore(target, hash) ?? (await extractTar(archive, target, { signal, mark: hash })).files;
}
