import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agrees, columnRanks, combined, meanRanks, rankCorrelation } from '../../src/experiments/mean-ranks';

describe('ranks', () => {
  it('share their places where values are equal, and say what breaking the tie could give', () => {
    expect(columnRanks([3, 9, 3, 1])).toEqual([
      { best: 2, mean: 2.5, worst: 3 },
      { best: 1, mean: 1, worst: 1 },
      { best: 2, mean: 2.5, worst: 3 },
      { best: 4, mean: 4, worst: 4 },
    ]);
  });

  it('add up to the same sum in every column, and their mean lies between the ends', () => {
    const column = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(column, { minLength: 1, maxLength: 6 }), (columns) => {
        const ranks = meanRanks(columns);
        expect(ranks.reduce((s, r) => s + r.mean, 0)).toBeCloseTo(15, 9);
        for (const { best, mean, worst } of ranks) {
          expect(best).toBeLessThanOrEqual(mean + 1e-9);
          expect(worst).toBeGreaterThanOrEqual(mean - 1e-9);
        }
      }),
    );
  });

  it('combine with weights, and agree with a printed rank up to its rounding', () => {
    const seg = { best: 2, mean: 2.5, worst: 3 };
    const cls = { best: 1, mean: 1, worst: 1 };
    const rank = combined([
      [seg, 2 / 3],
      [cls, 1 / 3],
    ]);
    expect(rank.best).toBeCloseTo(5 / 3, 12);
    expect(rank.mean).toBeCloseTo(2, 12);
    expect(rank.worst).toBeCloseTo(7 / 3, 12);
    expect([1.66, 1.67, 2, 2.33, 2.34].map((printed) => agrees(printed, rank))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
  });

  it('correlate as Spearman’s coefficient does', () => {
    expect(rankCorrelation([1, 2, 3], [10, 20, 40])).toBeCloseTo(1, 12);
    expect(rankCorrelation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
    // scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])
    expect(rankCorrelation([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])).toBeCloseTo(0.8207826816681233, 12);
  });
});
