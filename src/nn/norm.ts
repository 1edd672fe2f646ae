// Normalisations: to mean 0 and deviation 1, then a gain and a bias for each channel.
import { tf } from '../backends/tf';
import type { TensorsOf } from './parameters';
import { constant, Parameter } from './parameters';

type NormSpec = Record<'gain' | 'bias', Parameter>;
export type Norm = TensorsOf<NormSpec>;

/** Gain 1 and bias 0 of each channel. */
export function normSpec(channels: number): NormSpec {
  return { gain: new Parameter([channels], constant(1)), bias: new Parameter([channels], constant(0)) };
}

/** x [..., features] normalised along one axis; the variance is that of a population. */
function normalised(x: tf.Tensor, axis: number, epsilon: number): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, axis, true));
  const variance = tf.mean(tf.square(centred), axis, true);
  return tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
}

/** Over the last axis, each row by itself: [..., width] to [..., width]. */
export function layerNorm(x: tf.Tensor, { gain, bias }: Norm, epsilon = 1e-6): tf.Tensor {
  return tf.add(tf.mul(normalised(x, -1, epsilon), gain), bias);
}

/** Over all voxels, each image and channel by itself: [batch, ...space, channels], any number of axes of space. */
export function instanceNorm(x: tf.Tensor, { gain, bias }: Norm, epsilon = 1e-5): tf.Tensor {
  const channels = x.shape.at(-1)!;
  const flat = tf.reshape(x, x.shape[0] === 1 ? [-1, channels] : [x.shape[0], -1, channels]);
  const y = tf.add(tf.mul(normalised(flat, flat.rank - 2, epsilon), gain), bias);
  return tf.reshape(y, x.shape);
}
