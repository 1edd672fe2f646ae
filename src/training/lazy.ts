// Training and prediction for whoever has a backend: TensorFlow.js is loaded when they are asked for, not before.
import type * as TensorOptimisers from '../backends/optimisers';
import type * as Volumes from '../inference/volume';
import type * as Thick from '../sampling/thick';
import type * as Cases from './cases';
import type * as Curves from './curves';
import type * as DrawnBatches from './drawn-batches';
import type * as MaskedStep from './masked-step';
import type * as Optimisers from './optimisers';
import type * as PlaneNetwork from './plane-network';
import type * as Schedule from './schedule';
import type * as Train from './train';

export type TrainingTools = typeof Train &
  typeof Schedule &
  typeof Optimisers &
  typeof Cases &
  typeof TensorOptimisers &
  typeof DrawnBatches &
  typeof PlaneNetwork &
  typeof MaskedStep &
  typeof Curves &
  typeof Volumes &
  typeof Thick;

/**
 * The loop of training with its schedule and optimisers, batches that another thread draws, the network of planes ready to be
 * trained and asked, masked pictures, and prediction of whole volumes.
 */
export async function trainingTools(): Promise<TrainingTools> {
  return {
    ...(await import('./train.js')),
    ...(await import('./schedule.js')),
    ...(await import('./optimisers.js')),
    ...(await import('./cases.js')),
    ...(await import('../backends/optimisers.js')),
    ...(await import('./drawn-batches.js')),
    ...(await import('./plane-network.js')),
    ...(await import('./masked-step.js')),
    ...(await import('./curves.js')),
    ...(await import('../inference/volume.js')),
    ...(await import('../sampling/thick.js')),
  };
}
