// Low resolution: a channel is sampled on a coarser grid (nearest voxel) and brought back (trilinear), so that it looks as
// if it had been acquired with larger voxels. As SimulateLowResolutionTransform of batchgeneratorsv2 0.3.6.
import { InputError } from '../../base/errors';
import type { Triple } from '../../volume/volume';
import { roundHalfToEven } from '../elementary';
import { eachChannel, type Patch } from './patch';

/** A coarser grid for each channel. */
export interface LowResolution {
  op: 'low-resolution';
  /** Share of the samples that is kept along axes 0, 1 and 2, one triple a channel; null leaves the channel. */
  scales: (Triple | null)[];
}

/** @throws InputError for a scale that is not above 0 and at most 1 */
export function applyLowResolution(patch: Patch, { scales }: LowResolution): Patch {
  return eachChannel(patch, 'low resolution', scales, (channel, scale) => {
    if (!scale.every((s) => s > 0 && s <= 1)) {
      throw new InputError({
        what: 'cannot simulate low resolution',
        given: `scales ${scale.join(', ')}`,
        expected: 'shares of the samples, above 0 and at most 1',
        fix: 'nnU-Net draws 0.5 to 1, the same for each axis',
      });
    }
    return simulate(channel, patch.dims, scale);
  });
}

/** How one axis is brought back: the two coarse samples of each fine one, and the weight of the second. */
interface Axis {
  /** Fine voxel that each coarse sample was taken from. */
  taken: Int32Array;
  low: Int32Array;
  high: Int32Array;
  weight: Float64Array;
}

/** Half-pixel centres both ways (torch's nearest-exact and linear with align_corners false). */
function axisOf(fine: number, scale: number): Axis {
  // In single precision where the reference is: it decides which neighbour is the nearest.
  const coarse = Math.max(1, roundHalfToEven(fine * Math.fround(scale)));
  const down = Math.fround(fine / coarse);
  const taken = Int32Array.from({ length: coarse }, (_, n) =>
    Math.min(fine - 1, Math.floor(Math.fround((n + 0.5) * down))),
  );
  const place = Float64Array.from({ length: fine }, (_, n) => Math.max(0, ((n + 0.5) * coarse) / fine - 0.5));
  const low = Int32Array.from(place, (x) => Math.floor(x));
  return {
    taken,
    low,
    high: low.map((n) => Math.min(n + 1, coarse - 1)),
    weight: place.map((x, n) => x - low[n]),
  };
}

/** The coarse samples are brought back along axis 2, then 1, then 0: each pass works on lines of the one before. */
function simulate(image: Float32Array, dims: Readonly<Triple>, scale: Triple): Float32Array {
  const [x, y, z] = dims.map((d, axis) => axisOf(d, scale[axis]));
  const [cx, cy, cz] = [x.taken.length, y.taken.length, z.taken.length];
  const coarse = new Float32Array(cx * cy * cz);
  for (let k = 0, to = 0; k < cz; k++) {
    for (let j = 0; j < cy; j++) {
      const row = dims[0] * (y.taken[j] + dims[1] * z.taken[k]);
      for (let i = 0; i < cx; i++) coarse[to++] = image[row + x.taken[i]];
    }
  }
  const out = new Float32Array(image.length);
  const slice = new Float64Array(cx * cy);
  const line = new Float64Array(cx);
  for (let k = 0, to = 0; k < dims[2]; k++) {
    mix(coarse, z.low[k] * cx * cy, z.high[k] * cx * cy, z.weight[k], slice);
    for (let j = 0; j < dims[1]; j++, to += dims[0]) {
      mix(slice, y.low[j] * cx, y.high[j] * cx, y.weight[j], line);
      for (let i = 0; i < dims[0]; i++) {
        const a = line[x.low[i]];
        out[to + i] = a + x.weight[i] * (line[x.high[i]] - a);
      }
    }
  }
  return out;
}

/** `into` = (1 - weight) times the run at `low` + weight times the run at `high`. */
function mix(
  values: Float32Array | Float64Array,
  low: number,
  high: number,
  weight: number,
  into: Float64Array,
): void {
  for (let i = 0; i < into.length; i++) {
    const a = values[low + i];
    into[i] = a + weight * (values[high + i] - a);
  }
}
