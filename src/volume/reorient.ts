// Turning a volume's axes without resampling: permutations and flips only, so every voxel value is kept.
import { InputError } from '../base/errors';
import type { Affine, Triple } from './affine';
import { multiplyAffines } from './affine';

import { orientationOf, parseAxisCodes } from './orientation';
import type { Volume, VoxelArray } from './volume';
import { lastingNotes, volumeOf } from './volume';

/**
 * The same volume with its axes along `codes` as nearly as permutations and flips can bring them; an oblique volume
 * stays oblique. The world position of every voxel value is unchanged.
 * @param codes  three letters out of R/L, A/P, S/I, e.g. `RAS`: where each index is to grow
 * @returns the volume itself when its axes already lie so, else a copy
 * @throws InputError for letters that do not name three axes, or when an axis of the volume has no direction
 */
export function reorient(volume: Volume, codes: string): Volume {
  if (volume.axisCodes === codes) return volume;
  const wanted = parseAxisCodes(codes);
  if (!wanted) {
    throw new InputError({
      what: 'cannot reorient a volume',
      given: JSON.stringify(codes),
      expected: 'three letters, one of R L, one of A P, one of S I, in any order',
      fix: 'write for example RAS, LPS or LIA',
    });
  }
  const has = orientationOf(volume.affine);
  if (has.some((direction) => direction === null)) {
    throw new InputError({
      what: `cannot reorient a volume to ${codes}`,
      given: `an affine with axis codes ${volume.axisCodes}`,
      expected: 'a direction for each axis',
      fix: 'give the image a valid sform or qform first',
    });
  }
  const { dims, data } = volume;
  // For each new axis: the old axis that follows the same world axis, and whether it runs the other way.
  const from = wanted.map((w) => has.findIndex((h) => h?.axis === w.axis)) as Triple;
  const flip = wanted.map((w, i) => has[from[i]]!.sign !== w.sign);
  const newDims = from.map((axis) => dims[axis]) as Triple;
  const strides = [1, dims[0], dims[0] * dims[1]];
  const step = from.map((axis, i) => (flip[i] ? -strides[axis] : strides[axis])) as Triple;
  const first = from.reduce((sum, axis, i) => sum + (flip[i] ? (dims[axis] - 1) * strides[axis] : 0), 0);
  // New voxel index to old voxel index.
  const toOld: Affine = [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 0, 1],
  ];
  from.forEach((axis, i) => {
    toOld[axis][i] = flip[i] ? -1 : 1;
    toOld[axis][3] = flip[i] ? dims[axis] - 1 : 0;
  });
  return volumeOf(gather(data, newDims, step, first), newDims, multiplyAffines(volume.affine, toOld), {
    source: volume.source,
    notes: lastingNotes(volume),
  });
}

/** The values at `first + i step[0] + j step[1] + k step[2]`, i fastest. */
function gather<T extends VoxelArray>(data: T, dims: Triple, step: Triple, first: number): T {
  const result = new (data.constructor as new (length: number) => T)(data.length);
  let n = 0;
  for (let k = 0; k < dims[2]; k++) {
    for (let j = 0; j < dims[1]; j++) {
      let at = first + j * step[1] + k * step[2];
      for (let i = 0; i < dims[0]; i++, at += step[0]) result[n++] = data[at];
    }
  }
  return result;
}
