// The registry's models: parameters part by part against what is published (and counted in PyTorch: oracles/encoders.json),
// and what a ViT-H at its full size takes, on shapes.
import { describe, expect, it } from 'vitest';
import { dryRun } from '../../src/backends/meta/dry-run';
import type { ImageEncoderConfig } from '../../src/models/sam/config';
import type { tf } from '../../src/backends/tf';
import { type ImageEncoder, imageEncoder, imageEncoderSpec } from '../../src/models/sam/image-encoder';
import { samSpec } from '../../src/models/sam/sam';
import { models } from '../../src/models/registry';
import { countParameters } from '../../src/nn/parameters';
import { encoderShapes } from '../../src/profilers/encoders';
import { encoderMacs } from '../../src/profilers/flops';
import { encoderParameters } from '../../src/profilers/parameters';
import oracle from '../oracles/encoders.json';

const sizes = ['sam-vit-b', 'sam-vit-l', 'sam-vit-h'] as const;

/** Parameters of the image encoder by part. */
function partsOf(config: ImageEncoderConfig): Record<string, number> {
  const { embed, position, blocks, neck } = imageEncoderSpec(config);
  return {
    patch: countParameters(embed),
    positions: countParameters(position!),
    windowedBlock: countParameters(blocks[0]),
    globalBlock: countParameters(blocks[config.globalBlocks[0]]),
    blocks: countParameters(blocks),
    neck: countParameters(neck),
  };
}

describe('parameters', () => {
  it.each(sizes)('of %s are those of the original, part by part', (name) => {
    const { config } = models[name];
    const { encoder, decoder, total, prompt } = oracle.parameters[name];
    const parts = partsOf(config.encoder);
    expect(oracle.parameters[name]).toMatchObject(parts);
    expect(encoderParameters(encoderShapes[name])).toMatchObject(parts);
    expect(countParameters(imageEncoderSpec(config.encoder))).toBe(encoder);
    const { positions, promptEncoder, maskDecoder, ...rest } = samSpec(config);
    expect(countParameters(maskDecoder)).toBe(decoder.total);
    expect(countParameters(promptEncoder)).toBe(prompt);
    // Frequencies are drawn once and not trained: the original has them as a buffer.
    expect(countParameters(positions)).toBe(256);
    expect(countParameters({ ...rest, promptEncoder, maskDecoder })).toBe(total);
  });

  it('of ViT-H are the published ones', () => {
    expect(partsOf(models['sam-vit-h'].config.encoder)).toEqual({
      patch: 984_320,
      positions: 5_242_880,
      windowedBlock: 19_681_760,
      globalBlock: 19_697_760,
      blocks: 629_880_320,
      neck: 918_528,
    });
    expect(countParameters(imageEncoderSpec(models['sam-vit-h'].config.encoder))).toBe(637_026_048);
  });

  it('of MedSAM are those of ViT-B', () => {
    expect(countParameters(imageEncoderSpec(models.medsam.config.encoder))).toBe(89_670_912);
  });

  it('have grids that windows stick out of where they are tiny, as the published ones do', () => {
    for (const { config } of [models['tiny-64'], models['tiny-128'], models['sam-vit-h']]) {
      const { imageSize, patchSize, window, globalBlocks, depth, width, heads } = config.encoder;
      expect((imageSize / patchSize) % window).toBeGreaterThan(0);
      expect(globalBlocks.at(-1)).toBe(depth - 1);
      expect(width % heads).toBe(0);
    }
  });
});

/** Multiply-adds of products, and largest bytes beyond weights and image, of one image. */
function dryRunOf(config: ImageEncoderConfig): { macs: number; peak: number } {
  const { imageSize, channels } = config;
  const given = {
    weights: imageEncoderSpec(config),
    inputs: { images: { shape: [1, imageSize, imageSize, channels] } },
  };
  const { flops, ledger } = dryRun(
    'image encoder',
    given,
    ({ weights, inputs }) =>
      imageEncoder(weights as ImageEncoder, (inputs as { images: tf.Tensor }).images, config),
    { like: 'webgpu' },
  );
  return { macs: flops.total().products / 2, peak: ledger.peak().beyondGiven };
}

/** What the published code multiplies and this does not: q, k, v and the projection of the tokens that fill windows up. */
function paddingMacs({
  imageSize,
  patchSize,
  window,
  width,
  depth,
  globalBlocks,
}: ImageEncoderConfig): number {
  const side = imageSize / patchSize;
  const padded = (window * Math.ceil(side / window)) ** 2 - side ** 2;
  return (depth - globalBlocks.length) * padded * 4 * width ** 2;
}

describe('a dry run of the image encoder', () => {
  it.each(sizes)(
    '%s at 1024 px has the multiply-adds that are counted by hand, without the padding',
    (name) => {
      const { linear, attention, position } = encoderMacs(encoderShapes[name]);
      const { encoder } = models[name].config;
      expect(dryRunOf(encoder).macs).toBe(linear + attention + position - paddingMacs(encoder));
    },
  );

  it('of ViT-H says 2980.54 GMAC with relative positions, 147.53 of them padding, in 0.62 GB beyond its weights', () => {
    const { encoder } = models['sam-vit-h'].config;
    const { macs, peak } = dryRunOf(encoder);
    expect(paddingMacs(encoder) / 1e9).toBeCloseTo(147.53, 2);
    expect(macs / 1e9).toBeCloseTo(2980.54 - 147.53, 2);
    // Nothing of a block stays: without a tape the whole depth takes what one block does.
    expect(peak / 1e9).toBeCloseTo(0.62, 2);
  });
});
