// References: softmax, and the norms of networks.
import type { Array64 } from './array';
import { add, div, map, mul, sub } from './elementwise';
import { euclideanNorm, logSumExp, mean, variance } from './reduce';

export const logSoftmax = (a: Array64, axis = -1): Array64 => sub(a, logSumExp(a, [axis], true));
export const softmax = (a: Array64, axis = -1): Array64 => map(logSoftmax(a, axis), Math.exp);

/** (a - mean) / sqrt(variance + epsilon) over `axes`. */
export const standardise = (a: Array64, axes: readonly number[], epsilon: number): Array64 =>
  div(
    sub(a, mean(a, axes, true)),
    map(variance(a, axes, true), (v) => Math.sqrt(v + epsilon)),
  );

/** Layer norm over the last axis (Ba et al. 2016); SAM's 2-D layer norm is this one on channels-last maps. */
export const layerNorm = (a: Array64, gain: Array64, bias: Array64, epsilon: number): Array64 =>
  add(mul(standardise(a, [-1], epsilon), gain), bias);

/** Instance norm over the space axes of [b, ...space, c] (Ulyanov et al. 2016). */
export function instanceNorm(a: Array64, gain: Array64, bias: Array64, epsilon: number): Array64 {
  const space = a.shape.slice(1, -1).map((_, axis) => axis + 1);
  return add(mul(standardise(a, space, epsilon), gain), bias);
}

/** Each row divided by its length. */
export const unitRows = (a: Array64): Array64 => div(a, euclideanNorm(a, [-1], true));
