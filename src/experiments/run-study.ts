// What a notebook calls for the results of a study: from the record, from the run store, or computed here and now.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision } from '../backends/probe';
import { InputError, Interrupted } from '../base/errors';
import type { Long } from '../base/progress';
import { formatSeconds } from '../base/progress';
import type { Mode, Provenance } from '../results/result';
import type { RunRecord, StoredRun } from '../results/run-record';
import { RunStore } from '../results/run-store';
import type { Study } from '../results/store';
import { loadStudy, quickDir, recordedDir, resultsOf, saveStudy } from '../results/store';
import { expectedCost } from './expected-cost';
import { currentMode, isRehearsal, rehearsalNote } from './mode';
import { dataOf } from './data';
import type { Job } from './job';
import { partsOf } from './job';
import { fallbackNotes } from './on-backend';
import { studyJob } from './prepare';
import { compute } from './run';
import type { StudyDefinition, StudyOutcome } from './study';
import { StudyResults } from './study';

/** Above this a run says its time and memory before it starts, in seconds. */
const LONG_RUN = 30;

export interface RunStudyOptions extends Long {
  /** The chosen mode of the notebook where left out. */
  mode?: Mode;
  store?: RunStore;
  /** Receives a line on where the results come from. */
  say?: (line: string) => void;
}

/**
 * The results of a study in a mode. `stored` reads the record and runs nothing. `quick` and `full` look into the run store
 * first and compute only what is not there; they leave a file in `COC_RUN_DIR` (set by a reproduce), else in
 * figures/quick/results/. A rehearsal leaves one in `COC_RUN_DIR` only.
 * @throws what the study throws; Interrupted; InputError for the disk
 */
export async function runStudy<Spec>(
  study: StudyDefinition<Spec>,
  {
    mode = currentMode(),
    store = new RunStore(),
    say = (line) => process.stdout.write(`${line}\n`),
    ...long
  }: RunStudyOptions = {},
): Promise<StudyResults> {
  if (mode === 'stored') return new StudyResults(resultsOf(loadStudy(recordedDir(), study.id), 'stored'));
  const job = await studyJob(study, mode, await dataOf(study, long), () => chosenHere(long));
  const here = store.find(job.identity.hash);
  if (here) say(`${study.id}: found in the run store, nothing is run again (${whenAndWhere(here.record)})`);
  else announce(job, store, say);
  const run = here ?? (await computeAll(job, store, say, long));
  const result = studyOf(run, mode);
  keep(result);
  return new StudyResults(resultsOf(result, 'fresh'));
}

/** A stored run of a whole study as the study's results. */
export function studyOf({ record, outcome }: StoredRun, mode: Mode): Study {
  const { findings, inputs, notes, seed } = outcome as StudyOutcome;
  const { date, commit, dirty, device, versions, identity, cost } = record;
  const provenance: Provenance = {
    mode,
    date,
    commit,
    dirty,
    device,
    versions,
    seed,
    inputs,
    identity,
    cost,
    notes: isRehearsal() ? [rehearsalNote, ...notes] : notes,
  };
  return { study: record.study, provenance, findings };
}

async function computeAll(
  job: Job,
  store: RunStore,
  say: (line: string) => void,
  long: Long,
): Promise<StoredRun> {
  for (const part of partsOf(job))
    if (!store.find(part.identity.hash)) await computeOrWait(part, store, say, long);
  return computeOrWait(job, store, say, long);
}

async function computeOrWait(
  job: Job,
  store: RunStore,
  say: (line: string) => void,
  long: Long,
): Promise<StoredRun> {
  for (let waits = 0; ; waits++) {
    const run = await compute(job, { store, ...long });
    if (run) return run;
    const owner = store.ownerOf(job.identity.hash);
    if (waits === 0 && owner)
      say(`${job.request.study}: ${owner} computes it already; waiting for its result`);
    // Not in step with whoever else waits.
    await sleep(200 + Math.random() * 200);
    if (long.signal?.aborted) throw new Interrupted(`waiting for ${job.request.study}`);
  }
}

/** This process computes the study: it opens what it chooses. */
async function chosenHere(long: Long): Promise<Decision> {
  const { chooseBackend } = await import('../backends/choose.js');
  const { name, device, gpu, driver, versions, notes = [], why, rejected } = await chooseBackend(long);
  return { name, device, gpu, driver, versions, notes: [...notes], why, rejected };
}

function announce(job: Job, store: RunStore, say: (line: string) => void): void {
  for (const note of fallbackNotes(job.backend)) say(`${job.study.id}: ${note}`);
  // What the study states is for its real specs.
  if (isRehearsal()) return;
  const { seconds, memoryGiB, from } = expectedCost(job, store);
  if (seconds > LONG_RUN)
    say(
      `${job.study.id}: starts now, about ${formatSeconds(seconds)} and ${memoryGiB.toFixed(1)} GiB of memory (${from})`,
    );
}

function whenAndWhere({ date, device, cost }: RunRecord): string {
  const when = `${date.slice(0, 16).replace('T', ' ')} UTC`;
  return `${when}, ${formatSeconds(cost.seconds)} on ${device.cpu}, ${device.cores} cores`;
}

/** Leave the results where a reproduce, or the reader, finds them. */
function keep(result: Study): void {
  const dir = process.env.COC_RUN_DIR;
  if (!isRehearsal()) {
    saveStudy(dir ?? quickDir(), result);
    return;
  }
  if (dir === undefined) return;
  if (dir === quickDir() || dir === recordedDir()) {
    throw new InputError({
      what: 'cannot keep the results of a rehearsal',
      given: `COC_RUN_DIR=${dir}`,
      expected: 'a folder that holds no results of a real run',
      fix: 'choose another folder, or unset COC_SPECS',
    });
  }
  saveStudy(dir, result);
}
