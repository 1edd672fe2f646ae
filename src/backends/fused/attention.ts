// Attention in operations of TensorFlow.js: with its map kept for the backward pass, or with maps of some heads at a time that
// are computed again.
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tf';
import { operation } from './operation';

/** SAM's two terms of a relative position: by row and by column of the key. */
export interface RelativeTerms {
  /** [batch, queries, rows of keys]. */
  rows: Tensor;
  /** [batch, queries, columns of keys]. */
  columns: Tensor;
}

/** q [batch, queries, width], k and v [batch, keys, width], and both relative terms where there are any. */
type Given = Record<'q' | 'k' | 'v', Tensor> & Partial<RelativeTerms>;
/** Rows and columns of the grid of keys, where there are relative terms. */
type Grid = readonly [rows: number, columns: number] | undefined;

const gridOf = (relative: Partial<RelativeTerms> | undefined): Grid =>
  relative?.rows && relative.columns && [relative.rows.shape[2]!, relative.columns.shape[2]!];

/** Numbers of `places` by grid: chunks ask for the same again and again. */
const placed = new Map<string, Float32Array>();

/** For every key of a grid, 1 at its row and 1 at its column: [keys, rows + columns]. */
function places(rows: number, columns: number): Tensor {
  const grid = `${rows} x ${columns}`;
  const values = placed.get(grid) ?? placeNumbers(rows, columns);
  placed.set(grid, values);
  return tf.tensor(values, [1, rows * columns, rows + columns]);
}

function placeNumbers(rows: number, columns: number): Float32Array {
  const width = rows + columns;
  const values = new Float32Array(rows * columns * width);
  for (let key = 0; key < rows * columns; key++) {
    values[key * width + Math.floor(key / columns)] = 1;
    values[key * width + rows + (key % columns)] = 1;
  }
  return values;
}

/**
 * The relative terms are further columns of q, and the places of the keys those of k: so they take part in the product, and no
 * second map is made for them.
 */
function widenedKeys(k: Tensor, grid: Grid): Tensor {
  if (!grid) return k;
  const at = tf.tile(places(...grid), [k.shape[0], 1, 1]);
  return tf.concat([k, at], 2);
}

/** softmax(scale q k' + relative): [batch, queries, keys]. @param scaled  scale q */
function mapOf(scaled: Tensor, k: Tensor, { rows, columns }: Partial<RelativeTerms> = {}): Tensor {
  const wide = rows && columns ? tf.concat([scaled, rows, columns], 2) : scaled;
  return tf.softmax(tf.matMul(wide, widenedKeys(k, gridOf({ rows, columns })), false, true));
}

/**
 * Gradients by q, k and the relative terms.
 * @param along  the sum of dmap map over the keys, [batch, queries, 1]
 */
function gradientsOf(
  { scaled, k, map, dmap, along }: Record<'scaled' | 'k' | 'map' | 'dmap' | 'along', Tensor>,
  scale: number,
  grid: Grid,
): Record<string, Tensor> {
  const dlogits = tf.mul(map, tf.sub(dmap, along));
  const wide = tf.matMul(dlogits, widenedKeys(k, grid));
  const [dscaled, ...dterms] = grid ? tf.split(wide, [scaled.shape[2]!, ...grid], 2) : [wide];
  const [rows, columns] = dterms;
  return {
    q: tf.mul(dscaled, scale),
    k: tf.matMul(dlogits, scaled, true),
    ...(grid && { rows, columns }),
  };
}

const later = (gradients: Record<string, Tensor>): Record<string, () => Tensor> =>
  Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, () => gradient]));

/**
 * Attention of q [batch, queries, width] to k and v [batch, keys, width]: softmax(scale q k' + relative) v. Saves one map
 * [batch, queries, keys].
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  relative: RelativeTerms | undefined,
): Tensor {
  const inputs: Record<string, Tensor> = { q, k, v, ...relative };
  return operation(
    'attention',
    inputs,
    (save) => {
      const scaled = tf.mul(q, scale);
      const map = mapOf(scaled, k, relative);
      const out = tf.matMul(map, v);
      save([scaled, k, v, map, out]);
      return out;
    },
    (dy, [scaled, k, v, map, out]) => {
      const gradients = tf.tidy(() => {
        const dmap = tf.matMul(dy, v, false, true);
        // The sum of dmap map over the keys is that of dy out over the width.
        const along = tf.sum(tf.mul(dy, out), -1, true);
        return gradientsOf({ scaled, k, map, dmap, along }, scale, gridOf(relative));
      });
      return { ...later(gradients), v: () => tf.matMul(map, dy, true) };
    },
  );
}

/**
 * The same in chunks along the batch (heads of windows), at least one at a time. Saves what it is given and no map: the backward
 * pass computes that of each chunk again, one forward product more.
 * @param most  bytes that the map of one chunk may have
 */
export function attentionInChunks(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  relative: RelativeTerms | undefined,
  most = Infinity,
): Tensor {
  const inputs: Record<string, Tensor> = { q, k, v, ...relative };
  const names = Object.keys(inputs);
  const batch = q.shape[0];
  const each = Math.max(1, Math.floor(most / (4 * q.shape[1]! * k.shape[1]!)));
  const inChunks = (tensors: Tensor[], f: (chunk: Tensor[]) => Tensor[]): Tensor[] => {
    if (each >= batch) return f(tensors);
    const chunks: Tensor[][] = [];
    for (let from = 0; from < batch; from += each)
      chunks.push(
        tf.tidy(() =>
          f(tensors.map((x) => tf.slice(x, [from, 0, 0], [Math.min(each, batch - from), -1, -1]))),
        ),
      );
    return chunks[0].map((_, i) => {
      const whole = tf.concat(chunks.map((chunk) => chunk[i]), 0); // prettier-ignore
      tf.dispose(chunks.map((chunk) => chunk[i]));
      return whole;
    });
  };
  const named = (tensors: Tensor[]): Given =>
    Object.fromEntries(names.map((name, i) => [name, tensors[i]])) as Given & Record<string, Tensor>;
  return operation(
    'attention in chunks',
    inputs,
    (save) => {
      save(Object.values(inputs));
      const [out] = inChunks(Object.values(inputs), (chunk) => {
        const { q, k, v, ...terms } = named(chunk);
        return [tf.matMul(mapOf(tf.mul(q, scale), k, terms), v)];
      });
      return out;
    },
    (dy, saved) => {
      const gradients = tf.tidy(() =>
        inChunks([dy, ...saved], ([dy, ...chunk]) => {
          const { q, k, v, ...terms } = named(chunk);
          const scaled = tf.mul(q, scale);
          const map = mapOf(scaled, k, terms);
          const dmap = tf.matMul(dy, v, false, true);
          const along = tf.sum(tf.mul(dmap, map), -1, true);
          const found = gradientsOf({ scaled, k, map, dmap, along }, scale, gridOf(terms));
          return names.map((name) => (name === 'v' ? tf.matMul(map, dy, true) : found[name]));
        }),
      );
      return later({ ...named(gradients) });
    },
  );
}
