// Whether engines computed the same, in words, and how far the samples of a time lie apart.
import { quantile } from '../../base/interval';
import { short } from './found';
import type { Timed } from './times';

/** What is compared across engines may differ by this much, relative: sums in another order; with TF32 ten bits of each factor. */
export const tolerance = { float32: 1e-3, TF32: 2e-2 };

/** Whether two engines computed the same. */
export function agree(a: Timed, b: Timed, within: number): boolean {
  return (
    a.value.length === b.value.length &&
    a.value.every((x, k) => Math.abs(x - b.value[k]) <= within * Math.max(Math.abs(x), Math.abs(b.value[k])))
  );
}

/** How a row agrees with the others of its kind, in words. */
export function agreement(others: readonly object[], far: readonly { name: string }[], what: string): string {
  if (others.length === 0) return 'nothing to compare with';
  return far.length === 0 ? 'yes' : `ANOTHER ${what} than ${far.map(({ name }) => name).join(', ')}`;
}

export const quartiles = (samples: readonly number[]): { low: number; high: number } => ({
  low: short(quantile(samples, 0.25)),
  high: short(quantile(samples, 0.75)),
});

/** Whether two ways took the same first steps; of as many as both have told. */
export const sameLosses = (a: readonly number[], b: readonly number[]): boolean =>
  a.every((loss, k) => k >= b.length || Math.abs(loss - b[k]) <= tolerance.float32 * Math.abs(loss));
