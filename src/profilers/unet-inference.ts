// How often nnU-Net runs its 3-D network: sliding patches and mirroring at inference, its default schedule of training.
import type { Triple } from '../volume/volume';
import type { UNetShape } from './unet-counts';
import { uNetCounts } from './unet-counts';

/** Overlap, mirroring and schedule by default. */
export const nnUNetDefaults = {
  /** Neighbouring patches lie at most this share of a patch apart. */
  step: 0.5,
  /** Passes for each patch: all three axes are mirrored, in all combinations. */
  mirrored: 2 ** 3,
  epochs: 1000,
  iterations: 250,
  batch: 2,
  source: 'MIC-DKFZ/nnUNet at 0e495086, predict_from_raw_data.py and nnUNetTrainer.py',
};

/**
 * Patches that cover a volume, neighbours overlapping by half or more, the last one flush with the border.
 * @param size  voxels along each axis, cropped to what is not background
 */
export function slidingPatches(size: Readonly<Triple>, patch: number): number {
  const { step } = nnUNetDefaults;
  return size.reduce((n, voxels) => n * (Math.ceil(Math.max(0, voxels - patch) / (patch * step)) + 1), 1);
}

/** The widest network of a shape's stages with at most so many parameters; channels double up to ten times the first. */
export function widestWithin(shape: UNetShape, parameters: number): UNetShape {
  const ofBase = (base: number): UNetShape => ({
    ...shape,
    features: shape.features.map((_, i) => Math.min(base * 2 ** i, base * 10)),
  });
  let base = 1;
  while (uNetCounts(ofBase(base + 1)).parameters.total <= parameters) base++;
  return ofBase(base);
}

/** Instance norms of a plain network: one behind each convolution. */
export function uNetNorms({ features, encoderDepth, decoderDepth }: UNetShape): number {
  return encoderDepth.reduce((sum, n) => sum + n, 0) + (features.length - 1) * decoderDepth;
}
