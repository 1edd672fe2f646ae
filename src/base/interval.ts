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

/** Student's t that 0.975 lies below, for 1 to 10 degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.2). */
const studentT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/**
 * The interval of a mean of a few values by Student's t, at 0.95: for seeds, of which there are too few to draw again from.
 * @param values  2 to 11
 * @throws RangeError for fewer or more
 */
export function studentInterval(values: readonly number[]): Interval {
  const n = values.length;
  const t = studentT[n - 2];
  if (t === undefined)
    throw new RangeError(`an interval by Student's t of ${n} values: 2 to 11 are known here`);
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = t * Math.sqrt(variance / n);
  return { low: mean - half, high: mean + half, level: 0.95, method: "Student's t", n };
}
