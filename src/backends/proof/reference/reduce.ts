// References: reductions along axes, and running sums.
import { type Array64, array64, build, eachIndex, flatIndex, fromFront, sizeOf, replaced } from './array';
import { map } from './elementwise';

/** All elements along `axes` (all axes when absent) for each element of the result. Reduced axes keep length 1 with `keep`. */
export function gatherAlong(
  a: Array64,
  axes: readonly number[] | undefined,
  keep = false,
): { shape: number[]; lists: number[][] } {
  const rank = a.shape.length;
  const reduced = new Set((axes ?? a.shape.map((_, axis) => axis)).map((axis) => fromFront(axis, rank)));
  const kept = a.shape.map((length, axis) => (reduced.has(axis) ? 1 : length));
  const lists = Array.from({ length: sizeOf(kept) }, (): number[] => []);
  eachIndex(a.shape, (index, flat) => {
    lists[
      flatIndex(
        kept,
        index.map((i, axis) => (reduced.has(axis) ? 0 : i)),
      )
    ].push(a.data[flat]);
  });
  return { shape: keep ? kept : kept.filter((_, axis) => !reduced.has(axis)), lists };
}

/** A reduction by a function of the list of elements. */
const reduction =
  (f: (list: number[]) => number) =>
  (a: Array64, axes?: readonly number[], keep = false): Array64 => {
    const { shape, lists } = gatherAlong(a, axes, keep);
    return array64(shape, lists.map(f));
  };

const total = (list: number[]): number => list.reduce((s, x) => s + x, 0);

export const sum = reduction(total);
export const mean = reduction((list) => total(list) / list.length);
export const prod = reduction((list) => list.reduce((p, x) => p * x, 1));
export const max = reduction((list) => Math.max(...list));
export const min = reduction((list) => Math.min(...list));
export const argMax = reduction((list) => list.indexOf(Math.max(...list)));
export const argMin = reduction((list) => list.indexOf(Math.min(...list)));
export const any = reduction((list) => (list.some((x) => x !== 0) ? 1 : 0));
export const all = reduction((list) => (list.every((x) => x !== 0) ? 1 : 0));
/** The mean square distance from the mean, divided by n (not n - 1). */
export const variance = reduction((list) => {
  const m = total(list) / list.length;
  return total(list.map((x) => (x - m) ** 2)) / list.length;
});
export const euclideanNorm = reduction((list) => Math.sqrt(total(list.map((x) => x * x))));
export const logSumExp = reduction((list) => {
  const top = Math.max(...list);
  return top + Math.log(total(list.map((x) => Math.exp(x - top))));
});

/** Running sum or product along an axis; `exclusive` leaves the element itself out, `reverse` runs from the end. */
export function cumulative(
  a: Array64,
  axis: number,
  { exclusive = false, reverse = false, product = false } = {},
): Array64 {
  const along = fromFront(axis, a.shape.length);
  return build(a.shape, (index) => {
    let value = product ? 1 : 0;
    const from = reverse ? index[along] : 0;
    const to = reverse ? a.shape[along] - 1 : index[along];
    for (let i = from; i <= to; i++) {
      if (exclusive && i === index[along]) continue;
      const x = a.data[flatIndex(a.shape, replaced(index, along, i))];
      value = product ? value * x : value + x;
    }
    return value;
  });
}

/** Mean of all elements, as a scalar. */
export const meanOf = (a: Array64): number => total([...a.data]) / a.data.length;
export const sumOf = (a: Array64): number => total([...a.data]);
export const squareSum = (a: Array64): number => sumOf(map(a, (x) => x * x));
