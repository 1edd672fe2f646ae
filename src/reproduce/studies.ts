// Step 2: the studies, each in a process of its own. One whose spec, code, packages, data and backend are unchanged is
// found in the run store and not run again.
import { requireAll, runAll } from '../engines/local';
import type { Long } from '../base/progress';
import { studies } from '../experiments/registry';
import type { Job } from '../experiments/job';
import { studyJob } from '../experiments/prepare';
import { studyOf } from '../experiments/run-study';
import type { Identity, Mode } from '../results/result';
import { RunStore } from '../results/run-store';
import { saveStudy } from '../results/store';
import { digestsOf } from './data';
import type { Reason } from './why';
import { reasonOf, rememberIdentity } from './why';

/** A study before it runs. */
export interface PlannedStudy {
  job: Job;
  reason: Reason;
}

/** What would be run of some studies, and why. @param recorded  identity of the recorded run in this mode */
export async function planStudies(
  ids: readonly string[],
  mode: Exclude<Mode, 'stored'>,
  digests: Record<string, string>,
  { force = false, recorded }: { force?: boolean; recorded?: (id: string) => Identity | undefined } = {},
): Promise<PlannedStudy[]> {
  const store = new RunStore();
  const planned: PlannedStudy[] = [];
  for (const id of ids) {
    const study = studies[id];
    const job = await studyJob(study, mode, digestsOf(study, digests));
    const { identity } = job;
    const stored = store.find(identity.hash) !== undefined;
    const known = { kind: 'study' as const, id, mode, identity, stored, force, recorded: recorded?.(id) };
    planned.push({ job, reason: reasonOf(known) });
  }
  return planned;
}

/**
 * Run what must run, and leave the results of all in a folder.
 * @throws InputError naming the studies that failed; Interrupted: finished runs are in the store
 */
export async function runStudies(
  planned: readonly PlannedStudy[],
  mode: Exclude<Mode, 'stored'>,
  dir: string,
  long: Long,
): Promise<void> {
  const run = async (some: readonly PlannedStudy[], force: boolean): Promise<void> => {
    const runs = requireAll(
      await runAll(
        some.map(({ job }) => job.request),
        { force, ...long },
      ),
    );
    runs.forEach((stored, i) => {
      saveStudy(dir, studyOf(stored, mode));
      rememberIdentity('study', some[i].reason.id, mode, stored.record.identity);
    });
  };
  await run(
    planned,
    planned.some(({ reason }) => reason.why.includes('forced')),
  );
}
