// Which augmentations are drawn, how often and from which ranges.
import type { NoiseKind } from './noise';

/** A range to draw from, uniformly. `split`: below or above 1 with equal chance, then uniformly in that part. */
export interface Range {
  from: number;
  to: number;
  split?: true;
}

/**
 * One line of a recipe. `p` is the chance for a patch, `perChannel` the chance of each channel then. Spatial lines say
 * where a voxel comes from and are shared by views that must stay aligned; intensity lines can differ between views.
 */
export type RecipeLine = { group: 'spatial' | 'intensity' } & (
  | {
      op: 'spatial';
      /** Degrees, drawn for each axis. */
      rotation: { p: number; degrees: Range };
      /** One factor for all axes: voxels of the patch to a voxel of the result. */
      scaling: { p: number; factor: Range };
    }
  | { op: 'mirror'; pPerAxis: number }
  /** One of the kinds, each as likely, of one strength for all channels. */
  | { op: 'noise'; p: number; kinds: readonly NoiseKind[]; sigma: Range }
  | { op: 'blur'; p: number; perChannel: number; sigma: Range; sameOnAxes: boolean }
  | { op: 'brightness' | 'contrast'; p: number; factor: Range }
  | { op: 'low-resolution'; p: number; perChannel: number; scale: Range }
  | { op: 'gamma'; p: number; exponent: Range; invert: boolean; keepStatistics: boolean }
);

/** Lines in the order in which they are applied. */
export interface Recipe {
  name: string;
  source: string;
  lines: readonly RecipeLine[];
}

const around = (from: number, to: number): Range => ({ from, to, split: true });
const between = (from: number, to: number): Range => ({ from, to });

/**
 * nnU-Net's default for 3-D patches whose longest side is at most three times their first (flatter ones it augments slice
 * by slice and turns by up to 180 degrees, which is not done here).
 */
export const nnunetRecipe: Recipe = {
  name: 'nnU-Net',
  source:
    'nnunetv2 2.8.1: nnUNetTrainer.get_training_transforms and configure_rotation_dummyDA_mirroring_and_inital_patch_size; batchgeneratorsv2 0.3.6',
  lines: [
    {
      op: 'spatial',
      group: 'spatial',
      rotation: { p: 0.2, degrees: between(-30, 30) },
      scaling: { p: 0.2, factor: between(0.7, 1.4) },
    },
    // Called noise_variance there and used as the standard deviation.
    { op: 'noise', group: 'intensity', p: 0.1, kinds: ['gaussian'], sigma: between(0, 0.1) },
    { op: 'blur', group: 'intensity', p: 0.2, perChannel: 0.5, sigma: between(0.5, 1), sameOnAxes: false },
    { op: 'brightness', group: 'intensity', p: 0.15, factor: around(0.75, 1.25) },
    { op: 'contrast', group: 'intensity', p: 0.15, factor: around(0.75, 1.25) },
    { op: 'low-resolution', group: 'intensity', p: 0.25, perChannel: 0.5, scale: between(0.5, 1) },
    {
      op: 'gamma',
      group: 'intensity',
      p: 0.1,
      exponent: around(0.7, 1.5),
      invert: true,
      keepStatistics: true,
    },
    {
      op: 'gamma',
      group: 'intensity',
      p: 0.3,
      exponent: around(0.7, 1.5),
      invert: false,
      keepStatistics: true,
    },
    { op: 'mirror', group: 'spatial', pPerAxis: 0.5 },
  ],
};

/**
 * Consistent View Alignment's pretraining: the spatial lines on the whole patch before the two crops are cut, the others
 * on each crop. The released code gives its rotation no range and so gets that of its library, any angle about each axis;
 * there images are interpolated by cubic splines, here by the operations of nnU-Net 2 (trilinear).
 */
export const cvaRecipe: Recipe = {
  name: 'CVA',
  source:
    'LatentCampus at 267c976, ssl_data/dataloading/aligned_transform.py; defaults of batchgenerators 0.25.5',
  lines: [
    { op: 'mirror', group: 'spatial', pPerAxis: 0.5 },
    {
      op: 'spatial',
      group: 'spatial',
      rotation: { p: 0.2, degrees: between(0, 360) },
      scaling: { p: 0.2, factor: around(0.7, 1.4) },
    },
    { op: 'low-resolution', group: 'spatial', p: 0.1, perChannel: 0.5, scale: between(0.5, 1) },
    { op: 'noise', group: 'intensity', p: 0.1, kinds: ['rician', 'gaussian'], sigma: between(0, 0.1) },
    { op: 'blur', group: 'intensity', p: 0.2, perChannel: 0.5, sigma: between(0.5, 1), sameOnAxes: true },
    { op: 'brightness', group: 'intensity', p: 0.15, factor: between(0.75, 1.25) },
    { op: 'contrast', group: 'intensity', p: 0.15, factor: around(0.75, 1.25) },
    {
      op: 'gamma',
      group: 'intensity',
      p: 0.1,
      exponent: around(0.7, 1.5),
      invert: true,
      keepStatistics: true,
    },
    {
      op: 'gamma',
      group: 'intensity',
      p: 0.3,
      exponent: around(0.7, 1.5),
      invert: false,
      keepStatistics: true,
    },
  ],
};
