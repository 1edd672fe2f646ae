// Encoders as programs: SAM's image encoder with or without adapters (torch_sam.py is the same in PyTorch), and SAM 3's trunk.
import type { Kernel } from './attention';
import { attend, positionTerms } from './attention';
import type { Linear } from './operations';
import {
  add,
  convolution,
  joined,
  layerNorm,
  linear,
  pointwise,
  reordered,
  scaled,
  seenThrough,
} from './operations';
import type { Program, Value } from './program';
import { sizeOf } from './program';

/** What decides an encoder's memory. */
export interface EncoderForm {
  readonly size: number;
  readonly patch: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly hidden: number;
  /** Tokens along each side of a window. */
  readonly window: number;
  readonly globalBlocks: readonly number[];
  /** Channels of the features; 0 where there is no neck. */
  readonly neck: number;
  /** How tokens know where they are in attention. */
  readonly positions: 'relative' | 'rotary';
  /** Whether a norm stands before the blocks. */
  readonly firstNorm: boolean;
  /** Learned positions that are added to the tokens. */
  readonly learned: number;
}

/** How it is trained and computed. */
export interface EncoderOptions {
  readonly all: boolean;
  /** Rank of adapters on q and v, and the first block that has them. */
  readonly lora?: { readonly rank: number; readonly first: number };
  readonly kernel: Kernel;
  /** Each block is computed again in the backward pass. */
  readonly recompute: boolean;
}

interface Block {
  readonly norm1: Required<Linear>;
  readonly norm2: Required<Linear>;
  readonly qkv: Linear;
  readonly proj: Linear;
  readonly lin1: Linear;
  readonly lin2: Linear;
  readonly tables?: readonly [Value, Value];
  readonly lora?: readonly (readonly [Linear, Linear])[];
}

/** An encoder's parameters, declared. */
export interface Encoder {
  readonly form: EncoderForm;
  readonly options: EncoderOptions;
  readonly embed: Linear;
  readonly learned: Value;
  readonly firstNorm?: Required<Linear>;
  readonly blocks: readonly Block[];
  readonly neck?: { project: Linear; norm1: Required<Linear>; convolve: Linear; norm2: Required<Linear> };
}

/** Weights and bias as parameters. */
export function declareLinear(p: Program, from: number, to: number, trained: boolean, bias = true): Linear {
  const weight = p.parameter([from, to], trained);
  return bias ? { weight, bias: p.parameter([to], trained) } : { weight };
}

export function declareNorm(p: Program, channels: number, trained: boolean): Required<Linear> {
  return { weight: p.parameter([channels], trained), bias: p.parameter([channels], trained) };
}

export const gridOf = ({ size, patch }: EncoderForm): number => size / patch;
const spanOf = (form: EncoderForm, k: number): number =>
  form.globalBlocks.includes(k) ? gridOf(form) : form.window;

/** Declare an encoder. */
export function declareEncoder(p: Program, form: EncoderForm, options: EncoderOptions): Encoder {
  const { patch, width, heads, hidden, neck } = form;
  const { all, lora } = options;
  const one = (from: number, to: number, bias = true): Linear => declareLinear(p, from, to, all, bias);
  const norm = (channels: number): Required<Linear> => declareNorm(p, channels, all);
  const adapter = (rank: number): [Linear, Linear] => [
    declareLinear(p, width, rank, true, false),
    declareLinear(p, rank, width, true, false),
  ];
  const blocks = Array.from({ length: form.depth }, (_, k): Block => {
    const table = (): Value => p.parameter([2 * spanOf(form, k) - 1, width / heads], all);
    return {
      norm1: norm(width),
      norm2: norm(width),
      qkv: one(width, 3 * width),
      proj: one(width, width),
      lin1: one(width, hidden),
      lin2: one(hidden, width),
      ...(form.positions === 'relative' && { tables: [table(), table()] as const }),
      ...(lora && k >= lora.first && { lora: [adapter(lora.rank), adapter(lora.rank)] }),
    };
  });
  return {
    form,
    options,
    embed: one(3 * patch ** 2, width, form.positions === 'relative'),
    learned: p.parameter([form.learned, width], all),
    blocks,
    ...(form.firstNorm && { firstNorm: norm(width) }),
    ...(neck > 0 && {
      neck: {
        project: one(width, neck, false),
        norm1: norm(neck),
        convolve: one(9 * neck, neck, false),
        norm2: norm(neck),
      },
    }),
  };
}

/** Images [pictures, size, size, 3] to features [pictures, tokens, neck], or of the width where there is no neck. */
export function encode(p: Program, encoder: Encoder, images: Value): Value {
  const { form, options } = encoder;
  const { width, depth } = form;
  const pictures = images.shape[0];
  const shape = [pictures, gridOf(form) ** 2, width];
  let x = p.in('embed', () => {
    const macs = sizeOf(shape) * encoder.embed.weight.shape[0];
    const patches = convolution(p, images, encoder.embed, shape, macs);
    const tokens = add(p, reordered(p, patches, shape), encoder.learned);
    return encoder.firstNorm ? layerNorm(p, tokens, encoder.firstNorm) : tokens;
  });
  for (let k = 0; k < depth; k++)
    x = p.in(`block ${k}`, () =>
      options.recompute ? p.again(x, (y) => block(p, encoder, k, y)) : block(p, encoder, k, x),
    );
  const { neck } = encoder;
  if (!neck) return x;
  return p.in('neck', () => {
    const y = layerNorm(p, linear(p, x, neck.project), neck.norm1);
    const macs = sizeOf(y.shape) * neck.convolve.weight.shape[0];
    return layerNorm(p, convolution(p, y, neck.convolve, y.shape, macs), neck.norm2);
  });
}

function block(p: Program, encoder: Encoder, k: number, x: Value): Value {
  const { norm1, norm2, lin1, lin2 } = encoder.blocks[k];
  const y = add(p, x, attended(p, encoder, k, layerNorm(p, x, norm1)));
  const perceptron = (z: Value): Value => linear(p, pointwise(p, linear(p, z, lin1), 'argument'), lin2);
  return add(p, y, p.holding(layerNorm(p, y, norm2), perceptron));
}

/** Attention within windows, which stick out over the picture and are padded, or of all tokens. */
function attended(p: Program, encoder: Encoder, k: number, x: Value): Value {
  const { form } = encoder;
  const [pictures, tokens, width] = x.shape;
  const side = gridOf(form);
  if (form.globalBlocks.includes(k)) return p.holding(x, (all) => attention(p, encoder, k, all));
  const across = Math.ceil(side / form.window);
  const padded = [pictures, (across * form.window) ** 2, width];
  const windows = [pictures * across ** 2, form.window ** 2, width];
  const wide = padded[1] === tokens ? x : reordered(p, x, padded);
  const out = p.holding(reordered(p, wide, windows), (own) => attention(p, encoder, k, own));
  const back = reordered(p, out, padded);
  if (padded[1] === tokens) return back;
  // What lies over the picture: first its rows, then their columns.
  return seenThrough(p, seenThrough(p, back, [pictures, side * across * form.window, width]), x.shape);
}

function attention(p: Program, { form, options, blocks }: Encoder, k: number, x: Value): Value {
  const { heads, width, positions } = form;
  const { qkv, proj, tables, lora } = blocks[k];
  const [windows, tokens] = x.shape;
  let [q, key, v] = p.views(linear(p, x, qkv), [x.shape, x.shape, x.shape], false);
  if (lora) {
    const [ofQ, ofV] = lora.map(([a, b]) => linear(p, linear(p, x, a), b));
    [q, v] = [add(p, q, ofQ), add(p, v, ofV)];
  }
  const split = [windows * heads, tokens, width / heads];
  const ordered = [q, key, v].map((each) => seenThrough(p, each, split));
  const packed = joined(p, ordered, [3, ...split]);
  [q, key, v] = p.views(packed, [split, split, split], false);
  if (positions === 'rotary') [q, key] = [rotated(p, q), rotated(p, key)];
  const terms = tables && positionTerms(p, q, tables, spanOf(form, k));
  const out = attend(p, { q, k: key, v, ...(terms && { terms }) }, options.kernel, x.shape);
  return linear(p, out, proj);
}

/** Queries or keys turned by their places, in float32. */
const rotated = (p: Program, x: Value): Value => p.castTo(x.width, scaled(p, p.castTo(4, x)));
