// Small volumes in every orientation, and planes of them taken voxel by voxel through the affine alone.
import type { Affine, Triple } from '../../src/volume/affine';
import { voxelToWorld } from '../../src/volume/affine';
import type { Volume, VoxelArray } from '../../src/volume/volume';
import { volumeOf } from '../../src/volume/volume';
import type { PlaneName } from '../../src/sampling/plane';

/** The 48 ways to store a volume: three axes in any order, each in either sense. */
export const orientations: string[] = ['RL', 'AP', 'SI'].flatMap((a, i, all) =>
  all.flatMap((b, j) =>
    i === j
      ? []
      : all[3 - i - j]
          .split('')
          .flatMap((z) => b.split('').flatMap((y) => a.split('').map((x) => x + y + z))),
  ),
);

/** An affine with these axis codes and spacing; `tilt` (radians) turns it a little about the world's x and z axes. */
export function affineOf(axisCodes: string, spacing: Triple, tilt = 0): Affine {
  const columns = [...axisCodes].map((code, axis) => {
    const world = ['RL', 'AP', 'SI'].findIndex((pair) => pair.includes(code));
    const length = 'RAS'.includes(code) ? spacing[axis] : -spacing[axis];
    const v = [0, 0, 0];
    v[world] = length;
    const [c, s] = [Math.cos(tilt), Math.sin(tilt)];
    const turned = [v[0], c * v[1] - s * v[2], s * v[1] + c * v[2]];
    return [c * turned[0] - s * turned[1], s * turned[0] + c * turned[1], turned[2]];
  });
  const row = (r: number) => [columns[0][r], columns[1][r], columns[2][r], 10 * (r + 1)];
  return [row(0), row(1), row(2), [0, 0, 0, 1]] as Affine;
}

/** A volume whose every voxel holds its own index (as far as the type reaches), in an array type of choice. */
export function counted(
  dims: Triple,
  axisCodes: string,
  {
    make = Int32Array,
    spacing = [1, 2, 3],
    tilt = 0,
  }: { make?: ArrayType; spacing?: Triple; tilt?: number } = {},
): Volume {
  const data = make.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => i);
  return volumeOf(data, dims, affineOf(axisCodes, spacing, tilt));
}

export interface ArrayType {
  from(of: { length: number }, value: (_: unknown, i: number) => number): VoxelArray;
  readonly name: string;
}
export const arrayTypes: ArrayType[] = [
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
];

/** World directions (x right, y front, z head) in which columns and rows of a picture grow, by the radiological view. */
const views: Record<
  PlaneName,
  { columns: [world: number, sign: number]; rows: [number, number]; normal: number }
> = {
  axial: { columns: [0, -1], rows: [1, -1], normal: 2 },
  coronal: { columns: [0, -1], rows: [2, -1], normal: 1 },
  sagittal: { columns: [1, -1], rows: [2, -1], normal: 0 },
};

/**
 * The voxels of the plane through a voxel, row by row, in the order a radiologist sees them. Found by looking at the
 * world position of every voxel of the volume: none of the code under test takes part. For affines without tilt.
 */
export function voxelsOfPlane(
  volume: Volume,
  plane: PlaneName,
  voxel: Triple,
): { width: number; voxels: Triple[] } {
  const { columns, rows, normal } = views[plane];
  const at = voxelToWorld(volume.affine, voxel)[normal];
  const found: { voxel: Triple; column: number; row: number }[] = [];
  for (let k = 0; k < volume.dims[2]; k++) {
    for (let j = 0; j < volume.dims[1]; j++) {
      for (let i = 0; i < volume.dims[0]; i++) {
        const world = voxelToWorld(volume.affine, [i, j, k]);
        if (Math.abs(world[normal] - at) > 1e-6) continue;
        found.push({
          voxel: [i, j, k],
          column: columns[1] * world[columns[0]],
          row: rows[1] * world[rows[0]],
        });
      }
    }
  }
  found.sort((a, b) => a.row - b.row || a.column - b.column);
  return { width: found.filter((f) => f.row === found[0].row).length, voxels: found.map((f) => f.voxel) };
}

/** Place of a voxel in file order. */
export function placeInFile({ dims }: Pick<Volume, 'dims'>, [i, j, k]: Triple): number {
  return i + dims[0] * (j + dims[1] * k);
}

/** The bytes of an array, for comparison bit by bit. */
export function bytesOf(array: VoxelArray): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
