// Through-plane jitter: how much less a prediction resembles itself from slice to slice than the truth does.
import type { Mask } from './mask';
import { boxAround, cropTo } from './mask';

/**
 * The mean Dice of neighbouring slices along an array axis.
 *
 * Pairs without foreground in either slice are left out; where a mask begins or ends, Dice is 0. NaN without any pair.
 */
export function adjacentDice(mask: Mask, axis: number): number {
  const box = boxAround([mask]);
  if (!box) return NaN;
  // One slice more at both ends, where there is one: there the mask begins and ends.
  const end = Math.min(mask.dims[axis], box.first[axis] + box.dims[axis] + 1);
  box.first[axis] = Math.max(0, box.first[axis] - 1);
  box.dims[axis] = end - box.first[axis];
  const { data, dims } = cropTo(mask, box);
  const step = [1, dims[0], dims[0] * dims[1]][axis];
  const slices = dims[axis];
  const size = new Float64Array(slices);
  const shared = new Float64Array(slices);
  for (let at = 0; at < data.length; at++) {
    if (data[at] === 0) continue;
    const slice = Math.floor(at / step) % slices;
    size[slice]++;
    if (slice > 0) shared[slice] += data[at - step];
  }
  let sum = 0;
  let pairs = 0;
  for (let n = 1; n < slices; n++) {
    if (size[n] + size[n - 1] === 0) continue;
    sum += (2 * shared[n]) / (size[n] + size[n - 1]);
    pairs++;
  }
  return sum / pairs;
}

/** How alike neighbouring slices across one array axis are. */
export interface ThroughPlane {
  /** Mean Dice of neighbouring slices in the prediction (`adjacentDice`). */
  prediction: number;
  /** The same in the truth, where it is known. */
  truth?: number;
  /**
   * Through-plane jitter: prediction minus truth. Below 0 the prediction jumps more from slice to slice than the
   * anatomy does; above 0 it is smoother. NaN when either is empty.
   */
  jitter?: number;
}

/** How alike neighbouring slices along an array axis are in a prediction, and in the truth where it is known. */
export function throughPlane(prediction: Mask, truth: Mask | undefined, axis: number): ThroughPlane {
  const own = adjacentDice(prediction, axis);
  if (!truth) return { prediction: own };
  const reference = adjacentDice(truth, axis);
  return { prediction: own, truth: reference, jitter: own - reference };
}
