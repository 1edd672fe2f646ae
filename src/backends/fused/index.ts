// Layer norm, GELU, softmax and attention with gradients written by hand. Where the current backend has a kernel of ours
// it is used; elsewhere a composition of TensorFlow.js's operations (compositions.ts), which gives the same numbers and
// saves less for the backward pass than the plain tape.
import type { Tensor } from '@tensorflow/tfjs';
import { InputError } from '../../base/errors';
import { tf } from '../tf';
import { attention as attentionWithMap, attentionInChunks, type RelativeTerms } from './attention';
import * as compositions from './compositions';
import * as kernels from './kernels';

export { imitating } from './kernels';

const shown = ({ shape, dtype }: Tensor): string =>
  `[${shape.join(', ')}]${dtype === 'float32' ? '' : ` of ${dtype}`}`;

function wrong(what: string, given: string, expected: string): InputError {
  return new InputError({ what, given, expected, fix: 'check the shapes of what you pass' });
}

/** @throws InputError when a tensor is not of float32 */
function checkFloats(what: string, tensors: Record<string, Tensor>): void {
  for (const [name, tensor] of Object.entries(tensors))
    if (tensor.dtype !== 'float32') throw wrong(what, `${name} ${shown(tensor)}`, 'tensors of float32');
}

/** @throws InputError unless gain and bias are as long as the last axis of x */
function checkChannels(what: string, x: Tensor, given: Record<string, Tensor>, epsilon: number): void {
  const width = x.shape.at(-1);
  for (const [name, tensor] of Object.entries(given))
    if (width === undefined || tensor.rank !== 1 || tensor.size !== width)
      throw wrong(what, `x ${shown(x)}, ${name} ${shown(tensor)}`, `${name} as long as the last axis of x`);
  if (!(epsilon >= 0)) throw wrong(what, `epsilon ${epsilon}`, 'a number of at least 0');
}

/**
 * Layer norm over the last axis (Ba et al. 2016, arXiv 1607.06450): (x - mean) / sqrt(variance + epsilon) gain + bias.
 * @param x  [..., width]; gain and bias [width]
 * @throws InputError for other shapes and types
 */
export function layerNorm<T extends Tensor>(
  x: T,
  { gain, bias, epsilon = 1e-6 }: { gain: Tensor; bias: Tensor; epsilon?: number },
): T {
  checkFloats('layerNorm', { x, gain, bias });
  checkChannels('layerNorm', x, { gain, bias }, epsilon);
  const compute = kernels.hasLayerNorm(x) ? kernels.layerNorm : compositions.layerNorm;
  return compute(x, gain, bias, epsilon) as T;
}

/**
 * Instance norm (Ulyanov et al. 2016, arXiv 1607.08022): every image and channel by itself, over its voxels.
 * @param x  [batch, ...space, channels]; gain and bias [channels]
 * @throws InputError for other shapes and types
 */
export function instanceNorm<T extends Tensor>(
  x: T,
  { gain, bias, epsilon = 1e-5 }: { gain: Tensor; bias: Tensor; epsilon?: number },
): T {
  checkFloats('instanceNorm', { x, gain, bias });
  const channels = x.shape.at(-1)!;
  if (x.rank < 3) throw wrong('instanceNorm', `x ${shown(x)}`, 'x as [batch, ...space, channels]');
  checkChannels('instanceNorm', x, { gain, bias }, epsilon);
  const flat = tf.reshape(x, [x.shape[0], -1, channels]);
  const compute = kernels.hasInstanceNorm(flat) ? kernels.instanceNorm : compositions.instanceNorm;
  return tf.reshape(compute(flat, gain, bias, epsilon), x.shape) as T;
}

/** GELU in its exact form (Hendrycks and Gimpel 2016, arXiv 1606.08415): x (1 + erf(x / sqrt 2)) / 2. @throws InputError unless x is float32 */
export function gelu<T extends Tensor>(x: T): T {
  checkFloats('gelu', { x });
  const compute = kernels.hasGelu(x) ? kernels.gelu : compositions.gelu;
  return compute(x) as T;
}

/** x where it is positive, else `slope` x. @throws InputError unless x is float32 */
export function leakyRelu<T extends Tensor>(x: T, slope: number): T {
  checkFloats('leakyRelu', { x });
  return (kernels.hasLeakyRelu() ? kernels.leakyRelu(x, slope) : tf.leakyRelu(x, slope)) as T;
}

/**
 * Each pair of neighbouring channels turned: x cosine + exchanged(x) sine, where the channels of a pair are exchanged. For a turn
 * the sines of a pair are -sin and sin. There is a gradient by x alone.
 * @param x  [..., tokens, width]; cosine and sine [tokens, width], an even width
 * @throws InputError for other shapes and types
 */
export function rotate<T extends Tensor>(x: T, { cosine, sine }: { cosine: Tensor; sine: Tensor }): T {
  checkFloats('rotate', { x, cosine, sine });
  const last = x.shape.slice(-2);
  const fits = [cosine, sine].every((table) => table.rank === 2 && table.shape.join() === last.join());
  if (!fits || last[1] % 2 !== 0)
    throw wrong(
      'rotate',
      `x ${shown(x)}, cosine ${shown(cosine)}, sine ${shown(sine)}`,
      'x as [..., tokens, width], cosine and sine as [tokens, width], an even width',
    );
  return compositions.rotate(x, cosine, sine) as T;
}

/** Softmax over the last axis; its gradient saves the result alone. @throws InputError unless x is float32 */
export function softmax<T extends Tensor>(x: T): T {
  checkFloats('softmax', { x });
  return tf.softmax(x);
}

/** Bytes that one chunk of attention's map may have, where attention is in chunks. */
let chunkBytes: number | undefined;

/**
 * Call a function; attention in it keeps no map, and computes it some heads at a time, in the forward pass and again in the
 * backward pass: one more product of three.
 * @param most  bytes that a map may have at a time; one head's is the least
 */
export function withAttentionInChunks<T>(f: () => T, most = 2 ** 26): T {
  const before = chunkBytes;
  chunkBytes = most;
  try {
    return f();
  } finally {
    chunkBytes = before;
  }
}

/** How attention weighs. */
export interface AttentionOptions {
  /** What the products of queries and keys are multiplied with; usually 1 / sqrt(width). */
  scale: number;
  /**
   * SAM's decomposed relative positions (Li et al. 2022, MViTv2, arXiv 2112.01526), added to the scaled products: keys
   * lie on a grid, row by row, and the key in row r and column c of it gets rows[..., query, r] + columns[..., query, c].
   * rows [..., queries, rows of keys], columns [..., queries, columns of keys].
   */
  relative?: RelativeTerms;
}

/**
 * Attention: softmax(scale q k' + relative) v, with gradients by q, k, v and both relative terms.
 * @param q  [..., queries, width]; the axes before the last two (heads, batch x heads, ...) are the same in all tensors
 * @param k  [..., keys, width]
 * @param v  [..., keys, width]
 * @returns [..., queries, width]
 * @throws InputError for shapes that do not fit
 */
export function attention<T extends Tensor>(q: T, k: Tensor, v: Tensor, options: AttentionOptions): T {
  const { scale, relative } = options;
  const all: Record<string, Tensor> = { q, k, v };
  if (relative) Object.assign(all, { rows: relative.rows, columns: relative.columns });
  checkFloats('attention', all);
  const given = Object.entries(all)
    .map(([name, tensor]) => `${name} ${shown(tensor)}`)
    .join(', ');
  const check = (right: boolean, expected: string): void => {
    if (!right) throw wrong('attention', given, expected);
  };
  check(q.rank >= 2, 'at least two axes: [..., tokens, width]');
  const outer = q.shape.slice(0, -2);
  check(
    Object.values(all).every(
      (tensor) => tensor.shape.slice(0, -2).join() === outer.join() && tensor.rank === q.rank,
    ),
    'the same axes before the last two',
  );
  const [queries, width] = q.shape.slice(-2);
  const [keys] = k.shape.slice(-2);
  check(
    k.shape.at(-1) === width && v.shape.join() === k.shape.join(),
    'k and v of one shape, and q as wide as they are',
  );
  if (relative) {
    const [rows, columns] = [relative.rows, relative.columns].map((tensor) => tensor.shape.slice(-2));
    check(
      rows[0] === queries && columns[0] === queries && rows[1] * columns[1] === keys,
      'relative terms for every query, whose rows x columns are the keys',
    );
  }
  if (!Number.isFinite(scale)) throw wrong('attention', `scale ${scale}`, 'a finite number');
  // A reshape on the tape would keep what it is given.
  const flat = (x: Tensor): Tensor => (x.rank === 3 ? x : tf.reshape(x, [-1, ...x.shape.slice(-2)]));
  const terms = relative && { rows: flat(relative.rows), columns: flat(relative.columns) };
  const [flatQ, flatK, flatV] = [q, k, v].map(flat);
  // A kernel of ours keeps no map anyway.
  const composed = chunkBytes === undefined ? attentionWithMap : attentionInChunks;
  const compute = kernels.hasAttention(flatQ, flatK) ? kernels.attention : composed;
  const out = compute(flatQ, flatK, flatV, scale, terms, chunkBytes);
  return (out.rank === q.rank ? out : tf.reshape(out, q.shape)) as T;
}
