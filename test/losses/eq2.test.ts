import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eq2, eq2Gradient, lineShare } from '../../src/losses/eq2';

const values = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
  {
    minLength: 1,
    maxLength: 30,
  },
);

describe('Eq. 2', () => {
  it('is a sum of squares, worked out by hand', () => {
    expect(eq2([{ first: [1, 0, 0.5], second: [0, 0, 1] }])).toBe(1.25);
    expect(
      eq2([
        { first: [1], second: [0] },
        { first: [3], second: [1] },
      ]),
    ).toBe(5);
    expect(eq2([])).toBe(0);
  });

  it('is zero only for equal predictions, symmetric, and the same for a shift of both', () => {
    fc.assert(
      fc.property(values, (pairs) => {
        const line = { first: pairs.map(([a]) => a), second: pairs.map(([, b]) => b) };
        const loss = eq2([line]);
        expect(loss).toBeGreaterThanOrEqual(0);
        expect(eq2([{ first: line.second, second: line.first }])).toBe(loss);
        expect(eq2([{ first: line.first, second: line.first }])).toBe(0);
        const shifted = { first: line.first.map((p) => p + 8), second: line.second.map((p) => p + 8) };
        expect(eq2([shifted])).toBeCloseTo(loss, 9);
      }),
    );
  });

  it('pulls both partners equally and opposite, down the loss', () => {
    const line = { first: [1, 0.25], second: [0, 0.5] };
    expect(eq2Gradient(line)).toEqual({ first: [2, -0.5], second: [-2, 0.5] });
    const { first, second } = eq2Gradient(line);
    const moved = {
      first: line.first.map((p, i) => p - 0.1 * first[i]),
      second: line.second.map((p, i) => p - 0.1 * second[i]),
    };
    expect(eq2([moved])).toBeLessThan(eq2([line]));
  });

  it('refuses lines whose ends do not pair', () => {
    expect(() => eq2([{ first: [1, 2], second: [1] }])).toThrow('given 2 and 1 predictions');
    expect(() => eq2Gradient({ first: [1], second: [] })).toThrow('intersectionLine');
  });
});

describe('the share of a picture that its lines touch', () => {
  it('is what counting its pixels gives', () => {
    const side = fc.integer({ min: 2, max: 12 });
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 2 }), (width, height, k) => {
        let touched = 0;
        for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) if (x < k || y < k) touched++;
        expect(lineShare(width, height, k)).toBeCloseTo(touched / (width * height), 12);
      }),
    );
  });

  it('is 0.2 % at 1024 pixels, 0.8 % on an axial plane of 240 x 240, 3 % at 64', () => {
    expect(lineShare(1024, 1024)).toBeCloseTo(0.00195, 5);
    expect(lineShare(240, 240)).toBeCloseTo(0.00832, 5);
    expect(lineShare(64, 64)).toBeCloseTo(0.031, 4);
  });
});
