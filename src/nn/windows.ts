// Tokens of a grid cut into square windows, so that attention sees one window at a time, and put together again.
import { tf } from '../backends/tf';

/**
 * Cut a grid into windows, and each of these into heads of attention. A window that sticks out over the last row or column is
 * filled up with zeros.
 * @param x      [batch, rows, columns, width]
 * @param size   tokens along each side of a window; as many as rows and columns for the whole grid
 * @param heads  of width / heads channels each
 * @returns [windows * heads, size * size, width / heads], the windows of an image row by row, image after image
 */
export function toWindows(x: tf.Tensor, size: number, heads = 1): tf.Tensor {
  const [batch, rows, columns, width] = x.shape;
  const [down, across] = windowsOf(size, rows, columns);
  const [below, right] = [down * size - rows, across * size - columns];
  const full =
    below > 0 || right > 0
      ? tf.pad(x, [[0, 0], [0, below], [0, right], [0, 0]]) // prettier-ignore
      : x;
  const each = width / heads;
  const cut =
    down * across === 1
      ? tf.transpose(tf.reshape(full, [batch, size * size, heads, each]), [0, 2, 1, 3])
      : tf.transpose(tf.reshape(full, [batch * down, size, across, size, heads, each]), [0, 2, 4, 1, 3, 5]);
  return tf.reshape(cut, [batch * down * across * heads, size * size, each]);
}

/**
 * The way back; what was filled up is cut off.
 * @param x     [windows * heads, size * size, width / heads]
 * @param grid  batch, rows and columns of the grid that was cut
 * @returns [batch, rows, columns, width]
 */
export function fromWindows(
  x: tf.Tensor,
  size: number,
  [batch, rows, columns]: readonly [number, number, number],
  heads = 1,
): tf.Tensor {
  const each = x.shape.at(-1)!;
  const width = heads * each;
  const [down, across] = windowsOf(size, rows, columns);
  const cut =
    down * across === 1
      ? tf.transpose(tf.reshape(x, [batch, heads, size * size, each]), [0, 2, 1, 3])
      : tf.transpose(tf.reshape(x, [batch * down, across, heads, size, size, each]), [0, 3, 1, 4, 2, 5]);
  const full = tf.reshape(cut, [batch, down * size, across * size, width]);
  const whole = down * size === rows && across * size === columns;
  return whole ? full : tf.slice(full, [0, 0, 0, 0], [batch, rows, columns, width]);
}

/** Windows below each other and side by side. */
const windowsOf = (size: number, rows: number, columns: number): [down: number, across: number] => [
  Math.ceil(rows / size),
  Math.ceil(columns / size),
];
