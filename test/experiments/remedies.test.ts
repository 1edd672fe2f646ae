// Remedies on paper: the gradient against finite differences, everything else against numbers worked out elsewhere.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { activationStacking } from '../../src/experiments/activation-stacking';
import { remedies } from '../../src/experiments/remedies';
import { gradientAtOnce, gradientByView, lossOf, smallProblem } from '../../src/experiments/replay';
import { figure } from '../../src/plots/draw';
import type { Finding } from '../../src/results/result';
import { asResults } from './results';

let found: Map<string, Finding>;
const value = (id: string): number => found.get(`remedies.${id}`)!.value!;

beforeAll(async () => {
  const { findings } = await remedies.run(remedies.specs.quick, {});
  found = new Map(findings.map((f) => [f.id, f]));
});

describe('the gradient of Eq. 2, view by view', () => {
  it('is that of finite differences', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(29), fc.boolean(), (seed, at, inFirst) => {
        const { weights, views } = smallProblem(seed);
        const { gradient } = gradientByView(weights, views);
        const layer = inFirst ? 'first' : 'second';
        const moved = (by: number): number => {
          const copy = { first: [...weights.first], second: [...weights.second] };
          copy[layer][at] += by;
          return lossOf(copy, views);
        };
        const h = 1e-5;
        expect(gradient[layer][at]).toBeCloseTo((moved(h) - moved(-h)) / (2 * h), 6);
      }),
      { numRuns: 40 },
    );
  });

  it('is bit for bit that of all views at once, with the activations of one', () => {
    const { weights, views } = smallProblem(7);
    const [atOnce, byView] = [gradientAtOnce(weights, views), gradientByView(weights, views)];
    expect(byView.gradient).toEqual(atOnce.gradient);
    expect([atOnce.held, byView.held]).toEqual([3, 1]);
    expect(value('replay.held')).toBe(1);
    expect(value('replay.difference')).toBe(0);
  });

  it('needs the other views: without them the gradient is another', () => {
    const { weights, views } = smallProblem(7);
    const { gradient } = gradientByView(weights, views);
    const alone = gradientByView(weights, [
      views[0],
      { ...views[1], image: views[1].image.map((x) => -x) },
      views[2],
    ]);
    expect(alone.gradient.first).not.toEqual(gradient.first);
  });

  it('costs a third more where all weights are trained, about half more with adapters', () => {
    expect(value('replay.work.all')).toBeCloseTo(4 / 3, 12);
    expect(value('replay.work.adapters')).toBeGreaterThan(1.4);
    expect(value('replay.work.adapters')).toBeLessThan(1.5);
  });
});

describe('other remedies', () => {
  it('smaller encoders have their published parameters and multiply-adds', () => {
    expect(value('encoder.parameters.sam-vit-b')).toBeCloseTo(89.670912, 6);
    expect(value('encoder.parameters.sam-vit-l')).toBeCloseTo(308.278272, 6);
    // 486.0 of 2980.5 GMAC forward, with a little more attention in a step.
    expect(value('encoder.work.sam-vit-b')).toBeGreaterThan(486 / 2980.5);
    expect(value('encoder.work.sam-vit-l')).toBeGreaterThan(1492.8 / 2980.5);
  });

  it('an embedding is 256 x 64 x 64 numbers, and 635 of them make a volume', () => {
    expect(value('cached.slice')).toBeCloseTo((256 * 64 * 64 * 2) / 1e6, 12);
    expect(value('cached.volume.all')).toBeCloseTo((635 * 256 * 64 * 64 * 2) / 1e9, 12);
  });

  it('a coronal slice of 240 x 155 leaves 22 of 64 rows of tokens to padding', () => {
    expect(value('padding.tokens')).toBeCloseTo(22 / 64, 12);
  });

  it('a volume through either network has the multiply-adds of the facts', () => {
    expect(value('inference.unet')).toBeCloseTo(3.86, 2);
    expect(value('inference.sam.axial')).toBeCloseTo(462, 0);
    expect(value('inference.sam.all')).toBeCloseTo(1893, 0);
    expect(value('inference.ratio')).toBeCloseTo(119.6, 1);
    expect(value('inference.ratio-mirrored')).toBeCloseTo(14.95, 2);
  });
});

describe('the table and the figure', () => {
  it('name every remedy with what is not tested yet', () => {
    const { rows } = found.get('remedies.table')!.table!;
    expect(rows.length).toBeGreaterThan(8);
    for (const row of rows) {
      expect(row.kind === 'derived').toBe(row.where === 'not tested yet');
      expect(`${row.saves}`.length).toBeGreaterThan(3);
    }
  });

  it('draw the ways of activation stacking, with the cards it names', async () => {
    const { findings } = await activationStacking.run(activationStacking.specs.tiny, {});
    const results = asResults([...found.values(), ...findings], 'made-up');
    const f = figure('remedies.figure', results);
    const plain = f.spec.data[0];
    expect((plain.x as number[])[0]).toBe(
      results.get('activation-stacking.saved.fp32-naive-adapters.three')!.value,
    );
    expect(f.rows).toHaveLength(4 * 3 + 3 + 2);
    const ways = f.spec.layout.yaxis as { ticktext: string[] };
    expect(ways.ticktext[2]).toMatch(/one view at a time \(1\.48 ×\)/);
  });
});
