// Cases: softmax, and the norms of networks, written as the models write them.
import {
  type Check,
  constant,
  normal,
  opCase,
  type OpCase,
  shown,
  type Tensor,
  type Tf,
  uniform,
} from './case';
import { add, div, map, mul, sub } from './reference/elementwise';
import { instanceNorm, layerNorm, logSoftmax, softmax, standardise, unitRows } from './reference/normalise';
import { reshape } from './reference/shape';

const rows = [
  [1, 2],
  [5, 7],
  [2, 3, 9],
  [2, 2, 4, 33],
  [4, 128],
];

function tfStandardise(tf: Tf, x: Tensor, axes: number[], epsilon: number): Tensor {
  const centred = tf.sub(x, tf.mean(x, axes, true));
  return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes, true), epsilon)));
}

export const normaliseCases: OpCase[] = [
  opCase(
    'normalise',
    'softmax',
    rows.map((shape): Check => ({
      setting: shown(shape),
      inputs: [normal(...shape)],
      run: (tf, [x]) => tf.softmax(x),
      reference: ([x]) => softmax(x),
      torch: 'a.softmax(-1)',
    })),
  ),
  opCase(
    'normalise',
    'softmax of large numbers',
    [
      {
        setting: '[3, 8] in (-90, 90)',
        inputs: [constant(uniform(-90, 90, 3, 8))],
        run: (tf, [x]) => tf.softmax(x),
        reference: ([x]) => softmax(x),
        torch: 'a.softmax(-1)',
      },
    ],
    3e-5,
  ),
  opCase(
    'normalise',
    'logSoftmax',
    rows.map((shape): Check => ({
      setting: shown(shape),
      inputs: [normal(...shape)],
      run: (tf, [x]) => tf.logSoftmax(x),
      reference: ([x]) => logSoftmax(x),
      torch: 'a.log_softmax(-1)',
    })),
  ),
  opCase(
    'normalise',
    'layer norm',
    (
      [
        [3, 8],
        [2, 5, 12],
        [1, 4, 3, 16],
        [7, 192],
      ] as number[][]
    ).map((shape): Check => ({
      setting: shown(shape),
      inputs: [normal(...shape), normal(shape.at(-1)!), normal(shape.at(-1)!)],
      run: (tf, [x, gain, bias]) => tf.add(tf.mul(tfStandardise(tf, x, [-1], 1e-6), gain), bias),
      reference: ([x, gain, bias]) => layerNorm(x, gain, bias, 1e-6),
      torch: 'F.layer_norm(a, a.shape[-1:], b, c, 1e-6)',
    })),
  ),
  // Group norm with a group a channel is the peer: PyTorch 2.13's own instance_norm on a CPU gives a wrong gradient for a
  // batch of one when the gradient that comes in is not contiguous.
  opCase(
    'normalise',
    'instance norm in 3-D',
    (
      [
        [1, 3, 4, 2, 3],
        [2, 2, 3, 3, 4],
        [1, 8, 8, 8, 5],
      ] as number[][]
    ).map((shape): Check => ({
      setting: shown(shape),
      inputs: [normal(...shape), normal(shape.at(-1)!), normal(shape.at(-1)!)],
      run: (tf, [x, gain, bias]) => {
        const [b, d, h, w, c] = shape;
        const flat = tfStandardise(tf, tf.reshape(x, [b, d * h * w, c]), [1], 1e-5);
        return tf.reshape(tf.add(tf.mul(flat, gain), bias), shape);
      },
      reference: ([x, gain, bias]) => instanceNorm(x, gain, bias, 1e-5),
      torch: 'channels_last(F.group_norm(channels_first(a), a.shape[-1], b, c, 1e-5))',
    })),
  ),
  opCase(
    'normalise',
    'batchNorm with given statistics',
    (
      [
        [6, 3],
        [2, 3, 4, 5],
      ] as number[][]
    ).map((shape): Check => {
      const c = shape.at(-1)!;
      return {
        setting: shown(shape),
        inputs: [normal(...shape), normal(c), uniform(0.5, 2, c), normal(c), normal(c)],
        run: (tf, [x, mean, variance, offset, gain]) => tf.batchNorm(x, mean, variance, offset, gain, 1e-3),
        reference: ([x, mean, variance, offset, gain]) =>
          add(
            mul(
              div(
                sub(x, mean),
                map(variance, (v) => Math.sqrt(v + 1e-3)),
              ),
              gain,
            ),
            offset,
          ),
        torch: '(a - b) / (c + 1e-3).sqrt() * e + d',
      };
    }),
  ),
  opCase('normalise', 'group norm', [
    {
      setting: '[2, 3, 4, 6] in 3 groups',
      inputs: [normal(2, 3, 4, 6)],
      run: (tf, [x]) =>
        tf.reshape(tfStandardise(tf, tf.reshape(x, [2, 12, 3, 2]), [1, 3], 1e-5), [2, 3, 4, 6]),
      reference: ([x]) => reshape(standardise(reshape(x, [2, 12, 3, 2]), [1, 3], 1e-5), [2, 3, 4, 6]),
      torch: 'channels_last(F.group_norm(channels_first(a), 3, eps=1e-5))',
    },
  ]),
  opCase(
    'normalise',
    'rows of length 1',
    [
      [5, 8],
      [2, 3, 7],
    ].map((shape): Check => ({
      setting: shown(shape),
      inputs: [normal(...shape)],
      run: (tf, [x]) => tf.div(x, tf.norm(x, 'euclidean', -1, true)),
      reference: ([x]) => unitRows(x),
      torch: 'F.normalize(a, dim=-1)',
    })),
  ),
  opCase('normalise', 'image to mean 0 and deviation 1', [
    {
      setting: '[6, 7, 3]',
      inputs: [constant(uniform(0, 255, 6, 7, 3))],
      run: (tf, [x]) => {
        const { mean, variance } = tf.moments(x);
        return tf.div(tf.sub(x, mean), tf.sqrt(variance));
      },
      reference: ([x]) => standardise(x, [0, 1, 2], 0),
    },
  ]),
];
