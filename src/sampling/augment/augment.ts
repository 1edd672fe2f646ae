// Drawing an augmentation from a recipe, and applying it. What was drawn is plain data: it can be written down, looked at
// and applied again. A seed gives the same steps, and steps the same values to the last bit, on every machine: only + - * /
// and square roots are used (elementary.ts).
import { InputError } from '../../base/errors';
import type { Random } from '../../base/random';
import type { Triple } from '../../volume/volume';
import { applyBlur, type Blur } from './blur';
import { applyGamma, type Gamma } from './gamma';
import { applyBrightness, applyContrast, type Brightness, type Contrast } from './intensity';
import { applyLowResolution, type LowResolution } from './low-resolution';
import { applyMirror, type Mirror } from './mirror';
import { applyNoise, type Noise } from './noise';
import { checkPatch, type Patch } from './patch';
import { nnunetRecipe, type Range, type Recipe, type RecipeLine } from './recipe';
import { applySpatial, type Spatial } from './spatial';

/** One operation with its parameters. */
export type Step = Spatial | Mirror | Noise | Blur | Brightness | Contrast | LowResolution | Gamma;

export interface AugmentationOptions {
  recipe?: Recipe;
  /** Channels of the patch that it is for. */
  channels?: number;
  /** Voxels of the result of the spatial lines, cut about the centre; those of the patch when left out. */
  size?: Readonly<Triple>;
  /** Draw the lines that move voxels. */
  spatial?: boolean;
  /** Draw the lines that change values in place. */
  intensity?: boolean;
}

/**
 * Draw the steps of an augmentation. Two views that must share one
 * geometric frame take their spatial steps from one draw, before they are cut out, and draw intensity alone for each:
 *
 *     const frame = augment(patch, drawAugmentation(random, { intensity: false }));
 *     const view = augment(cropPatch(frame, start, size), drawAugmentation(random, { spatial: false }));
 *
 * @throws InputError for a number of channels that is none
 */
export function drawAugmentation(
  random: Random,
  { recipe = nnunetRecipe, channels = 1, size, spatial = true, intensity = true }: AugmentationOptions = {},
): Step[] {
  if (!Number.isSafeInteger(channels) || channels < 1) {
    throw new InputError({
      what: 'cannot draw an augmentation',
      given: `${channels} channels`,
      expected: 'a whole number from 1 on',
      fix: 'pass the number of channels of the patch, patch.channels.length',
    });
  }
  const wanted = recipe.lines.filter((line) => (line.group === 'spatial' ? spatial : intensity));
  return wanted.flatMap((line) => drawStep(line, random, channels, size) ?? []);
}

/** Apply steps in their order. The patch is not changed; arrays that no step touches are shared with it. */
export function augment(patch: Patch, steps: readonly Step[]): Patch {
  checkPatch(patch);
  return steps.reduce((state, step) => applyStep(state, step), patch);
}

function applyStep(patch: Patch, step: Step): Patch {
  switch (step.op) {
    case 'spatial':
      return applySpatial(patch, step);
    case 'mirror':
      return applyMirror(patch, step);
    case 'noise':
      return applyNoise(patch, step);
    case 'blur':
      return applyBlur(patch, step);
    case 'brightness':
      return applyBrightness(patch, step);
    case 'contrast':
      return applyContrast(patch, step);
    case 'low-resolution':
      return applyLowResolution(patch, step);
    case 'gamma':
      return applyGamma(patch, step);
  }
}

/** One line's step; undefined where chance leaves it out. */
function drawStep(
  line: RecipeLine,
  random: Random,
  channels: number,
  size: Readonly<Triple> | undefined,
): Step | undefined {
  const happens = (p: number): boolean => random.uniform() < p;
  /** A setting for each channel, or null where chance leaves the channel out. */
  const eachOf = <T>(p: number, draw: () => T): (T | null)[] =>
    Array.from({ length: channels }, () => (happens(p) ? draw() : null));
  const same = (value: number): Triple => [value, value, value];
  const three = (range: Range): Triple => [
    uniform(range, random),
    uniform(range, random),
    uniform(range, random),
  ];

  switch (line.op) {
    case 'spatial': {
      const { rotation, scaling } = line;
      const angles = happens(rotation.p) ? three(rotation.degrees) : same(0);
      const scales = same(happens(scaling.p) ? uniform(scaling.factor, random) : 1);
      return { op: line.op, angles, scales, ...(size && { size: [...size] }) };
    }
    case 'mirror':
      return { op: line.op, axes: [0, 1, 2].filter(() => happens(line.pPerAxis)) };
    case 'noise': {
      const kind = line.kinds[random.below(line.kinds.length)];
      if (!happens(line.p)) return undefined;
      return { op: line.op, kind, sigma: uniform(line.sigma, random), seed: random.below(2 ** 31) };
    }
    case 'blur': {
      if (!happens(line.p)) return undefined;
      const { sigma, perChannel, sameOnAxes } = line;
      const draw = (): Triple => (sameOnAxes ? same(uniform(sigma, random)) : three(sigma));
      return { op: line.op, sigmas: eachOf(perChannel, draw) };
    }
    case 'brightness':
    case 'contrast':
      if (!happens(line.p)) return undefined;
      return { op: line.op, factors: eachOf(1, () => uniform(line.factor, random)) };
    case 'low-resolution':
      if (!happens(line.p)) return undefined;
      return { op: line.op, scales: eachOf(line.perChannel, () => same(uniform(line.scale, random))) };
    case 'gamma': {
      if (!happens(line.p)) return undefined;
      const { invert, keepStatistics } = line;
      const exponents = eachOf(1, () => uniform(line.exponent, random));
      return { op: line.op, exponents, invert, keepStatistics };
    }
  }
}

function uniform({ from, to, split }: Range, random: Random): number {
  if (!split) return from + (to - from) * random.uniform();
  const [low, high] = random.below(2) === 0 && from < 1 ? [from, 1] : [Math.max(from, 1), to];
  return low + (high - low) * random.uniform();
}
