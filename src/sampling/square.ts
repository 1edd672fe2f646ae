// Two ways to a square input.
//
// The study stretches each plane to a square (section 3.1), as SAM 3 does; SAM itself keeps the aspect, brings the
// longest side to the size and pads on the right and below (segment-anything, utils/transforms.py, modeling/sam.py).
import { InputError } from '../base/errors';
import type { VoxelArray } from '../volume/volume';
import type { AxisMatrix, Interpolation } from './resize';
import { axisMatrix, resize } from './resize';

/** `stretch`: each axis to the full size. `pad`: the longest side to the full size, zeros right and below. */
export type SquareWay = 'stretch' | 'pad';

/** How a picture of one size becomes a square. Before padding it has columns.to x rows.to samples. */
export interface SquareFit {
  way: SquareWay;
  /** Samples along each side of the square. */
  size: number;
  /** From the picture's width. */
  columns: AxisMatrix;
  /** From the picture's height. */
  rows: AxisMatrix;
  /** Columns of padding at the right. */
  padRight: number;
  /** Rows of padding at the bottom. */
  padBottom: number;
}

/**
 * Work out how a picture of width x height becomes size x size.
 * @throws InputError as `axisMatrix` does, and where padding would leave a picture without a row or column
 */
export function fitSquare(
  width: number,
  height: number,
  size: number,
  way: SquareWay,
  interpolation: Interpolation,
): SquareFit {
  // SAM's rounding, computed in its order: scale first, so that ties fall as they do there.
  const scale = size / Math.max(width, height);
  const side = (length: number): number => (way === 'stretch' ? size : Math.floor(length * scale + 0.5));
  if (side(width) < 1 || side(height) < 1) {
    throw new InputError({
      what: 'cannot pad to a square',
      given: `${width} x ${height} to ${size}`,
      expected: 'a shorter side that keeps at least one sample',
      fix: 'stretch instead, or cut the picture first',
    });
  }
  const columns = axisMatrix(width, side(width), interpolation);
  const rows = axisMatrix(height, side(height), interpolation);
  return { way, size, columns, rows, padRight: size - columns.to, padBottom: size - rows.to };
}

// The resized picture before padding; kept between calls.
let inner = new Float32Array(0);

/**
 * A picture as a square input.
 * @param pixels  row by row, fit.columns.from x fit.rows.from; finite
 * @param into    receives size x size samples, row by row; made when left out. Padding is 0: SAM pads after it has
 *                normalised, so 0 there means the mean of its training pictures
 * @throws InputError when a length does not fit
 */
export function toSquare(
  pixels: VoxelArray,
  fit: SquareFit,
  into: Float32Array = new Float32Array(fit.size * fit.size),
): Float32Array {
  const { size, columns, rows } = fit;
  if (into.length !== size * size) {
    throw new InputError({
      what: 'cannot write the square',
      given: `a buffer of ${into.length} samples`,
      expected: `${size} x ${size} = ${size * size}`,
      fix: 'pass a buffer of that length, or none',
    });
  }
  if (columns.to === size) {
    resize(pixels, columns, rows, into.subarray(0, size * rows.to));
    into.fill(0, size * rows.to);
    return into;
  }
  const width = columns.to;
  if (inner.length < width * rows.to) inner = new Float32Array(width * rows.to);
  resize(pixels, columns, rows, inner.subarray(0, width * rows.to));
  for (let row = 0; row < rows.to; row++) {
    into.set(inner.subarray(row * width, (row + 1) * width), row * size);
    into.fill(0, row * size + width, (row + 1) * size);
  }
  into.fill(0, rows.to * size);
  return into;
}
