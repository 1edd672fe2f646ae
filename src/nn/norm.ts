// Normalisations: to mean 0 and deviation 1, then a gain and a bias for each channel.
import { instanceNorm as fusedInstanceNorm, layerNorm as fusedLayerNorm } from '../backends/fused';
import type { tf } from '../backends/tf';
import type { TensorsOf } from './parameters';
import { constant, Parameter } from './parameters';

type NormSpec = Record<'gain' | 'bias', Parameter>;
export type Norm = TensorsOf<NormSpec>;

/** Gain 1 and bias 0 of each channel. */
export function normSpec(channels: number): NormSpec {
  return { gain: new Parameter([channels], constant(1)), bias: new Parameter([channels], constant(0)) };
}

/** Over the last axis, each row by itself: [..., width] to [..., width]. */
export function layerNorm(x: tf.Tensor, { gain, bias }: Norm, epsilon = 1e-6): tf.Tensor {
  return fusedLayerNorm(x, { gain, bias, epsilon });
}

/** Over all voxels, each image and channel by itself: [batch, ...space, channels], any number of axes of space. */
export function instanceNorm(x: tf.Tensor, { gain, bias }: Norm, epsilon = 1e-5): tf.Tensor {
  return fusedInstanceNorm(x, { gain, bias, epsilon });
}
