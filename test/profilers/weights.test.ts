// Parameters and saved activations against what PyTorch counts on the modules of segment-anything.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  recomputedActivations,
  regimeId,
  regimes,
  savedActivations,
  savedByBlock,
  stateBytes,
  transientBytes,
} from '../../src/profilers/activations';
import { encoderShapes } from '../../src/profilers/encoders';
import {
  decoderParameters,
  encoderParameters,
  loraParameters,
  promptParameters,
  samParameters,
} from '../../src/profilers/parameters';
import { uNetCounts, uNetShapes } from '../../src/profilers/unet-counts';
import { slidingPatches, uNetNorms, widestWithin } from '../../src/profilers/unet-inference';

const counts = z.record(z.string(), z.number());
const oracle = z
  .object({
    parameters: z.record(z.enum(['sam-vit-b', 'sam-vit-l', 'sam-vit-h']), z.looseObject({ decoder: counts })),
    saved: z.array(
      z.object({
        precision: z.string(),
        attention: z.string(),
        trained: z.string(),
        bytes: z.number(),
        trainable: z.number(),
      }),
    ),
    unetNorms: counts,
  })
  .parse(JSON.parse(readFileSync(path.join(__dirname, '..', 'oracles', 'encoders.json'), 'utf8')));
const vitH = encoderShapes['sam-vit-h'];

describe('parameters', () => {
  it.each(['sam-vit-b', 'sam-vit-l', 'sam-vit-h'] as const)('of %s are those of its modules', (name) => {
    const theirs = oracle.parameters[name];
    const { norms, total, ...parts } = encoderParameters(encoderShapes[name]);
    expect(norms).toBe(0);
    expect(theirs).toMatchObject({ ...parts, encoder: total });
    expect(theirs.decoder).toEqual(decoderParameters());
    expect(theirs.prompt).toBe(promptParameters());
    expect(theirs.total).toBe(samParameters(encoderShapes[name]));
  });

  it('of the trunk of SAM 3 are those counted by hand from its configuration', () => {
    const { total, norms, neck } = encoderParameters(encoderShapes.sam3);
    expect([total, norms, neck]).toEqual([446_237_696, 2048, 0]);
  });

  it('of adapters are those of the modules, and linear in the rank', () => {
    const theirs = oracle.saved.find((s) => s.trained === 'adapters')!.trainable;
    expect(loraParameters(vitH, 4, ['q', 'v'])).toBe(theirs);
    expect(loraParameters(vitH, 32, ['q', 'v'])).toBe(8 * theirs);
    expect(loraParameters(encoderShapes['sam-vit-l'], 4, ['q', 'v'])).toBe(393_216);
    expect(loraParameters(encoderShapes['sam-vit-b'], 4, ['q', 'v'])).toBe(147_456);
    // MedSAM-3's full configuration on the trunk, rank 16: packed qkv, the projection and both layers of the MLP.
    const qkv = 32 * 16 * (1024 + 3 * 1024);
    expect(qkv + loraParameters(encoderShapes.sam3, 16, ['proj', 'lin1', 'lin2'])).toBe(9_043_968);
  });
});

describe('saved activations', () => {
  it.each(regimes.map((r) => [regimeId(r), r] as const))(
    '%s: within one per cent of what PyTorch keeps',
    (_, r) => {
      const theirs = oracle.saved.find(
        (s) => s.precision === r.precision && s.attention === r.attention && s.trained === r.trained,
      )!;
      const ours = savedActivations(vitH, r).total;
      expect(Math.abs(ours / theirs.bytes - 1)).toBeLessThan(0.01);
    },
  );

  it('are the sum of their parts, and the map of a global block is heads x tokens²', () => {
    for (const regime of regimes) {
      const { total, ...parts } = savedActivations(vitH, regime);
      expect(Object.values(parts).reduce((a, b) => a + b)).toBe(total);
    }
    expect(savedByBlock(vitH, regimes[0], 'global').maps).toBe(4 * 268_435_456);
  });

  it('shrink to the inputs of the blocks and one block where blocks are computed again', () => {
    const block = savedByBlock(vitH, regimes[0], 'global').total;
    expect(recomputedActivations(vitH, regimes[0], 1)).toBe(32 * 4 * 4096 * 1280 + block);
    expect(recomputedActivations(vitH, regimes[0], 3)).toBe(3 * 32 * 4 * 4096 * 1280 + block);
    expect(transientBytes(vitH, regimes[0])).toBe(2 * 4 * 268_435_456);
    expect(transientBytes(vitH, { ...regimes[0], attention: 'fused' })).toBe(0);
  });

  it('stand beside weights, gradients and two moments', () => {
    expect(stateBytes(100, 10, { precision: 'fp32' }).total).toBe(400 + 40 + 80);
    expect(stateBytes(100, 10, { precision: 'half' }).total).toBe(200 + 20 + 40);
    expect(stateBytes(100, 10, { precision: 'amp' }).total).toBe(600 + 40 + 80);
  });
});

describe('U-Nets', () => {
  const brats = uNetShapes['nnunet-brats'];

  it('have an instance norm behind each convolution and no other norm', () => {
    expect(oracle.unetNorms).toEqual({ InstanceNorm3d: uNetNorms(brats) });
  });

  it('within a number of parameters are as wide as they can be', () => {
    const narrow = widestWithin(brats, 3e6);
    const wider = narrow.features.map((_, i) =>
      Math.min((narrow.features[0] + 1) * 2 ** i, (narrow.features[0] + 1) * 10),
    );
    expect(uNetCounts(narrow).parameters.total).toBeLessThanOrEqual(3e6);
    expect(uNetCounts({ ...narrow, features: wider }).parameters.total).toBeGreaterThan(3e6);
    expect(widestWithin(brats, uNetCounts(brats).parameters.total).features).toEqual(brats.features);
  });

  it('slide over a volume as nnU-Net does: ceil of the way in half patches, plus one', () => {
    expect(slidingPatches([138, 169, 138], 128)).toBe(8);
    expect(slidingPatches([240, 240, 155], 128)).toBe(18);
    expect(slidingPatches([100, 128, 129], 128)).toBe(2);
  });
});
