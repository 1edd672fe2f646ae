// What batches can be drawn of: planes with labels, or masked pictures without. Plain data and shared memory, for a thread.
import type { BatchFiller, BatchForm } from './batch-form';
import type { TrainingCase } from './cases';
import type { MaskedBatchOptions, PictureSource } from './masked-batch';
import { MaskedBatchFiller, maskedForm } from './masked-batch';
import type { PlaneBatchOptions } from './plane-batch';
import { PlaneBatchFiller, planeForm } from './plane-batch';

export type BatchPlan =
  | { kind: 'planes'; cases: readonly TrainingCase[]; options: PlaneBatchOptions }
  | { kind: 'masked'; sources: readonly PictureSource[]; options: MaskedBatchOptions };

/** @throws InputError for options that do not go together */
export const formOfPlan = (plan: BatchPlan): BatchForm =>
  plan.kind === 'planes' ? planeForm(plan.options) : maskedForm(plan.options);

export const fillerOf = (plan: BatchPlan): BatchFiller =>
  plan.kind === 'planes'
    ? new PlaneBatchFiller(plan.cases, plan.options)
    : new MaskedBatchFiller(plan.sources, plan.options);
