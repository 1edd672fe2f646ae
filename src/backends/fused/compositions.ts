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

/** The two channels of each pair of neighbours exchanged. */
const exchanged = (x: Tensor): Tensor => tf.reshape(tf.reverse(tf.reshape(x, [-1, 2]), 1), x.shape);

/** Pairs of channels turned. Saves the tables alone: the gradient turns back, and needs nothing of x. */
export function rotate(x: Tensor, cosine: Tensor, sine: Tensor): Tensor {
  const turned = (t: Tensor, cosine: Tensor, sine: Tensor): Tensor =>
    tf.add(tf.mul(t, cosine), tf.mul(exchanged(t), sine));
  return operation(
    'rotate',
    { x },
    (save) => {
      save([cosine, sine]);
      return turned(x, cosine, sine);
    },
    (dy, [cosine, sine]) => ({ x: () => turned(dy, cosine, exchanged(sine)) }),
  );
}
