// How much of a reference mask survives the way to the square and back: the Dice that no model can exceed there.
import type { Interpolation } from '../sampling/resize';
import { axisMatrix, resize } from '../sampling/resize';
import type { SquareFit } from '../sampling/square';

/** Dice of two masks (above 0 is inside): 2 |A and B| / (|A| + |B|). NaN when both are empty. */
function diceOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let both = 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const [inA, inB] = [a[i] > 0, b[i] > 0];
    if (inA && inB) both++;
    sum += Number(inA) + Number(inB);
  }
  return (2 * both) / sum;
}

/** Inside is what is at least half covered. */
function threshold(values: Float32Array): Float32Array {
  return values.map((v) => (v >= 0.5 ? 1 : 0));
}

/**
 * A mask becomes a mask on the input grid (resized, cut at one half), and comes back the same way.
 * @param mask  0 or 1, row by row
 * @param fit   the way of its plane, made with `interpolation`
 * @returns Dice with the mask itself
 */
export function diceThroughInput(mask: Float32Array, fit: SquareFit, interpolation: Interpolation): number {
  const { columns, rows } = fit;
  const there = threshold(resize(mask, columns, rows));
  const back = resize(
    there,
    axisMatrix(columns.to, columns.from, interpolation),
    axisMatrix(rows.to, rows.from, interpolation),
  );
  return diceOf(threshold(back), mask);
}

/**
 * A mask as SAM's decoder can at best draw it: soft values on a grid a quarter as fine as the input (256 for 1024),
 * enlarged bilinearly to the input, then to the plane, and cut at one half (segment-anything, modeling/sam.py,
 * postprocess_masks).
 */
export function diceThroughDecoder(mask: Float32Array, { columns, rows }: SquareFit): number {
  const soft = { kernel: 'bilinear', convention: 'torch', antialias: true } as const;
  const enlarge = { ...soft, antialias: false };
  const [width, height] = [Math.ceil(columns.to / 4), Math.ceil(rows.to / 4)];
  const low = resize(mask, axisMatrix(columns.from, width, soft), axisMatrix(rows.from, height, soft));
  const input = resize(low, axisMatrix(width, columns.to, enlarge), axisMatrix(height, rows.to, enlarge));
  const back = resize(
    input,
    axisMatrix(columns.to, columns.from, enlarge),
    axisMatrix(rows.to, rows.from, enlarge),
  );
  return diceOf(threshold(back), mask);
}
