// What a run is expected to take: what the latest run of the same size took on this machine, else what the study states.
import { median } from '../base/interval';
import { sha256OfValue } from '../base/hash';
import { thisDevice } from '../results/provenance';
import type { RunRecord } from '../results/run-record';
import type { RunStore } from '../results/run-store';
import type { Job } from './job';

/** An expectation, and what it rests on. */
export interface ExpectedCost {
  seconds: number;
  /** Peak memory of the process. */
  memoryGiB: number;
  from: 'measured here' | 'as the study states';
}

/** What a job is expected to take. @param records  of the store, where they were listed already */
export function expectedCost(job: Job, store: RunStore, records: RunRecord[] = store.list()): ExpectedCost {
  const { study, request } = job;
  const { cpu } = thisDevice();
  const alike = records.filter(
    (r) => r.study === study.id && r.part === (request.part ?? false) && r.device.cpu === cpu,
  );
  const size = sha256OfValue(request.spec);
  const same = alike.find((r) => sha256OfValue(r.spec) === size);
  // The runs of a sweep are alike in size; whole studies are not.
  const measured = same ? [same] : request.part ? alike : [];
  if (measured.length > 0) {
    return {
      seconds: median(measured.map((r) => r.cost.seconds)),
      memoryGiB: (Math.max(...measured.map((r) => r.cost.memoryMB)) * 1e6) / 2 ** 30,
      from: 'measured here',
    };
  }
  const { seconds, memoryGiB } = study.cost[request.mode === 'full' ? 'full' : 'quick'];
  const parts =
    request.part && study.sweep
      ? study.sweep.specs(study.specs[request.mode === 'full' ? 'full' : 'quick']).length
      : 1;
  return { seconds: seconds / Math.max(1, parts), memoryGiB, from: 'as the study states' };
}
