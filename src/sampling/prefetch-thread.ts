// The thread that gathers batches ahead of their use. Node runs this file in a worker; imported elsewhere it does nothing.
import { workerData } from 'node:worker_threads';
import { inRepo } from '../base/paths';
import { fillSlots } from './ahead';
import type { WorkData } from './ahead-watch';
import type { BatchSource } from './batch';
import { BatchGatherer, batchForm, batchIn } from './batch';

/** What the thread is given. */
export interface GatherData {
  source: BatchSource;
  /** x, y, z of every voxel, in the order of the list. */
  voxels: Int32Array;
  /** Voxels in a batch. */
  size: number;
}

/** What this thread answers to. */
export const gatherTask = 'gather planes';
/** This file as Node runs it; see `watchFile`. */
export const gatherFile: string = inRepo('dist', 'sampling', 'prefetch-thread.js');

function gatherAll({ source, voxels, size, ...work }: GatherData & WorkData): void {
  const form = batchForm(source, size);
  const gatherer = new BatchGatherer(source, form);
  const count = voxels.length / 3;
  fillSlots(work, Math.ceil(count / size), (batch, slot) => {
    const from = batch * size;
    const wanted = voxels.subarray(3 * from, 3 * Math.min(from + size, count));
    gatherer.fill(wanted, batchIn(form, work.memory.slots, slot, wanted.length / 3));
  });
}

const given = workerData as Partial<WorkData> | null;
if (given?.task === gatherTask) gatherAll(given as GatherData & WorkData);
