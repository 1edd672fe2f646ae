// The timeline of a ledger: by hand, and that no point of it loses the peak; the study and its figure are made of it.
import { describe, expect, it } from 'vitest';
import type { Kind } from '../../src/backends/ledger';
import { LedgerWriter } from '../../src/backends/ledger';
import { memoryTimeline } from '../../src/experiments/memory-timeline';
import { timelines } from '../../src/experiments/memory-timelines';
import { figure } from '../../src/plots/draw';
import { timelineOf } from '../../src/profilers/timeline';
import { result } from '../claims/fixtures';

const kind = (bytes: number, category: Kind['category'], scope: string): Kind => ({
  op: 'Add',
  shape: [bytes / 4],
  dtype: 'float32',
  bytes,
  scope,
  phase: category === 'weights' ? 'given' : 'forward',
  category,
  kernelTemporary: false,
});
const options = {
  parts: ['given', 'a', 'b'],
  partOf: (scope: string, given: boolean) => (given ? 'given' : scope),
};

function smallLedger() {
  const writer = new LedgerWriter('by hand');
  writer.allocate(kind(100, 'weights', ''));
  const first = writer.allocate(kind(40, 'activations', 'a'));
  const passing = writer.allocate(kind(200, 'temporary', 'b'));
  writer.release(passing);
  writer.release(first);
  writer.allocate(kind(8, 'gradients', 'b'));
  return writer.finish();
}

describe('the timeline of a ledger', () => {
  it('is what it is by hand', () => {
    const { categories, points } = timelineOf(smallLedger(), options);
    const named = points.map(({ byCategory }) =>
      Object.fromEntries(categories.flatMap((name, k) => (byCategory[k] > 0 ? [[name, byCategory[k]]] : []))),
    );
    expect(named).toEqual([
      { weights: 100 },
      { weights: 100, activations: 40 },
      { weights: 100, activations: 40, temporary: 200 },
      { weights: 100, activations: 40 },
      { weights: 100 },
      { weights: 100, gradients: 8 },
    ]);
    expect(points.map(({ byPart }) => byPart)).toEqual([[100, 0, 0], [100, 40, 0], [100, 40, 200], [100, 40, 0], [100, 0, 0], [100, 0, 8]]); // prettier-ignore
    expect(points.map(({ at }) => at)).toEqual([0, 1, 2, 3, 4, 5].map((k) => k / 6));
  });

  it('keeps the highest moment of each stretch', () => {
    const { points } = timelineOf(smallLedger(), { ...options, most: 2 });
    expect(points.map(({ byPart }) => byPart)).toEqual([[100, 40, 200], [100, 40, 0]]); // prettier-ignore
  });

  it('refuses a part that nobody named', () => {
    expect(() => timelineOf(smallLedger(), { ...options, parts: ['given', 'a'] })).toThrow(
      'the part b is not among',
    );
  });
});

describe('the study', () => {
  const spec = memoryTimeline.specs.tiny;

  it('has the peak in every row, by what it is for and by part; every technique at once holds less', async () => {
    const rows = timelines(spec);
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    for (const { timeline, peakBytes } of rows) {
      expect(Math.max(...timeline.points.map(({ byCategory }) => sum(byCategory)))).toBe(peakBytes);
      for (const { byCategory, byPart } of timeline.points) expect(sum(byPart)).toBe(sum(byCategory));
    }
    expect(rows[1].peakBytes).toBeLessThan(0.5 * rows[0].peakBytes);
    const { findings } = await memoryTimeline.run(spec, {});
    expect(findings.map(({ value }) => value)).toEqual([
      ...rows.map(({ peakBytes }) => peakBytes / 1e9),
      undefined,
    ]);
  });

  it('is drawn: an area for each name that has bytes, the peaks in words', async () => {
    const { findings } = await memoryTimeline.run(spec, {});
    const own = findings.at(-1)!;
    const drawn = figure(own.id, new Map([[own.id, result({ ...own })]]));
    const row = timelines(spec)[0].timeline;
    const used = row.categories.filter((_, k) => row.points.some(({ byCategory }) => byCategory[k] > 0));
    expect(drawn.spec.data.filter(({ xaxis }) => xaxis === 'x').map(({ name }) => name)).toEqual(used);
    const first = drawn.spec.data[0].y as number[];
    expect(first).toEqual(row.points.map(({ byCategory }) => byCategory[0] / 1e9));
    expect(drawn.caption).toMatch(/plain tape: peak [\d.]+\s\S*B/);
    expect(drawn.rows.length).toBeGreaterThan(10);
  });
});
