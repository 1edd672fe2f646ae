// A transposed convolution whose stride is its kernel: no outputs overlap, so it is one product and a change of order.
import { tf } from '../backends/tf';
import { product } from './linear';
import type { TensorsOf } from './parameters';
import { constant, normal, Parameter } from './parameters';

type TransposedConvolutionSpec = Record<'weight' | 'bias', Parameter>;
export type TransposedConvolution = TensorsOf<TransposedConvolutionSpec>;

/**
 * Weight [from, kernel, kernel, to] (row, column) and bias [to]. Starts so that outputs vary as inputs do.
 * @param kernel  its sides, and the stride
 */
export function transposedConvolutionSpec(
  kernel: number,
  from: number,
  to: number,
): TransposedConvolutionSpec {
  return {
    weight: new Parameter([from, kernel, kernel, to], normal(from ** -0.5)),
    bias: new Parameter([to], constant(0)),
  };
}

/**
 * As many times larger as the kernel is: [batch, height, width, from] to [batch, kernel height, kernel width, to]. Each pixel
 * makes its block of kernel x kernel by one product, and one transpose brings the rows of blocks to their places.
 */
export function transposedConvolution(x: tf.Tensor, { weight, bias }: TransposedConvolution): tf.Tensor {
  const [batch, height, width, from] = x.shape;
  const [, kernel, , to] = weight.shape;
  const blocks = product(x, tf.reshape(weight, [from, kernel * kernel * to])); // [..., kernel * kernel * to]
  const rows = tf.transpose(tf.reshape(blocks, [batch * height, width, kernel, kernel * to]), [0, 2, 1, 3]);
  return tf.add(tf.reshape(rows, [batch, kernel * height, kernel * width, to]), bias);
}
