// The wasm backend's products against plain loops in float64.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../src/backends/tf';
import { candidate } from '../../src/backends/wasm';
import { expectClose, values } from './wasm-reference';

/** a [batch, m, k] times b [batch, k, n] after transposition, one sum at a time. */
function product(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  [batch, m, k, n]: [number, number, number, number],
  [ta, tb]: [boolean, boolean],
  [repeatA, repeatB]: [boolean, boolean],
): Float64Array {
  const out = new Float64Array(batch * m * n);
  for (let e = 0; e < batch; e++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++)
          sum +=
            a[(repeatA ? 0 : e * m * k) + (ta ? l * m + i : i * k + l)] *
            b[(repeatB ? 0 : e * k * n) + (tb ? j * k + l : l * n + j)];
        out[(e * m + i) * n + j] = sum;
      }
  return out;
}

beforeAll(async () => {
  await candidate.open();
});

describe('matMul on wasm', () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 17 }), fc.constantFrom(8, 48, 129, 257));
  it('is the sum of products, for any size, transposition and batch', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.tuple(size, size, size),
        fc.tuple(fc.boolean(), fc.boolean()),
        fc.constantFrom<[boolean, boolean]>([false, false], [true, false], [false, true]),
        fc.integer({ min: 1, max: 1e6 }),
        (batch, [m, k, n], [ta, tb], [repeatA, repeatB], seed) => {
          fc.pre(batch * m * k * n < 3e6);
          const aShape = [repeatA ? 1 : batch, ...(ta ? [k, m] : [m, k])];
          const bShape = [repeatB ? 1 : batch, ...(tb ? [n, k] : [k, n])];
          const [a, b] = [values(aShape, seed), values(bShape, seed + 1)];
          const out = tf.tidy(() => tf.matMul(tf.tensor(a, aShape), tf.tensor(b, bShape), ta, tb));
          expect(out.shape).toEqual([batch, m, n]);
          expectClose(
            out.dataSync(),
            product(a, b, [batch, m, k, n], [ta, tb], [repeatA, repeatB]),
            Math.sqrt(k),
          );
          out.dispose();
        },
      ),
      { numRuns: 150 },
    );
  });

  it('broadcasts over several batch dimensions', () => {
    const [a, b] = [values([2, 1, 3, 4], 1), values([3, 4, 5], 2)];
    const out = tf.matMul(tf.tensor(a, [2, 1, 3, 4]), tf.tensor(b, [3, 4, 5]));
    expect(out.shape).toEqual([2, 3, 3, 5]);
    const expected = [0, 1].flatMap((i) =>
      [0, 1, 2].flatMap((j) => [
        ...product(
          a.subarray(12 * i, 12 * i + 12),
          b.subarray(20 * j, 20 * j + 20),
          [1, 3, 4, 5],
          [false, false],
          [false, false],
        ),
      ]),
    );
    expectClose(out.dataSync(), expected);
  });

  it('adds the bias once, and to every row, before the activation', () => {
    // TensorFlow.js's own adds it once for every 48 elements of the sum, and past the first row its last element.
    const [a, b, bias] = [values([2, 9, 130], 1), values([2, 7, 130], 2), values([7], 3)];
    const out = tf.fused.matMul({
      a: tf.tensor(a, [2, 9, 130]),
      b: tf.tensor(b, [2, 7, 130]),
      bias: tf.tensor(bias),
      activation: 'relu',
      transposeB: true,
    });
    const expected = product(a, b, [2, 9, 130, 7], [false, true], [false, false]).map((x, i) =>
      Math.max(0, x + bias[i % 7]),
    );
    expectClose(out.dataSync(), expected, 12);
  });

  it('reads one factor under two shapes', () => {
    // TensorFlow.js's own keeps packed weights by the data's number, whatever the shape.
    const w = tf.tensor(values([8, 6], 1), [8, 6]);
    const turned = tf.reshape(w, [6, 8]);
    const [x, y] = [values([1, 8], 2), values([1, 6], 3)];
    tf.matMul(tf.tensor(x, [1, 8]), w);
    const out = tf.matMul(tf.tensor(y, [1, 6]), turned);
    expectClose(out.dataSync(), product(y, w.dataSync(), [1, 1, 6, 8], [false, false], [false, false]));
  });

  it('carries NaN and infinity', () => {
    const out = tf.matMul(
      tf.tensor2d([
        [NaN, 1],
        [Infinity, 1],
        [2, 1],
      ]),
      tf.tensor2d([
        [1, 0],
        [1, 1],
      ]),
    );
    expect([...out.dataSync()]).toEqual([NaN, NaN, Infinity, NaN, 3, 1]);
  });

  it('refuses integers by name', () => {
    const a = tf.tensor2d([[1]], [1, 1], 'int32');
    expect(() => tf.matMul(a, a)).toThrow(/cannot run BatchMatMul on wasm/);
  });
});
