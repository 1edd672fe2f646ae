// Convolutions and pooling of the wasm backend, values and gradients, against plain loops in float64.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../src/backends/tf';
import { candidate } from '../../src/backends/wasm';
import { expectClose, values } from './wasm-reference';

type Padding = 'same' | 'valid';
/** A window along one axis: sizes, and for each output place the input place of each tap (outside the input: padding). */
interface Axis {
  size: number;
  taps: number;
  out: number;
  at: (out: number, tap: number) => number;
}

/** TensorFlow's rule: 'same' gives ceil(size / stride) places and puts the odd zero behind. */
function axisOf(size: number, taps: number, stride: number, padding: Padding): Axis {
  const out = padding === 'same' ? Math.ceil(size / stride) : Math.floor((size - taps) / stride) + 1;
  const zeros = padding === 'same' ? Math.max(0, (out - 1) * stride + taps - size) : 0;
  const before = Math.floor(zeros / 2);
  return { size, taps, out, at: (o, tap) => o * stride - before + tap };
}

/** Every pair of an output place and a tap that falls inside the input, as flat indices. */
function pairs(axes: Axis[], visit: (out: number, tap: number, input: number) => void): void {
  const walk = (axis: number, out: number, tap: number, input: number): void => {
    if (axis === axes.length) return visit(out, tap, input);
    const a = axes[axis];
    for (let o = 0; o < a.out; o++)
      for (let t = 0; t < a.taps; t++) {
        const i = a.at(o, t);
        if (i >= 0 && i < a.size) walk(axis + 1, out * a.out + o, tap * a.taps + t, input * a.size + i);
      }
  };
  walk(0, 0, 0, 0);
}

const size = (axes: Axis[], of: 'size' | 'taps' | 'out'): number => axes.reduce((n, a) => n * a[of], 1);

/** y = conv(x, w), and the gradients of sum(y dy): one multiplication at a time. */
function convolution(
  axes: Axis[],
  batch: number,
  [ci, co]: [number, number],
  x: Float32Array,
  w: Float32Array,
  dy: (n: number) => Float32Array,
) {
  const [ins, outs] = [size(axes, 'size'), size(axes, 'out')];
  const y = new Float64Array(batch * outs * co);
  const [dx, dw, g] = [new Float64Array(x.length), new Float64Array(w.length), dy(y.length)];
  pairs(axes, (out, tap, input) => {
    for (let b = 0; b < batch; b++)
      for (let i = 0; i < ci; i++)
        for (let o = 0; o < co; o++) {
          const [xi, wi, yi] = [
            (b * ins + input) * ci + i,
            (tap * ci + i) * co + o,
            (b * outs + out) * co + o,
          ];
          y[yi] += x[xi] * w[wi];
          dx[xi] += g[yi] * w[wi];
          dw[wi] += g[yi] * x[xi];
        }
  });
  return { y, dx, dw, dy: g };
}

/** A geometry in two or three dimensions; windows may be smaller than the stride. */
const geometry = fc.integer({ min: 2, max: 3 }).chain((rank) =>
  fc.record({
    axes: fc.array(
      fc.record({
        size: fc.integer({ min: 3, max: 7 }),
        taps: fc.integer({ min: 1, max: 3 }),
        stride: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: rank, maxLength: rank },
    ),
    padding: fc.constantFrom<Padding>('same', 'valid'),
    batch: fc.integer({ min: 1, max: 2 }),
    channels: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
    seed: fc.integer({ min: 1, max: 1e6 }),
  }),
);

beforeAll(async () => {
  await candidate.open();
});

describe('windows on wasm', () => {
  it('convolves in two and three dimensions, with right gradients at any stride', () => {
    fc.assert(
      fc.property(geometry, ({ axes: raw, padding, batch, channels, seed }) => {
        const axes = raw.map((a) => axisOf(a.size, a.taps, a.stride, padding));
        const xShape = [batch, ...raw.map((a) => a.size), channels[0]];
        const wShape = [...raw.map((a) => a.taps), ...channels];
        const [x, w] = [values(xShape, seed), values(wShape, seed + 1)];
        const expected = convolution(axes, batch, channels, x, w, (n) => values([n], seed + 2));
        const strides = raw.map((a) => a.stride);
        const convolve = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
          raw.length === 2
            ? tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides as [number, number], padding)
            : tf.conv3d(a as tf.Tensor5D, b as tf.Tensor5D, strides as [number, number, number], padding);
        tf.tidy(() => {
          const [xt, wt] = [tf.tensor(x, xShape), tf.tensor(w, wShape)];
          const y = convolve(xt, wt);
          expectClose(y.dataSync(), expected.y, 10);
          const dy = tf.tensor(expected.dy, y.shape);
          const [dx, dw] = tf.grads((a, b) => tf.sum(tf.mul(convolve(a, b), dy)))([xt, wt]);
          expectClose(dx.dataSync(), expected.dx, 10);
          expectClose(dw.dataSync(), expected.dw, 20);
        });
      }),
      { numRuns: 120 },
    );
  });

  it('pools, with gradients that go where the values came from', () => {
    fc.assert(
      fc.property(geometry, ({ axes: raw, padding, batch, channels: [c], seed }) => {
        const axes = raw.map((a) => axisOf(a.size, a.taps, a.stride, padding));
        const [ins, outs] = [size(axes, 'size'), size(axes, 'out')];
        const shape = [batch, ...raw.map((a) => a.size), c];
        // Negative numbers, and ties, are where TensorFlow.js's own went wrong.
        const x = values(shape, seed).map((v) => Math.round(4 * v - 3) / 4);
        const dy = values([batch * outs * c], seed + 1);
        const windows = Array.from({ length: outs }, (): number[] => []);
        pairs(axes, (out, _, input) => windows[out].push(input));
        const expected = { max: [] as number[], mean: [] as number[] };
        const back = { max: new Float64Array(x.length), mean: new Float64Array(x.length) };
        for (let b = 0; b < batch; b++)
          windows.forEach((inputs, out) => {
            for (let k = 0; k < c; k++) {
              const at = inputs.map((input) => (b * ins + input) * c + k);
              const g = dy[(b * outs + out) * c + k];
              const best = Math.max(...at.map((i) => x[i]));
              expected.max.push(best);
              expected.mean.push(at.reduce((sum, i) => sum + x[i], 0) / at.length);
              back.max[at.find((i) => x[i] === best)!] += g;
              for (const i of at) back.mean[i] += g / at.length;
            }
          });
        const [taps, strides] = [raw.map((a) => a.taps), raw.map((a) => a.stride)] as never[];
        const ops = {
          max: (t: tf.Tensor) =>
            raw.length === 2
              ? tf.maxPool(t as tf.Tensor4D, taps, strides, padding)
              : tf.maxPool3d(t as tf.Tensor5D, taps, strides, padding),
          mean: (t: tf.Tensor) =>
            raw.length === 2
              ? tf.avgPool(t as tf.Tensor4D, taps, strides, padding)
              : tf.avgPool3d(t as tf.Tensor5D, taps, strides, padding),
        };
        for (const kind of ['max', 'mean'] as const)
          tf.tidy(() => {
            const xt = tf.tensor(x, shape);
            const y = ops[kind](xt) as tf.Tensor;
            expectClose(y.dataSync(), expected[kind]);
            const g = tf.tensor(dy, y.shape);
            const dx = tf.grad((t: tf.Tensor) => tf.sum(tf.mul(ops[kind](t) as tf.Tensor, g)))(xt);
            expectClose(dx.dataSync(), back[kind], 4);
          });
      }),
      { numRuns: 80 },
    );
  });

  it('keeps NaN in a maximum', () => {
    const y = tf.maxPool(tf.tensor4d([1, NaN, 3, 4], [1, 2, 2, 1]), 2, 2, 'valid');
    expect(y.dataSync()[0]).toBeNaN();
  });

  it('dilates', () => {
    const [x, w] = [values([1, 7, 6, 2], 1), values([3, 2, 2, 3], 2)];
    const axes: Axis[] = [
      { size: 7, taps: 3, out: 3, at: (o, tap) => o + 2 * tap },
      { size: 6, taps: 2, out: 3, at: (o, tap) => o + 3 * tap },
    ];
    const y = tf.conv2d(
      tf.tensor4d(x, [1, 7, 6, 2]),
      tf.tensor4d(w, [3, 2, 2, 3]),
      1,
      'valid',
      'NHWC',
      [2, 3],
    );
    const expected = convolution(axes, 1, [2, 3], x, w, (n) => new Float32Array(n));
    expectClose(y.dataSync(), expected.y, 4);
  });

  it('refuses channels first by name', () => {
    const x = tf.zeros<tf.Rank.R4>([1, 2, 4, 4]);
    expect(() => tf.conv2d(x, tf.zeros([3, 3, 2, 1]), 1, 'same', 'NCHW')).toThrow(/Conv2D on wasm.*NCHW/);
  });
});
