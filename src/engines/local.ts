// The engine of this machine: a list of runs, each in a process of its own, several side by side. The run store, not the
// engine, knows what is done: an engine that is killed loses nothing, and a second one computes only what is missing.
import { createRequire } from 'node:module';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, Interrupted, messageOf } from '../base/errors';
import type { Long } from '../base/progress';
import type { Job } from '../experiments/job';
import { jobLike, partsOf } from '../experiments/job';
import { jobOf } from '../experiments/prepare';
import { compute } from '../experiments/run';
import type { StudyDefinition } from '../experiments/study';
import type { RunRequest, StoredRun } from '../results/run-record';
import { RunStore } from '../results/run-store';
import type { Ending } from './child';
import { runInChild } from './child';
import type { Task } from './sweep-progress';
import { SweepProgress } from './sweep-progress';

/** How often runs that others compute are looked at, in milliseconds. */
const LOOK = 300;

export interface EngineOptions extends Long {
  store?: RunStore;
  /** Runs side by side; one less than the cores where left out. */
  workers?: number;
  /** How often a run that failed is tried again. */
  retries?: number;
  /** Compute also what is stored; the new results take the place of the old. */
  force?: boolean;
}

/** What became of a request. */
export interface RunResult {
  request: RunRequest;
  /** The hash of the run's identity: its name in the store. */
  hash: string;
  state: 'found' | 'computed' | 'failed';
  /** The finished run, unless it failed. */
  run?: StoredRun;
  /** Why it failed. */
  error?: string;
  /** Processes that were started for it here. */
  tries: number;
}

/**
 * Do runs that are not in the store. A study with a sweep becomes one run for each of its specs; its outcome is combined
 * when all are there. A run that fails is tried again, and one that fails for good does not stop the others. Studies that
 * measure time run alone, after the others.
 * @returns what became of each request, in order
 * @throws Interrupted when the signal is aborted (what is finished is stored, the rest has its checkpoints);
 *   InputError when the disk is full or read-only
 */
export async function runAll(requests: RunRequest[], options: EngineOptions = {}): Promise<RunResult[]> {
  const store = options.store ?? new RunStore();
  const jobs = await prepare(requests);
  const tasks = new Map<string, Task>();
  for (const job of jobs) {
    if (!options.force && store.find(job.identity.hash)) {
      store.tidy(job.identity.hash);
      continue;
    }
    const parts = partsOf(job);
    for (const run of parts.length > 0 ? parts : [job])
      if (!tasks.has(run.identity.hash))
        tasks.set(run.identity.hash, { job: run, state: 'waiting', tries: 0 });
  }
  await new LocalEngine([...tasks.values()], store, options).all();
  const results: RunResult[] = [];
  for (const job of jobs) results.push(await resultOf(job, tasks, store, options.force ?? false));
  return results;
}

/** The runs of the results. @throws InputError naming those that failed, with what they said */
export function requireAll(results: RunResult[]): StoredRun[] {
  const failed = results.filter((r) => r.state === 'failed');
  if (failed.length > 0) {
    throw new InputError({
      what: `cannot go on without ${failed.map((r) => r.request.study).join(', ')}`,
      given: failed.map((r) => r.error ?? '').join('\n'),
      expected: `${results.length} finished runs`,
      fix: 'mend what they say and start again: only what is missing is computed',
    });
  }
  return results.map((r) => r.run!);
}

async function prepare(requests: RunRequest[]): Promise<Job[]> {
  const require = createRequire(__filename);
  const known = new Map<string, Job>();
  const jobs: Job[] = [];
  for (const request of requests) {
    const key = `${request.module}#${request.name}`;
    let job = known.get(key);
    if (!job) {
      const study = (require(request.module) as Record<string, StudyDefinition | undefined>)[request.name];
      if (!study) {
        throw new InputError({
          what: `cannot run ${request.study}`,
          given: `no export ${request.name} in ${request.module}`,
          expected: 'the built file of the study',
          fix: 'build it: `node src/cli/coc.cjs build`',
        });
      }
      job = await jobOf(study, request);
      known.set(key, job);
    }
    jobs.push(jobLike(job, request));
  }
  return jobs;
}

async function resultOf(
  job: Job,
  tasks: ReadonlyMap<string, Task>,
  store: RunStore,
  force: boolean,
): Promise<RunResult> {
  const { request, identity } = job;
  const mine = (partsOf(job).length > 0 ? partsOf(job) : [job]).flatMap(
    (j) => tasks.get(j.identity.hash) ?? [],
  );
  const tries = mine.reduce((sum, task) => sum + task.tries, 0);
  const failed = mine.filter((task) => task.state === 'failed');
  const error =
    failed.length > 0
      ? `${failed.length} of ${mine.length} ${mine.length === 1 ? 'run' : 'runs'} of ${request.study} failed: ${failed[0].error}`
      : undefined;
  const result = { request, hash: identity.hash, tries };
  if (error !== undefined) return { ...result, state: 'failed', error };
  try {
    const isSweep = partsOf(job).length > 0 && mine.length > 0;
    const run = isSweep ? await combined(job, store, force) : store.find(identity.hash);
    if (run)
      return { ...result, run, state: mine.some((t) => t.state === 'computed') ? 'computed' : 'found' };
    const lost = `the run ${identity.hash.slice(0, 12)} of ${request.study} is lost: it was finished and is no longer in ${store.dir}; start again to compute it`;
    return { ...result, state: 'failed', error: lost };
  } catch (thrown) {
    if (thrown instanceof InputError) return { ...result, state: 'failed', error: messageOf(thrown) };
    throw thrown;
  }
}

/** The outcome of a sweep whose runs are all done; another process may be at it, too. */
async function combined(job: Job, store: RunStore, force: boolean): Promise<StoredRun> {
  for (;;) {
    const run = await compute(job, { store, force });
    if (run) return run;
    await sleep(LOOK);
  }
}

class LocalEngine {
  private readonly stop = new AbortController();
  private readonly running = new Map<Task, Promise<void>>();
  private readonly progress: SweepProgress;
  private readonly workers: number;
  private disk: InputError | undefined;

  constructor(
    private readonly tasks: Task[],
    private readonly store: RunStore,
    private readonly options: EngineOptions,
  ) {
    this.workers = Math.max(1, options.workers ?? os.availableParallelism() - 1);
    this.progress = new SweepProgress(tasks, store, this.workers, options.progress);
    // Those that must run alone come last, so that they keep nobody waiting.
    tasks.sort((a, b) => Number(a.job.study.timed ?? false) - Number(b.job.study.timed ?? false));
  }

  async all(): Promise<void> {
    if (this.tasks.length === 0) return;
    const { signal } = this.options;
    const onAbort = (): void => this.stop.abort();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    try {
      while (!this.stop.signal.aborted && this.startAll()) await this.next();
    } finally {
      // However it ends, no process of ours stays behind.
      if (this.running.size > 0) this.stop.abort();
      await Promise.all(this.running.values());
      signal?.removeEventListener('abort', onAbort);
      this.progress.close();
    }
    if (this.disk) throw this.disk;
    if (signal?.aborted) throw new Interrupted('the sweep');
  }

  /** Start what can be started. @returns whether anything is left to wait for */
  private startAll(): boolean {
    for (const task of this.tasks) {
      if (task.state !== 'elsewhere' && !(task.state === 'waiting' && this.hasRoomFor(task))) continue;
      const { hash } = task.job.identity;
      if (!this.options.force && this.store.find(hash)) {
        this.store.tidy(hash);
        task.state = 'found';
      } else if (this.store.ownerOf(hash) !== undefined) task.state = 'elsewhere';
      else if (this.hasRoomFor(task)) this.start(task);
    }
    return this.running.size > 0 || this.tasks.some((t) => t.state === 'waiting' || t.state === 'elsewhere');
  }

  private hasRoomFor(task: Task): boolean {
    if (task.job.study.timed) return this.running.size === 0;
    return this.running.size < this.workers && ![...this.running.keys()].some((t) => t.job.study.timed);
  }

  private start(task: Task): void {
    task.state = 'running';
    task.tries++;
    this.progress.started(task);
    const ended = runInChild(task.job, this.store, {
      force: this.options.force ?? false,
      signal: this.stop.signal,
      progress: (event) => this.progress.heard(task, event),
    }).then((ending) => {
      this.running.delete(task);
      this.settle(task, ending);
      this.progress.ended(task);
    });
    this.running.set(task, ended);
  }

  private settle(task: Task, { how, words, problem }: Ending): void {
    switch (how) {
      case 'done':
        task.state = 'computed';
        return;
      case 'claimed':
        task.state = 'elsewhere';
        task.tries--;
        return;
      case 'disk':
        task.state = 'waiting';
        this.disk = new InputError(problem!);
        this.stop.abort();
        return;
      case 'interrupted':
      case 'refused':
      case 'failed':
      case 'vanished': {
        if (this.stop.signal.aborted) {
          task.state = 'waiting';
          return;
        }
        const triesLeft = how === 'refused' ? 0 : (this.options.retries ?? 2) + 1 - task.tries;
        task.state = triesLeft > 0 ? 'waiting' : 'failed';
        task.error = `run ${task.job.identity.hash.slice(0, 12)}, spec ${JSON.stringify(task.job.request.spec)}, tried ${task.tries} times: ${words}`;
      }
    }
  }

  /** Wait until a process ends, or it is time to look at what others compute. */
  private async next(): Promise<void> {
    const look = new AbortController();
    const waits: Promise<unknown>[] = [...this.running.values()];
    if (this.tasks.some((t) => t.state === 'elsewhere' || t.state === 'waiting'))
      waits.push(sleep(LOOK, undefined, { signal: look.signal }).catch(() => undefined));
    await Promise.race(waits);
    look.abort();
  }
}
