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
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
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
import type { FileCheckpoint } from './run-checkpoint';
import { openCheckpoint } from './run-checkpoint';
import type { Claim } from './run-claim';
import { claim, ownerOf } from './run-claim';
import type { Attempt } from './run-log';
import { appendAttempt, readAttempts } from './run-log';
import type { RunRecord, RunRequest, StoredRun } from './run-record';
import { Damaged, readRecord, readRun, requestSchema } from './run-record';

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
      return readRun(result, hash);
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
    if (this.ownerOf(hash) !== undefined) return;
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
  checkpoint(hash: string, spent: () => number): FileCheckpoint {
    const guard = <T>(action: () => T): T => this.onDisk(hash, action);
    return openCheckpoint(this.at(hash, 'checkpoint.json'), { spent, guard, warn: this.warn });
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
      return readRun(result, hash)!;
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
      const good = readRun(aside, hash);
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
