// Drawing voxels: which planes a training run sees, the same on every machine.
//
// Draws are with replacement and uniform over the volume, its border included. A stated share of them may be drawn from
// the foreground instead, as nnU-Net does: first a class out of those present, all alike, then a voxel of that class.
// Everything is whole numbers, so that no machine's rounding can change a draw.
import { InputError } from '../base/errors';
import { Random } from '../base/random';
import type { Triple, Volume } from '../volume/volume';
import { fileOrder, samplesIn } from './order';

/** How voxels are drawn. */
export interface DrawOptions {
  seed: number | string;
  /** A segmentation on the same voxels: whole numbers, 0 is background. */
  foreground?: Pick<Volume, 'data' | 'dims'>;
  /** Share of the draws that are foreground, 0 to 1 (0). Exactly round(n share) draws, spread evenly over the list. */
  foregroundShare?: number;
  /** `random`: as drawn; `sorted`: the same voxels in file order, which is kinder to caches and worse for training. */
  order?: 'random' | 'sorted';
}

/** Voxels that could not be drawn. */
export interface NotEligible {
  /** How many. */
  voxels: number;
  /** For which draws, and why. */
  why: string;
}

/** Voxels drawn. */
export interface Draw {
  voxels: Triple[];
  /** The class each was drawn for; 0 for a draw from the whole volume. */
  classes: number[];
  /** Empty where every voxel could be drawn by every draw. */
  notEligible: NotEligible[];
}

/**
 * Draw exactly `n` voxels.
 * @param dims  voxels along each axis of the volume
 * @throws InputError for a count or share out of range, for labels on another grid, or for a share of foreground where the
 *   labels have none
 */
export function drawVoxels(dims: Readonly<Triple>, n: number, options: DrawOptions): Draw {
  const { seed, foreground, foregroundShare = 0, order = 'random' } = options;
  const voxels = samplesIn(fileOrder(dims));
  if (!Number.isSafeInteger(n) || n < 0) throw drawError(`${n} voxels`, 'a whole number, 0 or more', 'n');
  if (!(foregroundShare >= 0 && foregroundShare <= 1))
    throw drawError(`a share of foreground of ${foregroundShare}`, 'a number from 0 to 1', 'foregroundShare');
  const wanted = Math.round(n * foregroundShare);
  const pool = foregroundShare > 0 ? foregroundOf(dims, foreground) : { classes: [], notEligible: [] };
  const random = new Random(seed).fork('voxels');
  const draws = Array.from({ length: n }, (_, i) => {
    // Whole-number steps from 0 to `wanted` in n: foreground draws are spread evenly, whatever the share.
    const isForeground = Math.floor(((i + 1) * wanted) / n) > Math.floor((i * wanted) / n);
    if (!isForeground) return { place: random.below(voxels), label: 0 };
    const { label, places } = pool.classes[random.below(pool.classes.length)];
    return { place: places[random.below(places.length)], label };
  });
  if (order === 'sorted') draws.sort((a, b) => a.place - b.place);
  return {
    voxels: draws.map(({ place }) => voxelAt(dims, place)),
    classes: draws.map(({ label }) => label),
    notEligible: pool.notEligible,
  };
}

/**
 * A list cut into batches.
 * @param last  `keep` a last batch that is shorter, or `drop` it
 * @throws InputError for a size that is no whole number from 1 on
 */
export function batchesOf<T>(list: readonly T[], size: number, last: 'keep' | 'drop' = 'keep'): T[][] {
  if (!Number.isSafeInteger(size) || size < 1)
    throw drawError(`batches of ${size}`, 'a whole number, 1 or more', 'size');
  const count = last === 'keep' ? Math.ceil(list.length / size) : Math.floor(list.length / size);
  return Array.from({ length: count }, (_, b) => list.slice(b * size, (b + 1) * size));
}

interface Pool {
  /** Labels in ascending order, each with its voxels in file order. */
  classes: { label: number; places: Int32Array }[];
  notEligible: NotEligible[];
}

/** The voxels of each class. @throws InputError for labels on another grid, or without foreground */
function foregroundOf(dims: Readonly<Triple>, labels: DrawOptions['foreground']): Pool {
  if (!labels) throw drawError('a share of foreground without labels', 'labels to find it in', 'foreground');
  if (labels.dims.some((d, a) => d !== dims[a])) {
    throw drawError(
      `labels of ${labels.dims.join(' x ')} voxels for a volume of ${dims.join(' x ')}`,
      'labels on the grid of the volume',
      'foreground',
    );
  }
  const { data } = labels;
  const counts = new Map<number, number>();
  for (const value of data) counts.set(value, (counts.get(value) ?? 0) + 1);
  const isClass = (value: number): boolean => Number.isInteger(value) && value > 0;
  const present = [...counts.keys()].filter(isClass).sort((a, b) => a - b);
  if (present.length === 0)
    throw drawError(
      'labels without foreground',
      'at least one voxel with a label of 1 or more',
      'foreground',
    );
  const lists = new Map(
    present.map((label) => [label, { places: new Int32Array(counts.get(label)!), n: 0 }]),
  );
  for (let i = 0; i < data.length; i++) {
    const list = lists.get(data[i]);
    if (list) list.places[list.n++] = i;
  }
  const background = counts.get(0) ?? 0;
  const odd = [...counts].reduce((n, [value, count]) => (value === 0 || isClass(value) ? n : n + count), 0);
  const notEligible = [
    { voxels: background, why: 'foreground draws: background (label 0)' },
    { voxels: odd, why: 'foreground draws: the label is no whole number from 0 on' },
  ];
  return {
    classes: [...lists].map(([label, { places }]) => ({ label, places })),
    notEligible: notEligible.filter((n) => n.voxels > 0),
  };
}

/** The voxel at a place in file order. */
export function voxelAt([x, y]: Readonly<Triple>, place: number): Triple {
  return [place % x, Math.floor(place / x) % y, Math.floor(place / (x * y))];
}

const fixes = {
  n: 'choose how many voxels to draw',
  size: 'choose how many voxels a batch has',
  foregroundShare: 'choose for example 0.33, or 0 for draws from the whole volume',
  foreground: 'give labels of the same volume with foreground in them, or a foregroundShare of 0',
};

function drawError(given: string, expected: string, option: keyof typeof fixes): InputError {
  return new InputError({ what: 'cannot draw voxels', given, expected, fix: fixes[option] });
}
