// What must hold for everything that moves voxels, whatever the peer does: properties and cases by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { augment, type Step } from '../../src/sampling/augment/augment';
import { cropPatch, type Patch } from '../../src/sampling/augment/patch';
import type { Triple } from '../../src/volume/volume';
import { labelled, randomPatch } from './augment-patches';

const dimsOf = fc.tuple(
  fc.integer({ min: 4, max: 12 }),
  fc.integer({ min: 4, max: 12 }),
  fc.integer({ min: 4, max: 12 }),
);
const anglesOf = fc.tuple(
  fc.integer({ min: -180, max: 180 }),
  fc.integer({ min: -180, max: 180 }),
  fc.integer({ min: -180, max: 180 }),
);
const turn = (angles: Triple, scale = 1, size?: Triple): Step => ({
  op: 'spatial',
  angles,
  scales: [scale, scale, scale],
  ...(size && { size }),
});

describe('rotation and scaling', () => {
  it('is the identity for no angle and scale 1, bit for bit', () => {
    const patch = randomPatch([7, 6, 5], 1);
    expect(augment(patch, [turn([0, 0, 0])])).toEqual(patch);
    // Through the resampling too: 360 degrees are none, but are not taken as none.
    const round = augment(patch, [turn([360, -360, 720])]);
    expect(round).toEqual(patch);
  });

  it('by 90 degrees of a cube is the exact transpose', () => {
    const n = 6;
    const patch = randomPatch([n, n, n], 2);
    const at = (i: number, j: number, k: number): number => i + n * (j + n * k);
    // A result's offset v from the centre is taken from R v: about axis 0, (i, j, k) from (i, -k, j).
    const sources: [Triple, (i: number, j: number, k: number) => number][] = [
      [[90, 0, 0], (i, j, k) => at(i, n - 1 - k, j)],
      [[0, 90, 0], (i, j, k) => at(k, j, n - 1 - i)],
      [[0, 0, 90], (i, j, k) => at(n - 1 - j, i, k)],
      [[0, 0, 180], (i, j, k) => at(n - 1 - i, n - 1 - j, k)],
      [[-90, 0, 0], (i, j, k) => at(i, k, n - 1 - j)],
      [[90, 90, 0], (i, j, k) => at(j, n - 1 - k, n - 1 - i)],
    ];
    for (const [angles, source] of sources) {
      const turned = augment(patch, [turn(angles)]);
      const expected = Array.from({ length: n ** 3 }, (_, p) =>
        source(p % n, Math.floor(p / n) % n, Math.floor(p / n / n)),
      );
      expect(turned.channels[0]).toEqual(Float32Array.from(expected, (p) => patch.channels[0][p]));
      expect(turned.mask).toEqual(Uint8Array.from(expected, (p) => patch.mask![p]));
    }
  });

  it('moves image and mask together: with two labels the mask is where the image is above half', () => {
    fc.assert(
      fc.property(dimsOf, anglesOf, fc.double({ min: 0.7, max: 1.4, noNaN: true }), (dims, angles, scale) => {
        const { channels, mask } = augment(labelled(dims, [1]), [turn(angles, scale)]);
        channels[0].forEach((value, i) => {
          // Near the half float16 scores make ties. Outside is a third label in the vote, so that a voxel of label 1
          // can win with less than half, never with less than a third.
          if (value > 0.501) expect(mask![i]).toBe(1);
          if (value < 0.333) expect(mask![i]).toBe(0);
        });
      }),
    );
  });

  it('keeps to the labels of the mask, and its type; outside is 0', () => {
    fc.assert(
      fc.property(
        dimsOf,
        anglesOf,
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        fc.nat(),
        (dims, angles, scale, seed) => {
          const patch = randomPatch(dims, seed, [3, 5, 200]);
          const { mask } = augment(patch, [turn(angles, scale)]);
          expect(mask).toBeInstanceOf(Uint8Array);
          for (const label of new Set(mask)) expect([0, 3, 5, 200]).toContain(label);
        },
      ),
    );
    expect(
      augment(labelled([4, 4, 4], [9]), [turn([45, 0, 0], 50)]).mask!.every((x) => x === 0 || x === 9),
    ).toBe(true);
  });

  it('is linear interpolation: a ramp stays a ramp inside', () => {
    const dims: Triple = [12, 11, 10];
    const channels = [
      Float32Array.from({ length: 1320 }, (_, n) => {
        const [i, j, k] = [n % 12, Math.floor(n / 12) % 11, Math.floor(n / 132)];
        return 3 + 0.5 * i - 0.25 * j + 2 * k;
      }),
    ];
    // Scale 0.5 about the centre (5.5, 5, 4.5), turned by 30 degrees about axis 2.
    const { channels: out } = augment({ dims, channels }, [turn([0, 0, 30], 0.5)]);
    const [s, c] = [0.5, Math.sqrt(0.75)];
    for (let n = 0; n < 1320; n++) {
      const [u, v, w] = [(n % 12) - 5.5, (Math.floor(n / 12) % 11) - 5, Math.floor(n / 132) - 4.5].map(
        (x) => x / 2,
      );
      const [i, j, k] = [5.5 + c * u - s * v, 5 + s * u + c * v, 4.5 + w];
      expect(out[0][n]).toBeCloseTo(3 + 0.5 * i - 0.25 * j + 2 * k, 4);
    }
  });

  it('cuts the centre where nothing is turned, with zeros beyond the border', () => {
    const patch = randomPatch([6, 6, 6], 3);
    const cut = augment(patch, [turn([0, 0, 0], 1, [2, 4, 3])]);
    expect(cut).toEqual(cropPatch(patch, [2, 1, 2], [2, 4, 3]));
    const wide = augment(patch, [turn([0, 0, 0], 1, [8, 8, 8])]);
    expect(cropPatch(wide, [1, 1, 1], [6, 6, 6])).toEqual(patch);
    expect(wide.channels[0][0]).toBe(0);
  });

  it('says what is wrong with its parameters', () => {
    const patch = randomPatch([4, 4, 4], 1);
    expect(() => augment(patch, [turn([0, 0, 0], 0)])).toThrow(
      'cannot rotate and scale a patch: given angles 0, 0, 0, scales 0, 0, 0 and size 4 x 4 x 4, expected angles in degrees, scales above 0 and a size of whole voxels',
    );
    expect(() => augment(patch, [turn([NaN, 0, 0])])).toThrow('angles NaN, 0, 0');
    expect(() => augment(patch, [turn([0, 0, 0], 1, [2.5, 2, 2])])).toThrow('size 2.5 x 2 x 2');
  });
});

describe('mirroring', () => {
  it('twice is the identity, moves image and mask together, and turns the axes it names', () => {
    fc.assert(
      fc.property(dimsOf, fc.subarray([0, 1, 2]), fc.nat(), (dims, axes, seed) => {
        const patch = randomPatch(dims, seed);
        const once = augment({ ...patch, channels: [Float32Array.from(patch.mask!)] }, [
          { op: 'mirror', axes },
        ]);
        expect(Array.from(once.channels[0])).toEqual(Array.from(once.mask!));
        expect(
          augment(patch, [
            { op: 'mirror', axes },
            { op: 'mirror', axes },
          ]),
        ).toEqual(patch);
      }),
    );
    const row: Patch = { dims: [3, 2, 1], channels: [Float32Array.of(1, 2, 3, 4, 5, 6)] };
    expect([...augment(row, [{ op: 'mirror', axes: [0] }]).channels[0]]).toEqual([3, 2, 1, 6, 5, 4]);
    expect([...augment(row, [{ op: 'mirror', axes: [1] }]).channels[0]]).toEqual([4, 5, 6, 1, 2, 3]);
    expect(() => augment(row, [{ op: 'mirror', axes: [3] }])).toThrow(
      'cannot mirror a patch: given axes 3, expected array axes 0, 1 or 2',
    );
  });
});
