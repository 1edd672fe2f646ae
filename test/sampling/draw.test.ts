import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchesOf, drawVoxels } from '../../src/sampling/draw';
import type { Triple } from '../../src/volume/volume';
import oracle from '../oracles/draws.json';

/** The labels of test/oracles/draws.py. */
function labelsOf(dims: Triple): { dims: Triple; data: Uint8Array } {
  const label = (i: number): number => (i % 50 === 7 ? 3 : i % 9 === 0 ? 1 : 0);
  return { dims, data: Uint8Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => label(i)) };
}
const dims: Triple = [11, 13, 17];
const placeOf = ([x, y, z]: Triple): number => x + dims[0] * (y + dims[1] * z);

describe('drawing voxels', () => {
  it('draws what an independent program draws, on every machine', () => {
    for (const { dims: given, n, seed, foreground, drawn } of oracle.cases) {
      const dims = given as Triple;
      const { voxels, classes } = drawVoxels(dims, n, {
        seed,
        ...(foreground > 0 && { foreground: labelsOf(dims), foregroundShare: foreground / n }),
      });
      expect(voxels.map((v, i) => [...v, classes[i]])).toEqual(drawn);
    }
  });

  it('draws exactly n, inside the volume, and the stated share from the foreground', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.double({ min: 0, max: 1, noNaN: true }), fc.integer(), (n, share, seed) => {
        const foreground = labelsOf(dims);
        const { voxels, classes } = drawVoxels(dims, n, { seed, foreground, foregroundShare: share });
        expect(voxels).toHaveLength(n);
        expect(classes.filter((c) => c > 0)).toHaveLength(Math.round(n * share));
        voxels.forEach((voxel, i) => {
          expect(voxel.every((v, a) => Number.isInteger(v) && v >= 0 && v < dims[a])).toBe(true);
          if (classes[i] > 0) expect(foreground.data[placeOf(voxel)]).toBe(classes[i]);
        });
        // Spread evenly: the first half holds its part of them, to one draw.
        const half = classes.slice(0, Math.floor(n / 2)).filter((c) => c > 0).length;
        expect(Math.abs(half - (Math.round(n * share) * Math.floor(n / 2)) / (n || 1))).toBeLessThanOrEqual(
          1,
        );
      }),
    );
  });

  it('is uniform over voxels, classes and the voxels of a class; corners are drawn', () => {
    const tiny: Triple = [3, 3, 3];
    const places = new Float64Array(27);
    for (const [x, y, z] of drawVoxels(tiny, 27_000, { seed: 5 }).voxels) places[x + 3 * (y + 3 * z)]++;
    // Chi-squared with 26 degrees of freedom: 54.05 is passed once in a thousand seeds; the seed is fixed.
    const chi = (counts: ArrayLike<number>, expected: number): number =>
      Array.from(counts).reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
    expect(chi(places, 1000)).toBeLessThan(54.05);
    // One voxel of class 2, 25 of class 1: classes are alike all the same.
    const data = new Uint8Array(27).fill(1);
    data[0] = 0;
    data[26] = 2;
    const { classes, voxels } = drawVoxels(tiny, 10_000, {
      seed: 6,
      foreground: { dims: tiny, data },
      foregroundShare: 1,
    });
    const ones = classes.filter((c) => c === 1).length;
    expect(Math.abs(ones - 5000)).toBeLessThan(4 * 50);
    const ofOne = new Float64Array(27);
    voxels.forEach(([x, y, z], i) => (ofOne[x + 3 * (y + 3 * z)] += classes[i] === 1 ? 1 : 0));
    expect(chi(ofOne.subarray(1, 26), ones / 25)).toBeLessThan(51.18); // 24 degrees of freedom, one in a thousand
    expect(voxels.every((v, i) => classes[i] === 1 || v.every((c) => c === 2))).toBe(true);
  });

  it('draws the same voxels in either order', () => {
    const foreground = labelsOf(dims);
    const options = { seed: 7, foreground, foregroundShare: 0.4 };
    const random = drawVoxels(dims, 50, options);
    const sorted = drawVoxels(dims, 50, { ...options, order: 'sorted' });
    const pairs = ({ voxels, classes }: typeof random): number[][] =>
      voxels.map((v, i) => [placeOf(v), classes[i]]);
    const byPlace = pairs(random).sort((a, b) => a[0] - b[0]);
    expect(pairs(sorted)).toEqual(byPlace);
    expect(pairs(random)).not.toEqual(byPlace);
    expect(drawVoxels(dims, 50, { ...options, seed: 8 }).voxels).not.toEqual(random.voxels);
  });

  it('says which voxels no foreground draw could take, and why', () => {
    const whole = drawVoxels(dims, 5, { seed: 1 });
    expect(whole.notEligible).toEqual([]);
    const data = Float32Array.from([0, 0, 0, 1, 2, NaN, -1, 0.5]);
    const { notEligible, classes } = drawVoxels([2, 2, 2], 40, {
      seed: 1,
      foreground: { dims: [2, 2, 2], data },
      foregroundShare: 1,
    });
    expect(notEligible).toEqual([
      { voxels: 3, why: 'foreground draws: background (label 0)' },
      { voxels: 3, why: 'foreground draws: the label is no whole number from 0 on' },
    ]);
    expect([...new Set(classes)].sort()).toEqual([1, 2]);
  });

  it('cuts batches, and keeps or drops a last one that is shorter', () => {
    expect(batchesOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(batchesOf([1, 2, 3, 4, 5], 2, 'drop')).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(batchesOf([1, 2, 3, 4], 2, 'drop')).toEqual(batchesOf([1, 2, 3, 4], 2, 'keep'));
    expect(batchesOf([], 3)).toEqual([]);
  });

  it('refuses what cannot be drawn, and empty labels only where they are asked for', () => {
    const empty = { dims, data: new Uint8Array(11 * 13 * 17) };
    const draw =
      (options: object, n = 3) =>
      () =>
        drawVoxels(dims, n, { seed: 1, ...options });
    expect(draw({ foreground: empty, foregroundShare: 0.3 })).toThrow(
      'cannot draw voxels: given labels without foreground, expected at least one voxel with a label of 1 or more. What to do: give labels of the same volume with foreground in them, or a foregroundShare of 0',
    );
    expect(draw({ foreground: empty, foregroundShare: 0 })().voxels).toHaveLength(3);
    expect(draw({ foreground: { dims: [11, 13, 16], data: empty.data }, foregroundShare: 1 })).toThrow(
      'given labels of 11 x 13 x 16 voxels for a volume of 11 x 13 x 17',
    );
    expect(draw({ foregroundShare: 0.5 })).toThrow('given a share of foreground without labels');
    for (const foregroundShare of [-0.1, 1.1, NaN])
      expect(draw({ foregroundShare })).toThrow(`given a share of foreground of ${foregroundShare}`);
    for (const n of [-1, 2.5, NaN]) expect(draw({}, n)).toThrow(`given ${n} voxels, expected a whole number`);
    expect(draw({}, 0)().voxels).toEqual([]);
    for (const size of [0, 1.5]) expect(() => batchesOf([1], size)).toThrow(`given batches of ${size}`);
  });
});
