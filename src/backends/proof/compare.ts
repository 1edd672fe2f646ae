// The error of numbers against true ones.

/**
 * The largest |found - true| / (|true| + r), where r is the root mean square of the true numbers: an element is judged by
 * its own size, or by that of its neighbours where it is small among them (sums round at the size of their terms).
 * Against zeros throughout it is the largest |found|. Infinite when lengths differ, or where one is not a number and the
 * other is.
 */
export function relativeError(found: ArrayLike<number>, truth: ArrayLike<number>): number {
  if (found.length !== truth.length) return Infinity;
  let squares = 0;
  for (let i = 0; i < truth.length; i++) if (Number.isFinite(truth[i])) squares += truth[i] ** 2;
  const typical = Math.sqrt(squares / Math.max(1, truth.length));
  let worst = 0;
  for (let i = 0; i < truth.length; i++) {
    if (Object.is(found[i], truth[i]) || found[i] === truth[i]) continue;
    const difference = Math.abs(found[i] - truth[i]);
    const size = Math.abs(truth[i]) + typical;
    const error = size > 0 ? difference / size : difference;
    if (Number.isNaN(error)) return Infinity;
    worst = Math.max(worst, error);
  }
  return worst;
}
