// Shape rules of our own kernels (fused/kernels.ts).
import type { Info, Rule, Rules } from './rule';

const like = ({ shape }: Info): Info => ({ shape, dtype: 'float32' });
const float = (...shape: number[]): Info => ({ shape, dtype: 'float32' });

/** Rows of a tensor whose last axis is the width. */
const rowsOf = ({ shape }: Info): number => shape.slice(0, -1).reduce((n, size) => n * size, 1);

const attentionGradient: Rule = ({ q, k, v, rows, columns }) =>
  [q, k, v, rows, columns].filter((info) => info !== undefined).map(like);

export const fused: Rules = {
  CocAttention: ({ q }) => [like(q), float(q.shape[0], q.shape[1])],
  CocAttentionGrad: attentionGradient,
  CocLayerNorm: ({ x }) => [like(x), float(rowsOf(x), 2)],
  CocLayerNormGrad: ({ x }) => [like(x)],
  // Parts of 64 rows.
  CocLayerNormGainGrad: ({ x }) => [float(Math.ceil(rowsOf(x) / 64), x.shape.at(-1)!)],
  CocInstanceNorm: ({ x, gain }) => [like(x), like(gain), like(gain), like(gain), like(gain)],
  CocInstanceNormGrad: ({ x, gain }) => [like(x), like(gain), like(gain)],
  CocLeakyReluGrad: ({ x }) => [like(x)],
  CocGelu: ({ x }) => [like(x)],
  CocGeluGrad: ({ x }) => [like(x)],
};
