// Two views of one patch for view alignment: one geometric frame, two crops of it, and other intensities in each.
import type { Random } from '../base/random';
import type { Triple } from '../volume/volume';
import { augment, drawAugmentation, type Step } from './augment/augment';
import { cropPatch, type Patch } from './augment/patch';
import { cvaRecipe, type Recipe } from './augment/recipe';
import { drawCropPair, type CropPair, type CropPairOptions } from './crops';

/** Two views and everything that was drawn for them. */
export interface ViewPair {
  views: [Patch, Patch];
  pair: CropPair;
  /** Steps on the whole patch, before the crops. */
  frame: Step[];
  /** Steps on each crop. */
  changes: [Step[], Step[]];
}

/**
 * Draw a pair of views as Consistent View Alignment does: spatial augmentation of the whole patch, two overlapping crops,
 * intensity augmentation of each. The boxes of `pair` hold the same anatomy in both views, voxel for voxel.
 * @param size  voxels of each view; the patch must be larger, see `loadedSize`
 * @throws InputError as `drawCropPair` and `augment` do
 */
export function drawViews(
  patch: Patch,
  size: Readonly<Triple>,
  random: Random,
  { recipe = cvaRecipe, ...options }: CropPairOptions & { recipe?: Recipe } = {},
): ViewPair {
  const channels = patch.channels.length;
  const frame = drawAugmentation(random, { recipe, channels, intensity: false });
  const pair = drawCropPair(patch.dims, size, random, options);
  const change = (): Step[] => drawAugmentation(random, { recipe, channels, spatial: false });
  const changes: [Step[], Step[]] = [change(), change()];
  const whole = augment(patch, frame);
  const view = (n: 0 | 1): Patch => augment(cropPatch(whole, pair.starts[n], size), changes[n]);
  return { views: [view(0), view(1)], pair, frame, changes };
}
