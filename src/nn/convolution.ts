// Convolutions of images and volumes, channels last, and the up-convolution of U-Nets.
import { tf } from '../backends/tf';
import type { TensorsOf } from './parameters';
import { constant, normal, Parameter } from './parameters';

type ConvolutionSpec = Record<'filter' | 'bias', Parameter>;
export type Convolution = TensorsOf<ConvolutionSpec>;

/**
 * Filter [...kernel, from, to] and bias [to]. Starts as He et al. (2015) for rectified outputs.
 * @param kernel  [3, 3] for images, [3, 3, 3] for volumes
 */
export function convolutionSpec(kernel: readonly number[], from: number, to: number): ConvolutionSpec {
  const fan = kernel.reduce((product, length) => product * length, from);
  return {
    filter: new Parameter([...kernel, from, to], normal((2 / fan) ** 0.5)),
    bias: new Parameter([to], constant(0)),
  };
}

/** [batch, height, width, from] to [batch, ceil(height / stride), ..., to]; zeros around, as TensorFlow's `same`. */
export function convolve2d(x: tf.Tensor, { filter, bias }: Convolution, stride = 1): tf.Tensor {
  return tf.add(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, 'same'), bias);
}

/** [batch, depth, height, width, from] to [batch, ceil(depth / stride), ..., to]; zeros around, as TensorFlow's `same`. */
export function convolve3d(x: tf.Tensor, { filter, bias }: Convolution, stride = 1): tf.Tensor {
  return tf.add(tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, stride, 'same'), bias);
}

type UpConvolutionSpec = Record<'weight', Parameter>;
export type UpConvolution = TensorsOf<UpConvolutionSpec>;

/** Weight [from, 2 * 2 * 2 * to] of a transposed convolution whose stride is its kernel, 2: no outputs overlap. */
export function upConvolutionSpec(from: number, to: number): UpConvolutionSpec {
  return { weight: new Parameter([from, 8 * to], normal(from ** -0.5)) };
}

/**
 * Twice the size: [1, depth, height, width, from] to [1, 2 depth, 2 height, 2 width, to]. Each voxel makes a block of
 * 2 x 2 x 2 by one product; two transposes bring the blocks to their places, none of more than four axes.
 */
export function upConvolve3d(x: tf.Tensor, { weight }: UpConvolution): tf.Tensor {
  const [, depth, height, width, from] = x.shape;
  const to = weight.shape[1]! / 8;
  const y = tf.matMul(tf.reshape(x, [depth * height * width, from]), weight); // columns: plane, row, column, channel
  const planes = tf.transpose(tf.reshape(y, [depth, height * width, 2, 4 * to]), [0, 2, 1, 3]);
  const rows = tf.transpose(tf.reshape(planes, [2 * depth * height, width, 2, 2 * to]), [0, 2, 1, 3]);
  return tf.reshape(rows, [1, 2 * depth, 2 * height, 2 * width, to]);
}
