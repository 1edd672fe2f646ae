// Reading NIfTI: as a 3-D volume in the world, or as an image of 1 to 7 axes with everything its header says.
import { sha256 } from '../base/hash';
import type { Long } from '../base/progress';
import type { Triple } from './affine';
import { decodeVoxels } from './nifti-decode';
import { problemIn } from './file-errors';
import type { NiftiExtension } from './nifti-extensions';
import type { NiftiInput } from './nifti-file';
import { openNifti } from './nifti-file';
import type { NiftiHeader } from './nifti-header';
import type { NonFinite, Volume, VoxelArray } from './volume';
import { countNonFinite, volumeOf } from './volume';

/** An image as its file describes it. */
export interface NiftiImage {
  header: NiftiHeader;
  extensions: NiftiExtension[];
  /** Voxels along each of the 1 to 7 axes; the first axis runs fastest. */
  dims: number[];
  /**
   * Numbers a voxel: 1; 2 for complex (real, imaginary), 3 for RGB and 4 for RGBA, side by side in `data`
   * (`data[components * voxel + c]`).
   */
  components: 1 | 2 | 3 | 4;
  /** Values, scaled by slope and intercept: the stored type when there is no scaling, else float64, as nibabel. */
  data: VoxelArray;
  nonFinite: NonFinite;
  /** What a reader must know: what was put right in the header, numbers that were rounded, bytes left out. */
  notes: string[];
}

/** Which part of an image with more than three axes to take as the volume. */
export interface ReadOptions extends Long {
  /** Index along the fourth axis; along several further axes, the index with the fourth fastest. */
  frame?: number;
}

/** Read a header without touching the voxels. @throws InputError as `readNiftiImage` does for headers */
export async function readNiftiHeader(
  input: NiftiInput,
  long: Long = {},
): Promise<NiftiHeader & { extensions: NiftiExtension[]; format: string }> {
  const file = await openNifti(input, long);
  try {
    return { extensions: await file.extensions(), ...file.header, format: file.format };
  } finally {
    await file.close();
  }
}

/**
 * Read an image of 1 to 7 axes: NIfTI-1 or -2, `.nii`, `.hdr`/`.img`, gzipped (also in several members) or plain, any
 * byte order, files above 2 GiB.
 *
 * Types: 8- to 32-bit integers and 32- and 64-bit floats keep theirs; 64-bit integers and float128 become float64 (a
 * note counts values that were rounded); complex and colour voxels are interleaved (`components`). A scaled image is
 * float64. Voxels of one bit are an error.
 * Memory: what a header claims is checked against the size of the file first (a gzip stream holds at most 1032 times
 * its size), and at most 64 times the file + 1 MiB is allocated before the stream has yielded as much. In all, at most
 * the file, twice its voxels as stored, and 8 bytes a value.
 * @param input  a path (`.hdr` or `.img` for a pair), or the bytes of a `.nii` or `.nii.gz` (never changed)
 * @throws InputError not NIfTI, truncated header or voxels, wrong magic, impossible dims, unknown datatype, a header
 *   that asks for more than the file has, corrupt gzip, missing `.img`
 */
export async function readNiftiImage(input: NiftiInput, long: Long = {}): Promise<NiftiImage> {
  const file = await openNifti(input, long);
  try {
    const extensions = await file.extensions();
    const { header } = file;
    const data = decodeVoxels(await file.voxels(), header, header.notes);
    return {
      header,
      extensions,
      dims: header.dims,
      components: header.type.components,
      data,
      nonFinite: countNonFinite(data),
      notes: header.notes,
    };
  } finally {
    await file.close();
  }
}

/**
 * Read a 3-D volume. Further axes of length 1 are dropped; of an image with more frames one must be chosen.
 * Memory, types and errors are those of `readNiftiImage`.
 * @throws InputError also for fewer than three axes, several frames without `frame`, complex and colour voxels, and
 *   an affine with numbers that are not finite
 */
export async function readNifti(input: NiftiInput, { frame, ...long }: ReadOptions = {}): Promise<Volume> {
  const file = await openNifti(input, long);
  try {
    const { header, name, format } = file;
    const wrong = problemIn(name);
    const { dims, type, affine } = header;
    if (dims.length < 3) {
      throw wrong(
        `an image of ${dims.length} axes (${dims.join(' x ')})`,
        'a volume of three',
        'stack its slices into a volume; readNiftiImage reads it as it is',
      );
    }
    if (type.components > 1) {
      throw wrong(
        `${type.name} voxels of ${type.components} numbers each`,
        'one number a voxel',
        'take one component or the magnitude first; readNiftiImage reads all',
      );
    }
    if (!affine.flat().every(Number.isFinite)) {
      throw wrong(
        `an affine with numbers that are not finite (from its ${header.affineFrom})`,
        'a position in the world for every voxel',
        'set a valid sform or qform with the program that wrote the image',
      );
    }
    const frames = dims.slice(3).reduce((product, d) => product * d, 1);
    if (frame === undefined && frames > 1) {
      throw wrong(
        `${frames} frames (${dims.join(' x ')})`,
        'one volume',
        `choose a frame from 0 to ${frames - 1}`,
      );
    }
    const chosen = frame ?? 0;
    if (!Number.isInteger(chosen) || chosen < 0 || chosen >= frames) {
      throw wrong(`frame ${chosen}`, `a whole number from 0 to ${frames - 1}`, 'choose another frame');
    }
    const frameBytes = file.voxelBytes / frames;
    const bytes = await file.voxels(chosen * frameBytes, frameBytes);
    const data = decodeVoxels(bytes, header, header.notes);
    return volumeOf(data, dims.slice(0, 3) as Triple, affine, {
      source: { file: name, format },
      notes: header.notes,
    });
  } finally {
    await file.close();
  }
}

/** SHA-256 of the stored voxel bytes in file order and file byte order: what identifies an image's content. */
export async function niftiVoxelHash(input: NiftiInput, long: Long = {}): Promise<string> {
  const file = await openNifti(input, long);
  try {
    return sha256(await file.voxels());
  } finally {
    await file.close();
  }
}
