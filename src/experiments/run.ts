// One run, computed and stored. Notebooks compute in their own process, the engine in one process for each run; both come
// through here.
import os from 'node:os';
import type { ChosenBackend } from '../backends/choose';
import { InputError, Interrupted, messageOf } from '../base/errors';
import type { Long } from '../base/progress';
import { codeState, costSince, thisDevice } from '../results/provenance';
import { attemptNow } from '../results/run-log';
import type { RunRequest, StoredRun } from '../results/run-record';
import type { RunStore } from '../results/run-store';
import type { Job } from './job';
import { openDecided, fallbackNotes } from './on-backend';
import { partsOf } from './job';
import type { StudyOutcome } from './study';
import { missing } from './study';

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
          device: { ...thisDevice(), gpu: job.backend?.gpu ?? null, driver: job.backend?.driver ?? null },
          versions: { node: process.versions.node, v8: process.versions.v8, ...job.backend?.versions },
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
  const backend = (): Promise<ChosenBackend | undefined> => openDecided(job, long);
  if (request.part) return study.sweep!.runOne(request.spec, { ...long, backend: await backend() });
  const outcome = study.sweep
    ? study.sweep.combine(
        request.spec,
        findParts(job, store).map((run) => run.outcome),
      )
    : await study.run(request.spec, { ...long, backend: await backend() });
  requireSameData(request, outcome);
  return { ...outcome, notes: [...fallbackNotes(job.backend), ...outcome.notes] };
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
