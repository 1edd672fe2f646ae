// A patch: what is augmented. Channels of one grid, and the mask that belongs to them.
import { InputError } from '../../base/errors';
import type { Triple, Volume, VoxelArray } from '../../volume/volume';
import { checkInside, cropVoxels } from '../crop';

/** Channels (e.g. T1, T2, FLAIR) and a mask on one grid, x fastest. Operations make new patches and change none. */
export interface Patch {
  dims: Triple;
  /** One array of dims[0] dims[1] dims[2] values a channel. */
  channels: Float32Array[];
  /** Labels, whole numbers from 0 (background); none without a mask. */
  mask?: VoxelArray;
}

/**
 * A patch of co-registered volumes and their mask.
 * @throws InputError when their grids differ, a value is not finite, or the mask holds more than whole numbers from 0
 */
export function patchOf(volumes: readonly Volume[], mask?: Volume): Patch {
  const [first] = volumes;
  if (!first) {
    throw new InputError({
      what: 'cannot make a patch',
      given: 'no volume',
      expected: 'one volume or more',
      fix: 'pass the channels as a list, e.g. patchOf([volume], mask)',
    });
  }
  for (const other of [...volumes, ...(mask ? [mask] : [])]) {
    const same =
      other.dims.every((d, i) => d === first.dims[i]) &&
      other.affine.every((row, r) => row.every((x, c) => Math.abs(x - first.affine[r][c]) < 1e-3));
    if (same) continue;
    throw new InputError({
      what: 'cannot make a patch',
      given: `grids of ${first.dims.join(' x ')} ${first.axisCodes} and ${other.dims.join(' x ')} ${other.axisCodes}`,
      expected: 'channels and mask on one grid: the same dims and affine',
      fix: 'resample or reorient them to one grid first',
    });
  }
  const patch: Patch = {
    dims: [...first.dims],
    channels: volumes.map((volume) => Float32Array.from(volume.data)),
    ...(mask && { mask: mask.data }),
  };
  checkPatch(patch);
  return patch;
}

/** A box of a patch: every channel and the mask. @throws InputError when it does not lie in the patch */
export function cropPatch(patch: Patch, start: Readonly<Triple>, size: Readonly<Triple>): Patch {
  checkInside('cannot crop a patch', patch.dims, start, size);
  return onGrid(patch, size, (data) => cropVoxels(data, patch.dims, start, size));
}

/** The patch on another grid, `move` applied to each channel and to the mask. */
export function onGrid(
  patch: Patch,
  dims: Readonly<Triple>,
  move: <A extends VoxelArray>(data: A) => A,
): Patch {
  return {
    dims: [...dims],
    channels: patch.channels.map((channel) => move(channel)),
    ...(patch.mask && { mask: move(patch.mask) }),
  };
}

/**
 * The patch with each channel that has a setting changed by it; other channels and the mask are the same arrays.
 * @param settings  one a channel; null leaves the channel as it is
 * @throws InputError when there are more or fewer settings than channels
 */
export function eachChannel<Setting>(
  patch: Patch,
  what: string,
  settings: readonly (Setting | null)[],
  change: (channel: Float32Array, setting: Setting, index: number) => Float32Array,
): Patch {
  if (settings.length !== patch.channels.length) {
    throw new InputError({
      what: `cannot apply ${what}`,
      given: `settings for ${settings.length} channels and a patch of ${patch.channels.length}`,
      expected: 'one setting (or null) a channel',
      fix: 'draw the augmentation with the number of channels of the patch',
    });
  }
  return {
    ...patch,
    channels: patch.channels.map((channel, c) => {
      const setting = settings[c];
      return setting === null ? channel : change(channel, setting, c);
    }),
  };
}

/** @throws InputError when lengths do not match the dims, a value is not finite, or a label is no whole number from 0 */
export function checkPatch({ dims, channels, mask }: Patch): void {
  const what = 'cannot augment a patch';
  const voxels = dims[0] * dims[1] * dims[2];
  const wrong = [...channels, ...(mask ? [mask] : [])].find((array) => array.length !== voxels);
  if (channels.length === 0 || wrong) {
    throw new InputError({
      what,
      given: wrong ? `${wrong.length} values for dims ${dims.join(' x ')}` : 'no channel',
      expected: `one channel or more, and arrays of ${voxels} values`,
      fix: 'pass the dims of the arrays, first axis fastest',
    });
  }
  channels.forEach((channel, c) => {
    // 0 * x is 0 for every finite x and NaN else.
    let sum = 0;
    for (let i = 0; i < channel.length; i++) sum += 0 * channel[i];
    if (sum === 0) return;
    throw new InputError({
      what,
      given: `NaN or infinite values in channel ${c}`,
      expected: 'finite values: interpolation and statistics would spread the others',
      fix: 'replace them first, e.g. by 0',
    });
  });
  if (!mask || mask instanceof Uint8Array || mask instanceof Uint16Array || mask instanceof Uint32Array)
    return;
  for (let i = 0; i < mask.length; i++) {
    if (Number.isInteger(mask[i]) && mask[i] >= 0) continue;
    throw new InputError({
      what,
      given: `label ${mask[i]} in the mask`,
      expected: 'whole numbers, 0 for the background',
      fix: "set nnU-Net's -1 (outside of the body) to 0, and pass labels, not probabilities",
    });
  }
}
