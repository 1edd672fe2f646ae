// The pixel ledger: how much of a square input was acquired, and how much was made up.
import type { SquareFit } from './square';

/**
 * Samples of a square input. total = original + interpolated + padded.
 *
 * `original` counts how many of them can be chosen freely by what the scanner saw: min(from, to) along each axis,
 * which is the rank of the interpolation. It does not say that so many pixels hold an acquired value unchanged: with
 * half-pixel centres hardly any does. All other samples of the picture are combinations of these.
 */
export interface PixelLedger {
  total: number;
  original: number;
  interpolated: number;
  padded: number;
  /** Acquired samples that the input has no room for: 0 unless an axis shrinks. */
  lost: number;
}

/** The ledger of one plane and way. */
export function ledgerOf({ size, columns, rows }: SquareFit): PixelLedger {
  const total = size * size;
  const picture = columns.to * rows.to;
  const original = Math.min(columns.from, columns.to) * Math.min(rows.from, rows.to);
  return {
    total,
    original,
    interpolated: picture - original,
    padded: total - picture,
    lost: columns.from * rows.from - original,
  };
}
