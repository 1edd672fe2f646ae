// The operations of fused/ written in operations of TensorFlow.js, with gradients that save little: what runs where a
// backend has no kernel of ours, and what those kernels are held to.
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tf';
import { operation } from './operation';

/**
 * Layer norm over the last axis. Saves the normalised x and 1 / standard deviation: one tensor as large as x, where the
 * plain tape keeps five.
 */
export function layerNorm(x: Tensor, gain: Tensor, bias: Tensor, epsilon: number): Tensor {
  return operation(
    'layerNorm',
    { x, gain, bias },
    (save) => {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
      const normal = tf.mul(centred, scale);
      save([normal, scale, gain]);
      return tf.add(tf.mul(normal, gain), bias);
    },
    (dy, [normal, scale, gain]) => {
      const width = gain.size;
      const overRows = (t: Tensor): Tensor => tf.sum(tf.reshape(t, [-1, width]), 0);
      return {
        // With g = dy gain: (g - mean(g) - normal mean(g normal)) / standard deviation.
        x: () => {
          const g = tf.mul(dy, gain);
          const along = tf.mul(normal, tf.mean(tf.mul(g, normal), -1, true));
          return tf.mul(tf.sub(tf.sub(g, tf.mean(g, -1, true)), along), scale);
        },
        gain: () => overRows(tf.mul(dy, normal)),
        bias: () => overRows(dy),
      };
    },
  );
}

/**
 * Instance norm over the middle axis of [batch, voxels, channels]. Saves the centred x and 1 / standard deviation: one tensor
 * as large as x, where the plain tape keeps four, and with half the passes over it in the backward pass.
 */
export function instanceNorm(x: Tensor, gain: Tensor, bias: Tensor, epsilon: number): Tensor {
  return operation(
    'instanceNorm',
    { x, gain, bias },
    (save) => {
      const centred = tf.sub(x, tf.mean(x, 1, true));
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
      save([centred, scale, gain]);
      return tf.add(tf.mul(centred, tf.mul(scale, gain)), bias);
    },
    (dy, [centred, scale, gain]) => {
      // Means over the voxels, [batch, 1, channels]; all three gradients are made of them.
      const mean = tf.mean(dy, 1, true);
      const along = tf.mean(tf.mul(dy, centred), 1, true);
      const [, voxels, channels] = dy.shape;
      const summed = (t: Tensor): Tensor => tf.mul(tf.sum(tf.reshape(t, [-1, channels]), 0), voxels);
      return {
        x: () => {
          const slope = tf.mul(along, tf.square(scale));
          return tf.mul(tf.sub(dy, tf.add(tf.mul(centred, slope), mean)), tf.mul(scale, gain));
        },
        gain: () => summed(tf.mul(along, scale)),
        bias: () => summed(mean),
      };
    },
  );
}

const halfOf1PlusErf = (x: Tensor): Tensor => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

/** GELU. Saves x alone; the error function is computed a second time in the backward pass. */
export function gelu(x: Tensor): Tensor {
  return operation(
    'gelu',
    { x },
    (save) => {
      save([x]);
      return tf.mul(x, halfOf1PlusErf(x));
    },
    (dy, [x]) => ({
      x: () => {
        const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        return tf.mul(dy, tf.add(halfOf1PlusErf(x), tf.mul(x, density)));
      },
    }),
  );
}

/** SAM's two terms of a relative position: by row and by column of the key. */
export interface RelativeTerms {
  /** [batch, queries, rows of keys]. */
  rows: Tensor;
  /** [batch, queries, columns of keys]. */
  columns: Tensor;
}

/** For every key of a grid, 1 at its row and 1 at its column: [keys, rows + columns]. */
function places(rows: number, columns: number): Tensor {
  const width = rows + columns;
  const values = new Float32Array(rows * columns * width);
  for (let key = 0; key < rows * columns; key++) {
    values[key * width + Math.floor(key / columns)] = 1;
    values[key * width + rows + (key % columns)] = 1;
  }
  return tf.tensor(values, [1, rows * columns, width]);
}

/**
 * Attention of q [batch, queries, width] to k and v [batch, keys, width]: softmax(scale q k' + relative) v. Saves one map
 * [batch, queries, keys]. The relative terms are further columns of q, and the places of the keys those of k: so they
 * take part in the product, and no second map is made for them.
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  relative: RelativeTerms | undefined,
): Tensor {
  const width = q.shape[2]!;
  const terms = relative ? [relative.rows, relative.columns] : [];
  const sizes = terms.map((term) => term.shape[2]!);
  const widened = (k: Tensor): Tensor => {
    if (!relative) return k;
    const at = tf.tile(places(sizes[0], sizes[1]), [k.shape[0], 1, 1]);
    return tf.concat([k, at], 2);
  };
  const inputs: Record<string, Tensor> = { q, k, v };
  if (relative) Object.assign(inputs, { rows: relative.rows, columns: relative.columns });
  return operation(
    'attention',
    inputs,
    (save) => {
      const scaled = tf.mul(q, scale);
      const logits = tf.matMul(relative ? tf.concat([scaled, ...terms], 2) : scaled, widened(k), false, true);
      const map = tf.softmax(logits);
      const out = tf.matMul(map, v);
      save([scaled, k, v, map, out]);
      return out;
    },
    (dy, [scaled, k, v, map, out]) => {
      const gradients = tf.tidy(() => {
        // The sum of dmap map over the keys is that of dy out over the width.
        const dmap = tf.matMul(dy, v, false, true);
        const dlogits = tf.mul(map, tf.sub(dmap, tf.sum(tf.mul(dy, out), -1, true)));
        const wide = tf.matMul(dlogits, widened(k));
        const [dscaled, ...dterms] = relative ? tf.split(wide, [width, ...sizes], 2) : [wide];
        return [tf.mul(dscaled, scale), tf.matMul(dlogits, scaled, true), ...dterms];
      });
      const names = ['q', 'k', ...(relative ? ['rows', 'columns'] : [])];
      return {
        ...Object.fromEntries(names.map((name, i) => [name, () => gradients[i]])),
        v: () => tf.matMul(map, dy, true),
      };
    },
  );
}
