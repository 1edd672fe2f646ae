// What one dry run says of every batch: by hand, and against dry runs of these batches.
import { describe, expect, it } from 'vitest';
import type { Kind } from '../../../src/backends/ledger';
import { LedgerWriter } from '../../../src/backends/ledger';
import { dryRunStep } from '../../../src/backends/meta/dry-run';
import type { Policy } from '../../../src/memory/policy';
import { parsePolicy, policyName } from '../../../src/memory/policy';
import { samParameters } from '../../../src/profilers/parameters';
import { encoderShapes } from '../../../src/profilers/encoders';
import { dryRunParts, readingOf } from '../../../src/profilers/vram/dry-reading';
import type { Line } from '../../../src/profilers/vram/growth';
import {
  highest,
  largestBatch,
  lineOf,
  markingBatch,
  memoryGrowth,
  valueOf,
} from '../../../src/profilers/vram/growth';
import type { Reading } from '../../../src/profilers/vram/reading';
import { readingBy } from '../../../src/profilers/vram/reading';
import type { BatchlessSetting } from '../../../src/profilers/vram/setting';
import { vramStep } from '../../../src/profilers/vram/step';
import { dryRunOf } from '../../../src/profilers/vram/tfjs';

describe('by hand', () => {
  const kind = (bytes: number, given: Partial<Kind>): Kind => ({
    op: 'Add',
    shape: [bytes / 4],
    dtype: 'float32',
    bytes,
    scope: '',
    phase: 'forward',
    category: 'temporary',
    kernelTemporary: false,
    ...given,
  });
  const marking = 1009;
  /** Weights of 400 bytes; then 5000 for a moment; then 1000 a sample, kept; then 200 and 300 a sample. */
  function ledger() {
    const writer = new LedgerWriter('by hand');
    writer.allocate(kind(400, { phase: 'given', category: 'weights' }));
    const large = writer.allocate(kind(5000, { scope: 'fixed' }));
    writer.release(large);
    const kept = writer.allocate(kind(1000 * marking, { category: 'activations', scope: 'a/a/b' }));
    const last = writer.allocate(kind(200, { scope: 'c' }));
    const more = writer.allocate(kind(300 * marking, { scope: 'c', phase: 'backward' }));
    for (const index of [more, last, kept]) writer.release(index);
    return writer.finish();
  }
  const { moments, saved, weights } = memoryGrowth(ledger(), marking);

  it('a peak is the upper envelope of lines', () => {
    expect(weights).toBe(400);
    // 5400 of any batch against 600 + 1300 a sample: up to three samples the first is higher.
    expect(moments.map(({ fixed, each, layer }) => [fixed, each, layer])).toEqual([
      [5400, 0, 'fixed, forward'],
      [600, 1300, 'c, backward'],
    ]);
    expect([1, 3, 4, 10].map((batch) => valueOf(highest(moments, batch), batch))).toEqual([
      5400, 5400, 5800, 13600,
    ]);
    expect(highest(moments, 4).byCategory).toMatchObject({
      weights: { fixed: 400, each: 0 },
      activations: { fixed: 0, each: 1000 },
      temporary: { fixed: 200, each: 300 },
    });
    expect(valueOf(highest(saved, 7), 7)).toBe(7000);
  });

  it('the largest batch is the last below the limit', () => {
    expect([5399, 5400, 5799, 5800, 13599].map((limit) => largestBatch(moments, limit))).toEqual([
      0, 3, 3, 4, 9,
    ]);
    const reading = readingBy((batch) => ({ peakBytes: valueOf(highest(moments, batch), batch) }) as never);
    expect([5399, 5400, 5799, 5800, 13599].map((limit) => reading.largestBatch(limit))).toEqual([
      0, 3, 3, 4, 9,
    ]);
  });

  it('what grows with the square of the batch is no line', () => {
    expect(() => lineOf(4 * marking ** 2, marking)).toThrow('square of the batch');
    expect(markingBatch([1024, 4])).toBe(1009);
    expect(markingBatch([1009 * 16, 1013])).toBe(1019);
  });
});

const small: BatchlessSetting = {
  model: 'tiny-64',
  size: 64,
  views: 3,
  precision: 'fp32',
  trained: { kind: 'lora', rank: 4, first: 3 },
  optimiser: 'adam',
  policy: [],
};

function readingFor(setting: BatchlessSetting): Reading {
  const parts = dryRunParts(setting.policy);
  const runs = parts.map((part) => [part, dryRunOf(setting, part)] as const);
  return readingOf(Object.fromEntries(runs), setting.model);
}

/** The step of a batch itself, dry. */
function direct(setting: BatchlessSetting, batch: number) {
  const { step, inputs } = vramStep({ ...setting, batch });
  const { ledger, flops } = dryRunStep(step as never, inputs, { like: 'tensorflow' });
  const { products, elements } = flops.total();
  const byCategory: Record<string, number> = {};
  for (const { name, bytes } of ledger.composition('category')) {
    const said = setting.trained.kind === 'all' && name === 'adapters' ? 'weights' : name;
    byCategory[said] = (byCategory[said] ?? 0) + bytes;
  }
  return {
    peakBytes: ledger.peak().bytes,
    flops: products + elements,
    byCategory: withoutZeros(byCategory),
  };
}

const withoutZeros = (of: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(of).filter(([, bytes]) => bytes > 0));

describe('against dry runs of these batches', () => {
  it.each<[string, Partial<BatchlessSetting>]>([
    ['tape', {}],
    ['lean', { views: 1, trained: { kind: 'all' }, optimiser: 'sgd' }],
    ['per-plane+recompute+lean', { views: 2, size: 96 }],
    ['recompute', { views: 1, trained: { kind: 'decoder' } }],
    ['per-plane+recompute+lean', { views: 2, model: 'sam3', size: 112 }],
  ])('%s: to the byte and to the operation', (name, own) => {
    const setting = { ...small, ...own, policy: parsePolicy(name) };
    const reading = readingFor(setting);
    for (const batch of [1, 2, 5]) {
      const need = reading.need(batch);
      const expected = direct(setting, batch);
      expect(need.peakBytes, `batch ${batch}`).toBe(expected.peakBytes);
      expect(need.flops, `batch ${batch}`).toBe(expected.flops);
      expect(withoutZeros(need.byCategory)).toEqual(expected.byCategory);
      expect(need.peakBeyondWeightsBytes).toBe(need.peakBytes - need.weightsBytes);
      expect(need.savedBytes).toBeGreaterThan(0);
      expect(need.savedBytes).toBeLessThan(need.peakBytes);
    }
    const limit = reading.need(5).peakBytes;
    expect([limit - 1, limit].map((bytes) => reading.largestBatch(bytes))).toEqual([4, 5]);
  });

  it('chunks: one sample and two to the byte, more by the line through both, and it says so', () => {
    const policy: Policy = ['recompute', 'lean', 'chunked'];
    const reading = readingFor({ ...small, policy });
    for (const batch of [1, 2]) {
      expect(reading.need(batch).peakBytes).toBe(direct({ ...small, policy }, batch).peakBytes);
      expect(reading.need(batch).notes.join()).not.toContain('on the line');
    }
    const need = reading.need(6);
    const expected = direct({ ...small, policy }, 6);
    expect(Math.abs(need.peakBytes / expected.peakBytes - 1)).toBeLessThan(0.03);
    expect(Math.abs(need.flops / expected.flops - 1)).toBeLessThan(1e-3);
    expect(need.notes.join()).toContain('on the line through both');
    expect(policyName(policy)).toBe('recompute+lean+chunked');
  });

  it('weights are the parameters of the network, counted by closed form', () => {
    const setting: BatchlessSetting = { ...small, model: 'sam-vit-b', size: 1024, trained: { kind: 'decoder' }, policy: ['lean'] }; // prettier-ignore
    const { weights } = dryRunOf({ ...setting, views: 1 }, 'one');
    // All of SAM but what a step without prompts does not read: hypernetworks of three masks and the prompt encoder but for the
    // embedding of no mask (facebookresearch/segment-anything: 4 x 139,808 and 6,220 with 256 of them), and with the
    // frequencies of positions, which are no parameters there.
    const unread = 3 * 139_808 + 6_220 - 256;
    expect(weights).toBe(4 * (samParameters(encoderShapes['sam-vit-b']) - unread + 2 * 128));
  });
});

describe('lines', () => {
  it('are fixed or of samples', () => {
    expect(lineOf(0, 1009)).toEqual({ fixed: 0, each: 0 } satisfies Line);
    expect(lineOf(4096, 1009)).toEqual({ fixed: 4096, each: 0 });
    expect(lineOf(4096 * 1009, 1009)).toEqual({ fixed: 0, each: 4096 });
  });
});
