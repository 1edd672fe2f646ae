// Augmentations against what batchgeneratorsv2 made of the same patches, and the recipe against nnU-Net's own list (both
// recorded, see test/oracles/augment_cases.py).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { nnunetRecipe, type Range, type RecipeLine } from '../../src/sampling/augment/recipe';
import { loadedSize } from '../../src/sampling/augment/spatial';
import type { Triple } from '../../src/volume/volume';
import { expectPeersPatch, unpackPatch, type Case } from './augment-cases';

/** A transform of nnU-Net's list; ranges are pairs, marked where values below and above 1 are as likely. */
interface Transform {
  name: string;
  chance: number;
  settings: Record<string, unknown>;
}

const oracle = JSON.parse(readFileSync(path.join(__dirname, '..', 'oracles', 'augment.json'), 'utf8')) as {
  versions: Record<string, string>;
  loaded: { size: Triple; loaded: Triple }[];
  pipeline: Transform[];
  cases: Case[];
};

describe(`batchgeneratorsv2 ${oracle.versions.batchgeneratorsv2}`, () => {
  it.each(oracle.cases)('agrees: $name', (one) => {
    expectPeersPatch(unpackPatch(one), one.step, unpackPatch(one.expect), 1e-5);
  });
});

/** The recipe's line for a transform; throws where a setting is one that the operations here do not have. */
function lineOf({ name, chance: p, settings }: Transform): RecipeLine | undefined {
  const range = (key: string): Range => {
    const value = settings[key] as [number, number] | { split: [number, number] };
    return Array.isArray(value)
      ? { from: value[0], to: value[1] }
      : { from: value.split[0], to: value.split[1], split: true };
  };
  const must = (wanted: Record<string, unknown>): void => expect(settings).toMatchObject(wanted);
  const perChannel = settings.p_per_channel as number;
  switch (name) {
    case 'SpatialTransform': {
      must({
        random_crop: false,
        p_elastic_deform: 0,
        p_rot_per_axis: 1,
        p_synchronize_scaling_across_axes: 1,
      });
      must({ mode_image: 'bilinear', padding_mode_image: 'zeros', align_corners: false });
      must({
        mode_seg: 'bilinear',
        border_mode_seg: 'constant',
        padding_value_seg: -1,
        seg_tiebreak: 'nearest',
      });
      const { from, to } = range('rotation');
      const degrees = (radians: number): number => Math.round((radians * 180 * 1e9) / Math.PI) / 1e9;
      return {
        op: 'spatial',
        group: 'spatial',
        rotation: { p: settings.p_rotation as number, degrees: { from: degrees(from), to: degrees(to) } },
        scaling: { p: settings.p_scaling as number, factor: range('scaling') },
      };
    }
    case 'GaussianNoiseTransform':
      must({ synchronize_channels: true, p_per_channel: 1 });
      return { op: 'noise', group: 'intensity', p, kinds: ['gaussian'], sigma: range('noise_variance') };
    case 'GaussianBlurTransform':
      must({ synchronize_channels: false, synchronize_axes: false });
      return { op: 'blur', group: 'intensity', p, perChannel, sigma: range('blur_sigma'), sameOnAxes: false };
    case 'MultiplicativeBrightnessTransform':
      must({ synchronize_channels: false, p_per_channel: 1 });
      return { op: 'brightness', group: 'intensity', p, factor: range('multiplier_range') };
    case 'ContrastTransform':
      must({ synchronize_channels: false, p_per_channel: 1, preserve_range: true });
      return { op: 'contrast', group: 'intensity', p, factor: range('contrast_range') };
    case 'SimulateLowResolutionTransform':
      must({
        synchronize_channels: false,
        synchronize_axes: true,
        ignore_axes: null,
        allowed_channels: null,
      });
      return { op: 'low-resolution', group: 'intensity', p, perChannel, scale: range('scale') };
    case 'GammaTransform': {
      must({ synchronize_channels: false, p_per_channel: 1, p_retain_stats: 1 });
      const invert = settings.p_invert_image === 1;
      return { op: 'gamma', group: 'intensity', p, exponent: range('gamma'), invert, keepStatistics: true };
    }
    case 'MirrorTransform':
      must({ allowed_axes: [0, 1, 2] });
      // The chance of an axis is written in the transform: torch.rand(1) < 0.5.
      return { op: 'mirror', group: 'spatial', pPerAxis: 0.5 };
    case 'RemoveLabelTransform':
      // Outside, -1, becomes 0: done where the mask is resampled.
      must({ label_value: -1, set_to: 0 });
      return undefined;
    default:
      throw new Error(`nnU-Net has ${name}, which is not here`);
  }
}

describe(`nnunetv2 ${oracle.versions.nnunetv2}`, () => {
  it('draws what the recipe says, in its order', () => {
    expect(nnunetRecipe.lines).toEqual(oracle.pipeline.flatMap((transform) => lineOf(transform) ?? []));
  });

  it.each(oracle.loaded)('loads a patch for $size as here', ({ size, loaded }) => {
    expect(loadedSize(size)).toEqual(loaded);
  });
});
