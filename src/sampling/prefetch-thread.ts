// The thread that gathers batches ahead of their use. Node runs this file in a worker; imported elsewhere it does nothing.
import { workerData } from 'node:worker_threads';
import { inRepo } from '../base/paths';
import type { BatchSource } from './batch';
import { BatchGatherer, batchForm, batchIn } from './batch';
import type { RingMemory } from './ring';
import { Ring } from './ring';

/** What the thread is given. */
export interface GatherData {
  task: 'gather planes';
  source: BatchSource;
  /** x, y, z of every voxel, in the order of the list. */
  voxels: Int32Array;
  /** Voxels in a batch. */
  size: number;
  memory: RingMemory;
}

/**
 * This file as Node runs it. Who starts the thread imports this name, so that the thread's code is part of what it imports
 * and of the identity of its runs.
 */
export const gatherFile: string = inRepo('dist', 'sampling', 'prefetch-thread.js');

function gatherAll({ source, voxels, size, memory }: GatherData): void {
  const ring = new Ring(memory);
  const form = batchForm(source, size);
  const gatherer = new BatchGatherer(source, form);
  const count = voxels.length / 3;
  for (let batch = 0; batch * size < count; batch++) {
    ring.waitForSlot(batch);
    const from = batch * size;
    const wanted = voxels.subarray(3 * from, 3 * Math.min(from + size, count));
    gatherer.fill(wanted, batchIn(form, memory.slots, ring.slotOf(batch), wanted.length / 3));
    ring.put();
  }
}

const given = workerData as Partial<GatherData> | null;
if (given?.task === 'gather planes') gatherAll(given as GatherData);
