import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ledgerOf } from '../../src/sampling/ledger';
import type { Interpolation } from '../../src/sampling/resize';
import { resize } from '../../src/sampling/resize';
import { fitSquare, toSquare } from '../../src/sampling/square';

const bicubic: Interpolation = { kernel: 'bicubic', convention: 'pil', antialias: true };
const bilinear: Interpolation = { kernel: 'bilinear', convention: 'torch', antialias: false };
const way = fc.constantFrom('stretch' as const, 'pad' as const);
const side = fc.integer({ min: 1, max: 300 });

describe('squares', () => {
  it('pads a 240 x 155 plane to 1024 x 661 as SAM does, and stretches it otherwise', () => {
    const pad = fitSquare(240, 155, 1024, 'pad', bicubic);
    expect([pad.columns.to, pad.rows.to, pad.padRight, pad.padBottom]).toEqual([1024, 661, 0, 363]);
    const upright = fitSquare(155, 240, 1024, 'pad', bicubic);
    expect([upright.columns.to, upright.rows.to, upright.padRight, upright.padBottom]).toEqual([
      661, 1024, 363, 0,
    ]);
    const stretched = fitSquare(240, 155, 1008, 'stretch', bicubic);
    expect([stretched.columns.to, stretched.rows.to, stretched.padRight]).toEqual([1008, 1008, 0]);
  });

  it('rounds the shorter side as floor(x * scale + 0.5), never to the full side plus one', () => {
    // 3 x 2 to 5: 2 * 5/3 = 3.33 -> 3; 4 x 2 to 5: 2.5 -> 3; 1000 x 7 to 100: 0.7 -> 1.
    for (const [w, h, size, expected] of [
      [3, 2, 5, 3],
      [4, 2, 5, 3],
      [1000, 7, 100, 1],
    ])
      expect(fitSquare(w, h, size, 'pad', bilinear).rows.to).toBe(expected);
    expect(() => fitSquare(1000, 4, 100, 'pad', bilinear)).toThrow(/1000 x 4 to 100.*stretch instead/);
  });

  it('holds the resized picture in its corner and zeros elsewhere, in a used buffer too', () => {
    fc.assert(
      fc.property(way, side, side, (w, width, height) => {
        fc.pre(Math.min(width, height) * 40 > Math.max(width, height));
        const fit = fitSquare(width, height, 64, w, bilinear);
        const x = Float32Array.from({ length: width * height }, (_, i) => Math.sin(i) + 2);
        const square = toSquare(x, fit, new Float32Array(64 * 64).fill(NaN));
        const picture = resize(x, fit.columns, fit.rows);
        for (let row = 0; row < 64; row++)
          for (let column = 0; column < 64; column++) {
            const inside = column < fit.columns.to && row < fit.rows.to;
            const expected = inside ? picture[column + fit.columns.to * row] : 0;
            if (square[column + 64 * row] !== expected) expect.fail(`at ${column}, ${row}`);
          }
      }),
      { numRuns: 30 },
    );
    const fit = fitSquare(3, 3, 4, 'pad', bilinear);
    expect(() => toSquare(new Float32Array(9), fit, new Float32Array(15))).toThrow(
      /15 samples, expected 4 x 4/,
    );
  });
});

describe('the pixel ledger', () => {
  it('has the published sizes’ shares: 28.19 and 18.20 samples for one, 35.4 % padding', () => {
    const stretch = ledgerOf(fitSquare(240, 155, 1024, 'stretch', bicubic));
    expect(stretch).toEqual({
      total: 1048576,
      original: 37200,
      interpolated: 1011376,
      padded: 0,
      lost: 0,
    });
    expect(stretch.total / stretch.original).toBeCloseTo(28.19, 2);
    expect(stretch.interpolated / stretch.total).toBeCloseTo(0.9645, 4);
    const axial = ledgerOf(fitSquare(240, 240, 1024, 'stretch', bicubic));
    expect(axial.total / axial.original).toBeCloseTo(18.2, 2);
    expect(axial.interpolated / axial.total).toBeCloseTo(0.9451, 4);
    const padded = ledgerOf(fitSquare(240, 155, 1024, 'pad', bicubic));
    expect(padded.padded / padded.total).toBeCloseTo(0.354, 3);
    expect(padded.original).toBe(37200);
  });

  it('adds up, loses nothing when every side grows, and loses where one shrinks', () => {
    fc.assert(
      fc.property(way, side, side, fc.integer({ min: 1, max: 400 }), (w, width, height, size) => {
        fc.pre(w === 'stretch' || size * Math.min(width, height) >= Math.max(width, height));
        const fit = fitSquare(width, height, size, w, bilinear);
        const { total, original, interpolated, padded, lost } = ledgerOf(fit);
        expect(original + interpolated + padded).toBe(total);
        expect(total).toBe(size * size);
        expect(original + lost).toBe(width * height);
        for (const n of [original, interpolated, padded, lost]) expect(n).toBeGreaterThanOrEqual(0);
        const shrinks = fit.columns.to < width || fit.rows.to < height;
        expect(lost > 0).toBe(shrinks);
        expect(padded > 0).toBe(fit.columns.to < size || fit.rows.to < size);
      }),
    );
  });
});
