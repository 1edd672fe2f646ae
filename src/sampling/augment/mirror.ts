// Mirroring: image and mask turned round along array axes, as MirrorTransform of batchgeneratorsv2.
import { InputError } from '../../base/errors';
import type { Triple, VoxelArray } from '../../volume/volume';
import { onGrid, type Patch } from './patch';

/** Image and mask turned round along some axes. */
export interface Mirror {
  op: 'mirror';
  /** Array axes 0, 1, 2. */
  axes: number[];
}

/** Turn a patch round. Twice is the patch as it was. @throws InputError for an axis that is not 0, 1 or 2 */
export function applyMirror(patch: Patch, { axes }: Mirror): Patch {
  if (!axes.every((axis) => [0, 1, 2].includes(axis))) {
    throw new InputError({
      what: 'cannot mirror a patch',
      given: `axes ${axes.join(', ')}`,
      expected: 'array axes 0, 1 or 2',
      fix: 'name the axes of the array; left and right is the axis with code R or L',
    });
  }
  if (axes.length === 0) return patch;
  const flip = [0, 1, 2].map((axis) => axes.includes(axis));
  return onGrid(patch, patch.dims, (data) => flipped(data, patch.dims, flip));
}

function flipped<A extends VoxelArray>(data: A, dims: Readonly<Triple>, [x, y, z]: readonly boolean[]): A {
  const out = new (data.constructor as new (n: number) => A)(data.length);
  for (let k = 0, to = 0; k < dims[2]; k++) {
    for (let j = 0; j < dims[1]; j++, to += dims[0]) {
      const from = dims[0] * ((y ? dims[1] - 1 - j : j) + dims[1] * (z ? dims[2] - 1 - k : k));
      if (x) copyReversed(data, from, dims[0], out, to);
      else out.set(data.subarray(from, from + dims[0]), to);
    }
  }
  return out;
}

/** A run, last value first. Its own function, so that it is compiled once for each array type. */
function copyReversed(data: VoxelArray, from: number, n: number, out: VoxelArray, to: number): void {
  for (let i = 0; i < n; i++) out[to + i] = data[from + n - 1 - i];
}
