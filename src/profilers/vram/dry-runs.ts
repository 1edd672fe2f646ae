// Dry runs of several settings: kept on disk, and what is not there yet is run by as many threads as there are processors.
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { Interrupted } from '../../base/errors';
import { keepNewest, writeJsonAtomic } from '../../base/files';
import { sha256, sha256OfValue } from '../../base/hash';
import { cacheDir, inRepo } from '../../base/paths';
import type { Long } from '../../base/progress';
import { Meter } from '../../base/progress';
import { categories } from '../../backends/ledger';
import type { Growth } from './growth';
import type { BatchlessSetting } from './setting';
import type { DryRunPart, DryRuns } from './dry-reading';
import { dryRunParts } from './dry-reading';

/** What a thread is told, and what it answers. */
export interface Job {
  readonly setting: BatchlessSetting;
  readonly part: DryRunPart;
}
export type Answer = { readonly growth: Growth } | { readonly error: string };

/** How many runs are kept; ten kilobytes each. */
const kept = 1000;

const line = { fixed: z.number(), each: z.number() };
const growthSchema = z.strictObject({
  moments: z.array(
    z.strictObject({
      ...line,
      byCategory: z.record(z.enum(categories), z.strictObject(line)),
      layer: z.string(),
    }),
  ),
  saved: z.array(z.strictObject(line)),
  weights: z.number(),
  flops: z.strictObject(line),
});

/** What is wanted of a setting: what one batch needs, or every one. */
export interface Wanted {
  readonly setting: BatchlessSetting;
  readonly batch: number | 'every';
}

/**
 * Dry runs of settings, in their order. What ran before with the same code is read from disk.
 * @param wanted  settings that there are on TensorFlow.js
 * @throws Interrupted; Error with what a dry run said
 */
export async function dryRunsOf(wanted: readonly Wanted[], long: Long = {}): Promise<readonly DryRuns[]> {
  const code = codeHash();
  const jobs = wanted.map(({ setting, batch }) =>
    dryRunParts(setting.policy, batch).map((part) => {
      const job: Job = { setting, part };
      return { job, file: cacheDir('vram', `${sha256OfValue({ code, ...job })}.json`) };
    }),
  );
  const files = new Map(jobs.flat().map(({ job, file }) => [file, job] as const));
  const found = new Map([...files.keys()].map((file) => [file, read(file)] as const));
  const missing = [...files].filter(([file]) => !found.get(file));
  const grown = await runAll(missing.map(([, job]) => job), long); // prettier-ignore
  missing.forEach(([file], k) => {
    writeJsonAtomic(file, grown[k]);
    found.set(file, grown[k]);
  });
  if (missing.length > 0) keepNewest(cacheDir('vram'), kept);
  return jobs.map((own) => Object.fromEntries(own.map(({ job, file }) => [job.part, found.get(file)!])));
}

/** Hash of all that a dry run may depend on: the code of these rooms, and the versions of packages. */
function codeHash(): string {
  const rooms = ['base', 'backends', 'sampling', 'nn', 'models', 'losses', 'memory', 'profilers'];
  const root = path.join(__dirname, '..', '..');
  const files = rooms.flatMap((room) =>
    readdirSync(path.join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[jt]s$/.test(name))
      .map((name) => path.join(root, room, name)),
  );
  const texts = [...files.sort(), inRepo('package-lock.json')].map((file) => sha256(readFileSync(file)));
  return sha256OfValue(texts);
}

function read(file: string): Growth | undefined {
  try {
    return growthSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Not there, or not to be read: it is run again.
    return undefined;
  }
}

/** Jobs to results, in their order, by threads. */
async function runAll(jobs: readonly Job[], long: Long): Promise<Growth[]> {
  if (jobs.length === 0) return [];
  const meter = new Meter('dry runs', 'runs', jobs.length, long);
  const results: Growth[] = [];
  let next = 0;
  const threads = Array.from(
    { length: Math.min(jobs.length, os.availableParallelism()) },
    () => new Worker(inRepo('dist', 'profilers', 'vram', 'dry-run-thread.js'), { execArgv: [] }),
  );
  try {
    await Promise.all(
      threads.map(
        (thread) =>
          new Promise<void>((resolve, reject) => {
            let mine = -1;
            const go = (): void => {
              if (long.signal?.aborted) return reject(new Interrupted('dry runs'));
              mine = next++;
              if (mine < jobs.length) thread.postMessage(jobs[mine]);
              else resolve();
            };
            thread.on('error', reject);
            thread.on('exit', () => reject(new Error('a thread of dry runs ended early')));
            thread.on('message', (answer: Answer) => {
              if ('error' in answer) return reject(new Error(answer.error));
              results[mine] = answer.growth;
              meter.add(1);
              go();
            });
            long.signal?.addEventListener('abort', () => reject(new Interrupted('dry runs')), { once: true });
            go();
          }),
      ),
    );
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  meter.finish();
  return results;
}
