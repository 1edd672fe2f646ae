// The interval of a mean over seeds.
import type { Interval } from '../../base/interval';

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
