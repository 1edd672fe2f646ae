// Medians and bootstrap intervals: how a measured number carries its uncertainty.
import type { Random } from './random';

/** A range that holds the true value with a stated confidence. */
export interface Interval {
  low: number;
  high: number;
  /** Confidence, e.g. 0.95. */
  level: number;
  /** How it was found, in words. */
  method: string;
  /** How many observations it rests on. */
  n: number;
}

/** The q-quantile (0..1) by linear interpolation between order statistics (numpy's default rule). */
export function quantile(values: ArrayLike<number>, q: number): number {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** The median; NaN for no values. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/**
 * Percentile bootstrap interval of any statistic of paired rows: rows are drawn again with replacement.
 * @param rows       observations; what belongs together (the three planes of one voxel) is one row
 * @param statistic  computed on each resample
 * @param random     seeded, so the interval is repeatable
 */
export function bootstrap<Row>(
  rows: readonly Row[],
  statistic: (resample: Row[]) => number,
  random: Random,
  { level = 0.95, resamples = 1000 } = {},
): Interval {
  const values = new Float64Array(resamples);
  const resample = new Array<Row>(rows.length);
  for (let b = 0; b < resamples; b++) {
    for (let i = 0; i < rows.length; i++) resample[i] = rows[random.below(rows.length)];
    values[b] = statistic(resample);
  }
  const tail = (1 - level) / 2;
  return {
    low: quantile(values, tail),
    high: quantile(values, 1 - tail),
    level,
    method: `percentile bootstrap, ${resamples} resamples`,
    n: rows.length,
  };
}
