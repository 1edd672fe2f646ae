// The way of a picture to SAM's square input, and of SAM's masks back to the picture.
import { tf } from '../../backends/tf';
import { InputError } from '../../base/errors';
import type { AxisMatrix, Interpolation } from '../../sampling/resize';
import { axisMatrix } from '../../sampling/resize';
import type { SquareFit } from '../../sampling/square';
import { fitSquare, toSquare } from '../../sampling/square';

/** Mean and deviation of the red, green and blue of SAM's training pictures, of 255. */
export const pixelMean: readonly number[] = [123.675, 116.28, 103.53];
export const pixelDeviation: readonly number[] = [58.395, 57.12, 57.375];

/** What PIL does by default, and `torch` calls bilinear with antialiasing. */
const average: Interpolation = { kernel: 'bilinear', convention: 'pil', antialias: true };
/** What enlarges masks: `interpolate` of torch, which averages nothing where it makes them smaller. */
const point: Interpolation = { kernel: 'bilinear', convention: 'torch', antialias: false };

/** A picture in SAM's input. */
export interface Prepared {
  /** [imageSize, imageSize, channels], row by row, the channels of a pixel together. */
  values: Float32Array;
  /** Where the picture lies in it. */
  fit: SquareFit;
}

/**
 * A picture as SAM's input: the longest side resized to the size, each channel to mean 0 and deviation 1 of the training
 * pictures, zeros at the right and below. The reference rounds to whole numbers after resizing; this does not.
 * @param pixels  [height, width, channels] row by row, 0 to 255
 * @throws InputError for pixels that are not as many, and as `fitSquare`
 */
export function prepareImage(
  pixels: ArrayLike<number>,
  [height, width, channels]: readonly [number, number, number],
  size: number,
): Prepared {
  if (pixels.length !== height * width * channels || channels !== pixelMean.length) {
    throw new InputError({
      what: 'cannot prepare the picture',
      given: `${pixels.length} values for [${height}, ${width}, ${channels}]`,
      expected: `[height, width, ${pixelMean.length}] with as many values`,
      fix: 'give a colour picture; repeat a grey one three times',
    });
  }
  const fit = fitSquare(width, height, size, 'pad', average);
  const values = new Float32Array(size * size * channels);
  const plane = new Float32Array(height * width);
  const square = new Float32Array(size * size);
  for (let channel = 0; channel < channels; channel++) {
    for (let k = 0; k < plane.length; k++)
      plane[k] = (pixels[k * channels + channel] - pixelMean[channel]) / pixelDeviation[channel];
    toSquare(plane, fit, square);
    for (let k = 0; k < square.length; k++) values[k * channels + channel] = square[k];
  }
  return { values, fit };
}

/** x and y of a picture's pixels as those of SAM's input: of points, and of boxes' corners. */
export function toInput(positions: ArrayLike<number>, { columns, rows }: SquareFit): Float32Array {
  const scales = [columns.to / columns.from, rows.to / rows.from];
  return Float32Array.from(positions, (value, k) => value * scales[k % 2]);
}

/**
 * Masks on the picture: enlarged bilinearly to SAM's input, cut to where the picture lies, and resized bilinearly to it.
 * All three are one matrix for each axis, so that no mask of the input's size is made, and the gradient is right
 * everywhere.
 * @param masks  [batch, prompts, rows, columns, masks], logits
 * @returns [batch, prompts, height, width, masks]
 */
export function restoreMasks(masks: tf.Tensor, { columns, rows, size }: SquareFit): tf.Tensor {
  const [batch, prompts, height, width, count] = masks.shape as [number, number, number, number, number];
  return tf.tidy('restore masks', () => {
    const down = matrixOf(chain(height, rows, size)); // [picture's height, height]
    const across = matrixOf(chain(width, columns, size));
    const flat = tf.reshape(masks, [batch * prompts, height, width * count]);
    const tall = tf.matMul(down, flat); // [all, picture's height, width * count]
    const picture = tf.matMul(across, tf.reshape(tall, [batch * prompts * rows.from, width, count]));
    return tf.reshape(picture, [batch, prompts, rows.from, columns.from, count]);
  });
}

/** From a mask's axis to the input's, and from the part of it that has the picture to the picture's. */
function chain(from: number, picture: AxisMatrix, size: number): [AxisMatrix, AxisMatrix] {
  return [axisMatrix(from, size, point), axisMatrix(picture.to, picture.from, point)];
}

/** The product of both, [1, picture, mask]. The second sees the first's first rows only: the rest is padding. */
function matrixOf([first, second]: [AxisMatrix, AxisMatrix]): tf.Tensor3D {
  const values = new Float32Array(second.to * first.from);
  for (let row = 0; row < second.to; row++)
    for (let k = 0; k < second.taps; k++) {
      const between = second.starts[row] + k;
      const weight = second.weights[row * second.taps + k];
      for (let l = 0; l < first.taps; l++)
        values[row * first.from + first.starts[between] + l] +=
          weight * first.weights[between * first.taps + l];
    }
  return tf.tensor3d(values, [1, second.to, first.from]);
}
