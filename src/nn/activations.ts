// Activations.
import { gelu as fusedGelu, leakyRelu as fusedLeakyRelu } from '../backends/fused';
import type { tf } from '../backends/tf';

/** x times the share of a standard normal below x, by the error function and not by its approximation with tanh. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return fusedGelu(x);
}

/** x where it is positive, else `slope` x. */
export function leakyRelu(x: tf.Tensor, slope = 0.01): tf.Tensor {
  return fusedLeakyRelu(x, slope);
}
