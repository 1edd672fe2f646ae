// Cases: the operations of fused/, whose gradients are written by hand, and which some backends have as one kernel.
import { attention, gelu, instanceNorm, layerNorm, leakyRelu, rotate, withAttentionInChunks } from '../fused';
import { type Check, constant, normal, opCase, type OpCase, shown } from './case';
import { type Array64, build } from './reference/array';
import { add, gelu as geluOf, leakyRelu as leakyReluOf, map, scale } from './reference/elementwise';
import { instanceNorm as instanceNormOf, layerNorm as layerNormOf, softmax } from './reference/normalise';
import { matMul } from './reference/product';

/** Tiles of the kernels are 32 to 64 long and 4 wide: sizes below, at and above them. */
const attentions: [batch: number[], queries: number, keys: number, width: number][] = [
  [[2], 3, 3, 4],
  [[2, 2], 5, 5, 6],
  [[1], 1, 7, 3],
  [[1], 70, 41, 32],
];

const plain = ([batch, queries, keys, width]: (typeof attentions)[number]): Check => ({
  setting: `${queries} queries, ${keys} keys of ${width}, batch ${shown(batch)}`,
  inputs: [normal(...batch, queries, width), normal(...batch, keys, width), normal(...batch, keys, width)],
  run: (_, [q, k, v]) => attention(q, k, v, { scale: 0.4 }),
  reference: ([q, k, v]) => matMul(softmax(scale(matMul(q, k, false, true), 0.4)), v),
  torch: 'F.scaled_dot_product_attention(a, b, c, scale=0.4)',
});

const grids: [batch: number[], rows: number, columns: number, width: number][] = [
  [[2], 2, 3, 4],
  [[1, 2], 4, 4, 5],
  [[1], 5, 14, 32],
];

const relative = ([batch, rows, columns, width]: (typeof grids)[number]): Check => {
  const n = rows * columns;
  const bias = (byRow: Array64, byColumn: Array64): Array64 =>
    build([...batch, n, n], (_, flat) => {
      const [query, key] = [Math.floor(flat / n), flat % n];
      return (
        byRow.data[query * rows + Math.floor(key / columns)] +
        byColumn.data[query * columns + (key % columns)]
      );
    });
  return {
    setting: `${rows} x ${columns} positions of ${width}, batch ${shown(batch)}`,
    inputs: [width, width, width, rows, columns].map((size) => normal(...batch, n, size)),
    run: (_, [q, k, v, byRow, byColumn]) =>
      attention(q, k, v, { scale: 0.5, relative: { rows: byRow, columns: byColumn } }),
    reference: ([q, k, v, byRow, byColumn]) =>
      matMul(softmax(add(scale(matMul(q, k, false, true), 0.5), bias(byRow, byColumn))), v),
    torch:
      'F.scaled_dot_product_attention(a, b, c, attn_mask=(d.unsqueeze(-1) + e.unsqueeze(-2)).flatten(-2), scale=0.5)',
  };
};

/** The same with no map kept: one entry of the batch in a chunk, or all. PyTorch has the case above. */
const inChunks = (check: Check): Check[] =>
  [1, Infinity].map((most) => ({
    ...check,
    torch: undefined,
    setting: `${check.setting}, ${most === 1 ? 'one by one' : 'at once'}`,
    run: (tf, inputs) => withAttentionInChunks(() => check.run(tf, inputs), most),
  }));

/** Tables of any numbers, not only sines: the gradient must be that of what is computed. */
const turned = (shape: number[]): Check => {
  const table = shape.slice(-2);
  return {
    setting: shown(shape),
    inputs: [normal(...shape), constant(normal(...table)), constant(normal(...table))],
    run: (_, [x, cosine, sine]) => rotate(x, { cosine, sine }),
    reference: ([x, cosine, sine]) =>
      build(shape, (_, flat) => {
        const at = flat % cosine.data.length;
        return x.data[flat] * cosine.data[at] + x.data[flat ^ 1] * sine.data[at];
      }),
    torch: 'a * b + a.unflatten(-1, (-1, 2)).flip(-1).flatten(-2) * c',
  };
};

export const fusedCases: OpCase[] = [
  opCase(
    'fused',
    'layer norm, fused',
    [
      [3, 8],
      [2, 5, 12],
      [1, 4, 3, 16],
      [7, 192],
      [2, 300],
      [70, 5],
    ].map((shape): Check => ({
      setting: shown(shape),
      inputs: [normal(...shape), normal(shape.at(-1)!), normal(shape.at(-1)!)],
      run: (_, [x, gain, bias]) => layerNorm(x, { gain, bias, epsilon: 1e-3 }),
      reference: ([x, gain, bias]) => layerNormOf(x, gain, bias, 1e-3),
      torch: 'F.layer_norm(a, a.shape[-1:], b, c, 1e-3)',
    })),
  ),
  opCase(
    'fused',
    'instance norm, fused',
    [
      [1, 5, 4],
      [2, 2, 3, 6],
      [2, 3, 4, 2, 5],
      [1, 4, 3, 5, 16],
    ].map((shape): Check => ({
      setting: shown(shape),
      inputs: [normal(...shape), normal(shape.at(-1)!), normal(shape.at(-1)!)],
      run: (_, [x, gain, bias]) => instanceNorm(x, { gain, bias, epsilon: 1e-3 }),
      reference: ([x, gain, bias]) => instanceNormOf(x, gain, bias, 1e-3),
      torch: 'channels_last(F.group_norm(channels_first(a), a.shape[-1], b, c, 1e-3))',
    })),
  ),
  opCase(
    'fused',
    'leaky ReLU, fused',
    [[7], [2, 3, 4, 5]].map((shape): Check => ({
      setting: shown(shape),
      inputs: [normal(...shape)],
      run: (_, [x]) => leakyRelu(x, 0.1),
      reference: ([x]) => map(x, leakyReluOf(0.1)),
      torch: 'F.leaky_relu(a, 0.1)',
    })),
  ),
  opCase(
    'fused',
    'GELU, fused',
    [[7], [3, 5], [2, 3, 67]].map((shape): Check => ({
      setting: shown(shape),
      inputs: [normal(...shape)],
      run: (_, [x]) => gelu(x),
      reference: ([x]) => map(x, geluOf),
      torch: 'F.gelu(a)',
    })),
  ),
  opCase(
    'fused',
    'pairs of channels turned, fused',
    [
      [3, 2],
      [2, 5, 8],
      [2, 3, 4, 12],
    ].map(turned),
  ),
  opCase('fused', 'attention, fused', attentions.map(plain)),
  opCase('fused', 'attention with relative terms, fused', grids.map(relative)),
  opCase(
    'fused',
    'attention in chunks, fused',
    [...attentions.map(plain), ...grids.map(relative)].flatMap(inChunks),
  ),
];
