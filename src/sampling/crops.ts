// Crop pairs for view alignment: two crops of one volume that share a chosen part, and the box of that part in each.
//
// Rule of the published code of Consistent View Alignment (LatentCampus at 267c976, overlap_util/ol_w_bbox.py): a share v
// of the crop's volume is uniform in a range; it is split over the axes as v^w1 v^w2 v^w3 with w ~ Dirichlet(1, 1, 1);
// the crops lie along each axis so that they share that part of their length.
// A seed draws the same pair on every machine: whole numbers and + - * / alone, see elementary.ts.
import { InputError } from '../base/errors';
import type { Random } from '../base/random';
import type { Triple } from '../volume/volume';
import { checkInside } from './crop';
import { exp, log } from './elementary';

/** A part of a crop: fractions of the crop's extent along each axis, 0 to 1 from the first voxel's edge to the last's. */
export interface Box {
  from: Triple;
  to: Triple;
}

/**
 * - `exact`: the voxels that both crops hold. Both crops cut to their boxes have the same voxels.
 * - `released`: as in the published code, from the drawn fraction before it is rounded to voxels: up to two voxels of the
 *   crop too long along an axis, and the whole overlap where that code falls back (see `CropPairOptions.impossible`).
 */
export type BoxRule = 'exact' | 'released';

/** Two crops of one size, and what they share. */
export interface CropPair {
  /** Voxels of each crop along each axis. */
  size: Triple;
  /** First voxel of each crop in the volume. */
  starts: [Triple, Triple];
  /** The part of a crop's volume that was asked for. Rounding to voxels makes the real one a little smaller. */
  share: number;
  /** `share` split over the axes; the product of the three is `share`. */
  fractions: Triple;
  /** Voxels that the crops share along each axis. */
  overlap: Triple;
  /** The shared part in each crop. */
  boxes: [Box, Box];
  boxRule: BoxRule;
  /** Draws before this one that did not fit the volume. Many of them bias the pairs towards large overlaps. */
  redraws: number;
}

export interface CropPairOptions {
  /** Range of the share of a crop's volume, default 0.4 to 0.8. IoU is share / (2 - share): 0.25 to 0.67. */
  share?: readonly [number, number];
  boxes?: BoxRule;
  /**
   * What to do when the drawn overlap leaves no room for both crops along an axis (with crops of 128 in 205 voxels along
   * about 2 axes in 1e5). `redraw`: draw all of the pair again. `released`: as the published code does, both crops start at
   * 0 along that axis, so that they share all of it, while released boxes still show the drawn fraction.
   */
  impossible?: 'redraw' | 'released';
  /** Let either crop be the upper one along each axis, by chance. The published code always takes the second. */
  eitherUpper?: boolean;
}

const MOST_REDRAWS = 1000;

/**
 * Draw a pair of crops with a controlled overlap.
 * @param dims    voxels of the volume along each axis
 * @param size    voxels of each crop along each axis
 * @param random  advanced by every draw, so that calling again gives the next pair
 * @throws InputError when a crop does not fit, the range is none, or no drawn overlap fits the volume
 */
export function drawCropPair(
  dims: Readonly<Triple>,
  size: Readonly<Triple>,
  random: Random,
  { share = [0.4, 0.8], boxes = 'exact', impossible = 'redraw', eitherUpper = false }: CropPairOptions = {},
): CropPair {
  checkPair(dims, size, share);
  for (let redraws = 0; redraws < MOST_REDRAWS; redraws++) {
    const drawn = drawFractions(share, random);
    const axes = size.map((length, d) => placeAlong(dims[d], length, drawn.fractions[d], random));
    if (impossible === 'redraw' && axes.some((axis) => axis === undefined)) continue;
    const along = axes.map((axis, d) => {
      const { starts, overlap } = axis ?? { starts: [0, 0] as const, overlap: size[d] };
      const fraction = drawn.fractions[d];
      const [lowerFrom, upperTo] =
        boxes === 'exact' ? [(size[d] - overlap) / size[d], overlap / size[d]] : [1 - fraction, fraction];
      const lower = { start: starts[0], from: lowerFrom, to: 1 };
      const upper = { start: starts[1], from: 0, to: upperTo };
      const swap = eitherUpper && random.below(2) === 1;
      return { overlap, views: swap ? [upper, lower] : [lower, upper] };
    });
    const triple = (of: (axis: (typeof along)[number]) => number): Triple => [
      of(along[0]),
      of(along[1]),
      of(along[2]),
    ];
    const start = (view: number): Triple => triple((axis) => axis.views[view].start);
    const box = (view: number): Box => ({
      from: triple((axis) => axis.views[view].from),
      to: triple((axis) => axis.views[view].to),
    });
    return {
      size: [...size],
      starts: [start(0), start(1)],
      ...drawn,
      overlap: triple((axis) => axis.overlap),
      boxes: [box(0), box(1)],
      boxRule: boxes,
      redraws,
    };
  }
  throw new InputError({
    what: `cannot draw a pair of crops of ${size.join(' x ')} voxels`,
    given: `a volume of ${dims.join(' x ')} voxels, in which ${MOST_REDRAWS} draws did not fit`,
    expected: `room for both crops: ${size.map((p) => longestUnion(p, share[0])).join(' x ')} voxels hold every draw`,
    fix: 'take smaller crops, a larger volume or a larger share',
  });
}

/** A share of the volume, uniform in its range, split over the axes by Dirichlet(1, 1, 1). */
function drawFractions(
  [low, high]: readonly [number, number],
  random: Random,
): { share: number; fractions: Triple } {
  const share = low + (high - low) * random.uniform();
  // The gaps that two uniform numbers leave in 0..1 follow Dirichlet(1, 1, 1): no logarithm is needed.
  const a = random.uniform();
  const b = random.uniform();
  const [first, second] = a < b ? [a, b] : [b, a];
  const logShare = log(share);
  const part = (weight: number): number => exp(weight * logShare);
  return { share, fractions: [part(first), part(second - first), part(1 - second)] };
}

/**
 * Where the two crops start along one axis, lower crop first; undefined where there is no room.
 * The published code centres an overlap of 2 floor(o / 2) voxels, o = floor(length fraction), on a voxel, and keeps one
 * voxel more than needed free of centres on both sides; a single free place counts as none.
 */
function placeAlong(
  room: number,
  length: number,
  fraction: number,
  random: Random,
): { starts: [number, number]; overlap: number } | undefined {
  const wanted = Math.floor(length * fraction);
  const half = Math.floor(wanted / 2);
  const lowest = half + (length - wanted) + 1;
  const highest = room - (length - wanted) - half - 1;
  if (highest <= lowest) return undefined;
  const centre = lowest + random.below(highest - lowest + 1);
  return { starts: [centre + half - length, centre - half], overlap: 2 * half };
}

/** Voxels along an axis in which every overlap from the smallest fraction on can be placed. */
function longestUnion(length: number, smallestFraction: number): number {
  const wanted = Math.floor(length * smallestFraction);
  return 2 * (length - wanted) + 2 * Math.floor(wanted / 2) + 3;
}

function checkPair(
  dims: Readonly<Triple>,
  size: Readonly<Triple>,
  [low, high]: readonly [number, number],
): void {
  const what = 'cannot draw a pair of crops';
  if (!(low > 0 && low <= high && high < 1)) {
    throw new InputError({
      what,
      given: `a share of ${low} to ${high}`,
      expected: 'two numbers above 0 and below 1, the smaller first',
      fix: 'give the share of a crop that the other holds too, e.g. [0.4, 0.8]',
    });
  }
  checkInside(what, dims, [0, 0, 0], size);
  const smallest = Math.ceil(2 / low);
  if (size.some((length) => Math.floor(length * low) < 2)) {
    throw new InputError({
      what,
      given: `crops of ${size.join(' x ')} voxels that are to share ${low} of their volume or more`,
      expected: `crops of ${smallest} voxels or more along each axis: an overlap is a whole number of voxel pairs`,
      fix: 'take larger crops or a larger share',
    });
  }
}
