// Linear layers with ReLU between them: the perceptron of more than two layers.
import { tf } from '../backends/tf';
import type { Linear } from './linear';
import { linear, linearSpec } from './linear';
import type { Parameter } from './parameters';

/**
 * One linear layer for each step between two widths: [256, 256, 32] makes 256 to 256 and 256 to 32.
 * @param widths  at least two
 */
export function rectifiedSpec(widths: readonly number[]): Record<'weight' | 'bias', Parameter>[] {
  return widths.slice(1).map((to, k) => linearSpec(widths[k], to));
}

/** Linear, ReLU, linear, ..., linear: [..., first width] to [..., last width]. */
export function rectified(x: tf.Tensor, layers: readonly Linear[]): tf.Tensor {
  return layers.reduce((y, layer, k) => linear(k === 0 ? y : tf.relu(y), layer), x);
}
