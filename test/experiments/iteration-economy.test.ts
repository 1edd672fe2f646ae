// Arithmetic of steps and budgets against numbers worked out by hand from published shapes.
import { beforeAll, describe, expect, it } from 'vitest';
import { iterationEconomy } from '../../src/experiments/iteration-economy';
import { judge } from '../../src/claims/verdict';
import { figure } from '../../src/plots/draw';
import type { Finding } from '../../src/results/result';
import { claim } from '../claims/fixtures';
import { asResults } from './results';

let found: Map<string, Finding>;
const value = (id: string): number => found.get(`iteration-economy.${id}`)!.value!;

beforeAll(async () => {
  const { findings } = await iterationEconomy.run({}, {});
  found = new Map(findings.map((f) => [f.id, f]));
});

describe('steps', () => {
  it('of nnU-Net: two patches of 482.89 GMAC, three times forward', () => {
    expect(value('flops.step.unet')).toBeCloseTo(2 * 3 * 2 * 0.48289, 3);
    expect(value('flops.schedule')).toBeCloseTo((2 * 3 * 2 * 0.48289 * 250_000) / 1e6, 3);
  });

  it('of SAM: linear layers twice, attention three times, by the counts of the encoder', () => {
    // 2732.30 GMAC in linear layers, the rest of 2980.54 between tokens.
    const one = 2 * (2 * 2732.3 + 3 * (2980.54 - 2732.3)) * 1e-3;
    expect(value('flops.step.one-view')).toBeCloseTo(one, 2);
    expect(value('flops.step.three-views')).toBeCloseTo(3 * one, 1);
    expect(value('flops.step.replayed')).toBeCloseTo(3 * (one + 2 * 2.98054), 1);
  });

  it('count each voxel of three planes once', () => {
    // Marked in a small volume: planes through (1, 2, 0) of 4 x 5 x 3 voxels.
    let seen = 0;
    for (let x = 0; x < 4; x++)
      for (let y = 0; y < 5; y++) for (let z = 0; z < 3; z++) seen += Number(x === 1 || y === 2 || z === 0);
    expect(seen).toBe(4 * 5 + (4 + 5) * 3 - 4 - 5 - 3 + 1);
    const voxels = (value('flops.step.three-views') * 1e6) / value('flops.voxel.three-views');
    expect(voxels).toBeCloseTo(240 * 240 + 480 * 155 - 240 - 240 - 155 + 1, 3);
  });
});

describe('a budget', () => {
  it('buys hours by the rate, and steps by the hours', () => {
    expect(value('hours.most.t4')).toBeCloseTo(100 / 1.2, 9);
    const flops = (100 / 13) * 3600 * 312e12 * 0.4;
    expect(value('steps.least.three-views.a100-40')).toBeCloseTo(
      flops / (value('flops.step.three-views') * 1e12),
      3,
    );
    expect(value('values.least.a100-40')).toBe(Math.floor(value('steps.least.three-views.a100-40') / 10_000));
  });

  it('is assumed wherever a rate or a utilisation went in, and so sets no verdict', () => {
    const assumed = [...found.values()].filter((f) => /\.(rate|hours|steps|values|sweep-steps)\./.test(f.id));
    expect(assumed.length).toBeGreaterThan(20);
    for (const f of assumed) expect(f.kind).toBe('assumed');
    const results = asResults([...found.values()], 'iteration-economy');
    const looked = { result: 'iteration-economy.values.least.t4', is: 'above', bound: 1 };
    const { verdict, reason } = judge(claim({ expect: { rule: 'x'.repeat(20), all: [looked] } }), results);
    expect(verdict).toBe('not tested yet');
    expect(reason).toContain('is assumed, not found');
  });
});

describe('published comparisons', () => {
  it('count by hand: transformers lead on ACDC alone, other convolutional networks on all but KiTS', () => {
    expect(value('benchmark.wins.transformers')).toBe(5);
    expect(value('benchmark.worst.transformers')).toBeCloseTo(91.99 - 92.4, 9);
    expect(value('benchmark.wins.convolutional')).toBe(1);
  });
});

describe('what is not tested', () => {
  it('says so in every row', () => {
    for (const row of found.get('iteration-economy.economy')!.table!.rows)
      expect([row.dice, row.nsd, row.disagreement]).toEqual(Array(3).fill('not tested yet'));
  });
});

describe('the figure', () => {
  it('draws each way once, with the ends of what a budget buys', () => {
    const f = figure('iteration-economy.figure', asResults([...found.values()], 'iteration-economy'));
    const [voxels, t4] = f.spec.data;
    expect(voxels.x).toHaveLength(4);
    expect((t4.x as number[]).slice(0, 2)).toEqual([
      value('steps.least.unet.t4'),
      value('steps.most.unet.t4'),
    ]);
    expect(f.rows).toHaveLength(4 * 5);
    expect(f.caption).toMatch(/assumed: panel b sets no verdict/);
  });
});
