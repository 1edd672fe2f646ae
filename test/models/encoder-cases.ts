// Cases of the image encoder that test/oracles/sam_encoder.py computes with both references, and ours beside them.
import { expect } from 'vitest';
import { z } from 'zod';
import { tf } from '../../src/backends/tf';
import { encoderNames, type SamSource } from '../../src/models/sam/encoder-names';
import type { ImageEncoderConfig } from '../../src/models/sam/config';
import { imageEncoder, imageEncoderSpec } from '../../src/models/sam/image-encoder';
import type { BlockAdapters } from '../../src/models/vision-transformer';
import type { ImageEncoder } from '../../src/models/sam/image-encoder';
import { encoderFromTransformers } from '../../src/models/sam/transformers-config';
import { filled, flattenParameters, uniform } from '../../src/nn/parameters';
import { fromTheirs, intoTheirs, placesOf } from '../../src/nn/weight-names';
import { flattenTree } from '../../src/backends/training-step';
import { prefixed } from '../../src/backends/tree';
import { valuesOf } from '../bench/nets/values';

const referenceSchema = z.object({
  shape: z.array(z.number()),
  every: z.number(),
  features: z.array(z.number()),
  /** Norm, and products with two probes. */
  gradients: z.record(z.string(), z.tuple([z.number(), z.number(), z.number()])),
});
export const encoderOracle = z.object({
  cases: z.record(
    z.string(),
    z.object({
      batch: z.number(),
      scale: z.number(),
      rank: z.number().nullable(),
      first: z.number().nullable(),
      config: z.unknown(),
      transformers: referenceSchema,
      original: referenceSchema,
    }),
  ),
});
export type EncoderCase = z.infer<typeof encoderOracle>['cases'][string];
/** The smallest encoder with windows, one of which sticks out, and a block that sees all. */
export const smallEncoder = {
  imageSize: 12,
  patchSize: 4,
  channels: 3,
  width: 8,
  depth: 3,
  heads: 2,
  hidden: 16,
  window: 2,
  globalBlocks: [1],
  qkvBias: true,
  absolutePositions: true,
  relativePositions: true,
  epsilon: 1e-6,
  neck: 6,
};
export const sources: readonly SamSource[] = ['transformers', 'original'];

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const drawn = (shape: readonly number[], name: string, low: number, high: number): Float32Array =>
  valuesOf(sizeOf(shape), uniform(low, high), name);
/** A tensor of such values. */
export const between = (shape: readonly number[], name: string, low: number, high: number): tf.Tensor =>
  tf.tensor(drawn(shape, name, low, high), [...shape]);
export const tensor = (shape: readonly number[], name: string, reach: number): tf.Tensor =>
  between(shape, name, -reach, reach);

/** The values that the reference has under this name. */
export function weightOf({ name, shape }: { name: string; shape: readonly number[] }): Float32Array {
  if (shape.length === 1 && name.endsWith('weight')) return drawn(shape, name, 0.5, 1.5);
  const reach = shape.length === 1 ? 0.4 : Math.min(0.4, 2 / Math.sqrt(sizeOf(shape.slice(1))));
  return drawn(shape, name, -reach, reach);
}

/** Our parameters with the values that a reference has under its own names. */
export function filledLike(config: ImageEncoderConfig, source: SamSource): ImageEncoder {
  const spec = imageEncoderSpec(config);
  const places = placesOf(flattenParameters(spec), encoderNames(config, source));
  return filled(spec, (_, path) => fromTheirs(places[path].map(weightOf), places[path]));
}

/** Adapters of the blocks from the first adapted one on. */
export function adaptersOf(
  { rank, first }: EncoderCase,
  { width, depth }: ImageEncoderConfig,
): BlockAdapters[] {
  if (rank === null || first === null) return [];
  return Array.from({ length: depth }, (_, block) => {
    if (block < first) return {};
    const low = (part: string): Required<BlockAdapters>['q'] => ({
      a: tensor([width, rank], `lora/${block}/${part}/a`, 0.3),
      b: tensor([rank, width], `lora/${block}/${part}/b`, 0.3),
    });
    return { q: low('q'), v: low('v') };
  });
}

/** Our features and gradients beside those of a reference. @param tolerance  of the largest feature, and of a gradient's norm */
export function compare(one: EncoderCase, source: SamSource, tolerance = 1e-4): void {
  const config = encoderFromTransformers(one.config);
  const expected = one[source];
  const parameters = filledLike(config, source);
  tf.tidy(() => {
    const { batch, scale } = one;
    const images = tensor([batch, config.imageSize, config.imageSize, config.channels], 'images', 2);
    const adapters = adaptersOf(one, config);
    const cotangent = tensor(expected.shape, 'cotangent', 1);
    const encode = (): tf.Tensor => imageEncoder(parameters, images, config, { adapters, scale });
    const features = encode();
    expect(features.shape).toEqual(expected.shape);
    const spread = features.dataSync().filter((_, k) => k % expected.every === 0);
    const largest = Math.max(...expected.features.map(Math.abs));
    expect(spread.length).toBe(expected.features.length);
    const worst = Math.max(...expected.features.map((x, k) => Math.abs(spread[k] - x)));
    expect(worst / largest).toBeLessThan(tolerance);

    const leaves = {
      images,
      ...prefixed('lora', flattenTree(adapters)),
      ...flattenTree(parameters),
    };
    const gradients = tf.grads(() => tf.sum(tf.mul(encode(), cotangent)))(Object.values(leaves));
    const found = Object.fromEntries(Object.keys(leaves).map((path, k) => [path, gradients[k]]));
    const summaries = summariesOf(found, config, source);
    expect(Object.keys(summaries).sort()).toEqual(Object.keys(expected.gradients).sort());
    for (const [name, [norm, ...products]] of Object.entries(expected.gradients)) {
      const [ours, ...others] = summaries[name];
      expect(Math.abs(ours - norm) / norm, `norm of the gradient by ${name}`).toBeLessThan(tolerance);
      products.forEach((product, k) => {
        const scale = Math.max(norm, Math.abs(product));
        expect(Math.abs(others[k] - product) / scale, `gradient by ${name}`).toBeLessThan(tolerance);
      });
    }
  });
  tf.dispose(Object.values(flattenTree(parameters)));
}

/** Norm and products with the probes of every gradient, as the reference has them: by its names and in its layout. */
function summariesOf(
  gradients: Readonly<Record<string, tf.Tensor>>,
  config: ImageEncoderConfig,
  source: SamSource,
): Record<string, number[]> {
  const places = placesOf(flattenParameters(imageEncoderSpec(config)), encoderNames(config, source));
  return Object.fromEntries(
    Object.entries(gradients).map(([path, gradient]) => {
      const own = gradient.dataSync() as Float32Array;
      if (!(path in places)) return [path, summary(path, own)];
      const theirs = new Float32Array(own.length);
      intoTheirs(own, places[path], [theirs]);
      return [places[path][0].name, summary(places[path][0].name, theirs)];
    }),
  );
}

function summary(name: string, gradient: Float32Array): number[] {
  const along = (other: ArrayLike<number>): number => gradient.reduce((sum, g, k) => sum + g * other[k], 0);
  const probes = [1, 2].map((k) => drawn([gradient.length], `${name}/probe ${k}`, -1, 1));
  return [Math.sqrt(along(gradient)), ...probes.map(along)];
}
