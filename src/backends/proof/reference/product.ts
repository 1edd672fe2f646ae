// References: matrix products and sums of products by index letters.
import { type Array64, at, build, filled } from './array';
import { broadcastShape } from './elementwise';
import { transpose } from './shape';

/** Swaps the last two axes. */
export function swapLast(a: Array64): Array64 {
  const order = a.shape.map((_, axis) => axis);
  order.push(order.splice(-2, 1)[0]);
  return transpose(a, order);
}

/** Products of the matrices in the last two axes; the axes before them broadcast. */
export function matMul(a: Array64, b: Array64, transposeA = false, transposeB = false): Array64 {
  const [left, right] = [transposeA ? swapLast(a) : a, transposeB ? swapLast(b) : b];
  const [m, k] = left.shape.slice(-2);
  const n = right.shape.at(-1)!;
  const batch = broadcastShape(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const out = filled([...batch, m, n], 0);
  const matrix = (of: Array64, index: readonly number[], size: number): Float64Array => {
    let start = 0;
    const own = of.shape.slice(0, -2);
    own.forEach((length, axis) => {
      start = start * length + (length === 1 ? 0 : index[axis + batch.length - own.length]);
    });
    return of.data.subarray(start * size, (start + 1) * size);
  };
  build(batch, (index, which) => {
    const [x, y] = [matrix(left, index, m * k), matrix(right, index, k * n)];
    for (let i = 0; i < m; i++) {
      for (let l = 0; l < k; l++) {
        for (let j = 0; j < n; j++) out.data[which * m * n + i * n + j] += x[i * k + l] * y[l * n + j];
      }
    }
    return 0;
  });
  return out;
}

/** `einsum('bij,bjk->bik', a, b)`: the sum over all letters that are not in the result. */
export function einsum(equation: string, ...operands: Array64[]): Array64 {
  const [left, right] = equation.split('->');
  const inputs = left.split(',');
  const length = new Map<string, number>();
  inputs.forEach((letters, k) =>
    [...letters].forEach((letter, axis) => length.set(letter, operands[k].shape[axis])),
  );
  const letters = [...new Set([...right, ...length.keys()])];
  const summed = letters.slice(right.length);
  return build(
    [...right].map((letter) => length.get(letter)!),
    (outer) => {
      let total = 0;
      build(
        summed.map((letter) => length.get(letter)!),
        (inner) => {
          const value = (letter: string): number => [...outer, ...inner][letters.indexOf(letter)];
          total += operands.reduce((p, a, k) => p * at(a, [...inputs[k]].map(value)), 1);
          return 0;
        },
      );
      return total;
    },
  );
}
