// The losses on tensors, for whoever has a backend: TensorFlow.js is loaded when they are asked for, not before.
import type * as Balance from './gradient-balance';
import type * as InfoNce from './info-nce';
import type * as Intersection from './intersection';
import type * as Segmentation from './segmentation';

export type TensorLosses = typeof Balance & typeof InfoNce & typeof Intersection & typeof Segmentation;

/** Eq. 2 on tensors, the losses of segmentation, InfoNCE across planes, and how to compare gradients. */
export async function tensorLosses(): Promise<TensorLosses> {
  return {
    ...(await import('./gradient-balance.js')),
    ...(await import('./info-nce.js')),
    ...(await import('./intersection.js')),
    ...(await import('./segmentation.js')),
  };
}
