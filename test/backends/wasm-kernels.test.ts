// Kernels of TensorFlow.js's wasm backend that were found wrong, each with the case that shows it.
import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../src/backends/tf';
import { candidate } from '../../src/backends/wasm';
import { expectClose, values } from './wasm-reference';

beforeAll(async () => {
  await candidate.open();
});
const list = (t: tf.Tensor): number[] => [...t.dataSync()];

describe('kernels on wasm', () => {
  it('reverse bools inside their own memory', () => {
    // Four bytes were written for each: enough bools, and the heap was broken.
    const x = tf.tensor2d(
      [
        [1, 0, 0],
        [1, 1, 0],
      ],
      [2, 3],
      'bool',
    );
    expect(list(tf.reverse(x, 1))).toEqual([0, 0, 1, 0, 1, 1]);
    expect(list(tf.reverse(x, 0))).toEqual([1, 1, 0, 1, 0, 0]);
  });

  it('slice, split, tile and mirror at every rank up to six', () => {
    const shape = [2, 3, 2, 4, 2, 3];
    for (let rank = 1; rank <= 6; rank++) {
      const own = shape.slice(6 - rank);
      const n = own.reduce((a, b) => a * b, 1);
      const x = tf.tensor(
        Int32Array.from({ length: n }, (_, i) => i),
        own,
        'int32',
      );
      const nested = x.arraySync();
      const middle = own.map((size) => Math.min(1, size - 1));
      const cut = (a: unknown): unknown => (Array.isArray(a) ? a.slice(1).map(cut) : a);
      expect(
        tf
          .slice(
            x,
            middle,
            own.map((size) => size - 1),
          )
          .arraySync(),
      ).toEqual(cut(nested));
      const [first, rest] = tf.split(x, [1, own[rank - 1] - 1], rank - 1);
      expect(tf.concat([first, rest], rank - 1).arraySync()).toEqual(nested);
      expect(
        tf
          .slice(
            tf.tile(
              x,
              own.map(() => 2),
            ),
            own,
            own,
          )
          .arraySync(),
      ).toEqual(nested);
      const mirrored = tf.mirrorPad(
        x,
        own.map(() => [1, 1] as [number, number]),
        'symmetric',
      );
      expect(
        tf
          .slice(
            mirrored,
            own.map(() => 1),
            own,
          )
          .arraySync(),
      ).toEqual(nested);
    }
    expect(list(tf.mirrorPad(tf.tensor1d([1, 2, 3]), [[2, 1]], 'reflect'))).toEqual([3, 2, 1, 2, 3, 2]);
    expect(list(tf.mirrorPad(tf.tensor1d([1, 2, 3]), [[2, 1]], 'symmetric'))).toEqual([2, 1, 1, 2, 3, 3]);
  });

  it('step through slices of integers as integers', () => {
    const x = tf.tensor2d(
      Int32Array.from({ length: 12 }, (_, i) => i),
      [3, 4],
      'int32',
    );
    const y = tf.stridedSlice(x, [2, 3], [-4, -5], [-1, -2]);
    expect(y.dtype).toBe('int32');
    expect(y.arraySync()).toEqual([
      [11, 9],
      [7, 5],
      [3, 1],
    ]);
  });

  it('gather along any axis, also with batch dimensions, and refuse an index outside', () => {
    const x = tf.tensor3d(
      Float32Array.from({ length: 12 }, (_, i) => i),
      [2, 3, 2],
    );
    const at = tf.tensor2d(
      [
        [2, 0],
        [1, 1],
      ],
      [2, 2],
      'int32',
    );
    expect(tf.gather(x, at, 1, 1).arraySync()).toEqual([
      [
        [4, 5],
        [0, 1],
      ],
      [
        [8, 9],
        [8, 9],
      ],
    ]);
    expect(list(tf.gather(x, tf.tensor1d([1], 'int32'), 2))).toEqual([1, 3, 5, 7, 9, 11]);
    expect(() => tf.gather(x, tf.tensor1d([3], 'int32'), 1)).toThrow(/index 3 is not in \[0, 2\]/);
    const dx = tf.grad((t: tf.Tensor) =>
      tf.sum(tf.mul(tf.gather(t, tf.tensor1d([0, 2, 2], 'int32')), tf.tensor2d([[1], [2], [3]]))),
    )(tf.zeros([4, 2]));
    expect(list(dx)).toEqual([1, 1, 0, 0, 5, 5, 0, 0]);
  });

  it('make one-hot rows of floats', () => {
    expect(list(tf.oneHot(tf.tensor1d([1, -1, 2], 'int32'), 3, 1, 0, 'float32'))).toEqual([
      0, 1, 0, 0, 0, 0, 0, 0, 1,
    ]);
  });

  it('take everything but 0 for true', () => {
    expect(list(tf.cast(tf.tensor1d([0.5, 256, 0, -1, NaN]), 'bool'))).toEqual([1, 1, 0, 1, 1]);
  });

  it('reduce nothing to what nothing is', () => {
    const nothing = tf.zeros([2, 0, 3]);
    expect(list(tf.sum(nothing, 1))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(tf.sum(nothing, 1, true).shape).toEqual([2, 1, 3]);
    expect(list(tf.prod(nothing))).toEqual([1]);
    expect(list(tf.max(nothing))).toEqual([-Infinity]);
    expect(list(tf.min(nothing))).toEqual([Infinity]);
    expect(list(tf.mean(nothing))).toEqual([NaN]);
    const no = tf.zeros([0], 'bool');
    expect([...list(tf.all(no)), ...list(tf.any(no))]).toEqual([1, 0]);
  });

  it('keep NaN in minimum, maximum, clipping and relu6, and clip integers', () => {
    const x = tf.tensor1d([NaN, 1, 8]);
    expect(list(tf.maximum(x, tf.tensor1d([2, NaN, 2])))).toEqual([NaN, NaN, 8]);
    expect(list(tf.minimum(x, 2))).toEqual([NaN, 1, 2]);
    expect(list(tf.relu6(x))).toEqual([NaN, 1, 6]);
    expect(list(tf.clipByValue(x, 2, 4))).toEqual([NaN, 2, 4]);
    expect(list(tf.relu(x))).toEqual([NaN, 1, 8]);
    expect(list(tf.clipByValue(tf.tensor1d([-9, 2, 9], 'int32'), -1, 5))).toEqual([-1, 2, 5]);
  });

  it('broadcast the slope of prelu by its shape', () => {
    const y = tf.prelu(
      tf.tensor2d([
        [-1, -1, 2],
        [-1, -1, 2],
      ]),
      tf.tensor2d([[2], [3]]),
    );
    expect(list(y)).toEqual([-2, -2, 2, -3, -3, 2]);
  });

  it('give sines of large arguments', () => {
    const x = Float32Array.of(1e4, 1e6, 1e30);
    expectClose(tf.sin(tf.tensor1d(x)).dataSync(), [...x].map(Math.sin));
    expectClose(tf.cos(tf.tensor1d(x)).dataSync(), [...x].map(Math.cos));
  });

  it('send the gradient of a nearest resize back to the pixels taken', () => {
    for (const [align, half] of [
      [false, false],
      [true, false],
      [false, true],
    ])
      for (const [h, w] of [
        [1, 5],
        [3, 2],
        [7, 1],
      ]) {
        const resize = (t: tf.Tensor4D) => tf.image.resizeNearestNeighbor(t, [4, 6], align, half);
        const dy = tf.tensor4d(values([1, 4, 6, 1], 3), [1, 4, 6, 1]);
        const dx = tf.grad((t) => tf.sum(tf.mul(resize(t as tf.Tensor4D), dy)))(tf.zeros([1, h, w, 1]));
        // The map is linear: its gradient's element i is the map of the i-th unit picture, times dy.
        const expected = Array.from({ length: h * w }, (_, i) => {
          const unit = tf.tensor4d(
            Float32Array.from({ length: h * w }, (_, j) => (i === j ? 1 : 0)),
            [1, h, w, 1],
          );
          return list(tf.sum(tf.mul(resize(unit), dy)))[0];
        });
        expectClose(dx.dataSync(), expected, 4);
      }
  });

  it('refuse by name what is wrong, missing, or not for integers', () => {
    const x = tf.zeros<tf.Rank.R4>([1, 4, 4, 1]);
    expect(() => tf.dilation2d(x, tf.zeros([2, 2, 1]), 1, 'same')).toThrow(
      /Dilation2D on wasm.*COC_BACKEND=tensorflow/s,
    );
    expect(() => tf.einsum('ij,jk->ik', tf.zeros([2, 2]), tf.zeros([2, 2]))).toThrow(/Einsum on wasm/);
    expect(() => tf.exp(tf.tensor1d([1], 'int32'))).toThrow(/Exp on wasm.*int32/);
  });
});
