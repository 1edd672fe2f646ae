// What the image encoders of SAM and of SAM 3 share: adapters beside queries and values, beginning in the middle, and the
// checks of what they are given.
import { scope } from '../backends/scope';
import { tf } from '../backends/tf';
import { InputError } from '../base/errors';
import type { Adapter } from '../nn/linear';
import { adapter, product } from '../nn/linear';
import { toWindows } from '../nn/windows';

/** What LoRA adds in one block: to the queries, to the values. */
export type BlockAdapters = Readonly<Partial<Record<'q' | 'v', Adapter>>>;

export interface Adapted {
  /** Adapters by block, from the first block on; `{}` where a block has none. */
  readonly adapters?: readonly BlockAdapters[];
  /** alpha / rank, what their outputs are multiplied with; 1 where left out. */
  readonly scale?: number;
}

export interface EncoderOptions extends Adapted {
  /** Begin with this block, counted from 0: what is given in the place of images are the features before it. */
  readonly from?: number;
}

/**
 * Queries, keys and values of every head of every window, adapters added.
 *
 * Products are of the grid's own tokens: what fills up a window that sticks out is zero before them in the reference, so that
 * only biases are left of it, and these are added here after the grid was cut. The numbers are the same, and the padding,
 * a sixth of the tokens in SAM's windows, is not multiplied.
 * @param x     tokens, [batch, rows, columns, width]
 * @param qkv   queries, keys and values in one: weight [width, 3 width], bias [3 width]
 * @param span  tokens along each side of a window
 * @returns three of [windows * heads, span * span, width / heads]
 */
export function windowHeads(
  x: tf.Tensor,
  qkv: Readonly<{ weight: tf.Tensor; bias?: tf.Tensor }>,
  span: number,
  heads: number,
  { q: lowQ, v: lowV }: BlockAdapters = {},
  scale?: number,
): Record<'q' | 'k' | 'v', tf.Tensor> {
  const [q, k, v] = tf.split(product(x, qkv.weight), 3, 3);
  const biases = qkv.bias && tf.split(qkv.bias, 3);
  const headsOf = (y: tf.Tensor, part: number, low?: Adapter): tf.Tensor => {
    const cut = toWindows(low ? tf.add(y, adapter(x, low, scale)) : y, span, heads);
    if (!biases) return cut;
    const [all, tokens, each] = cut.shape;
    const byHead = tf.reshape(cut, [all / heads, heads, tokens, each]);
    return tf.reshape(tf.add(byHead, tf.reshape(biases[part], [heads, 1, each])), cut.shape);
  };
  return { q: headsOf(q, 0, lowQ), k: headsOf(k, 1), v: headsOf(v, 2, lowV) };
}

/** A named part of a model, whose tensors are freed but for its result. */
export const part = (name: string, f: () => tf.Tensor): tf.Tensor => scope(name, () => tf.tidy(f));

/** Blocks one after another. What lies between two is freed at once; a tape keeps what it needs of it. */
export function runBlocks(
  x: tf.Tensor,
  from: number,
  to: number,
  run: (x: tf.Tensor, block: number) => tf.Tensor,
): tf.Tensor {
  let y = x;
  for (let block = from; block < to; block++) {
    const next = run(y, block);
    if (y !== x) y.dispose();
    y = next;
  }
  return y;
}

const wrong = (what: string, given: string, expected: string, fix: string): InputError =>
  new InputError({ what: `cannot run ${what}`, given, expected, fix });

/** @throws InputError unless a tensor has these axes behind that of the batch. @param name  what it is */
export function checkAxes(what: string, x: tf.Tensor, axes: readonly number[], name: string): void {
  if (x.rank === 4 && x.shape.slice(1).join() === axes.join()) return;
  throw wrong(
    what,
    `a tensor of [${x.shape.join(', ')}]`,
    `${name} = [any, ${axes.join(', ')}]`,
    'bring images to the size of the model, or give the configuration of these images',
  );
}

/** @throws InputError unless it is one of so many blocks, or the end of them */
export function checkBlock(what: string, depth: number, block: number): void {
  if (Number.isInteger(block) && block >= 0 && block <= depth) return;
  throw wrong(what, `block ${block}`, `a whole number from 0 to ${depth}`, 'count the blocks from 0');
}

/** @throws InputError for adapters of blocks that there are not */
export function checkAdapters(what: string, depth: number, { adapters = [] }: Adapted): void {
  if (adapters.length <= depth) return;
  throw wrong(
    what,
    `adapters of ${adapters.length} blocks`,
    `at most ${depth}, as many as it has`,
    'make the adapters with the configuration of this encoder',
  );
}
