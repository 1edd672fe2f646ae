import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors';
import type { Affine, Triple } from '../../src/volume/affine';
import {
  determinant,
  diagonalAffine,
  invertAffine,
  multiplyAffines,
  spacingOf,
  voxelToWorld,
  worldToVoxel,
} from '../../src/volume/affine';
import { axisCodes, orientationOf, parseAxisCodes } from '../../src/volume/orientation';
import { closestRotation } from '../../src/volume/polar';

const real = (limit: number) => fc.double({ min: -limit, max: limit, noNaN: true });
const triple = (limit: number) => fc.tuple(real(limit), real(limit), real(limit));

/** Affines with axes that span space: rotation times spacing, sheared a little. */
const affines = fc
  .record({
    quaternion: fc.tuple(real(1), real(1), real(1), real(1)).filter((q) => Math.hypot(...q) > 0.1),
    spacing: fc.tuple(...[0, 1, 2].map(() => fc.double({ min: 0.1, max: 10, noNaN: true }))),
    shear: triple(0.3),
    flip: fc.constantFrom(1, -1),
    origin: triple(200),
  })
  .map(({ quaternion, spacing, shear, flip, origin }): Affine => {
    const [a, b, c, d] = quaternion.map((x) => x / Math.hypot(...quaternion));
    const r = [
      [1 - 2 * (c * c + d * d), 2 * (b * c - a * d), 2 * (b * d + a * c)],
      [2 * (b * c + a * d), 1 - 2 * (b * b + d * d), 2 * (c * d - a * b)],
      [2 * (b * d - a * c), 2 * (c * d + a * b), 1 - 2 * (b * b + c * c)],
    ];
    const s = [
      [spacing[0] * flip, shear[0], shear[1]],
      [0, spacing[1], shear[2]],
      [0, 0, spacing[2]],
    ];
    const m = r.map((row) => [0, 1, 2].map((j) => row[0] * s[0][j] + row[1] * s[1][j] + row[2] * s[2][j]));
    const row = (i: number): Affine[number] => [m[i][0], m[i][1], m[i][2], origin[i]];
    return [row(0), row(1), row(2), [0, 0, 0, 1]];
  });

const close = (a: readonly number[], b: readonly number[], within: number): void =>
  a.forEach((x, i) => expect(Math.abs(x - b[i])).toBeLessThan(within));

describe('affines', () => {
  it('takes voxels to the world: computed by hand', () => {
    // 2 x 3 x 4 mm voxels, first axis to the left, voxel 0 at (10, -20, 5).
    const affine: Affine = [
      [-2, 0, 0, 10],
      [0, 3, 0, -20],
      [0, 0, 4, 5],
      [0, 0, 0, 1],
    ];
    expect(voxelToWorld(affine, [1, 2, 3])).toEqual([8, -14, 17]);
    expect(worldToVoxel(affine, [8, -14, 17])).toEqual([1, 2, 3]);
    expect(spacingOf(affine)).toEqual([2, 3, 4]);
    expect(determinant(affine)).toBe(-24);
    expect(axisCodes(affine)).toBe('LAS');
  });

  it('goes to the world and back', () => {
    fc.assert(
      fc.property(affines, triple(300), (affine, voxel: Triple) => {
        close(worldToVoxel(affine, voxelToWorld(affine, voxel)), voxel, 1e-6);
        const identity = multiplyAffines(affine, invertAffine(affine));
        identity.forEach((row, r) =>
          close(
            row,
            [0, 1, 2, 3].map((c) => (c === r ? 1 : 0)),
            1e-8,
          ),
        );
      }),
    );
  });

  it('inverts tiny voxels and refuses axes in one plane', () => {
    const micro = diagonalAffine([1e-6, 1e-6, 1e-6]);
    close(worldToVoxel(micro, [5e-6, 0, 1e-6]), [5, 0, 1], 1e-9);
    const flat: Affine = [
      [1, 2, 0, 0],
      [0, 0, 1, 0],
      [1, 2, 1, 0],
      [0, 0, 0, 1],
    ];
    expect(() => invertAffine(flat)).toThrow(InputError);
    expect(() => invertAffine(flat)).toThrow(
      /3x3 part has determinant 0, expected three axes that span space/,
    );
    expect(() => invertAffine(diagonalAffine([1, NaN, 1]))).toThrow(/determinant NaN/);
  });
});

describe('axis codes', () => {
  it('names each of the 48 axis orders', () => {
    const seen = new Set<string>();
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      for (let signs = 0; signs < 8; signs++) {
        const rows = [0, 1, 2].map((r) =>
          [0, 1, 2].map((c) => (order[c] === r ? ((signs >> c) & 1 ? -1.5 : 1.5) : 0)),
        );
        const affine = [...rows.map((row) => [...row, 7]), [0, 0, 0, 1]] as Affine;
        const codes = axisCodes(affine);
        const expected = order.map((axis, c) => ((signs >> c) & 1 ? 'LPI' : 'RAS')[axis]).join('');
        expect(codes).toBe(expected);
        expect(parseAxisCodes(codes)).toEqual(orientationOf(affine));
        seen.add(codes);
      }
    }
    expect(seen.size).toBe(48);
  });

  it('marks an axis without direction', () => {
    const affine = diagonalAffine([1, 0, 1]);
    expect(axisCodes(affine)).toBe('R?S');
  });

  it.each(['RAR', 'RA', 'RASL', 'xyz', 'ras', '', 'R?S'])('does not take %j for axis codes', (codes) => {
    expect(parseAxisCodes(codes)).toBeUndefined();
  });
});

describe('polar decomposition', () => {
  it('leaves a rotation alone and finds the orthogonal matrix nearest to a sheared one', () => {
    fc.assert(
      fc.property(affines, (affine) => {
        const lengths = spacingOf(affine);
        const m = affine.slice(0, 3).map((row) => row.slice(0, 3).map((x, c) => x / lengths[c]));
        const q = closestRotation(m);
        // Orthogonal: Q'Q = 1.
        for (const i of [0, 1, 2])
          for (const j of [0, 1, 2]) {
            const product = q.reduce((sum, row) => sum + row[i] * row[j], 0);
            expect(Math.abs(product - (i === j ? 1 : 0))).toBeLessThan(1e-10);
          }
        // Q'M is the other polar factor: symmetric.
        const h = (i: number, j: number): number => q.reduce((sum, row, r) => sum + row[i] * m[r][j], 0);
        close([h(0, 1), h(0, 2), h(1, 2)], [h(1, 0), h(2, 0), h(2, 1)], 1e-10);
        const again = closestRotation(q);
        again.forEach((row, r) => close(row, q[r], 1e-10));
      }),
    );
  });
});
