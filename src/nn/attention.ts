// Multi-head attention (Vaswani et al. 2017).
import { attention } from '../backends/fused';
import { tf } from '../backends/tf';

/** [tokens, width] cut into heads: [heads, tokens, width / heads]; with a batch in front, [batch * heads, tokens, ...]. */
export function splitHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const [tokens, width] = x.shape.slice(-2);
  const each = width / heads;
  if (x.rank === 2) return tf.transpose(tf.reshape(x, [tokens, heads, each]), [1, 0, 2]);
  const cut = tf.transpose(tf.reshape(x, [x.shape[0], tokens, heads, each]), [0, 2, 1, 3]);
  return tf.reshape(cut, [x.shape[0] * heads, tokens, each]);
}

/** The way back: [batch * heads, tokens, each] to [tokens, width], or to [batch, tokens, width] where a batch is given. */
export function mergeHeads(x: tf.Tensor, heads: number, batch?: number): tf.Tensor {
  const [, tokens, each] = x.shape;
  if (batch === undefined) return tf.reshape(tf.transpose(x, [1, 0, 2]), [tokens, heads * each]);
  const cut = tf.transpose(tf.reshape(x, [batch, heads, tokens, each]), [0, 2, 1, 3]);
  return tf.reshape(cut, [batch, tokens, heads * each]);
}

/**
 * Attention of tokens among themselves, before the projection that follows.
 * @param q, k, v  [tokens, width], or [batch, tokens, width]
 * @returns the same shape
 */
export function multiHeadAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, heads: number): tf.Tensor {
  const scale = (q.shape.at(-1)! / heads) ** -0.5;
  const mixed = attention(splitHeads(q, heads), splitHeads(k, heads), splitHeads(v, heads), { scale });
  return mergeHeads(mixed, heads, q.rank === 3 ? q.shape[0] : undefined);
}
