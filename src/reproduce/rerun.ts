// `coc verify --rerun`: studies that compute and measure nothing must come out the same again.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Long } from '../base/progress';
import { runAll } from '../engines/local';
import { dataOf } from '../experiments/data';
import type { Job } from '../experiments/job';
import { studyJob } from '../experiments/prepare';
import { studies } from '../experiments/registry';
import { studyOf } from '../experiments/run-study';
import { driftBetween } from '../results/drift';
import type { Result } from '../results/result';
import { RunStore } from '../results/run-store';
import type { Study } from '../results/store';
import { resultsOf } from '../results/store';

/**
 * Run the studies of a folder that measure no time again, into a store of their own, and compare.
 * @param problems  receives what comes out otherwise
 * @param notes     receives what is left out
 * @returns the studies that were run
 */
export async function runAgain(
  found: readonly Study[],
  problems: string[],
  notes: string[],
  long: Long,
): Promise<string[]> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'coc-verify-runs-'));
  try {
    const jobs: { id: string; mode: 'quick' | 'full'; job: Job }[] = [];
    for (const { study: id, provenance } of found) {
      const { mode } = provenance;
      if (!(id in studies) || mode === 'stored') continue;
      if (studies[id].timed) notes.push(`${id} measures time and is not run again`);
      else jobs.push({ id, mode, job: await studyJob(studies[id], mode, await dataOf(studies[id], long)) });
    }
    const runs = await runAll(
      jobs.map(({ job }) => job.request),
      { store: new RunStore(dir), ...long },
    );
    runs.forEach(({ run, error }, i) => {
      const { id, mode } = jobs[i];
      if (!run) {
        problems.push(`${id} cannot be run again: ${error}`);
        return;
      }
      const byId = (study: Study, origin: Result['origin']): Map<string, Result> =>
        new Map(resultsOf(study, origin).map((result) => [result.id, result]));
      const theirs = found.find((study) => study.study === id)!;
      const { drifts, onlyRecorded, onlyFresh } = driftBetween(
        byId(theirs, 'stored'),
        byId(studyOf(run, mode), 'fresh'),
      );
      for (const drift of drifts.filter((d) => d.class === 'unexplained'))
        problems.push(`${drift.id} comes out otherwise here: ${drift.text}; tell whoever made the folder`);
      for (const only of onlyRecorded) problems.push(`${only} does not come out here`);
      for (const only of onlyFresh) problems.push(`${only} comes out here and is not in the folder`);
    });
    return jobs.map(({ id }) => id);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
