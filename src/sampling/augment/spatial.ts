// Rotation and scaling about the centre of a patch, in one resampling of image and mask.
//
// As SpatialTransform of batchgeneratorsv2 0.3.6 with nnU-Net's settings (nnunetv2 2.8.1): image trilinear with 0 outside
// (batchgenerators 1, which nnU-Net 1 and the CVA code use, has cubic splines); mask by vote, see resample-labels.ts.
// Rotation is in the grid, not in millimetres: nnU-Net resamples to its target spacing first. Where the background of an
// image is not 0, the end of the patch shows as a frame: load a patch with room, see `loadedSize`.
import { InputError } from '../../base/errors';
import type { Triple } from '../../volume/volume';
import { cropVoxels } from '../crop';
import { sineAndCosine } from '../elementary';
import { onGrid, type Patch } from './patch';
import { resampleImage, type Matrix } from './resample-image';
import { resampleLabels } from './resample-labels';

/** Rotation and scaling about the centre. */
export interface Spatial {
  op: 'spatial';
  /** Degrees about array axes 0, 1 and 2: first 0, then 1, then 2, after scaling. */
  angles: Triple;
  /** Voxels of the patch to a voxel of the result along each axis: above 1 things become smaller. */
  scales: Triple;
  /** Voxels of the result; those of the patch when left out. */
  size?: Triple;
}

/** Rz Ry Rx S in rows: what takes an offset from the centre of the result to one from the centre of the patch. */
export function spatialMatrix({ angles, scales }: Pick<Spatial, 'angles' | 'scales'>): Matrix {
  const [x, y, z] = angles.map(sineAndCosine);
  const rx = [
    [1, 0, 0],
    [0, x.cosine, -x.sine],
    [0, x.sine, x.cosine],
  ];
  const ry = [
    [y.cosine, 0, y.sine],
    [0, 1, 0],
    [-y.sine, 0, y.cosine],
  ];
  const rz = [
    [z.cosine, -z.sine, 0],
    [z.sine, z.cosine, 0],
    [0, 0, 1],
  ];
  const product = (a: number[][], b: number[][]): number[][] =>
    a.map((row) => [0, 1, 2].map((c) => row[0] * b[0][c] + row[1] * b[1][c] + row[2] * b[2][c]));
  const rotation = product(product(rz, ry), rx);
  return rotation.map((row) => row.map((value, c) => value * scales[c])) as unknown as Matrix;
}

/**
 * Rotate and scale a patch about its centre. No rotation and scale 1 is the centre crop, bit for bit (a border of zeros
 * where the result is the larger). A voxel's centre is at half of the sum of first and last index, so where the sizes
 * differ by an odd number resampling lies half a voxel beside the crop, as in the reference.
 * @throws InputError for a scale that is not positive or a size that is not whole
 */
export function applySpatial(patch: Patch, spatial: Spatial): Patch {
  const { angles, scales, size = patch.dims } = spatial;
  if (
    !scales.every((s) => s > 0 && Number.isFinite(s)) ||
    !angles.every(Number.isFinite) ||
    !size.every((n) => Number.isSafeInteger(n) && n > 0)
  ) {
    throw new InputError({
      what: 'cannot rotate and scale a patch',
      given: `angles ${angles.join(', ')}, scales ${scales.join(', ')} and size ${size.join(' x ')}`,
      expected: 'angles in degrees, scales above 0 and a size of whole voxels',
      fix: 'use drawAugmentation, or give angles [0, 0, 0] and scales [1, 1, 1] for none',
    });
  }
  if (angles.every((a) => a === 0) && scales.every((s) => s === 1)) {
    const start = patch.dims.map((d, i) => Math.floor(d / 2) - Math.floor(size[i] / 2)) as Triple;
    return onGrid(patch, size, (data) => cropVoxels(data, patch.dims, start, size));
  }
  const matrix = spatialMatrix(spatial);
  return {
    dims: [...size],
    channels: patch.channels.map((channel) => resampleImage(channel, patch.dims, matrix, size)),
    ...(patch.mask && { mask: resampleLabels(patch.mask, patch.dims, matrix, size) }),
  };
}

/**
 * The patch to load so that one of `size` can be cut from it after rotation by up to 30 degrees about one axis and scaling
 * down to 0.85 without empty corners: nnU-Net's rule (get_patch_size), e.g. 205 for 128 and 257 for 160. Scales below
 * 0.85 or above 1, and rotation about several axes, can still reach outside.
 */
export function loadedSize(size: Readonly<Triple>): Triple {
  const { sine, cosine } = sineAndCosine(30);
  const [x, y, z] = size;
  // The size turned about each axis in turn; the largest extent counts.
  const turned = [
    [x, cosine * y + sine * z, cosine * z - sine * y],
    [cosine * x - sine * z, y, sine * x + cosine * z],
    [cosine * x + sine * y, cosine * y - sine * x, z],
  ];
  return [0, 1, 2].map((d) =>
    Math.floor(Math.max(size[d], ...turned.map((v) => Math.abs(v[d]))) / 0.85),
  ) as Triple;
}
