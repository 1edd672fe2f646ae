// What is said of trainings, from scores that are made up and can be added by hand.
import { describe, expect, it } from 'vitest';
import type { TrainedRun } from '../../../src/experiments/cross-plane/run';
import { collapsingRun } from '../../../src/experiments/cross-plane/collapse';
import { scoredRuns } from '../../../src/experiments/cross-plane/runs';
import { findScores } from '../../../src/experiments/cross-plane/scores';
import { studentInterval } from '../../../src/experiments/cross-plane/student';
import { Findings } from '../../../src/experiments/findings';
import { figure } from '../../../src/plots/draw';
import type { Result } from '../../../src/results/result';

const by = { learningRate: 1e-3, steps: 10, lambda: 0.5 };

const picture = { name: 'a case', slice: 3, rows: ['0123', '4567'] };

/** Dice of case k with seed s: 0.5 + k / 10, and with consistency 0.02 + s / 1000 more. */
function trained(): TrainedRun[] {
  return [...scoredRuns(by), collapsingRun(by)].map((run) => {
    const more = run.arm.consistent ? 0.02 + run.seed / 1000 : 0;
    const scores = [0, 1, 2].map((k) => ({
      name: `case ${k}`,
      dice: {
        axial: [0.4 + k / 10 + more, 0.3, 0.3] as [number, number, number],
        mean: [0.5 + k / 10 + more, 0.3, 0.3] as [number, number, number],
      },
      jitter: { axial: k === 0 ? null : -0.1, mean: 0 },
      agreement: { disagree: 0.2 - more, right: 0.6, wrong: 0.2 + more },
      leftOut: { disagree: 0.3 - 2 * more, right: 0.6, wrong: 0.1 },
    }));
    return {
      run,
      device: 'made up',
      curves: {
        steps: [{ step: 1, values: { loss: 1, segmentation: 1, consistency: 0 } }],
        watched: [{ step: 1, values: { dice: 0.5, disagree: 0.1 + run.seed / 100, wrong: 0.2 } }],
      },
      scores: { before: scores, after: scores },
      pictures: { before: picture, after: picture },
      flop: { step: 1e9, axial: 1, mean: 3 },
      seconds: 60,
      coreSeconds: 60,
      inputs: [],
      notes: [],
    };
  });
}

describe('the scores of the plan', () => {
  const found = new Findings('cross-plane', 1);
  const notes = findScores(found, trained());

  it('pair cases, and average seeds', () => {
    // Mean over the seeds 1 to 5.
    expect(found.value('primary.cases')).toBeCloseTo(0.023, 10);
    expect(found.value('primary.seeds')).toBeCloseTo(0.023, 10);
    const { uncertainty } = found.all.find(({ id }) => id === 'cross-plane.primary.seeds')!;
    // t of 4 degrees of freedom, deviation of 1 to 5 thousandths, by hand.
    expect(uncertainty!.low).toBeCloseTo(0.023 - (2.776 * Math.sqrt(2.5)) / 1000 / Math.sqrt(5), 8);
    expect(found.value('dice.triplets.mean')).toBeCloseTo(0.6, 10);
    expect(found.value('averaging.triplets')).toBeCloseTo(0.1, 10);
    expect(found.value('primary.wrong')).toBeCloseTo(0.023, 10);
    expect(found.value('primary.disagree-left-out')).toBeCloseTo(-0.046, 10);
    expect(found.value('difference.linked.mean')).toBeCloseTo(0, 10);
    // One training, of seed 1, which counts nowhere else.
    expect(found.value('collapse.dice')).toBeCloseTo(0.621, 10);
  });

  it('leave out what a case does not have, and count the time', () => {
    expect(found.value('jitter.triplets.axial')).toBeCloseTo(-0.1, 10);
    const count = scoredRuns(by).length + 1;
    expect(notes).toEqual([`${count} trainings, ${(count / 60).toFixed(2)} core-hours in all`]);
    const points = found.all.find(({ id }) => id === 'cross-plane.points')!.table!;
    expect(points.rows.length).toBe(5 + 5 + 6 * 3);
    expect(found.value('jitter-left.triplets')).toBeCloseTo(0, 10);
    expect(found.value('flop.training.axial-equal-flops')).toBeCloseTo(0.03, 10);
    // Seeds 1 to 3.
    expect(found.value('thick.4.consistent.mean')).toBeCloseTo(0.022, 10);
    const thick = found.all.find(({ id }) => id === 'cross-plane.thick')!.table!;
    expect(thick.rows.map(({ data, factor }) => `${String(data)} ${String(factor)}`)).toContain('brats 4');
  });
});

describe('the figures of the plan', () => {
  const found = new Findings('cross-plane', 1);
  findScores(found, trained());
  const results = new Map(
    found.all.map((finding) => [finding.id, { ...finding, study: 'cross-plane', origin: 'stored', mode: 'full', date: '2026-01-01T00:00:00.000Z', commit: '0000000', dirty: false, device: { cpu: 'made up', cores: 1 } } as unknown as Result]), // prettier-ignore
  );

  it('have a point for every training, and means with their intervals', () => {
    const { rows, spec } = figure('cross-plane.scores-figure', results);
    expect(rows.filter(({ quantity }) => quantity.includes(', training ')).length).toBe(2 * (10 + 18));
    expect(rows.filter(({ low }) => low !== null).length).toBe(2 * 8);
    const symbols = spec.data.map(({ marker }) => (marker as { symbol: string }).symbol);
    expect(symbols).toEqual(['circle-open', 'circle', 'diamond-open', 'diamond']);
  });

  it('have a point for every case and every seed of the primary pair', () => {
    const { rows, spec, alt } = figure('cross-plane.primary-figure', results);
    expect(rows.filter(({ low }) => low !== null).map(({ value }) => value)).toEqual([expect.closeTo(0.023, 10), expect.closeTo(0.023, 10)]); // prettier-ignore
    expect((spec.data[0] as unknown as { x: number[] }).x.length).toBe(3 + 5);
    expect(alt).toContain('seeds: mean 0.0230 (0.0210 to 0.0250); 0 of 5 are smaller than 0.01.');
  });

  it('show where two ways to slice agree, and where both are wrong', () => {
    const { rows, spec, caption } = figure('cross-plane.agreement-figure', results);
    // 0 to 7 are there once each: 7 is right, 1, 2, 5 and 6 disagree, 4 is missed and 3 invented.
    expect(rows.slice(0, 4).map(({ value }) => value)).toEqual([1, 4, 1, 1]);
    expect(spec.data.length).toBe(4 * 4);
    expect(caption).toContain('Before training: 1 voxels agree and are right, 4 voxels disagree');
  });

  it('are there for every training', () => {
    const figures = found.all.filter(({ figure: own }) => own?.builder === 'training-curves');
    const drawn = figures.flatMap(({ figure: own }) => (own!.data as { runs: object[] }).runs);
    // Two of them beside each other as well, and the one that collapses.
    expect(drawn.length).toBe(scoredRuns(by).length + 3);
    for (const { id } of figures) expect(() => figure(id, results)).not.toThrow();
  });

  it('show curves where there are any, each in a dash of its own', () => {
    const { spec, caption } = figure('cross-plane.curves-figure', results);
    // Made-up trainings have one step, one look without a ratio, and a consistency of 0, which has no logarithm: four panels.
    expect(spec.data.map(({ line }) => (line as { dash: string }).dash)).toEqual(
      Array.from({ length: 4 }, () => ['solid', 'dash', 'dot']).flat(),
    );
    expect(caption).toContain('Loss of segmentation, lambda 0.5: 1.000 at step 1');
  });
});

describe('an interval by Student’s t', () => {
  it('is that of the textbook', () => {
    // The table has four digits. scipy: stats.t.interval(0.95, 3, loc=mean, scale=stats.sem([1, 2, 4, 7]))
    const { low, high, n } = studentInterval([1, 2, 4, 7]);
    expect([low, high, n]).toEqual([expect.closeTo(-0.70998, 2), expect.closeTo(7.70998, 2), 4]);
    expect(() => studentInterval([1])).toThrow('2 to 11 are known');
  });
});
