// One run: prepared, found in the run store, or computed and stored there. Notebooks compute in their own process, the
// engine in one process for each run; both come through here.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { InputError, Interrupted, messageOf } from '../base/errors';
import { sha256, sha256OfValue } from '../base/hash';
import { inRepo } from '../base/paths';
import type { Long } from '../base/progress';
import type { Identity } from '../results/identity';
import { identityOf } from '../results/identity';
import { codeState, costSince, thisDevice } from '../results/provenance';
import { attemptNow } from '../results/run-log';
import type { RunRequest, RunStore, StoredRun } from '../results/run-store';
import type { StudyDefinition, StudyOutcome } from './study';
import { missing } from './study';

/** A run that is ready to be looked for or computed. */
export interface Job {
  study: StudyDefinition;
  request: RunRequest;
  identity: Identity;
  /** The build of the code that the identity is of. */
  build: string;
}

/** Tells one build of dist/ from another. */
export function buildStamp(): string {
  try {
    return sha256(readFileSync(inRepo('dist', '.stamp')));
  } catch {
    return '';
  }
}

/** Prepare a run: its identity covers the code that its module imports, the spec and the data. */
export async function jobOf(study: StudyDefinition, request: RunRequest): Promise<Job> {
  const build = buildStamp();
  const source = `export { ${request.name} } from ${JSON.stringify(request.module.replace(/\.js$/, ''))};`;
  const code = await identityOf(source, { resolveDir: inRepo('src') });
  return { study, request, build, identity: identityWith(code, request) };
}

/** The same study with another spec or other data, whose code need not be bundled again. */
export function jobLike(job: Job, request: RunRequest): Job {
  return { ...job, request, identity: identityWith(job.identity, request) };
}

/** The runs of a study's sweep; none when it is a single run. */
export function partsOf(job: Job): Job[] {
  const { study, request } = job;
  if (!study.sweep || request.part) return [];
  const specs = study.sweep.specs(request.spec) as RunRequest['spec'][];
  return specs.map((spec) => jobLike(job, { ...request, spec, part: true }));
}

function identityWith(code: Identity, { spec, part, data }: RunRequest): Identity {
  const identity = { ...code, spec: sha256OfValue(part ? { part: spec } : spec), data };
  // As identityOf hashes: the modules' code is in `code`.
  const hash = sha256OfValue({ ...identity, hash: undefined, modules: undefined });
  return { ...identity, hash };
}

/**
 * Compute a run and store it. The outcome of a sweep is combined from those of its runs, which must be in the store.
 * @returns the run, or undefined when another process computes it now: look again after a moment
 * @throws what the run threw; InputError when the disk is full or read-only, or a run of the sweep is lost
 */
export async function compute(
  job: Job,
  { store, force = false, ...long }: Long & { store: RunStore; force?: boolean },
): Promise<StoredRun | undefined> {
  const { request, identity } = job;
  const claim = store.claim(identity.hash);
  if (!claim) return undefined;
  try {
    const found = force ? undefined : store.find(identity.hash);
    if (found) return found;
    const began = performance.now();
    const spent = (): number => (performance.now() - began) / 1000;
    store.begin(identity.hash, request);
    const checkpoint = store.checkpoint(identity.hash, spent);
    store.log(identity.hash, attemptNow('began', { resumed: checkpoint.load() !== undefined }));
    try {
      const outcome = await outcomeOf(job, store, { ...long, checkpoint });
      if (long.signal?.aborted) throw new Interrupted(`the run of ${request.study}`);
      const run = store.publish(
        {
          study: request.study,
          mode: request.mode,
          spec: request.spec,
          part: request.part ?? false,
          identity,
          date: new Date().toISOString(),
          ...codeState(),
          host: os.hostname(),
          device: thisDevice(),
          versions: { node: process.versions.node, v8: process.versions.v8 },
          cost: costOf(job, store, checkpoint.secondsBefore + spent()),
        },
        outcome,
        { replace: force },
      );
      store.log(identity.hash, attemptNow('done', { seconds: spent() }));
      return run;
    } catch (error) {
      const event = error instanceof Interrupted || long.signal?.aborted ? 'interrupted' : 'failed';
      try {
        store.log(identity.hash, attemptNow(event, { seconds: spent(), error: messageOf(error) }));
      } catch {
        // What stopped the run is what counts.
      }
      throw error;
    }
  } finally {
    claim.release();
  }
}

async function outcomeOf(
  job: Job,
  store: RunStore,
  long: Long & { checkpoint: ReturnType<RunStore['checkpoint']> },
): Promise<unknown> {
  const { study, request } = job;
  if (request.part) return study.sweep!.runOne(request.spec, long);
  const outcome = study.sweep
    ? study.sweep.combine(
        request.spec,
        findParts(job, store).map((run) => run.outcome),
      )
    : await study.run(request.spec, long);
  requireSameData(request, outcome);
  return outcome;
}

/** The runs of a sweep from the store. @throws InputError naming the first that is not there */
function findParts(job: Job, store: RunStore): StoredRun[] {
  const parts = partsOf(job);
  return parts.map((part, i) => {
    const run = store.find(part.identity.hash);
    if (run) return run;
    throw new InputError({
      what: `cannot combine the sweep ${job.request.study}`,
      given: `no result of run ${i + 1} of ${parts.length} (${part.identity.hash.slice(0, 12)}, ${JSON.stringify(part.request.spec)})`,
      expected: `a finished run in ${store.dir}`,
      fix: 'start the sweep again: only the runs that are missing are computed',
    });
  });
}

/** The identity names the data; a file that came or went while the study ran would make it a lie. */
function requireSameData({ study, data }: RunRequest, { inputs }: StudyOutcome): void {
  for (const { name, sha256 } of inputs) {
    if (!(name in data) || data[name] === sha256) continue;
    throw new InputError({
      what: `cannot keep the run of ${study}`,
      given:
        data[name] === missing ? `${name}, which came while it ran` : `${name}, which changed while it ran`,
      expected: 'the same data from beginning to end',
      fix: 'run it again',
    });
  }
}

function costOf(job: Job, store: RunStore, seconds: number): StoredRun['record']['cost'] {
  const { memoryMB } = costSince(0);
  const costs = partsOf(job).map((part) => store.find(part.identity.hash)!.record.cost);
  const sum = costs.reduce((total, cost) => total + cost.seconds, seconds);
  return {
    seconds: Math.round(sum * 1000) / 1000,
    memoryMB: Math.max(memoryMB, ...costs.map((c) => c.memoryMB)),
  };
}
