// Decomposed relative positions (Li et al. 2022, MViTv2, arXiv 2112.01526): what a query gives a key depends on how many rows
// and how many columns lie between them, by one learned table for each.
import { tf } from '../backends/tf';
import type { TensorsOf } from './parameters';
import { constant, Parameter } from './parameters';

type RelativePositionsSpec = Record<'rows' | 'columns', Parameter>;
export type RelativePositions = TensorsOf<RelativePositionsSpec>;

/**
 * Tables [2 span - 1, each] for a square of `span` tokens a side: row d + span - 1 is for a query that lies d after its
 * key. They start at zero.
 * @param each  channels of a head
 */
export function relativePositionsSpec(span: number, each: number): RelativePositionsSpec {
  const table = (): Parameter => new Parameter([2 * span - 1, each], constant(0));
  return { rows: table(), columns: table() };
}

/** The table's row for every pair of a query and a key on one line: [span, span, each], the query first. */
function byPlace(table: tf.Tensor): tf.Tensor {
  const span = (table.shape[0] + 1) / 2;
  const places = Int32Array.from({ length: span * span }, (_, k) => {
    const [query, key] = [Math.floor(k / span), k % span];
    return query - key + span - 1;
  });
  return tf.reshape(tf.gather(table, tf.tensor1d(places, 'int32')), [span, span, -1]);
}

/**
 * What attention adds for each query, by the row and by the column of the key.
 * @param q  [batch * heads, span * span, each], not scaled; its tokens lie row by row
 * @returns rows and columns [batch * heads, span * span, span]
 */
export function relativeTerms(
  q: tf.Tensor,
  { rows, columns }: RelativePositions,
): Record<'rows' | 'columns', tf.Tensor> {
  const [heads, tokens, each] = q.shape;
  const span = Math.sqrt(tokens);
  /** q' [heads, line, across * each]: queries that lie on one line get one product. Lines first, and back again. */
  const along = (lines: tf.Tensor, table: tf.Tensor): tf.Tensor => {
    const [outer, , inner] = lines.shape;
    const first = tf.reshape(tf.transpose(lines, [1, 0, 2]), [span, (outer * inner) / each, each]);
    const terms = tf.matMul(first, byPlace(table), false, true); // [span, heads * span, span]
    const back = tf.transpose(tf.reshape(terms, [span, outer, -1]), [1, 0, 2]);
    return tf.reshape(back, [heads, tokens, span]);
  };
  return {
    rows: along(tf.reshape(q, [heads, span, span * each]), rows),
    columns: along(tf.reshape(q, [heads * span, span, each]), columns),
  };
}
