// Agreement where planes meet, and through-plane jitter: counted by hand, and properties.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Agreement } from '../../src/metrics/agreement';
import { agreementOf, lineOf } from '../../src/metrics/agreement';
import { adjacentDice, throughPlane } from '../../src/metrics/jitter';
import type { Mask } from '../../src/metrics/mask';
import type { Triple } from '../../src/volume/volume';

const row = (text: string): Mask => ({
  data: Uint8Array.from(text, Number),
  dims: [text.length, 1, 1],
  spacing: [1, 1, 1],
});

describe('agreement', () => {
  it('counts what two planes and the truth say, by hand', () => {
    //                          right, disagree (2 ways x 2), wrong (2 ways), background
    const { dice, voxels, ...shares } = agreementOf(row('11010100'), row('10101100'), row('11100010'));
    // Voxels: 0 right; 1, 2 disagree, truth 1; 3, 4 disagree, truth 0; 5 both wrong; 6 both miss; 7 background.
    expect(voxels).toBe(7);
    expect(shares).toEqual({ disagree: 4 / 7, agreeAndRight: 1 / 7, agreeAndWrong: 2 / 7 });
    expect(dice).toEqual([(2 * 2) / (4 + 4), (2 * 2) / (4 + 4)]);
  });

  it('tells a collapsed model from a right one by Dice beside it', () => {
    const truth = row('0110');
    const collapsed = agreementOf(row('0000'), row('0000'), truth);
    expect(collapsed).toMatchObject({ disagree: 0, agreeAndRight: 0, agreeAndWrong: 1, dice: [0, 0] });
    expect(agreementOf(truth, truth, truth)).toMatchObject({ disagree: 0, agreeAndRight: 1, dice: [1, 1] });
  });

  it('cannot be made up without Dice', () => {
    // @ts-expect-error: the constructor is private, so shares alone are no Agreement
    const shares: Agreement = { voxels: 1, disagree: 0, agreeAndRight: 1, agreeAndWrong: 0, dice: [1, 1] };
    expect(shares).toBeDefined();
  });

  it('has shares that sum to one, is symmetric, and sees no background', () => {
    const bits = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 60, maxLength: 60 });
    const mask = (data: number[]): Mask => ({
      data: Uint8Array.from(data),
      dims: [3, 4, 5],
      spacing: [1, 2, 3],
    });
    fc.assert(
      fc.property(bits, bits, bits, (a, b, t) => {
        const one = agreementOf(mask(a), mask(b), mask(t));
        const other = agreementOf(mask(b), mask(a), mask(t));
        expect(one.voxels).toBe(a.filter((v, i) => v + b[i] + t[i] > 0).length);
        if (one.voxels > 0) expect(one.disagree + one.agreeAndRight + one.agreeAndWrong).toBeCloseTo(1, 12);
        expect([other.disagree, other.agreeAndRight]).toEqual([one.disagree, one.agreeAndRight]);
        expect(other.dice).toEqual([one.dice[1], one.dice[0]]);
      }),
    );
  });

  it('of the line of one triplet counts its voxels alone', () => {
    const dims: Triple = [3, 4, 5];
    // Across axes 2 and 1 the planes through (1, 2, 3) share the voxels (x, 2, 3).
    expect(lineOf(dims, [2, 1], [1, 2, 3])).toEqual([0, 1, 2].map((x) => x + 3 * (2 + 4 * 3)));
    expect(lineOf(dims, [0, 1], [1, 2, 3])).toEqual([0, 1, 2, 3, 4].map((z) => 1 + 3 * (2 + 4 * z)));
    const mask = (...places: number[]): Mask => {
      const data = new Uint8Array(60);
      for (const p of places) data[p] = 1;
      return { data, dims, spacing: [1, 1, 1] };
    };
    const line = lineOf(dims, [2, 1], [1, 2, 3]);
    const { voxels, disagree } = agreementOf(mask(line[0], 0), mask(line[0], line[1]), mask(1), line);
    expect([voxels, disagree]).toEqual([2, 0.5]);
    expect(() => lineOf(dims, [2, 1], [3, 0, 0])).toThrow(
      'cannot find the line in which two planes meet: given voxel (3, 0, 0) in 3 x 4 x 5, planes across axes 2 and 1, ' +
        'expected a voxel of the volume, and two different axes. What to do: choose a voxel from (0, 0, 0) to (2, 3, 4)',
    );
    expect(() => lineOf(dims, [1, 1], [0, 0, 0])).toThrow(/planes across axes 1 and 1/);
  });

  it('refuses masks on two grids', () => {
    expect(() => agreementOf(row('10'), row('10'), row('100'))).toThrow(
      'cannot tell whether planes agree: given masks of 3 x 1 x 1 voxels of 1 x 1 x 1 mm and of 2 x 1 x 1 voxels of ' +
        '1 x 1 x 1 mm, expected masks on one grid',
    );
  });
});

describe('through-plane jitter', () => {
  it('is the mean Dice of neighbouring slices, by hand', () => {
    // Slices along z of 2 x 1 voxels: none, {0}, {0, 1}, none, {1}.
    const data = Uint8Array.from([0, 0, 1, 0, 1, 1, 0, 0, 0, 1]);
    const mask: Mask = { data, dims: [2, 1, 5], spacing: [1, 1, 1] };
    // Pairs: begins 0, 2/3, ends 0, begins 0.
    expect(adjacentDice(mask, 2)).toBeCloseTo(2 / 3 / 4, 12);
    // Along x: {1, 2} and {2, 4} share one of four: the mask reaches both ends of the grid.
    expect(adjacentDice(mask, 0)).toBeCloseTo(2 / 4, 12);
    expect(adjacentDice(mask, 1)).toBeNaN();
    const empty: Mask = { ...mask, data: new Uint8Array(10) };
    expect(adjacentDice(empty, 2)).toBeNaN();
    const still: Mask = { ...mask, data: new Uint8Array(10).fill(1) };
    expect(throughPlane(mask, still, 2)).toEqual({
      prediction: adjacentDice(mask, 2),
      truth: 1,
      jitter: adjacentDice(mask, 2) - 1,
    });
    expect(throughPlane(mask, undefined, 2)).toEqual({ prediction: adjacentDice(mask, 2) });
  });

  it('does not hang on where the mask lies in the grid', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 27, maxLength: 27 }), (bits) => {
        const placed = (shift: number): Mask => {
          const data = new Uint8Array(9 ** 3);
          bits.forEach((b, i) => {
            const [x, y, z] = [i % 3, Math.floor(i / 3) % 3, Math.floor(i / 9)].map((v) => v + shift);
            data[x + 9 * (y + 9 * z)] = b;
          });
          return { data, dims: [9, 9, 9], spacing: [1, 1, 1] };
        };
        for (const axis of [0, 1, 2])
          expect(adjacentDice(placed(1), axis)).toEqual(adjacentDice(placed(5), axis));
      }),
      { numRuns: 30 },
    );
  });
});
