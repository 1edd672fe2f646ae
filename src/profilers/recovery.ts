// Do the given samples come back from the resized picture?
//
// Resizing is a matrix A along each axis. Where A has full column rank, the given samples are the only ones that lead
// to the picture, and least squares finds them: x = (A'A)^-1 A'y. How much errors in y grow on the way back is the
// condition number of A, the ratio of its extreme singular values; that of a picture is the product of both axes'.
// A'A is a band, so all of this is a few operations a sample.
import { InputError } from '../base/errors';
import type { AxisMatrix } from '../sampling/resize';

/** A symmetric band matrix: row i holds its entries at columns i - width .. i. */
interface Band {
  n: number;
  width: number;
  rows: Float64Array;
}

/** A'A of an interpolation matrix. */
function gramOf({ from, to, taps, starts, weights }: AxisMatrix): Band {
  const width = taps - 1;
  const rows = new Float64Array(from * taps);
  for (let i = 0; i < to; i++) {
    for (let s = 0; s < taps; s++) {
      const row = (starts[i] + s) * taps;
      for (let t = 0; t <= s; t++) rows[row + width + t - s] += weights[i * taps + s] * weights[i * taps + t];
    }
  }
  return { n: from, width, rows };
}

/** L and D of G - shift I = L D L', without pivots: D has as many negative entries as G eigenvalues below the shift. */
function factor({ n, width, rows }: Band, shift: number): { l: Float64Array; d: Float64Array } {
  const stride = width + 1;
  const l = new Float64Array(rows.length);
  const d = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const first = Math.max(0, i - width);
    let pivot = rows[i * stride + width] - shift;
    for (let j = first; j < i; j++) {
      let sum = rows[i * stride + width + j - i];
      for (let k = Math.max(first, j - width); k < j; k++)
        sum -= l[i * stride + width + k - i] * d[k] * l[j * stride + width + k - j];
      l[i * stride + width + j - i] = sum / d[j];
      pivot -= (sum * sum) / d[j];
    }
    // A pivot of exactly 0 would divide by 0; so small a shift moves no eigenvalue that a double can tell.
    d[i] = pivot === 0 ? -1e-30 : pivot;
  }
  return { l, d };
}

/** How well an axis can be had back. */
export interface AxisRecovery {
  /** Independent samples among those given that the resized ones still tell apart. */
  rank: number;
  /** Ratio of the extreme singular values; null where the rank is not full, and nothing brings the samples back. */
  condition: number | null;
}

/** Singular values below this share of the largest count as zero. */
const negligible = 1e-6;

/** Rank and condition number of an interpolation matrix, by counting the eigenvalues of A'A below a bound. */
export function recoveryOf(matrix: AxisMatrix): AxisRecovery {
  const gram = gramOf(matrix);
  const below = (bound: number): number => factor(gram, bound).d.reduce((n, d) => n + Number(d < 0), 0);
  // Gershgorin: no eigenvalue exceeds the largest sum of absolute values along a row.
  const sums = new Float64Array(gram.n);
  for (let i = 0; i < gram.n; i++)
    for (let j = Math.max(0, i - gram.width); j <= i; j++) {
      const entry = Math.abs(gram.rows[i * (gram.width + 1) + gram.width + j - i]);
      sums[i] += entry;
      if (j < i) sums[j] += entry;
    }
  const limit = sums.reduce((a, b) => Math.max(a, b)) * (1 + 1e-9);
  const eigenvalue = (index: number): number => {
    let [low, high] = [0, limit];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (below(middle) > index) high = middle;
      else low = middle;
    }
    return (low + high) / 2;
  };
  const largest = eigenvalue(gram.n - 1);
  const rank = gram.n - below(largest * negligible ** 2);
  return { rank, condition: rank < gram.n ? null : Math.sqrt(largest / eigenvalue(0)) };
}

/**
 * The given samples from the resized ones, by least squares.
 * @param pixels  row by row, columns.to x rows.to
 * @returns row by row, columns.from x rows.from
 * @throws InputError where an axis has lost samples
 */
export function leastSquaresReturn(
  pixels: ArrayLike<number>,
  columns: AxisMatrix,
  rows: AxisMatrix,
): Float64Array {
  const narrow = new Float64Array(rows.to * columns.from);
  const across = solver(columns);
  for (let row = 0; row < rows.to; row++) {
    across(
      (i) => pixels[row * columns.to + i],
      (k, value) => (narrow[row * columns.from + k] = value),
    );
  }
  const out = new Float64Array(rows.from * columns.from);
  const down = solver(rows);
  for (let x = 0; x < columns.from; x++) {
    down(
      (i) => narrow[i * columns.from + x],
      (k, value) => (out[k * columns.from + x] = value),
    );
  }
  return out;
}

type Solve = (read: (i: number) => number, write: (k: number, value: number) => void) => void;

/** Solves A'A x = A'y for one line at a time; the factors are found once. */
function solver(matrix: AxisMatrix): Solve {
  const { from, to, taps, starts, weights } = matrix;
  const { rank } = recoveryOf(matrix);
  if (rank < from) {
    throw new InputError({
      what: 'cannot return from the resized picture',
      given: `${from} samples that became ${to}, of which ${rank} are independent`,
      expected: 'an axis that did not shrink',
      fix: 'choose a size of at least that of the plane',
    });
  }
  const { l, d } = factor(gramOf(matrix), 0);
  const x = new Float64Array(from);
  const width = taps - 1;
  return (read, write) => {
    x.fill(0);
    for (let i = 0; i < to; i++) {
      const y = read(i);
      for (let t = 0; t < taps; t++) x[starts[i] + t] += weights[i * taps + t] * y;
    }
    for (let i = 0; i < from; i++)
      for (let k = Math.max(0, i - width); k < i; k++) x[i] -= l[i * taps + width + k - i] * x[k];
    for (let i = 0; i < from; i++) x[i] /= d[i];
    for (let i = from - 1; i >= 0; i--)
      for (let k = Math.max(0, i - width); k < i; k++) x[k] -= l[i * taps + width + k - i] * x[i];
    for (let k = 0; k < from; k++) write(k, x[k]);
  };
}
