// What a vision transformer keeps for its backward pass, from its shape alone: "activations" in section 4.1 of the study.
//
// Autograd keeps what a derivative needs and nothing else. For a block of SAM's encoder (N tokens of D channels, N' with
// windows padded, H heads that see T tokens each) these are, in numbers:
//
//   inputs of the two layer norms                  2 N D
//   input of the projection to q, k, v             N' D      (mixed precision: one 16-bit copy for each adapter)
//   q, k, v                                        3 N' D
//   scaled q (attention maps kept), or the output (fused)   N' D
//   attention map after softmax                    H N' T    (mixed precision: in float32 and as a 16-bit copy)
//   input of GELU                                  N hidden
//   all weights trained, besides: inputs of the projection of attention (maps kept), of both layers of the MLP
//     (N D and N hidden), and a copy of q for the position term
//
// A frozen linear layer keeps nothing: the gradient of its input needs its weights only. Layer norms' means, the adapters'
// inner products and the tables of positions are below one hundredth together. test/oracles/encoders.py counts what
// PyTorch really keeps for all regimes; the tests compare.
//
// Not counted: what the backward pass holds for a moment, neck and decoder, and what an allocator loses. derived/ walks through
// the whole step, for every kernel, precision and policy; this is its main part in a formula, and a test compares both.
import type { EncoderShape } from './encoders';
import { tokensOf } from './encoders';

/** How numbers are stored: `amp` computes products in 16 bits, keeps the rest and softmax in 32; `half` is all 16 bits. */
export type TrainingPrecision = 'fp32' | 'amp' | 'half';

/** What decides how many bytes are kept. */
export interface Regime {
  precision: TrainingPrecision;
  /** `naive` keeps the attention maps, as SAM's code does; `fused` computes them again, without the position term. */
  attention: 'naive' | 'fused';
  /** `adapters`: frozen weights, low-rank adapters on q and v; `all`: every weight. */
  trained: 'adapters' | 'all';
}

/** Every regime, the one of SAM's own code with adapters first. */
export const regimes: readonly Regime[] = (['adapters', 'all'] as const).flatMap((trained) =>
  (['naive', 'fused'] as const).flatMap((attention) =>
    (['fp32', 'amp', 'half'] as const).map((precision) => ({ precision, attention, trained })),
  ),
);

/** `fp32-naive-adapters`: a regime in an id. */
export const regimeId = ({ precision, attention, trained }: Regime): string =>
  `${precision}-${attention}-${trained}`;

const precisionTitle: Record<TrainingPrecision, string> = {
  fp32: 'float32',
  amp: 'mixed precision',
  half: '16 bits',
};

/** `float32, attention maps kept, adapters`: a regime in words. */
export function regimeTitle({ precision, attention, trained }: Regime): string {
  const kept = attention === 'naive' ? 'attention maps kept' : 'fused attention';
  return `${precisionTitle[precision]}, ${kept}, ${trained === 'all' ? 'all weights' : 'adapters'}`;
}

/** Bytes kept for the backward pass, by what keeps them. */
export interface SavedBytes {
  /** Inputs of layer norms. */
  norms: number;
  /** Inputs of linear layers that have weights to train. */
  inputs: number;
  /** Queries, keys and values, with the scaled copy or the output of attention. */
  qkv: number;
  /** Attention maps. */
  maps: number;
  /** Input of GELU. */
  gelu: number;
  total: number;
}

/** Bytes of one number: in a product, in the residual stream. */
function widths(precision: TrainingPrecision): { product: number; residual: number } {
  return { product: precision === 'fp32' ? 4 : 2, residual: precision === 'half' ? 2 : 4 };
}

/** Bytes that one block keeps for one picture. */
export function savedByBlock(shape: EncoderShape, regime: Regime, kind: 'windowed' | 'global'): SavedBytes {
  const { all: tokens, windowed } = tokensOf(shape);
  const { width, hidden, heads } = shape;
  const [padded, seen] = kind === 'global' ? [tokens, tokens] : [windowed, shape.window ** 2];
  const { product, residual } = widths(regime.precision);
  const naive = regime.attention === 'naive';
  const all = regime.trained === 'all';
  const attended = padded * width;
  // Autocast casts activations anew at every use: q's and v's adapter each keep a copy of their common input.
  const copies = regime.precision === 'amp' && !all ? 2 : 1;
  const layers = all ? tokens * (width + hidden) + (naive ? attended : 0) : 0;
  const position = all && naive && shape.relativePosition ? attended : 0;
  const map = naive ? heads * padded * seen * (regime.precision === 'amp' ? 4 + 2 : product) : 0;
  const bytes = {
    norms: 2 * tokens * width * residual,
    inputs: (copies * attended + layers) * product,
    qkv: (4 * attended + position) * product,
    maps: map,
    gelu: tokens * hidden * product,
  };
  return { ...bytes, total: Object.values(bytes).reduce((a, b) => a + b) };
}

/** Bytes that all blocks keep for one picture. */
export function savedActivations(shape: EncoderShape, regime: Regime): SavedBytes {
  const local = savedByBlock(shape, regime, 'windowed');
  const global = savedByBlock(shape, regime, 'global');
  const sum = (key: keyof SavedBytes): number =>
    (shape.blocks - shape.globalBlocks) * local[key] + shape.globalBlocks * global[key];
  return {
    norms: sum('norms'),
    inputs: sum('inputs'),
    qkv: sum('qkv'),
    maps: sum('maps'),
    gelu: sum('gelu'),
    total: sum('total'),
  };
}

/**
 * Bytes of some pictures where each block is computed again in the backward pass: the inputs of all blocks, and what the
 * largest block keeps while its turn lasts. The price is one more forward pass.
 */
export function recomputedActivations(shape: EncoderShape, regime: Regime, pictures: number): number {
  const inputs = shape.blocks * tokensOf(shape).all * shape.width * widths(regime.precision).residual;
  return pictures * inputs + savedByBlock(shape, regime, 'global').total;
}

/**
 * Bytes that the backward pass of one global block holds for a moment beside what was kept: the gradients of the
 * attention map before and after softmax. Nothing of the kind where attention is fused.
 */
export function transientBytes(shape: EncoderShape, { attention, precision }: Regime): number {
  if (attention === 'fused') return 0;
  return 2 * shape.heads * tokensOf(shape).all ** 2 * (precision === 'half' ? 2 : 4);
}

/** Bytes that stay through a step whatever the number of views. */
export interface StateBytes {
  weights: number;
  gradients: number;
  /** Adam's two moments. */
  optimiser: number;
  total: number;
}

/**
 * Weights, gradients and the state of Adam. Mixed precision keeps float32 weights and, at least once, a 16-bit copy.
 * @param parameters  of the whole model
 * @param trainable  those that are trained
 */
export function stateBytes(
  parameters: number,
  trainable: number,
  { precision }: Pick<Regime, 'precision'>,
): StateBytes {
  const number = precision === 'half' ? 2 : 4;
  const weights = parameters * (precision === 'amp' ? 4 + 2 : number);
  const gradients = trainable * number;
  return { weights, gradients, optimiser: 2 * gradients, total: weights + 3 * gradients };
}
