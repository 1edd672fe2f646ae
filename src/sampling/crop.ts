// Cutting a box of voxels out of a volume.
import { InputError } from '../base/errors';
import { voxelToWorld } from '../volume/affine';
import type { Triple, Volume, VoxelArray } from '../volume/volume';
import { lastingNotes, volumeOf } from '../volume/volume';

/**
 * A box of voxels cut out of a volume. Every voxel keeps its value and its place in the world.
 * @param start  first voxel of the crop
 * @param size   voxels along each axis
 * @throws InputError when the crop does not lie in the volume
 */
export function cropOf(volume: Volume, start: Readonly<Triple>, size: Readonly<Triple>): Volume {
  checkInside('cannot crop a volume', volume.dims, start, size);
  const { affine } = volume;
  const origin = voxelToWorld(affine, start);
  return volumeOf(
    cropVoxels(volume.data, volume.dims, start, size),
    size,
    [
      [affine[0][0], affine[0][1], affine[0][2], origin[0]],
      [affine[1][0], affine[1][1], affine[1][2], origin[1]],
      [affine[2][0], affine[2][1], affine[2][2], origin[2]],
      [...affine[3]],
    ],
    { source: volume.source, notes: lastingNotes(volume) },
  );
}

/** The voxels of a box, x fastest; what lies outside the array is 0. */
export function cropVoxels<A extends VoxelArray>(
  data: A,
  dims: Readonly<Triple>,
  start: Readonly<Triple>,
  size: Readonly<Triple>,
): A {
  const out = new (data.constructor as new (n: number) => A)(size[0] * size[1] * size[2]);
  // The part of each row that lies inside, in voxels of the crop.
  const from = Math.max(0, -start[0]);
  const to = Math.min(size[0], dims[0] - start[0]);
  if (to <= from) return out;
  for (let k = 0; k < size[2]; k++) {
    const z = k + start[2];
    if (z < 0 || z >= dims[2]) continue;
    for (let j = 0; j < size[1]; j++) {
      const y = j + start[1];
      if (y < 0 || y >= dims[1]) continue;
      const row = start[0] + dims[0] * (y + dims[1] * z);
      out.set(data.subarray(row + from, row + to), from + size[0] * (j + size[1] * k));
    }
  }
  return out;
}

/** @throws InputError when a box of voxels is none or does not lie in an array of these dims */
export function checkInside(
  what: string,
  dims: Readonly<Triple>,
  start: Readonly<Triple>,
  size: Readonly<Triple>,
): void {
  const fits = [0, 1, 2].every(
    (d) =>
      Number.isSafeInteger(start[d]) &&
      Number.isSafeInteger(size[d]) &&
      start[d] >= 0 &&
      size[d] >= 1 &&
      start[d] + size[d] <= dims[d],
  );
  if (fits) return;
  throw new InputError({
    what,
    given: `${size.join(' x ')} voxels from voxel (${start.join(', ')}) of a volume of ${dims.join(' x ')}`,
    expected: 'a box of whole voxels inside the volume',
    fix: 'take a smaller crop or another start',
  });
}
