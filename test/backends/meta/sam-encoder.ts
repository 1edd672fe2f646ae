// SAM's image encoder as shapes, written with plain operations: windows, a few blocks that attend to the whole picture,
// decomposed relative positions, and adapters (LoRA) on queries and values where a rank is given.
import type { BlankTree } from '../../../src/backends/meta/dry-run';
import { scope } from '../../../src/backends/scope';
import { tf } from '../../../src/backends/tf';

export interface SamSize {
  /** Tokens along each side of the picture. */
  side: number;
  width: number;
  heads: number;
  hidden: number;
  blocks: number;
  /** Blocks that attend to the whole picture. */
  global: readonly number[];
  window: number;
  /** Of the adapters; 0 for none. */
  rank: number;
}

type T = tf.Tensor;
type Named = Readonly<Record<string, T>>;
interface Weights {
  patch: T;
  positions: T;
  blocks: Named[];
}
interface Adapters {
  blocks: Named[];
  neck: Named;
}

export function samShapes(size: SamSize): { weights: BlankTree; adapters: BlankTree } {
  const { side, width: d, heads, hidden, blocks, global, window, rank } = size;
  const blank = (...shape: number[]): BlankTree => ({ shape });
  const list = <R>(f: (k: number) => R): R[] => Array.from({ length: blocks }, (_, k) => f(k));
  return {
    weights: {
      patch: blank(768, d),
      positions: blank(side * side, d),
      blocks: list((k) => {
        const s = global.includes(k) ? side : window;
        const relative = { rows: blank(s, s, d / heads), columns: blank(s, s, d / heads) };
        const norms = { gain1: blank(d), bias1: blank(d), gain2: blank(d), bias2: blank(d) };
        const attention = {
          qkv: blank(d, 3 * d),
          qkvBias: blank(3 * d),
          out: blank(d, d),
          outBias: blank(d),
        };
        const mlp = {
          up: blank(d, hidden),
          upBias: blank(hidden),
          down: blank(hidden, d),
          downBias: blank(d),
        };
        return { ...norms, ...attention, ...mlp, ...relative };
      }),
    },
    adapters: {
      blocks: rank
        ? list(() => ({ qa: blank(d, rank), qb: blank(rank, d), va: blank(d, rank), vb: blank(rank, d) }))
        : [],
      neck: { in: blank(d, 256), inBias: blank(256), out: blank(256, 256), outBias: blank(256) },
    },
  };
}

const linear = (x: T, w: T, b: T): T => tf.add(tf.matMul(x, w), b);
const gelu = (x: T): T => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
const layerNorm = (x: T, gain: T, bias: T): T => {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-6))), gain), bias);
};

/** Attention in `batch` squares of `s` by `s` tokens: [batch * s * s, width] to the same. */
function attention(
  h: T,
  f: Named,
  own: Named | undefined,
  { heads, width }: SamSize,
  batch: number,
  s: number,
): T {
  const [n, c, all] = [s * s, width / heads, batch * heads];
  const [q0, k0, v0] = tf.split(linear(h, f.qkv, f.qkvBias), 3, 1);
  const low = (a: string, b: string): T => tf.matMul(tf.matMul(h, own![a]), own![b]);
  const split = (x: T): T =>
    tf.reshape(tf.transpose(tf.reshape(x, [batch, n, heads, c]), [0, 2, 1, 3]), [all, n, c]);
  const q = split(own ? tf.add(q0, low('qa', 'qb')) : q0);
  const v = own ? tf.add(v0, low('va', 'vb')) : v0;
  const map = tf.matMul(tf.mul(q, 1 / Math.sqrt(c)), split(k0), false, true);
  const grid = tf.reshape(q, [all, s, s, c]);
  const along = (order: number[], table: T): T =>
    tf.transpose(
      tf.matMul(tf.reshape(tf.transpose(grid, order), [s, all * s, c]), table, false, true),
      [1, 0, 2],
    );
  const rows = tf.reshape(along([1, 0, 2, 3], f.rows), [all, s, s, s]);
  const terms = [
    tf.reshape(tf.transpose(rows, [0, 2, 1, 3]), [all * n, s, 1]),
    tf.reshape(along([2, 0, 1, 3], f.columns), [all * n, 1, s]),
  ];
  const moved = terms.reduce((sum, term) => tf.add(sum, term), tf.reshape(map, [all * n, s, s]));
  const mixed = tf.matMul(tf.softmax(tf.reshape(moved, [all, n, n])), split(v));
  const joined = tf.reshape(tf.transpose(tf.reshape(mixed, [batch, heads, n, c]), [0, 2, 1, 3]), [
    batch * n,
    width,
  ]);
  return linear(joined, f.out, f.outBias);
}

/** One block: [side * side, width] to the same. Windows that stick out are padded. */
function block(x: T, f: Named, own: Named | undefined, size: SamSize, whole: boolean): T {
  const { side, width: d, window } = size;
  let h = layerNorm(x, f.gain1, f.bias1);
  if (whole) h = attention(h, f, own, size, 1, side);
  else {
    const windows = Math.ceil(side / window);
    const padded = windows * window;
    const turned = (z: T, a: number[], b: number[]): T =>
      tf.reshape(tf.transpose(tf.reshape(z, a), [0, 2, 1, 3]), b);
    const border: [number, number] = [0, padded - side];
    let z: T = tf.pad(tf.reshape(h, [side, side, d]), [border, border, [0, 0]]);
    z = turned(z, [windows, window, windows, window * d], [padded * padded, d]);
    z = attention(z, f, own, size, windows ** 2, window);
    z = turned(z, [windows, windows, window, window * d], [padded, padded, d]);
    h = tf.reshape(tf.slice(z, [0, 0, 0], [side, side, d]), [side * side, d]);
  }
  const y = tf.add(x, h);
  const mlp = gelu(linear(layerNorm(y, f.gain2, f.bias2), f.up, f.upBias));
  return tf.add(y, linear(mlp, f.down, f.downBias));
}

/** Patches [side * side, 768] to tokens [side * side, width]. */
export function encode(size: SamSize, weights: unknown, adapters: unknown, patches: T): T {
  const { blocks } = weights as Weights;
  const own = adapters as Adapters;
  let x = embed(weights, patches);
  blocks.forEach((f, k) => {
    x = scope(`block ${k}`, () => encodeBlock(size, f, own.blocks[k], x, k));
  });
  return x;
}

/** Block number `k`: [side * side, width] to the same. */
export const encodeBlock = (size: SamSize, f: Named, own: Named | undefined, x: T, k: number): T =>
  block(x, f, own, size, size.global.includes(k));

/** Patches to the tokens that the first block gets. */
export const embed = (weights: unknown, patches: T): T =>
  tf.add(tf.matMul(patches, (weights as Weights).patch), (weights as Weights).positions);

/** Tokens to a loss. */
export function headLoss(adapters: unknown, x: T, target: T): T {
  const { neck } = adapters as Adapters;
  const logits = linear(gelu(linear(x, neck.in, neck.inBias)), neck.out, neck.outBias);
  return tf.mean(tf.sub(tf.softplus(logits), tf.mul(logits, target)));
}

/** A loss of one view: the tokens through a neck, against a target [side * side, 256]. */
export function viewLoss(size: SamSize, weights: unknown, adapters: unknown, patches: T, target: T): T {
  return headLoss(adapters, encode(size, weights, adapters, patches), target);
}
