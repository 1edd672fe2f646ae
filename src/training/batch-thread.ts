// The thread that draws batches ahead of their use. Node runs this file in a worker; imported elsewhere it does nothing.
import { workerData } from 'node:worker_threads';
import { inRepo } from '../base/paths';
import { fillSlots } from '../sampling/ahead';
import type { WorkData } from '../sampling/ahead-watch';
import { numbersIn } from './batch-form';
import type { BatchPlan } from './batch-plan';
import { fillerOf, formOfPlan } from './batch-plan';

/** What the thread is given. */
export interface BatchWork {
  plan: BatchPlan;
  /** The first batch, and the one after the last. */
  from: number;
  to: number;
}

/** What this thread answers to. */
export const batchTask = 'draw batches to learn from';
/** This file as Node runs it; who starts it imports this name (see ahead-watch.ts). */
export const batchFile: string = inRepo('dist', 'training', 'batch-thread.js');

function drawAll({ plan, from, to, ...work }: BatchWork & WorkData): void {
  const form = formOfPlan(plan);
  const filler = fillerOf(plan);
  fillSlots(work, to - from, (index, slot) =>
    filler.fill(from + index, numbersIn(form, work.memory.slots, slot)),
  );
}

const given = workerData as Partial<WorkData> | null;
if (given?.task === batchTask) drawAll(given as BatchWork & WorkData);
