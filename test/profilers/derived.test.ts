// PyTorch's step, derived from shapes, against what PyTorch reports of the same step.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InputError } from '../../src/base/errors';
import type { ModelName } from '../../src/models/registry';
import { regimes, savedActivations } from '../../src/profilers/activations';
import { derivedNeed } from '../../src/profilers/derived/need';
import { numbersOf } from '../../src/profilers/derived/precision';
import type { NumbersName } from '../../src/profilers/derived/precision';
import { derivedStep, keptActivations } from '../../src/profilers/derived/step';
import { encoderShapes } from '../../src/profilers/encoders';
import { encoderFlops } from '../../src/profilers/flops';
import { parsePolicy } from '../../src/memory/policy';
import type { Setting } from '../../src/profilers/vram/setting';
import { describeWith, python } from '../setup/peers';

const oracles = path.join(__dirname, '..', 'oracles');
const measured = z.object({ saved: z.number(), copies: z.number(), peak: z.number() });
const caseSchema = z.object({
  model: z.string(),
  size: z.number(),
  trained: z.enum(['lora', 'all', 'decoder']),
  numbers: z.string().default('fp32'),
  views: z.number().default(1),
  batch: z.number().default(1),
  policy: z.array(z.string()).default([]),
  first: z.number().default(0),
  attention: z.enum(['materialised', 'sdpa-dense-bias', 'fused']).optional(),
});
type Case = z.input<typeof caseSchema>;
const oracle = z
  .object({ steps: z.array(z.intersection(z.looseObject({ model: z.string() }), measured)) })
  // Of fake tensors of torch 2.13; the live test below compares real ones.
  .parse(JSON.parse(readFileSync(path.join(oracles, 'derived.json'), 'utf8')));

const vitH: Setting = {
  model: 'sam-vit-h',
  size: 1024,
  views: 1,
  batch: 1,
  precision: 'fp32',
  trained: { kind: 'lora', rank: 4, first: 0 },
  optimiser: 'sgd',
  policy: [],
};

/** Bytes beside parameters, images and labels, as the script counts them. */
function derive(given: Case): z.infer<typeof measured> {
  const { model, size, trained, numbers, views, batch, policy, first, attention } = caseSchema.parse(given);
  const setting: Setting = {
    ...vitH,
    model: model as ModelName,
    size,
    views: views as Setting['views'],
    batch,
    trained: trained === 'lora' ? { kind: 'lora', rank: 4, first } : { kind: trained },
    policy: policy.length === 0 ? [] : parsePolicy(policy.join('+')),
    ...(attention && { attention }),
  };
  const name = numbers as NumbersName;
  const { peak, kept, weightsBytes } = derivedStep(setting, name);
  const images = views * batch * 3 * size ** 2 * numbersOf[name].stored;
  const patch = model === 'tiny-128' ? 8 : 16;
  const labels = model === 'sam3' ? 0 : views * batch * (4 * (size / patch)) ** 2 * 4;
  const copies = kept.filter((each) => each.reason === 'weights').reduce((sum, { bytes }) => sum + bytes, 0);
  return { saved: keptActivations(kept), copies, peak: peak.bytes - weightsBytes - images - labels };
}

const titleOf = (given: object): string =>
  Object.values(given)
    .filter((value) => typeof value !== 'object')
    .concat('policy' in given ? given.policy : [])
    .join(', ');

/** 2 % of what is kept and 5 % of the peak would do; nearly all are equal, but for pieces of attention at a time. */
function expectClose(ours: z.infer<typeof measured>, theirs: z.infer<typeof measured>): void {
  expect(Math.abs(ours.saved / theirs.saved - 1)).toBeLessThan(0.005);
  expect(Math.abs(ours.peak / theirs.peak - 1)).toBeLessThan(0.03);
  if (theirs.copies === 0) expect(ours.copies).toBe(0);
  else expect(Math.abs(ours.copies / theirs.copies - 1)).toBeLessThan(0.02);
}

describe('PyTorch’s step, derived', () => {
  it.each(
    oracle.steps.map(({ saved, copies, peak, ...given }) => ({
      title: titleOf(given),
      given: given as Case,
      theirs: { saved, copies, peak },
    })),
  )('$title: near what PyTorch keeps and holds', ({ given, theirs }) => {
    expectClose(derive(given), theirs);
  });

  it('keeps in the blocks what the closed form of a block says', () => {
    const shape = encoderShapes['sam-vit-h'];
    for (const regime of regimes.filter(({ attention }) => attention === 'naive')) {
      const name = regime.precision === 'half' ? 'bf16' : regime.precision;
      const trained = regime.trained === 'all' ? { kind: 'all' as const } : vitH.trained;
      const { kept } = derivedStep({ ...vitH, trained }, name);
      const blocks = keptActivations(kept.filter(({ layer }) => layer.startsWith('encoder/block')));
      expect(Math.abs(blocks / savedActivations(shape, regime).total - 1)).toBeLessThan(0.01);
    }
  });

  it('keeps exactly what a head’s map and both layers’ inputs of one block come to by hand', () => {
    // 64 px make 16 tokens and one window of 14 x 14, so every block of ViT-B pads to 196 tokens or attends to 16.
    const { kept } = derivedStep({ ...vitH, model: 'sam-vit-b', size: 64 });
    const of = (layer: string, reason: string): number =>
      kept
        .filter((each) => each.layer === layer && each.reason === reason)
        .reduce((sum, { bytes }) => sum + bytes, 0);
    // The map after softmax; two norms' inputs with mean and deviation; the argument of GELU.
    expect(of('encoder/block 3', 'map')).toBe(4 * 12 * 196 ** 2);
    expect(of('encoder/block 5', 'map')).toBe(4 * 12 * 16 ** 2);
    expect(of('encoder/block 3', 'norm')).toBe(2 * (4 * 16 * 768 + 8 * 16));
    expect(of('encoder/block 3', 'activation')).toBe(4 * 16 * 3072);
    // The adapters' input, and what is between their two layers.
    expect(of('encoder/block 3', 'linear')).toBe(4 * 196 * (768 + 2 * 4));
  });

  it('needs arithmetic of the encoder’s step, and a pass more where planes or blocks are done again', () => {
    const { forward, adapterStep } = encoderFlops('sam-vit-h');
    const flops = (policy: string): number => derivedNeed({ ...vitH, policy: parsePolicy(policy) }).flops;
    const head = 0.03;
    expect(flops('tape') / adapterStep).toBeGreaterThan(0.97);
    expect(flops('tape') / adapterStep).toBeLessThan(1 + head);
    expect((flops('recompute') - flops('tape')) / forward).toBeCloseTo(1, 1);
    expect((flops('per-plane+recompute') - flops('tape')) / forward).toBeCloseTo(2, 1);
  });

  it('is what its categories add up to, with the state of its optimiser', () => {
    for (const optimiser of ['adam', 'sgd'] as const) {
      const { byCategory, peakBytes, weightsBytes, peakBeyondWeightsBytes } = derivedNeed({
        ...vitH,
        optimiser,
      });
      expect(Object.values(byCategory).reduce((a, b) => a + b)).toBe(peakBytes);
      expect(peakBytes - weightsBytes).toBe(peakBeyondWeightsBytes);
      expect(byCategory.weights + byCategory.adapters).toBe(weightsBytes);
      expect(byCategory.optimiser).toBe(optimiser === 'adam' ? 2 * byCategory.adapters : 0);
    }
  });

  it('keeps the result and no map where attention is fused', () => {
    const [fused, chunked] = (['fused', 'materialised'] as const).map((attention) =>
      derivedStep({ ...vitH, attention, policy: attention === 'fused' ? [] : ['chunked'] }),
    );
    const padded = 28 * 4900 + 4 * 4096;
    expect(keptActivations(fused.kept) - keptActivations(chunked.kept)).toBe(
      padded * 1280 * 4 + padded * 16 * 4,
    );
  });

  it('says what changes nothing, and what is not counted', () => {
    const notes = (given: Partial<Setting>): string => derivedNeed({ ...vitH, ...given }).notes.join('\n');
    expect(notes({ policy: ['lean'] })).toContain('lean changes nothing');
    expect(notes({ policy: ['chunked'], attention: 'fused' })).toContain('chunked changes nothing');
    expect(notes({ precision: 'amp' })).toContain('weights in 16 bits');
    expect(notes({})).toContain('workspaces');
    expect(notes({ model: 'sam3', size: 1008 })).toContain('trunk alone');
    expect(() => derivedNeed({ ...vitH, model: 'sam3', size: 1008, trained: { kind: 'decoder' } })).toThrow(
      InputError,
    );
    expect(() => derivedNeed({ ...vitH, size: 1000 })).toThrow(/1000 pixels/);
  });
});

describeWith('torch', 'PyTorch at work', () => {
  it('keeps and holds what is derived', { timeout: 120_000 }, () => {
    const cases: Case[] = [
      { model: 'tiny-128', size: 128, trained: 'lora', views: 3 },
      { model: 'tiny-128', size: 192, trained: 'all', numbers: 'amp on a processor' },
      { model: 'tiny-128', size: 128, trained: 'lora', numbers: 'amp', first: 6 },
      { model: 'tiny-128', size: 128, trained: 'lora', views: 2, policy: ['per-plane', 'recompute'] },
    ];
    const script = path.join(oracles, 'derived.py');
    const { stdout, stderr } = spawnSync(python, [script, JSON.stringify(cases)], { encoding: 'utf8' });
    expect(stdout, stderr).not.toBe('');
    const found = z.array(measured).parse(JSON.parse(stdout));
    cases.forEach((given, k) => expectClose(derive(given), found[k]));
  });
});

describeWith(['torch', 'segment-anything'], 'The network in PyTorch', () => {
  it('is the original’s, and its gradient the same in all ways', { timeout: 120_000 }, () => {
    const { stdout, stderr } = spawnSync(python, [path.join(oracles, 'torch_sam_peer.py')], {
      encoding: 'utf8',
    });
    expect(stdout, stderr).not.toBe('');
    const found = z.record(z.string(), z.number()).parse(JSON.parse(stdout));
    const { 'masks of the original': masks, 'numbers of the gradient': numbers, ...ways } = found;
    expect(masks).toBeLessThan(1e-4);
    expect(numbers).toBeGreaterThan(10_000);
    for (const [name, apart] of Object.entries(ways)) expect(apart, name).toBeLessThan(1e-9);
  });
});
