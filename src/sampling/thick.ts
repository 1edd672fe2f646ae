// Thick slices made of thin ones: blocks of voxels along one axis become one voxel each, as if the scanner had measured so, and
// what is found in them is brought back to the thin grid.
import { InputError } from '../base/errors';
import { voxelToWorld } from '../volume/affine';
import type { Affine, Triple, Volume, VoxelArray } from '../volume/volume';
import { lastingNotes, volumeOf } from '../volume/volume';

/** Calls `f` for each voxel of the thick grid, with the places of the thin voxels in it. */
function eachBlock(
  dims: Readonly<Triple>,
  axis: number,
  factor: number,
  f: (place: number, voxel: Triple, block: readonly number[]) => void,
): Triple {
  const thick = [...dims] as Triple;
  thick[axis] = Math.ceil(dims[axis] / factor);
  const step = [1, dims[0], dims[0] * dims[1]][axis];
  let place = 0;
  for (let z = 0; z < thick[2]; z++)
    for (let y = 0; y < thick[1]; y++)
      for (let x = 0; x < thick[0]; x++, place++) {
        const voxel: Triple = [x, y, z];
        const first: Triple = [x, y, z];
        first[axis] *= factor;
        const start = first[0] + dims[0] * (first[1] + dims[1] * first[2]);
        const there = Math.min(factor, dims[axis] - first[axis]);
        f(place, voxel, Array.from({ length: there }, (_, k) => start + k * step)); // prettier-ignore
      }
  return thick;
}

function checkFactor(axis: number, factor: number): void {
  if ([0, 1, 2].includes(axis) && Number.isSafeInteger(factor) && factor >= 1) return;
  throw new InputError({
    what: 'cannot make slices thick',
    given: `axis ${axis}, ${factor} voxels together`,
    expected: 'axis 0, 1 or 2, and a whole number of voxels from 1 on',
    fix: 'for example axis 2 and 4 voxels',
  });
}

/** The affine of the thick grid: centres of its voxels lie in the middle of a whole block. */
function thickAffine({ affine }: Volume, axis: number, factor: number): Affine {
  const first: Triple = [0, 0, 0];
  first[axis] = (factor - 1) / 2;
  const origin = voxelToWorld(affine, first);
  const row = (r: 0 | 1 | 2): Affine[0] => {
    const own = affine[r].slice(0, 3) as Triple;
    own[axis] *= factor;
    return [...own, origin[r]];
  };
  return [row(0), row(1), row(2), [...affine[3]]];
}

const thickOf = (volume: Volume, axis: number, factor: number, dims: Triple, data: VoxelArray): Volume =>
  volumeOf(data, dims, thickAffine(volume, axis, factor), {
    source: volume.source,
    notes: lastingNotes(volume),
  });

/**
 * An image in thick slices: each voxel the mean of its block. A last block may have fewer voxels.
 * @param axis    of the array
 * @param factor  thin voxels in a thick one
 * @throws InputError for an axis or factor that there is not
 */
export function thickImage(image: Volume, axis: number, factor: number): Volume {
  checkFactor(axis, factor);
  if (factor === 1) return image;
  const means: number[] = [];
  const dims = eachBlock(image.dims, axis, factor, (_, __, block) => {
    means.push(block.reduce((sum, place) => sum + image.data[place], 0) / block.length);
  });
  return thickOf(image, axis, factor, dims, Float32Array.from(means));
}

/**
 * Labels in thick slices: the label that most of a block's voxels have. Where several have as many, the one that comes first in
 * blocks where the other two indices add up to an even number, and the one that comes last in the others: neither label gains.
 * @throws InputError as `thickImage`
 */
export function thickLabels(labels: Volume, axis: number, factor: number): Volume {
  checkFactor(axis, factor);
  if (factor === 1) return labels;
  const chosen: number[] = [];
  const dims = eachBlock(labels.dims, axis, factor, (_, voxel, block) => {
    const counts = new Map<number, number>();
    for (const place of block) counts.set(labels.data[place], (counts.get(labels.data[place]) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const tied = [...counts.keys()].filter((label) => counts.get(label) === most);
    const isEven = (voxel[0] + voxel[1] + voxel[2] - voxel[axis]) % 2 === 0;
    chosen.push(isEven ? tied[0] : tied.at(-1)!);
  });
  const make = labels.data.constructor as new (values: number[]) => VoxelArray;
  return thickOf(labels, axis, factor, dims, new make(chosen));
}

/**
 * Labels of thick slices on the thin grid: every voxel has that of the block it lies in, its nearest neighbour.
 * @param dims  of the thin grid
 * @throws InputError for labels that are not of this grid made thick
 */
export function thinLabels(
  labels: Uint8Array,
  dims: Readonly<Triple>,
  axis: number,
  factor: number,
): Uint8Array {
  checkFactor(axis, factor);
  const thin = new Uint8Array(dims[0] * dims[1] * dims[2]);
  if (factor === 1 && labels.length === thin.length) return labels;
  let blocks = 0;
  eachBlock(dims, axis, factor, (place, _, block) => {
    for (const each of block) thin[each] = labels[place];
    blocks = place + 1;
  });
  if (blocks === labels.length) return thin;
  throw new InputError({
    what: 'cannot bring labels back to thin slices',
    given: `${labels.length} voxels for a grid of ${dims.join(' x ')} with ${factor} together along axis ${axis}`,
    expected: `${blocks}`,
    fix: 'give the dims, axis and factor that they were made with',
  });
}
