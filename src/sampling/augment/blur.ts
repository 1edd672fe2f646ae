// Gaussian blur along each axis in turn, reflecting at the border; as GaussianBlurTransform of batchgeneratorsv2 0.3.6.
import { InputError } from '../../base/errors';
import type { Triple } from '../../volume/volume';
import { exp, roundHalfToEven } from '../elementary';
import { eachChannel, type Patch } from './patch';

/** A Gaussian of its own width along each axis of each channel. */
export interface Blur {
  op: 'blur';
  /** Standard deviations in voxels along axes 0, 1 and 2, one triple a channel; null leaves the channel. */
  sigmas: (Triple | null)[];
}

/** @throws InputError for a sigma that is not above 0 or a patch that is shorter than half of the kernel */
export function applyBlur(patch: Patch, { sigmas }: Blur): Patch {
  return eachChannel(patch, 'blur', sigmas, (channel, sigma) =>
    sigma.reduce((values, s, axis) => blurAlong(values, patch.dims, axis, gaussian(s)), channel),
  );
}

/** Weights of a Gaussian that sum to 1; their number is the odd one nearest to 6 sigma + 0.5: 3 to 7 for 0.5 to 1. */
export function gaussian(sigma: number): Float64Array {
  if (!(sigma > 0 && Number.isFinite(sigma))) {
    throw new InputError({
      what: 'cannot blur a patch',
      given: `a sigma of ${sigma}`,
      expected: 'a number of voxels above 0',
      fix: 'nnU-Net draws 0.5 to 1; null leaves a channel',
    });
  }
  const wanted = 6 * sigma + 0.5;
  const whole = roundHalfToEven(wanted);
  const length = Math.max(1, whole % 2 === 1 ? whole : wanted >= whole ? whole + 1 : whole - 1);
  const weights = Float64Array.from({ length }, (_, n) => {
    const x = (n - (length - 1) / 2) / sigma;
    return exp(-0.5 * x * x);
  });
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

function blurAlong(
  values: Float32Array,
  dims: Readonly<Triple>,
  axis: number,
  weights: Float64Array,
): Float32Array {
  const count = dims[axis];
  const half = (weights.length - 1) / 2;
  if (half >= count) {
    throw new InputError({
      what: 'cannot blur a patch',
      given: `${count} voxels along axis ${axis} and a kernel of ${weights.length}`,
      expected: `${half + 1} voxels or more, so that the border can be reflected`,
      fix: 'take a larger patch or a smaller sigma',
    });
  }
  // x is reflected at the first and last voxel, which are not repeated.
  const reflect = (x: number): number => (x < 0 ? -x : x >= count ? 2 * count - 2 - x : x);
  const out = new Float32Array(values.length);
  const length = dims[0];
  const sum = new Float64Array(length);
  if (axis === 0) {
    const padded = new Float32Array(length + 2 * half);
    for (let row = 0; row < values.length; row += length) {
      padded.set(values.subarray(row, row + length), half);
      for (let t = 1; t <= half; t++) {
        padded[half - t] = values[row + reflect(-t)];
        padded[half + length - 1 + t] = values[row + reflect(length - 1 + t)];
      }
      startSum(padded, half, weights[half], sum);
      for (let t = 1; t <= half; t++) addPair(padded, half - t, half + t, weights[half + t], sum);
      out.set(sum, row);
    }
    return out;
  }
  // Along the slower axes whole rows are summed up, so that neighbours in memory are read together.
  const step = axis === 1 ? length : length * dims[1];
  for (let row = 0; row < values.length; row += length) {
    const at = Math.floor(row / step) % count;
    const first = row - at * step;
    startSum(values, row, weights[half], sum);
    for (let t = 1; t <= half; t++) {
      addPair(values, first + reflect(at - t) * step, first + reflect(at + t) * step, weights[half + t], sum);
    }
    out.set(sum, row);
  }
  return out;
}

function startSum(values: Float32Array, from: number, weight: number, sum: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = weight * values[from + i];
}

/** Add the two runs that have the same weight. */
function addPair(values: Float32Array, a: number, b: number, weight: number, sum: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += weight * (values[a + i] + values[b + i]);
}
