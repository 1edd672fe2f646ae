// Where the cells of an aligned region lie: the sample places behind ROIAlign, and behind the released code of Consistent
// View Alignment (LatentCampus at 267c976, training/loss/aligned_mae_loss.py).
//
// A cell is the mean of its samples. On features that change linearly a cell's value is the feature at the mean of its
// sample places, so that places alone say which parts of two crops are compared.
import { InputError } from '../base/errors';
import type { Triple } from '../volume/volume';
import type { Box, CropPair } from './crops';

/**
 * - `roi-align`: ROIAlign (He et al. 2017; torchvision, aligned): the first voxel's edge is 0, samples lie inside each bin.
 * - `corrected`: the released rule with each axis' own extent: the first voxel's centre is 0, samples lie on the box's faces.
 * - `released`: as the code is: the same, but the extents of the first and the last axis are exchanged.
 */
export const alignRules = ['released', 'corrected', 'roi-align'] as const;
export type AlignRule = (typeof alignRules)[number];

/** Cells along each axis, and samples of a cell along each axis. */
export interface Cells {
  count: number;
  samples: number;
}

/** What the released code uses. */
export const releasedCells: Cells = { count: 7, samples: 2 };

/** The places of the samples along one axis of a map of features, in voxels of that map (0: centre of the first). */
export function samplePlaces(
  [from, to]: readonly [number, number],
  size: number,
  rule: AlignRule,
  { count, samples }: Cells = releasedCells,
): number[] {
  const n = count * samples;
  if (!(from >= 0 && from < to && to <= 1) || n < 2) {
    throw new InputError({
      what: 'cannot place the samples of a region',
      given: `a box from ${from} to ${to} and ${n} samples`,
      expected: 'fractions from 0 to 1, the smaller first, and two samples at least',
      fix: 'give the box as fractions of the map',
    });
  }
  return Array.from({ length: n }, (_, k) =>
    rule === 'roi-align'
      ? (from + ((k + 0.5) / n) * (to - from)) * size - 0.5
      : (from + (k / (n - 1)) * (to - from)) * (size - 1),
  );
}

/** The box whose extent a rule applies to an axis. */
export function appliedAxis(rule: AlignRule, axis: number): number {
  return rule === 'released' ? 2 - axis : axis;
}

/** The places of the cells along each axis of a map, for a box: means of their samples. */
export function cellPlaces(
  box: Box,
  size: number,
  rule: AlignRule,
  cells: Cells = releasedCells,
): [number[], number[], number[]] {
  const along = (axis: number): number[] => {
    const from = appliedAxis(rule, axis);
    const places = samplePlaces([box.from[from], box.to[from]], size, rule, cells);
    return Array.from({ length: cells.count }, (_, c) => {
      const own = places.slice(c * cells.samples, (c + 1) * cells.samples);
      return own.reduce((sum, p) => sum + p, 0) / own.length;
    });
  };
  return [along(0), along(1), along(2)];
}

/** How far apart in the world the paired cells of two crops lie. */
export interface Displacement {
  /** Mean over cells along each axis, second crop less first, in voxels of the volume. */
  along: Triple;
  /** Mean distance of the paired cells, in voxels of the volume. */
  distance: number;
  /** Share of cells, of both crops, that lie outside the overlap. */
  outside: number;
}

/**
 * The displacement of the cells that a loss pairs.
 * @param pair      two crops with their boxes
 * @param features  voxels of the map of features along each axis, spread evenly over a crop
 */
export function displacementOf(
  pair: CropPair,
  features: number,
  rule: AlignRule,
  cells: Cells = releasedCells,
): Displacement {
  const places = pair.boxes.map((box) => cellPlaces(box, features, rule, cells));
  // In voxels of the volume: a voxel of the map covers size / features voxels of the crop.
  const world = (view: 0 | 1, axis: number, cell: number): number =>
    pair.starts[view][axis] + (places[view][axis][cell] + 0.5) * (pair.size[axis] / features) - 0.5;
  const axes = [0, 1, 2].map((axis) => {
    const shared: [number, number] = [
      Math.max(pair.starts[0][axis], pair.starts[1][axis]) - 0.5,
      Math.min(pair.starts[0][axis], pair.starts[1][axis]) + pair.size[axis] - 0.5,
    ];
    const each = Array.from({ length: cells.count }, (_, c) => [world(0, axis, c), world(1, axis, c)]);
    return {
      shifts: each.map(([a, b]) => b - a),
      // Rounding must not put a cell on the face outside.
      inside: ([0, 1] as const).map((view) =>
        each.map((at) => at[view] >= shared[0] - 1e-9 && at[view] <= shared[1] + 1e-9),
      ),
    };
  });
  let distance = 0;
  let outside = 0;
  const { count } = cells;
  for (let i = 0; i < count; i++)
    for (let j = 0; j < count; j++)
      for (let k = 0; k < count; k++) {
        distance += Math.hypot(axes[0].shifts[i], axes[1].shifts[j], axes[2].shifts[k]);
        for (const view of [0, 1])
          if (!(axes[0].inside[view][i] && axes[1].inside[view][j] && axes[2].inside[view][k])) outside++;
      }
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    along: [mean(axes[0].shifts), mean(axes[1].shifts), mean(axes[2].shifts)],
    distance: distance / count ** 3,
    outside: outside / (2 * count ** 3),
  };
}
