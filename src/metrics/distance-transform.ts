// The exact Euclidean distance transform, in time linear in the voxels, for voxels of any three edges.
//
// One axis after the other: along x the nearest feature of a row is found by two sweeps; along y and z the squared
// distance at a voxel is the least of the parabolas f(p) + (s (q - p))^2 of its line, and their lower envelope is built
// and read once (Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", 2012).
import type { Triple } from '../volume/volume';

/**
 * Squared distances to the nearest feature.
 * @param features  1 where a feature is, first axis fastest
 * @param dims      voxels along each axis
 * @param spacing   mm between voxels along each axis
 * @returns mm2 at every voxel; Infinity everywhere when there is no feature
 */
export function squaredDistances(
  features: Uint8Array,
  dims: Readonly<Triple>,
  spacing: Readonly<Triple>,
): Float64Array {
  const squared = alongRows(features, dims[0], spacing[0]);
  const [x, y, z] = dims;
  const plane = x * y;
  const alongY = new Envelope(y, spacing[1]);
  for (let k = 0; k < z; k++) for (let i = 0; i < x; i++) alongY.replace(squared, k * plane + i, x);
  const alongZ = new Envelope(z, spacing[2]);
  for (let i = 0; i < plane; i++) alongZ.replace(squared, i, plane);
  return squared;
}

/** Squared distances within each row. */
function alongRows(features: Uint8Array, length: number, spacing: number): Float64Array {
  const squared = new Float64Array(features.length);
  for (let row = 0; row < features.length; row += length) {
    let steps = Infinity;
    for (let i = row; i < row + length; i++) {
      steps = features[i] ? 0 : steps + 1;
      squared[i] = steps;
    }
    steps = Infinity;
    for (let i = row + length - 1; i >= row; i--) {
      steps = features[i] ? 0 : steps + 1;
      squared[i] = (Math.min(steps, squared[i]) * spacing) ** 2;
    }
  }
  return squared;
}

/** The lower envelope of the parabolas of one line. */
class Envelope {
  /** Where the parabolas of the envelope have their lowest points, and their heights there. */
  private readonly roots: Int32Array;
  private readonly heights: Float64Array;
  /** From which place on each of them is the lowest. */
  private readonly starts: Float64Array;
  private readonly spacing2: number;

  constructor(
    private readonly length: number,
    spacing: number,
  ) {
    this.roots = new Int32Array(length);
    this.heights = new Float64Array(length);
    this.starts = new Float64Array(length);
    this.spacing2 = spacing * spacing;
  }

  /** Replace the values at `first + i step` by the least of their parabolas. */
  replace(values: Float64Array, first: number, step: number): void {
    const { length, roots, heights, starts, spacing2 } = this;
    let last = -1;
    for (let q = 0, at = first; q < length; q++, at += step) {
      const height = values[at];
      if (height === Infinity) continue;
      let start = -Infinity;
      for (; last >= 0; last--) {
        const p = roots[last];
        start = ((height - heights[last]) / spacing2 / (q - p) + q + p) / 2;
        if (start > starts[last]) break;
        start = -Infinity;
      }
      last++;
      roots[last] = q;
      heights[last] = height;
      starts[last] = start;
    }
    if (last < 0) return;
    let n = 0;
    for (let q = 0, at = first; q < length; q++, at += step) {
      while (n < last && starts[n + 1] < q) n++;
      const steps = q - roots[n];
      values[at] = heights[n] + steps * steps * spacing2;
    }
  }
}
