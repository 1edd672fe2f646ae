import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exp, log, power, roundHalfToEven, sineAndCosine } from '../../src/sampling/elementary';

const relative = (ours: number, theirs: number): number => Math.abs(ours / theirs - 1);

describe('elementary functions from + - * /', () => {
  it('agree with the engine’s to 1e-15', () => {
    fc.assert(
      fc.property(fc.double({ min: -80, max: 80, noNaN: true }), (x) => {
        expect(relative(exp(x), Math.exp(x))).toBeLessThan(1e-15);
        // Away from 1, where the logarithm is 0 and its relative error says nothing.
        const y = Math.exp(x);
        expect(Math.abs(log(y) - Math.log(y))).toBeLessThanOrEqual(1e-15 * Math.max(1, Math.abs(x)));
      }),
    );
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1, noNaN: true }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        (base, exponent) => {
          expect(relative(power(base, exponent), base ** exponent)).toBeLessThan(1e-14);
        },
      ),
    );
    fc.assert(
      fc.property(fc.double({ min: -90, max: 90, noNaN: true }), (degrees) => {
        const { sine, cosine } = sineAndCosine(degrees);
        expect(Math.abs(sine - Math.sin((degrees * Math.PI) / 180))).toBeLessThan(1e-15);
        expect(Math.abs(cosine - Math.cos((degrees * Math.PI) / 180))).toBeLessThan(1e-15);
      }),
    );
  });

  it('have these very bits, whatever the engine', () => {
    expect([exp(1), log(0.6), power(0.3, 0.7), sineAndCosine(30).sine, sineAndCosine(23).cosine]).toEqual([
      2.7182818284590455, -0.5108256237659907, 0.4305116202499342, 0.49999999999999994, 0.9205048534524404,
    ]);
  });

  it('turn by quarters exactly', () => {
    const quarter = [0, 90, 180, 270, 360, -90, 450].map((d) => {
      const { sine, cosine } = sineAndCosine(d);
      return [sine, cosine];
    });
    expect(quarter).toEqual([
      [0, 1],
      [1, 0],
      [0, -1],
      [-1, 0],
      [0, 1],
      [-1, 0],
      [1, 0],
    ]);
  });

  it('round halves to even', () => {
    expect([-1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 2.4, 2.6].map((x) => roundHalfToEven(x) + 0)).toEqual([
      -2, 0, 0, 2, 2, 4, 2, 3,
    ]);
  });
});
