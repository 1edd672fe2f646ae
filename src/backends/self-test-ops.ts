// Twenty ops that vision transformers and U-Nets lean on, small, each beside its plain float64 counterpart.
import * as plain from './self-test-plain';
import { tf } from './tf';

/** An op on tensors, and the same on arrays. */
export interface SelfTestOp {
  name: string;
  /** Shapes of its inputs. */
  shapes: number[][];
  run: (...inputs: tf.Tensor[]) => tf.Tensor;
  plain: (...inputs: (readonly number[])[]) => number[];
  /** What stands after an optimiser's step has no gradient. */
  differentiable?: false;
}

const product = (transposeA: boolean, transposeB: boolean): SelfTestOp => ({
  name: `batched matMul${transposeA ? ', left transposed' : ''}${transposeB ? ', right transposed' : ''}`,
  shapes: [transposeA ? [2, 4, 3] : [2, 3, 4], transposeB ? [2, 5, 4] : [2, 4, 5]],
  run: (a, b) => tf.matMul(a, b, transposeA, transposeB),
  plain: plain.matMul([2, 3, 4, 5], transposeA, transposeB),
});

const convolution2d = (stride: number): SelfTestOp => ({
  name: `conv2d, stride ${stride}`,
  shapes: [
    [1, 5, 6, 2],
    [3, 3, 2, 3],
  ],
  run: (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, 'same'),
  plain: plain.convolve([5, 6], [3, 3], 2, 3, stride),
});

const convolution3d = (stride: number): SelfTestOp => ({
  name: `conv3d, stride ${stride}`,
  shapes: [
    [1, 4, 3, 4, 2],
    [3, 3, 3, 2, 2],
  ],
  run: (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, stride, 'same'),
  plain: plain.convolve([4, 3, 4], [3, 3, 3], 2, 2, stride),
});

const adam = { rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, steps: 2 };

function layerNorm(x: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return x
    .sub(mean)
    .mul(tf.rsqrt(variance.add(1e-5)))
    .mul(scale)
    .add(shift);
}

function concatAndSplit(x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const [left, right] = tf.split(tf.concat([x, y], 1), 2, 1);
  return tf.concat([right, left], 0);
}

function adamSteps(x: tf.Tensor): tf.Tensor {
  const variable = tf.variable(x);
  const optimizer = tf.train.adam(adam.rate, adam.beta1, adam.beta2, adam.epsilon);
  for (let step = 0; step < adam.steps; step++)
    optimizer.minimize(() => variable.square().sum<tf.Scalar>(), false, [variable]);
  optimizer.dispose();
  const after = variable.clone();
  variable.dispose();
  return after;
}

export const selfTestOps: readonly SelfTestOp[] = [
  product(false, false),
  product(true, false),
  product(false, true),
  product(true, true),
  convolution2d(1),
  convolution2d(2),
  convolution3d(1),
  convolution3d(2),
  {
    name: 'conv2dTranspose, stride 2',
    shapes: [
      [1, 3, 2, 2],
      [2, 2, 3, 2],
    ],
    run: (x, w) => tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [1, 6, 4, 3], 2, 'valid'),
    plain: plain.upConvolve([3, 2], 2, 2, 3),
  },
  {
    name: 'maxPool',
    shapes: [[1, 4, 6, 3]],
    run: (x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'),
    plain: (x) => plain.maxPool(x, [4, 6, 3]),
  },
  {
    name: 'layer norm',
    shapes: [[3, 8], [8], [8]],
    run: layerNorm,
    plain: (x, scale, shift) => plain.layerNorm(x, scale, shift, 1e-5),
  },
  {
    name: 'softmax',
    shapes: [[2, 3, 5]],
    run: (x) => tf.softmax(x),
    plain: (x) => plain.softmax(x, 5),
  },
  {
    name: 'GELU by erf',
    shapes: [[3, 7]],
    run: (x) => x.mul(0.5).mul(tf.erf(x.mul(Math.SQRT1_2)).add(1)),
    plain: plain.gelu,
  },
  {
    name: 'gather',
    shapes: [[4, 3]],
    run: (x) => tf.gather(x, tf.tensor1d([2, 0, 2, 3, 2], 'int32')),
    plain: (x) => plain.pick(x, [4, 3], [5, 3], ([i, j]) => [[2, 0, 2, 3, 2][i], j]),
  },
  {
    name: 'concat and split',
    shapes: [
      [2, 3],
      [2, 5],
    ],
    run: concatAndSplit,
    plain: (x, y) =>
      [4, 0].flatMap((from) =>
        [0, 1].flatMap((r) =>
          [...x.slice(3 * r, 3 * r + 3), ...y.slice(5 * r, 5 * r + 5)].slice(from, from + 4),
        ),
      ),
  },
  {
    name: 'slice',
    shapes: [[3, 4, 5]],
    run: (x) => tf.slice(x, [1, 0, 2], [2, 3, 2]),
    plain: (x) => plain.pick(x, [3, 4, 5], [2, 3, 2], ([i, j, k]) => [i + 1, j, k + 2]),
  },
  {
    name: 'pad',
    shapes: [[2, 3, 2]],
    run: (x) =>
      tf.pad(x, [
        [1, 0],
        [0, 2],
        [1, 1],
      ]),
    plain: (x) =>
      plain.pick(x, [2, 3, 2], [3, 5, 4], ([i, j, k]) =>
        i >= 1 && j < 3 && k >= 1 && k < 3 ? [i - 1, j, k - 1] : null,
      ),
  },
  {
    name: 'transpose',
    shapes: [[2, 3, 4, 2]],
    run: (x) => tf.transpose(x, [2, 0, 3, 1]),
    plain: (x) => plain.pick(x, [2, 3, 4, 2], [4, 2, 2, 3], ([i, j, k, l]) => [j, l, i, k]),
  },
  {
    name: 'resizeBilinear',
    shapes: [[1, 4, 4, 2]],
    run: (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [8, 8], false),
    plain: (x) => plain.enlarge(x, [4, 4, 2]),
  },
  {
    name: 'Adam',
    shapes: [[6]],
    run: adamSteps,
    plain: (x) =>
      x.map((value) => {
        let [first, second] = [0, 0];
        for (let step = 1; step <= adam.steps; step++) {
          const slope = 2 * value;
          first = adam.beta1 * first + (1 - adam.beta1) * slope;
          second = adam.beta2 * second + (1 - adam.beta2) * slope ** 2;
          const [m, v] = [first / (1 - adam.beta1 ** step), second / (1 - adam.beta2 ** step)];
          value -= (adam.rate * m) / (Math.sqrt(v) + adam.epsilon);
        }
        return value;
      }),
    differentiable: false,
  },
];
