// Eq. 2 of the study in plain numbers: squared differences of predictions where planes meet, its gradient by hand, and how
// little of a picture it touches. intersection.ts is the same on tensors, for training.
import { InputError } from '../base/errors';

/** Predictions of two planes for the voxels that they share, in one order. */
export interface SharedLine {
  first: ArrayLike<number>;
  second: ArrayLike<number>;
}

function checkLine({ first, second }: SharedLine): void {
  if (first.length === second.length) return;
  throw new InputError({
    what: 'cannot compare two planes on their line',
    given: `${first.length} and ${second.length} predictions`,
    expected: 'one of each plane for each shared voxel',
    fix: 'read both along the line that `intersectionLine` gives',
  });
}

/**
 * The consistency term: the sum over lines and shared voxels of (first - second)². Eq. 2 has the axial-coronal and the
 * axial-sagittal line and multiplies by lambda.
 * @throws InputError for a line whose ends do not pair
 */
export function eq2(lines: readonly SharedLine[]): number {
  let sum = 0;
  for (const line of lines) {
    checkLine(line);
    for (let i = 0; i < line.first.length; i++) sum += (line.first[i] - line.second[i]) ** 2;
  }
  return sum;
}

/** Its gradient with respect to the predictions of one line: 2 (first - second), and the opposite for the partner. */
export function eq2Gradient(line: SharedLine): { first: number[]; second: number[] } {
  checkLine(line);
  const first = Array.from(line.first, (p, i) => 2 * (p - line.second[i]));
  return { first, second: first.map((g) => -g) };
}

/**
 * The share of a picture's pixels that lie on its lines with two other planes: one row and one column, or k of each.
 * @param width, height  of the picture, in pixels
 */
export function lineShare(width: number, height: number, k = 1): number {
  return (k * width + k * height - k * k) / (width * height);
}
