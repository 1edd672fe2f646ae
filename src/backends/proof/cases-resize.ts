// Cases: images at other sizes, crops of them.
import {
  type Check,
  constant,
  given,
  normal,
  opCase,
  type OpCase,
  type Tensor,
  type Tf,
  shown,
  wholes,
} from './case';
import type { Array64 } from './reference/array';
import {
  alongAxis,
  cropAndResize,
  linearWeights,
  resizeLinear,
  resizeNearest,
  roiAlignWeights,
  type Sampling,
} from './reference/resize';

const sizes: [number[], [number, number]][] = [
  [
    [1, 4, 5, 3],
    [8, 10],
  ],
  [
    [2, 4, 4, 2],
    [7, 9],
  ],
  [
    [1, 8, 6, 2],
    [3, 4],
  ],
  [
    [1, 5, 5, 1],
    [5, 5],
  ],
  [
    [1, 1, 3, 2],
    [4, 6],
  ],
  [
    [1, 3, 5, 1],
    [9, 15],
  ],
];

const resizing = (
  name: string,
  torch: (sampling: Sampling, size: number[]) => string | undefined,
  run: (tf: Tf, x: Tensor, size: [number, number], align: boolean, half: boolean) => Tensor,
  reference: (x: Array64, size: number[], sampling: Sampling) => Array64,
): OpCase[] =>
  (['half-pixel', 'align-corners', 'top-left'] as const).map((sampling) =>
    opCase(
      'resize',
      `${name}, ${sampling}`,
      sizes.map(([x, size]): Check => ({
        setting: `${shown(x)} to ${shown(size)}`,
        inputs: [normal(...x)],
        run: (tf, [a]) => run(tf, a, size, sampling === 'align-corners', sampling === 'half-pixel'),
        reference: ([a]) => reference(a, size, sampling),
        torch: torch(sampling, size),
      })),
    ),
  );

/** Multiplies axis `axis` of x by a matrix [to, from]: a product with the axis in front. */
function tfAlongAxis(tf: Tf, x: Tensor, matrix: Array64, axis: number): Tensor {
  const order = x.shape.map((_, k) => k);
  order.unshift(...order.splice(axis, 1));
  const front = tf.transpose(x, order);
  const weights = tf.tensor2d(Float32Array.from(matrix.data), matrix.shape as [number, number]);
  const flat = tf.matMul(weights, tf.reshape(front, [front.shape[0], -1]));
  return tf.transpose(
    tf.reshape(flat, [matrix.shape[0], ...front.shape.slice(1)]),
    order.map((_, k) => order.indexOf(k)),
  );
}

const box: [number, number][] = [
  [0.4, 3.3],
  [1.2, 4.9],
  [-0.5, 2.5],
];

export const resizeCases: OpCase[] = [
  ...resizing(
    'resizeBilinear',
    (s, size) =>
      s === 'top-left'
        ? undefined
        : `interpolate(a, ${JSON.stringify(size)}, ${s === 'align-corners' ? 'True' : 'False'})`,
    (tf, x, size, align, half) => tf.image.resizeBilinear(x as never, size, align, half),
    resizeLinear,
  ),
  ...resizing(
    'resizeNearestNeighbor',
    (s, size) => (s === 'half-pixel' ? `nearest_exact(a, ${JSON.stringify(size)})` : undefined),
    (tf, x, size, align, half) => tf.image.resizeNearestNeighbor(x as never, size, align, half),
    resizeNearest,
  ),
  opCase(
    'resize',
    'trilinear by products',
    (
      [
        [
          [1, 3, 4, 2, 2],
          [6, 8, 4],
        ],
        [
          [2, 4, 3, 5, 1],
          [3, 5, 2],
        ],
      ] as [number[], number[]][]
    ).map(([x, size]): Check => ({
      setting: `${shown(x)} to ${shown(size)}`,
      inputs: [normal(...x)],
      run: (tf, [a]) =>
        size.reduce((b, to, k) => tfAlongAxis(tf, b, linearWeights(x[k + 1], to, 'half-pixel'), k + 1), a),
      reference: ([a]) => resizeLinear(a, size, 'half-pixel'),
      torch: `interpolate(a, ${JSON.stringify(size)}, False)`,
    })),
  ),
  opCase(
    'resize',
    'ROIAlign of a box by products',
    [2, 3].map((dims): Check => {
      const x = [1, ...[5, 6, 4].slice(0, dims), 3];
      const matrices = box.slice(0, dims).map(([from, to], k) => roiAlignWeights(x[k + 1], from, to, 3, 2));
      return {
        setting: `${shown(x)}, 3 bins of 2 samples an axis`,
        inputs: [normal(...x)],
        run: (tf, [a]) => matrices.reduce((b, matrix, k) => tfAlongAxis(tf, b, matrix, k + 1), a),
        reference: ([a]) => matrices.reduce((b, matrix, k) => alongAxis(b, matrix, k + 1), a),
      };
    }),
  ),
  opCase('resize', 'cropAndResize (forward only)', [
    {
      setting: '[2, 6, 5, 2], three boxes to [3, 4]',
      inputs: [
        constant(normal(2, 6, 5, 2)),
        constant(given([0.1, 0.2, 0.7, 0.9, 0, 0, 1, 1, 0.3, 0.1, 0.5, 0.4], [3, 4])),
        wholes([0, 1, 1]),
      ],
      run: (tf, [x, boxes, owners]) =>
        tf.image.cropAndResize(x as never, boxes as never, owners as never, [3, 4]),
      reference: ([x, boxes, owners]) => cropAndResize(x, boxes, owners, [3, 4]),
    },
  ]),
];
