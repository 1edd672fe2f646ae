// How much of a reference mask survives the way to the square and back: the Dice that no model can exceed there.
import type { AxisMatrix, Interpolation } from '../sampling/resize';
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

/** The Dice of a mask with what is left of it; the matrices are made once for many masks of one size. */
export type MaskReturn = (mask: Float32Array) => number;

/**
 * A mask becomes a mask on the input grid (resized, cut at one half), and comes back the same way.
 * @param fit  the way of its plane, made with `interpolation`
 * @returns a function of masks: 0 or 1, row by row
 */
export function throughInput({ columns, rows }: SquareFit, interpolation: Interpolation): MaskReturn {
  const across = axisMatrix(columns.to, columns.from, interpolation);
  const down = axisMatrix(rows.to, rows.from, interpolation);
  return (mask) => {
    const there = threshold(resize(mask, columns, rows));
    return diceOf(threshold(resize(there, across, down)), mask);
  };
}

/**
 * A mask as SAM's decoder can at best draw it: soft values on a grid a quarter as fine as the input (256 for 1024),
 * enlarged bilinearly to the input, then to the plane, and cut at one half (segment-anything, modeling/sam.py,
 * postprocess_masks).
 * @returns a function of masks: 0 or 1, row by row
 */
export function throughDecoder({ columns, rows }: SquareFit): MaskReturn {
  const point = { kernel: 'bilinear', convention: 'torch', antialias: false } as const;
  const average = { ...point, antialias: true };
  const steps = (axis: AxisMatrix): AxisMatrix[] => {
    const low = Math.ceil(axis.to / 4);
    return [
      axisMatrix(axis.from, low, average),
      axisMatrix(low, axis.to, point),
      axisMatrix(axis.to, axis.from, point),
    ];
  };
  const across = steps(columns);
  const down = steps(rows);
  return (mask) => {
    const back = across.reduce((picture, matrix, i) => resize(picture, matrix, down[i]), mask);
    return diceOf(threshold(back), mask);
  };
}
