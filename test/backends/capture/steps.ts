// Small steps for the tests of captured ones.
import { Random } from '../../../src/base/random';
import { adam } from '../../../src/backends/optimisers';
import { tf } from '../../../src/backends/tf';
import type { Optimiser, StepDefinition, Tensors } from '../../../src/backends/training-step';

/** Standard normal numbers, the same every time. */
export function normal(seed: string, shape: number[], scale = 1): tf.Tensor {
  const random = new Random(seed);
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => scale * random.normal());
  return tf.tensor(values, shape);
}

export interface TwoLayers {
  trained: { first: { weight: tf.Tensor; bias: tf.Tensor }; second: tf.Tensor };
  frozen: { gain: tf.Tensor };
}
export interface Pair {
  [name: string]: tf.Tensor;
  x: tf.Tensor;
  y: tf.Tensor;
}

/** Two layers, with a frozen gain between them; its tensors are the caller's to free. */
export function twoLayers(width = 8, optimiser: Optimiser = adam()): StepDefinition<TwoLayers, Pair> {
  return {
    name: 'two layers',
    parameters: {
      trained: {
        first: { weight: normal('w', [4, width], 0.5), bias: tf.zeros([width]) },
        second: normal('v', [width, 2], 0.5),
      },
      frozen: { gain: normal('g', [width]) },
    },
    optimiser,
    scalars: { weight: 1 },
    loss: ({ trained, frozen }, { x, y }, scalars) => {
      const hidden = tf.relu(tf.add(tf.matMul(x, trained.first.weight), trained.first.bias));
      const out = tf.matMul(tf.mul(hidden, frozen.gain), trained.second);
      const loss = tf.mul(tf.mean(tf.square(tf.sub(out, y))), scalars.weight);
      return { loss, out };
    },
  };
}

export const pair = (n: number): Pair => ({ x: normal(`x${n}`, [n, 4]), y: normal(`y${n}`, [n, 2]) });

export const numbers = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];

/** The largest |a - b| of tensors by name, relative to the largest |b| of each. */
export function largestDifference(a: Tensors, b: Tensors): number {
  const names = Object.keys(b);
  if (Object.keys(a).sort().join() !== [...names].sort().join()) throw new Error('other names');
  const size = (values: number[]): number => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return Math.max(
    ...names.map((name) => {
      const [x, y] = [numbers(a[name]), numbers(b[name])];
      return size(x.map((value, k) => value - y[k])) / (size(y) || 1);
    }),
  );
}
