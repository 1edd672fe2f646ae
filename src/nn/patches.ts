// Images cut into square patches, and put together again.
import { tf } from '../backends/tf';
import type { Linear } from './linear';
import { linear } from './linear';

/**
 * [height, width, channels] to one row a patch, pixels in row order: [patches, size * size * channels]. With a batch in
 * front, the patches of one image after those of another.
 */
export function toPatches(image: tf.Tensor, size: number): tf.Tensor {
  const [height, width, channels] = image.shape.slice(-3);
  const batch = image.rank === 4 ? image.shape[0] : 1;
  const [down, across] = [(batch * height) / size, width / size];
  const rows = tf.transpose(tf.reshape(image, [down, size, across, size * channels]), [0, 2, 1, 3]);
  return tf.reshape(rows, [down * across, size * size * channels]);
}

/** The way back: [patches, size * size * channels] to [down * size, across * size, channels]. */
export function fromPatches(
  rows: tf.Tensor,
  size: number,
  [down, across]: readonly [number, number],
): tf.Tensor {
  const channels = rows.shape[1]! / (size * size);
  const cut = tf.transpose(tf.reshape(rows, [down, across, size, size * channels]), [0, 2, 1, 3]);
  return tf.reshape(cut, [down * size, across * size, channels]);
}

/** A vision transformer's tokens: each patch by one linear layer, [(batch,) height, width, channels] to [patches, width]. */
export function embedPatches(image: tf.Tensor, layer: Linear, size: number): tf.Tensor {
  return linear(toPatches(image, size), layer);
}
