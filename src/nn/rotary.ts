// Rotary positions (Su et al. 2021, arXiv 2104.09864): queries and keys are turned by angles that grow with their place, so
// that their products depend on how far apart they are and not on where. On a grid half of the channels turn with the column
// and half with the row, as in SAM 3.
import { tf } from '../backends/tf';

/** A grid of tokens, and how fast they turn. */
export interface RotaryGrid {
  readonly rows: number;
  readonly columns: number;
  /** Channels of a head: a multiple of 4. */
  readonly width: number;
  /** The slowest pair turns by `step` / base^(1 - 4 / width) from token to token, the fastest by `step`; 10000 mostly. */
  readonly base: number;
  /** From one token to the next: 1, or less where a grid is finer than the one that was trained on. */
  readonly step: number;
}

/** For `rotate` of fused operations. Cosine and sine of each token's angle in each channel: [tokens, width]; the sine of a pair is (-sine, sine). */
export interface Rotation {
  readonly cosine: tf.Tensor;
  readonly sine: tf.Tensor;
}

/**
 * The angles of a grid's tokens, row by row: pair p of the first width / 4 pairs turns by column * step / base^(4 p / width),
 * the others in the same way by row.
 */
export function gridRotation({ rows, columns, width, base, step }: RotaryGrid): Rotation {
  const pairs = width / 4;
  const cosine = new Float32Array(rows * columns * width);
  const sine = new Float32Array(rows * columns * width);
  for (let token = 0; token < rows * columns; token++) {
    const places = [token % columns, Math.floor(token / columns)];
    places.forEach((place, axis) => {
      for (let pair = 0; pair < pairs; pair++) {
        const angle = place * step * base ** (-pair / pairs);
        const at = token * width + 2 * (axis * pairs + pair);
        cosine.fill(Math.cos(angle), at, at + 2);
        sine[at] = -Math.sin(angle);
        sine[at + 1] = Math.sin(angle);
      }
    });
  }
  const shape: [number, number] = [rows * columns, width];
  return { cosine: tf.tensor2d(cosine, shape), sine: tf.tensor2d(sine, shape) };
}
