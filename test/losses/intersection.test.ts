import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intersectionGradient, intersectionLoss } from '../../src/losses/intersection';

const values = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
  {
    minLength: 1,
    maxLength: 30,
  },
);

describe('Eq. 2', () => {
  it('is a sum of squares, worked out by hand', () => {
    expect(intersectionLoss([{ first: [1, 0, 0.5], second: [0, 0, 1] }])).toBe(1.25);
    expect(
      intersectionLoss([
        { first: [1], second: [0] },
        { first: [3], second: [1] },
      ]),
    ).toBe(5);
    expect(intersectionLoss([])).toBe(0);
  });

  it('is zero only for equal predictions, symmetric, and the same for a shift of both', () => {
    fc.assert(
      fc.property(values, (pairs) => {
        const line = { first: pairs.map(([a]) => a), second: pairs.map(([, b]) => b) };
        const loss = intersectionLoss([line]);
        expect(loss).toBeGreaterThanOrEqual(0);
        expect(intersectionLoss([{ first: line.second, second: line.first }])).toBe(loss);
        expect(intersectionLoss([{ first: line.first, second: line.first }])).toBe(0);
        const shifted = { first: line.first.map((p) => p + 8), second: line.second.map((p) => p + 8) };
        expect(intersectionLoss([shifted])).toBeCloseTo(loss, 9);
      }),
    );
  });

  it('pulls both partners equally and opposite, down the loss', () => {
    const line = { first: [1, 0.25], second: [0, 0.5] };
    expect(intersectionGradient(line)).toEqual({ first: [2, -0.5], second: [-2, 0.5] });
    const { first, second } = intersectionGradient(line);
    const moved = {
      first: line.first.map((p, i) => p - 0.1 * first[i]),
      second: line.second.map((p, i) => p - 0.1 * second[i]),
    };
    expect(intersectionLoss([moved])).toBeLessThan(intersectionLoss([line]));
  });

  it('refuses lines whose ends do not pair', () => {
    expect(() => intersectionLoss([{ first: [1, 2], second: [1] }])).toThrow('given 2 and 1 predictions');
    expect(() => intersectionGradient({ first: [1], second: [] })).toThrow('intersectionLine');
  });
});
