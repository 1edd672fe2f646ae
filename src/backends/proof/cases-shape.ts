// Cases: moving elements, up to rank 6 (windows and patches of volumes).
import { type Check, normal, opCase, type OpCase, shown, whole } from './case';
import { filled } from './reference/array';
import { broadcastTo } from './reference/elementwise';
import * as shape from './reference/shape';

type Widths = [number, number][];

const transposes: [number[], number[] | undefined][] = [
  [[5, 7], undefined],
  [
    [33, 18],
    [1, 0],
  ],
  [
    [2, 3, 4],
    [0, 2, 1],
  ],
  [
    [2, 3, 4],
    [1, 0, 2],
  ],
  [
    [2, 3, 4, 5],
    [0, 2, 1, 3],
  ],
  [
    [2, 3, 4, 5],
    [0, 2, 3, 1],
  ],
  [
    [2, 2, 3, 2, 4],
    [0, 1, 3, 2, 4],
  ],
  [
    [1, 4, 2, 3, 2, 3],
    [0, 1, 3, 2, 4, 5],
  ],
  [
    [2, 1, 3, 4],
    [2, 0, 3, 1],
  ],
];

const concats: [number[][], number][] = [
  [[[3], [4]], 0],
  [
    [
      [2, 3],
      [2, 5],
    ],
    1,
  ],
  [
    [
      [2, 3],
      [4, 3],
      [1, 3],
    ],
    0,
  ],
  [
    [
      [2, 3, 4],
      [2, 1, 4],
    ],
    -2,
  ],
  [
    [
      [1, 2, 2, 3],
      [1, 2, 2, 5],
    ],
    3,
  ],
  [
    [
      [1, 2, 3, 2, 4],
      [1, 2, 3, 2, 3],
    ],
    4,
  ],
];

const splits: [number[], number[], number][] = [
  [[9], [3, 3, 3], 0],
  [[4, 6], [2, 2, 2], 1],
  [[5, 4], [1, 3, 1], 0],
  [[2, 3, 12], [4, 4, 4], 2],
  [[1, 2, 3, 2, 7], [4, 3], 4],
];

const slices: [number[], number[], number[]][] = [
  [[9], [2], [5]],
  [
    [4, 6],
    [1, 0],
    [2, -1],
  ],
  [
    [3, 4, 5],
    [0, 1, 2],
    [3, 2, 3],
  ],
  [
    [2, 4, 5, 3],
    [0, 1, 1, 0],
    [2, 2, 3, 3],
  ],
  [
    [1, 4, 4, 4, 2],
    [0, 1, 1, 0, 0],
    [1, 2, 2, 3, 2],
  ],
];

const pads: [number[], Widths, number][] = [
  [[5], [[1, 2]], 0],
  [
    [3, 4],
    [
      [1, 1],
      [0, 2],
    ],
    0.5,
  ],
  [
    [2, 3, 4],
    [
      [0, 0],
      [2, 1],
      [1, 0],
    ],
    0,
  ],
  [
    [1, 4, 5, 3],
    [
      [0, 0],
      [0, 3],
      [0, 2],
      [0, 0],
    ],
    0,
  ],
  [
    [1, 3, 4, 2, 3],
    [
      [0, 0],
      [1, 1],
      [0, 2],
      [1, 0],
      [0, 0],
    ],
    0,
  ],
];

const mirrors: [number[], Widths][] = [
  [[5], [[2, 3]]],
  [
    [4, 4],
    [
      [1, 1],
      [1, 1],
    ],
  ],
  [
    [4, 5],
    [
      [2, 1],
      [0, 3],
    ],
  ],
  [
    [1, 4, 5, 2],
    [
      [0, 0],
      [1, 2],
      [2, 1],
      [0, 0],
    ],
  ],
];

const tiles: [number[], number[]][] = [
  [[3], [4]],
  [
    [2, 3],
    [2, 2],
  ],
  [
    [2, 1, 3],
    [1, 4, 1],
  ],
  [
    [1, 2, 3, 2],
    [3, 1, 2, 1],
  ],
  [
    [1, 2, 1, 3, 2],
    [2, 1, 3, 1, 1],
  ],
];

const broadcasts: [number[], number[]][] = [
  [[3], [4, 3]],
  [
    [4, 1],
    [4, 5],
  ],
  [
    [1, 2, 1, 3],
    [2, 2, 4, 3],
  ],
  [
    [2, 1, 3, 1, 1],
    [2, 2, 3, 2, 3],
  ],
];

const strided: [number[], number[], number[], number[]][] = [
  [[9], [1], [8], [2]],
  [
    [6, 8],
    [0, 1],
    [6, 8],
    [2, 3],
  ],
  [
    [1, 6, 6, 3],
    [0, 0, 0, 0],
    [1, 6, 6, 3],
    [1, 2, 2, 1],
  ],
];

export const shapeCases: OpCase[] = [
  opCase(
    'shape',
    'transpose',
    transposes.map(([from, order]): Check => ({
      setting: `${shown(from)} by ${order ? shown(order) : 'default'}`,
      inputs: [normal(...from)],
      run: (tf, [x]) => tf.transpose(x, order),
      reference: ([x]) => shape.transpose(x, order),
      torch: `a.permute(${(order ?? [1, 0]).join()})`,
    })),
  ),
  opCase('shape', 'transpose of whole numbers', [
    {
      setting: '[3, 4, 5] by [2, 0, 1]',
      inputs: [whole(100, 3, 4, 5)],
      run: (tf, [x]) => tf.transpose(x, [2, 0, 1]),
      reference: ([x]) => shape.transpose(x, [2, 0, 1]),
    },
  ]),
  opCase(
    'shape',
    'reshape, expandDims, squeeze',
    (
      [
        [[6], [2, 3]],
        [
          [2, 3, 4],
          [4, 6],
        ],
        [
          [1, 2, 1, 3],
          [2, 3],
        ],
        [[2, 3, 4, 1, 2], [48]],
      ] as [number[], number[]][]
    ).map(([from, to]): Check => ({
      setting: `${shown(from)} to ${shown(to)}`,
      inputs: [normal(...from)],
      run: (tf, [x]) => tf.squeeze(tf.expandDims(tf.mul(tf.reshape(x, to), 2), 0), [0]),
      reference: ([x]) => ({ shape: to, data: x.data.map((v) => 2 * v) }),
      torch: `2 * a.reshape(${to.join()})`,
    })),
  ),
  opCase(
    'shape',
    'concat',
    concats.map(([shapes, axis]): Check => ({
      setting: `${shapes.map(shown).join(' ')} on ${axis}`,
      inputs: shapes.map((s) => normal(...s)),
      run: (tf, all) => tf.concat(all, axis),
      reference: (all) => shape.concat(all, axis),
      torch: `torch.cat(inputs, ${axis})`,
    })),
  ),
  opCase(
    'shape',
    'split',
    splits.map(([from, lengths, axis]): Check => ({
      setting: `${shown(from)} into ${shown(lengths)} on ${axis}`,
      inputs: [normal(...from)],
      run: (tf, [x]) => tf.split(x, new Set(lengths).size === 1 ? lengths.length : lengths, axis),
      reference: ([x]) => shape.split(x, lengths, axis),
      torch: `a.split(${JSON.stringify(lengths)}, ${axis})`,
    })),
  ),
  opCase('shape', 'one part of a split', [
    {
      setting: '[4, 9] into [3, 3, 3], the middle one',
      inputs: [normal(4, 9)],
      run: (tf, [x]) => tf.split(x, 3, 1)[1],
      reference: ([x]) => shape.split(x, [3, 3, 3], 1)[1],
      torch: 'a.split(3, 1)[1]',
    },
  ]),
  opCase(
    'shape',
    'stack',
    (
      [
        [[4], 0],
        [[2, 3], 1],
        [[2, 3], 2],
        [[2, 2, 3], 0],
      ] as [number[], number][]
    ).map(([from, axis]): Check => ({
      setting: `three of ${shown(from)} on ${axis}`,
      inputs: [normal(...from), normal(...from), normal(...from)],
      run: (tf, all) => tf.stack(all, axis),
      reference: (all) => shape.stack(all, axis),
      torch: `torch.stack(inputs, ${axis})`,
    })),
  ),
  opCase(
    'shape',
    'unstack',
    (
      [
        [[3, 4], 0],
        [[2, 3, 4], 1],
        [[2, 2, 2, 3], 3],
      ] as [number[], number][]
    ).map(([from, axis]): Check => ({
      setting: `${shown(from)} on ${axis}`,
      inputs: [normal(...from)],
      run: (tf, [x]) => tf.unstack(x, axis),
      reference: ([x]) => shape.unstack(x, axis),
      torch: `a.unbind(${axis})`,
    })),
  ),
  opCase(
    'shape',
    'slice',
    slices.map(([from, begin, size]): Check => ({
      setting: `${shown(from)} at ${shown(begin)} of ${shown(size)}`,
      inputs: [normal(...from)],
      run: (tf, [x]) => tf.slice(x, begin, size),
      reference: ([x]) => shape.slice(x, begin, size),
      torch: `a[${begin.map((b, k) => `${b}:${size[k] === -1 ? '' : b + size[k]}`).join()}]`,
    })),
  ),
  opCase(
    'shape',
    'stridedSlice',
    strided.map(([from, begin, end, strides]): Check => ({
      setting: `${shown(from)} from ${shown(begin)} to ${shown(end)} by ${shown(strides)}`,
      inputs: [normal(...from)],
      run: (tf, [x]) => tf.stridedSlice(x, begin, end, strides),
      reference: ([x]) => shape.stridedSlice(x, begin, end, strides),
      torch: `a[${begin.map((b, k) => `${b}:${end[k]}:${strides[k]}`).join()}]`,
    })),
  ),
  opCase(
    'shape',
    'pad',
    pads.map(([from, widths, value]): Check => ({
      setting: `${shown(from)} by ${JSON.stringify(widths)} with ${value}`,
      inputs: [normal(...from)],
      run: (tf, [x]) => tf.pad(x, widths, value),
      reference: ([x]) => shape.pad(x, widths, value),
      torch: `F.pad(a, ${JSON.stringify([...widths].reverse().flat())}, value=${value})`,
    })),
  ),
  ...(['reflect', 'symmetric'] as const).map((mode) =>
    opCase(
      'shape',
      `mirrorPad ${mode}`,
      mirrors.map(([from, widths]): Check => ({
        setting: `${shown(from)} by ${JSON.stringify(widths)}`,
        inputs: [normal(...from)],
        run: (tf, [x]) => tf.mirrorPad(x, widths, mode),
        reference: ([x]) => shape.mirrorPad(x, widths, mode),
        torch: `mirror_pad(a, ${JSON.stringify(widths)}, '${mode}')`,
      })),
    ),
  ),
  opCase(
    'shape',
    'tile',
    tiles.map(([from, times]): Check => ({
      setting: `${shown(from)} ${shown(times)} times`,
      inputs: [normal(...from)],
      run: (tf, [x]) => tf.tile(x, times),
      reference: ([x]) => shape.tile(x, times),
      torch: `a.repeat(${times.join()})`,
    })),
  ),
  opCase(
    'shape',
    'broadcastTo',
    broadcasts.map(([from, to]): Check => ({
      setting: `${shown(from)} to ${shown(to)}`,
      inputs: [normal(...from)],
      run: (tf, [x]) => tf.broadcastTo(x, to),
      reference: ([x]) => broadcastTo(x, to),
      torch: `a.expand(${to.join()})`,
    })),
  ),
  opCase(
    'shape',
    'reverse',
    (
      [
        [[5], [0]],
        [[3, 4], [1]],
        [
          [2, 3, 4],
          [0, 2],
        ],
        [
          [2, 3, 2, 4],
          [1, 2],
        ],
      ] as [number[], number[]][]
    ).map(([from, axes]): Check => ({
      setting: `${shown(from)} on ${shown(axes)}`,
      inputs: [normal(...from)],
      run: (tf, [x]) => tf.reverse(x, axes),
      reference: ([x]) => shape.reverse(x, axes),
      torch: `a.flip(${JSON.stringify(axes)})`,
    })),
  ),
  opCase(
    'shape',
    'depthToSpace',
    [2, 3].map((block): Check => ({
      setting: `[2, 3, 2, ${block * block * 2}] by ${block}`,
      inputs: [normal(2, 3, 2, block * block * 2)],
      run: (tf, [x]) => tf.depthToSpace(x as never, block, 'NHWC'),
      reference: ([x]) => shape.depthToSpace(x, block),
      torch: `depth_to_space(a, ${block})`,
    })),
  ),
  opCase('shape', 'spaceToBatchND, batchToSpaceND', [
    {
      setting: '[2, 4, 6, 3] by 2',
      inputs: [normal(2, 4, 6, 3)],
      run: (tf, [x]) =>
        tf.spaceToBatchND(
          x,
          [2, 2],
          [
            [0, 0],
            [0, 0],
          ],
        ),
      reference: ([x]) => shape.spaceToBatch(x, 2),
    },
    {
      setting: '[8, 2, 3, 3] by 2',
      inputs: [normal(8, 2, 3, 3)],
      run: (tf, [x]) =>
        tf.batchToSpaceND(
          x,
          [2, 2],
          [
            [0, 0],
            [0, 0],
          ],
        ),
      reference: ([x]) => shape.batchToSpace(x, 2),
    },
  ]),
  opCase('shape', 'zeros, ones, fill, range, linspace, eye', [
    {
      setting: 'beside an input',
      inputs: [normal(3, 3)],
      run: (tf, [x]) => [
        tf.add(x, tf.zerosLike(x)),
        tf.mul(x, tf.onesLike(x)),
        tf.mul(x, tf.fill([3, 3], 2.5)),
        tf.mul(x, tf.range(0, 3)),
        tf.mul(x, tf.linspace(0, 1, 3)),
        tf.mul(x, tf.eye(3)),
      ],
      reference: ([x]) => {
        const by = (f: (row: number, column: number) => number): typeof x => ({
          shape: [3, 3],
          data: x.data.map((v, i) => v * f(Math.floor(i / 3), i % 3)),
        });
        return [x, x, by(() => 2.5), by((_, c) => c), by((_, c) => c / 2), by((r, c) => +(r === c))];
      },
    },
    {
      setting: 'of whole numbers',
      inputs: [whole(9, 2, 3)],
      run: (tf, [x]) => [tf.zerosLike(x), tf.fill([2, 2], 7, 'int32')],
      reference: ([x]) => [filled(x.shape, 0), filled([2, 2], 7)],
    },
  ]),
];
