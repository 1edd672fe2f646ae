// The run store: every run that was ever finished on this machine, by what it depended on. It lives in the per-user
// cache, outside the clone.
//
//   runs/<hash>/request.json    what was asked for
//   runs/<hash>/claims/         who computes it now (run-claim.ts)
//   runs/<hash>/attempts.jsonl  a line when an attempt begins and one when it ends (run-log.ts)
//   runs/<hash>/checkpoint.json where to go on; gone when the run is finished
//   runs/<hash>/result/         run.json and outcome.json; there when the run is finished, and whole
//
// A result is written under another name and its folder renamed, which fails where there is one: the first result wins.
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { messageOf } from '../base/errors';
import {
  diskError,
  isDiskError,
  readJson,
  temporaryName,
  writeFileAtomic,
  writeJsonAtomic,
} from '../base/files';
import { canonicalJson, sha256, sha256OfValue } from '../base/hash';
import { cacheDir } from '../base/paths';
import type { Identity } from './identity';
import { provenanceSchema } from './result';
import type { Claim } from './run-claim';
import { claim, ownerOf } from './run-claim';
import type { Attempt } from './run-log';
import { appendAttempt, readAttempts } from './run-log';

const { mode, date, commit, dirty, device, versions } = provenanceSchema.shape;

/** What a run was asked for. */
export const requestSchema = z.strictObject({
  /** Id of the study. */
  study: z.string(),
  /** The built file of the study, absolute, and its export. */
  module: z.string(),
  name: z.string(),
  mode,
  /** The spec of the study; of one run of its sweep where `part` is set. */
  spec: z.json(),
  part: z.literal(true).optional(),
  /** Digests of the data by name; `missing` for what cannot be had. */
  data: z.record(z.string(), z.string()),
});

/** A run as it was asked for. */
export type RunRequest = z.infer<typeof requestSchema>;

const recordSchema = z.strictObject({
  format: z.literal('coc run 1'),
  study: z.string(),
  mode,
  spec: z.json(),
  part: z.boolean(),
  identity: z.custom<Identity>((v) => typeof (v as Partial<Identity> | null)?.hash === 'string'),
  date,
  commit,
  dirty,
  host: z.string(),
  device,
  versions,
  /** Seconds of all attempts that led to the result, and the peak memory of the last one's process in MB (1e6 bytes). */
  cost: z.strictObject({ seconds: z.number().nonnegative(), memoryMB: z.number().nonnegative() }),
  outcome: z.strictObject({ bytes: z.number(), sha256: z.string() }),
});

/** What is known about a finished run, beside its outcome. */
export type RunRecord = z.infer<typeof recordSchema>;

/** A finished run. */
export interface StoredRun {
  record: RunRecord;
  outcome: unknown;
}

/** Where a long run goes on after it was stopped. */
export interface Checkpoint {
  /** What was saved last; undefined at the beginning. */
  load(): unknown;
  /** Save where the run is: a JSON value. Atomic. */
  save(value: unknown): void;
}

const checkpointSchema = z.strictObject({ sha256: z.string(), seconds: z.number(), value: z.json() });

/** Thrown by nobody's mistake: told, and the run counts as missing. */
class Damaged extends Error {}

export class RunStore {
  /**
   * @param dir   where the runs lie
   * @param warn  receives a line about each run that is damaged and set aside
   */
  constructor(
    readonly dir: string = cacheDir('runs'),
    private readonly warn: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
  ) {}

  /** A finished run, checked against its digests. One that is damaged is set aside, and counts as missing. */
  find(hash: string): StoredRun | undefined {
    const result = this.at(hash, 'result');
    try {
      return read(result, hash);
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      return this.setAside(hash, error.message);
    }
  }

  /** Every finished run, the latest first. Outcomes are not read; runs whose record is damaged are left out. */
  list(): RunRecord[] {
    const records = this.hashes().flatMap((hash) => {
      try {
        return readRecord(this.at(hash, 'result'), hash) ?? [];
      } catch (error) {
        if (error instanceof Damaged) return [];
        throw error;
      }
    });
    return records.sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0));
  }

  /** Every run that was ever begun. */
  hashes(): string[] {
    if (!existsSync(this.dir)) return [];
    return readdirSync(this.dir)
      .filter((name) => /^[0-9a-f]{64}$/.test(name))
      .sort();
  }

  /** Folders that a removal left which was killed. */
  strays(): string[] {
    return existsSync(this.dir) ? readdirSync(this.dir).filter((name) => name.endsWith('.tmp')) : [];
  }

  /** What was asked for; undefined where that cannot be read. */
  request(hash: string): RunRequest | undefined {
    const file = this.at(hash, 'request.json');
    return existsSync(file) ? requestSchema.safeParse(readJson(file)).data : undefined;
  }

  /** Claim a run to compute it. @returns undefined when another process has it. @throws InputError for the disk */
  claim(hash: string): Claim | undefined {
    return this.onDisk(hash, () => claim(this.at(hash)));
  }

  /** Who computes a run now. */
  ownerOf(hash: string): string | undefined {
    return ownerOf(this.at(hash));
  }

  /** Begin to compute a claimed run: what killed attempts left half-written goes. @throws InputError for the disk */
  begin(hash: string, request: RunRequest): void {
    this.onDisk(hash, () => {
      const names = readdirSync(this.at(hash));
      this.removeAll(
        hash,
        names.filter((name) => name.endsWith('.tmp')),
      );
      writeJsonAtomic(this.at(hash, 'request.json'), request);
    });
  }

  /** Remove what a process left that was killed right after it had published. */
  tidy(hash: string): void {
    const stale = (): string[] =>
      readdirSync(this.at(hash)).filter((name) => name.endsWith('.tmp') || name === 'checkpoint.json');
    if (stale().length === 0) return;
    try {
      // Under a claim, so that it is nobody's.
      const held = claim(this.at(hash));
      if (held && existsSync(this.at(hash, 'result'))) this.removeAll(hash, stale());
      held?.release();
    } catch (error) {
      // It does no harm on a disk that takes no writing.
      if (!isDiskError(error)) throw error;
    }
  }

  private removeAll(hash: string, names: string[]): void {
    for (const name of names) rmSync(this.at(hash, name), { recursive: true, force: true });
  }

  /** The checkpoint of a claimed run. @param spent  seconds of this attempt so far */
  checkpoint(hash: string, spent: () => number): Checkpoint & { secondsBefore: number } {
    const file = this.at(hash, 'checkpoint.json');
    const saved = this.savedCheckpoint(file);
    const before = saved?.seconds ?? 0;
    let value: unknown = saved?.value;
    return {
      secondsBefore: before,
      load: () => value,
      save: (next) => {
        value = next;
        const content = { sha256: sha256OfValue(next), seconds: before + spent(), value: next };
        this.onDisk(hash, () => writeJsonAtomic(file, content));
      },
    };
  }

  private savedCheckpoint(file: string): z.infer<typeof checkpointSchema> | undefined {
    if (!existsSync(file)) return undefined;
    try {
      const saved = checkpointSchema.parse(readJson(file));
      if (sha256OfValue(saved.value) === saved.sha256) return saved;
    } catch {
      // Told below.
    }
    this.warn(`the checkpoint ${file} is damaged; its run starts from the beginning`);
    return undefined;
  }

  /** Add a line to a run's attempts. @throws InputError for the disk */
  log(hash: string, attempt: Attempt): void {
    this.onDisk(hash, () => appendAttempt(this.at(hash, 'attempts.jsonl'), attempt));
  }

  /** What happened to a run so far, in order. */
  attempts(hash: string): Attempt[] {
    return readAttempts(this.at(hash, 'attempts.jsonl'));
  }

  /**
   * Publish the result of a run. Where there is one already, that one stays and is returned, unless `replace` is set.
   * @throws InputError for the disk; nothing is then half-written, and the checkpoint is still there
   */
  publish(
    facts: Omit<RunRecord, 'format' | 'outcome'>,
    outcome: unknown,
    { replace = false } = {},
  ): StoredRun {
    const { hash } = facts.identity;
    const text = `${canonicalJson(outcome)}\n`;
    const record = {
      format: 'coc run 1',
      ...facts,
      outcome: { bytes: Buffer.byteLength(text), sha256: sha256(text) },
    };
    return this.onDisk(hash, () => {
      const result = this.at(hash, 'result');
      const temporary = temporaryName(result);
      const old = temporaryName(result);
      try {
        writeFileAtomic(path.join(temporary, 'outcome.json'), text);
        writeJsonAtomic(path.join(temporary, 'run.json'), { ...record, digest: sha256OfValue(record) });
        if (replace && existsSync(result)) renameSync(result, old);
        try {
          renameSync(temporary, result);
        } catch (error) {
          const first = this.find(hash);
          if (first) return first;
          // What lay there was damaged and is set aside now; anything else is an error of the disk.
          if (existsSync(result)) throw error;
          renameSync(temporary, result);
        }
        syncFolder(this.at(hash));
      } finally {
        for (const name of [temporary, old]) rmSync(name, { recursive: true, force: true });
      }
      rmSync(this.at(hash, 'checkpoint.json'), { force: true });
      return read(result, hash)!;
    });
  }

  /** Remove a run and all that is known about it. */
  remove(hash: string): void {
    this.onDisk(hash, () => {
      const going = temporaryName(this.at(hash));
      renameSync(this.at(hash), going);
      rmSync(going, { recursive: true, force: true });
    });
  }

  private setAside(hash: string, why: string): StoredRun | undefined {
    const result = this.at(hash, 'result');
    const aside = temporaryName(this.at(hash, 'damaged')).replace(/\.tmp$/, '');
    try {
      renameSync(result, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      this.warn(
        `the stored run ${hash.slice(0, 12)} is damaged (${why}) and counts as missing; it cannot be set aside: ${messageOf(error)}`,
      );
      return undefined;
    }
    try {
      // Another process may have put a good one there between our look and the renaming.
      const good = read(aside, hash);
      if (good && !existsSync(result)) renameSync(aside, result);
      return good;
    } catch {
      this.warn(
        `the stored run ${hash.slice(0, 12)} is damaged (${why}) and counts as missing; it is set aside as ${aside}`,
      );
      return undefined;
    }
  }

  private at(hash: string, ...names: string[]): string {
    return path.join(this.dir, hash, ...names);
  }

  private onDisk<T>(hash: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      const fix =
        'make room or open the folder, or choose another with COC_CACHE; finished runs and checkpoints are kept, so start again to go on';
      throw diskError(error, this.at(hash), fix);
    }
  }
}

function read(result: string, hash: string): StoredRun | undefined {
  const record = readRecord(result, hash);
  if (!record) return undefined;
  const text = textOf(path.join(result, 'outcome.json'));
  if (text === undefined || sha256(text) !== record.outcome.sha256)
    throw new Damaged('its outcome does not fit its digest');
  return { record, outcome: JSON.parse(text) as unknown };
}

function readRecord(result: string, hash: string): RunRecord | undefined {
  const text = textOf(path.join(result, 'run.json'));
  if (text === undefined) {
    if (existsSync(result)) throw new Damaged('it has no run.json');
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Damaged('its run.json is no JSON');
  }
  const { digest, ...rest } = value as { digest?: unknown };
  const record = recordSchema.safeParse(rest);
  if (!record.success || sha256OfValue(rest) !== digest)
    throw new Damaged('its run.json does not fit its digest');
  if (record.data.identity.hash !== hash) throw new Damaged('it is the run of another request');
  return record.data;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Make a renaming last through a loss of power. */
function syncFolder(dir: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(dir, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
