// A three-dimensional image in the world: voxels, and where they lie in the patient.
import { InputError } from '../base/errors';
import type { Affine, Triple } from './affine';
import { spacingOf } from './affine';
import { axisCodes } from './orientation';

export type { Affine, Triple } from './affine';

/** Voxel values. 64-bit integers become Float64Array where that is exact (see `readNiftiImage`). */
export type VoxelArray =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** How many voxels are not numbers one can compute with. */
export interface NonFinite {
  nan: number;
  infinite: number;
}

/** Where a volume came from. */
export interface VolumeSource {
  /** Path of the file, or what else made it. */
  file: string;
  /** e.g. `NIfTI-1 .nii.gz, float32, little-endian`. */
  format: string;
}

/** A 3-D image. Voxel (i, j, k) is `data[i + dims[0] * (j + dims[1] * k)]`: the first axis runs fastest, as in the file. */
export interface Volume {
  /** Values in file order, scaled by the header's slope and intercept. */
  data: VoxelArray;
  /** Voxels along each axis. */
  dims: Triple;
  /** Millimetres between voxels along each axis. */
  spacing: Triple;
  /** Voxel index to world, millimetres, RAS+. */
  affine: Affine;
  /** The side of the patient towards which each index grows, e.g. `LPS`. */
  axisCodes: string;
  /** Counts of NaN and infinite voxels; both 0 in a sound image. */
  nonFinite: NonFinite;
  source?: VolumeSource;
  /** What a reader must know: non-finite voxels, a header that was put right. Empty in a sound image. */
  notes: string[];
}

/**
 * A volume from its voxels and affine; spacing, axis codes and counts of non-finite voxels follow from them.
 * @param data    values, first axis fastest; not copied
 * @param dims    voxels along each axis; their product is the length of `data`
 * @param affine  voxel index to world, mm, RAS+
 * @throws InputError when the number of values is not the product of the dims
 */
export function volumeOf(
  data: VoxelArray,
  dims: Readonly<Triple>,
  affine: Affine,
  { source, notes = [] }: { source?: VolumeSource; notes?: readonly string[] } = {},
): Volume {
  if (dims.some((d) => !Number.isSafeInteger(d) || d < 1) || dims[0] * dims[1] * dims[2] !== data.length) {
    throw new InputError({
      what: 'cannot make a volume',
      given: `${data.length} values for dims ${dims.join(' x ')}`,
      expected: 'three positive whole dims whose product is the number of values',
      fix: 'pass the dims of the array, first axis fastest',
    });
  }
  const nonFinite = countNonFinite(data);
  return {
    data,
    dims: [...dims],
    spacing: spacingOf(affine),
    affine,
    axisCodes: axisCodes(affine),
    nonFinite,
    ...(source && { source }),
    notes: [...notes, ...nonFiniteNotes(nonFinite)],
  };
}

/** How many values are NaN, how many infinite. Whole-number arrays are not scanned. */
export function countNonFinite(data: VoxelArray): NonFinite {
  const counts = { nan: 0, infinite: 0 };
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return counts;
  // 0 * x is 0 for every finite x and NaN else: one sum tells whether there is anything to count.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += 0 * data[i];
  if (sum === 0) return counts;
  for (let i = 0; i < data.length; i++) {
    if (Number.isNaN(data[i])) counts.nan++;
    else if (!Number.isFinite(data[i])) counts.infinite++;
  }
  return counts;
}

function nonFiniteNotes({ nan, infinite }: NonFinite): string[] {
  if (nan === 0 && infinite === 0) return [];
  return [
    `${nan} voxels are NaN and ${infinite} are infinite: replace them before you compute with this image`,
  ];
}

/** The notes of a volume but for those on non-finite voxels, which `volumeOf` writes anew for what is made from it. */
export function lastingNotes(volume: Volume): string[] {
  const counted = nonFiniteNotes(volume.nonFinite);
  return volume.notes.filter((note) => !counted.includes(note));
}
