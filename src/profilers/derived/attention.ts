// Attention as PyTorch has it, by what each way of computing it keeps.
import { add, numbersBeside, product, reordered, scaled, seenThrough, softmax } from './operations';
import type { Kept, Program, Value } from './program';
import { sizeOf } from './program';

/**
 * - `materialised`: the map is made, and kept after softmax, as SAM's own code does.
 * - `sdpa-dense-bias`: scaled_dot_product_attention with positions as a bias of the map's size, which is kept in its place.
 * - `fused`: one kernel that adds positions itself and keeps its result and a number a row.
 * - `chunked`: some heads at a time; the backward pass makes each piece of the map again.
 */
export type Kernel = 'materialised' | 'sdpa-dense-bias' | 'fused' | 'chunked';

/** Queries, keys and values [heads of all windows, tokens, channels], and what positions add to rows and to columns of keys. */
export interface Heads {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  /** [heads, tokens, span] each. */
  readonly terms?: readonly [rows: Value, columns: Value];
}

/** Numbers of the map that are held at a time in pieces: those of torch_sam.py. */
const piece = 2 ** 24;
/** PyTorch's kernel with a bias wants rows that begin at multiples of eight numbers, and copies a bias that has others. */
const alignment = 8;

/** Products of a backward pass that makes the map again over those forward: five over two. */
const againAndBack = 2.5;

/** @returns tokens with their heads side by side, of a shape */
export function attend(p: Program, heads: Heads, kernel: Kernel, shape: readonly number[]): Value {
  // The kernel with a bias writes them so; all others write head after head.
  if (kernel === 'sdpa-dense-bias') return seenThrough(p, byKernel(p, heads, true), shape);
  if (kernel === 'materialised') return reordered(p, materialised(p, heads), shape);
  return reordered(p, kernel === 'chunked' ? inPieces(p, heads) : byKernel(p, heads, false), shape);
}

const mapOf = ({ q, k }: Heads): [number, number, number] => [q.shape[0], q.shape[1], k.shape[1]];

function materialised(p: Program, { q, k, v, terms }: Heads): Value {
  const [heads, queries, keys] = mapOf({ q, k, v });
  const macs = heads * queries * keys * q.shape[2];
  let scores = product(p, scaled(p, q), k, [heads, queries, keys], macs);
  if (terms) for (const term of terms) scores = add(p, scores, term);
  return product(p, softmax(p, scores), v, v.shape, macs, 'map');
}

function byKernel(p: Program, given: Heads, dense: boolean): Value {
  const { q, k, v, terms } = given;
  const [heads, queries, keys] = mapOf(given);
  const [x, y, z] = [q, k, v].map((each) => p.cast('attention', each));
  const macs = 2 * heads * queries * keys * q.shape[2];
  const bias = dense && terms ? biasOf(p, terms, [heads, queries, keys]) : undefined;
  const others = bias ? [bias] : (terms ?? []);
  const inputs = [x, y, z, ...others];
  const made = p.make(z.shape, z.width, inputs, {
    keeps: [
      ...inputs.map((value): Kept => ({ value, reason: value === bias ? 'bias' : 'product' })),
      { value: numbersBeside(heads * queries), reason: 'product' },
    ],
    macs,
    macsBack: againAndBack * macs,
  });
  if (made.grad) p.keepResult({ value: made, reason: 'product' });
  return made;
}

/** Positions spread over the map, with rows of keys that begin where the kernel wants them. */
function biasOf(
  p: Program,
  [rows, columns]: readonly [Value, Value],
  map: readonly [number, number, number],
): Value {
  const made = p.cast('attention', p.make(map, rows.width, [rows, columns]));
  const over = map[2] % alignment;
  return over === 0 ? made : reordered(p, made, [map[0], map[1], map[2] + alignment - over]);
}

function inPieces(p: Program, given: Heads): Value {
  const { q, k, v, terms } = given;
  const [heads, queries, keys] = mapOf(given);
  const macs = 2 * heads * queries * keys * q.shape[2];
  const held = Math.min(heads, Math.max(1, Math.floor(piece / (queries * queries)))) * queries * keys;
  const width = p.numbers.table.softmax ?? q.width;
  const inputs = [q, k, v, ...(terms ?? [])];
  return p.make(v.shape, v.width, inputs, {
    keeps: inputs.map((value): Kept => ({ value, reason: 'product' })),
    macs,
    macsBack: againAndBack * macs,
    // Scores and their softmax, with a copy between them where it wants more bits; backward a product of two more.
    working: held * (q.width + (width === q.width ? width : 2 * width)),
    workingBack: 3 * held * q.width,
  });
}

/** What positions add, of queries [heads, span x span, channels] and tables [2 span - 1, channels]: SAM's decomposed terms. */
export function positionTerms(
  p: Program,
  q: Value,
  tables: readonly [Value, Value],
  span: number,
): [Value, Value] {
  const [heads, tokens, channels] = q.shape;
  const shape = [heads, tokens, span];
  const macs = sizeOf(shape) * channels;
  // The table of each position against each, then one product for all that lie in one row (column): rows have to be brought
  // behind each other first, columns lie so.
  const [rows, columns] = tables.map((table, axis) => {
    const gathered = reordered(p, table, [span, span, channels]);
    const narrow = p.cast('product', q);
    const ordered = axis === 0 && heads > 1 ? reordered(p, narrow, q.shape) : narrow;
    return reordered(p, product(p, ordered, gathered, shape, macs), shape);
  });
  return [rows, columns];
}
