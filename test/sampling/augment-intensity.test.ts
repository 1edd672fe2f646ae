// What must hold for everything that changes values in place, whatever the peer does: properties and cases by hand.
import { describe, expect, it } from 'vitest';
import { augment, type Step } from '../../src/sampling/augment/augment';
import { gaussian } from '../../src/sampling/augment/blur';
import type { Patch } from '../../src/sampling/augment/patch';
import { largestDifference } from './augment-cases';
import { randomPatch } from './augment-patches';

const intensities: Step[] = [
  { op: 'noise', kind: 'gaussian', sigma: 0.1, seed: 5 },
  { op: 'noise', kind: 'rician', sigma: 0.1, seed: 5 },
  { op: 'blur', sigmas: [[0.5, 0.7, 1], null] },
  { op: 'brightness', factors: [1.2, null] },
  { op: 'contrast', factors: [0.8, null] },
  { op: 'low-resolution', scales: [[0.5, 0.5, 0.5], null] },
  { op: 'gamma', exponents: [0.7, null], invert: false, keepStatistics: true },
  { op: 'gamma', exponents: [1.5, null], invert: true, keepStatistics: false },
];

describe('intensity operations', () => {
  it.each(intensities)(
    '$op leaves the mask, the given patch and channels without a setting alone',
    (step) => {
      const patch = randomPatch([8, 7, 6], 4, [0, 1], 2);
      const before = structuredClone(patch);
      const after = augment(patch, [step]);
      expect(patch).toEqual(before);
      expect(after.mask).toBe(patch.mask);
      expect(largestDifference(after.channels[0], patch.channels[0])).toBeGreaterThan(0.01);
      if (step.op !== 'noise') expect(after.channels[1]).toBe(patch.channels[1]);
    },
  );

  it.each(intensities.filter((step) => step.op !== 'noise'))('$op finds its number of channels', (step) => {
    const patch = randomPatch([8, 7, 6], 4);
    expect(() => augment(patch, [step])).toThrow(
      /given settings for 2 channels and a patch of 1, expected one setting \(or null\) a channel/,
    );
  });

  it('gamma 1 and a flat channel stay as they are; mean and spread are kept', () => {
    const patch = randomPatch([16, 16, 16], 6);
    const gamma = (exponent: number, invert: boolean, keepStatistics: boolean): Step => ({
      op: 'gamma',
      exponents: [exponent],
      invert,
      keepStatistics,
    });
    for (const invert of [false, true]) {
      expect(
        largestDifference(augment(patch, [gamma(1, invert, false)]).channels[0], patch.channels[0]),
      ).toBeLessThan(2e-6);
      const kept = augment(patch, [gamma(1.4, invert, true)]).channels[0];
      const moments = (values: Float32Array): number[] => {
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        return [mean, Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1))];
      };
      const [was, is] = [moments(patch.channels[0]), moments(kept)];
      expect(is[0]).toBeCloseTo(was[0], 5);
      expect(is[1]).toBeCloseTo(was[1], 5);
      const flat: Patch = { dims: [2, 2, 2], channels: [new Float32Array(8).fill(3)] };
      expect([...augment(flat, [gamma(0.7, invert, true)]).channels[0]]).toEqual(Array(8).fill(3));
      expect([...augment(flat, [gamma(0.7, invert, false)]).channels[0]]).toEqual(Array(8).fill(3));
      // Without keeping them the ends of the range stay.
      const ends = augment(patch, [gamma(0.7, invert, false)]).channels[0];
      expect(Math.min(...ends)).toBeCloseTo(Math.min(...patch.channels[0]), 5);
      expect(Math.max(...ends)).toBeCloseTo(Math.max(...patch.channels[0]), 5);
    }
    expect(() => augment(patch, [gamma(0, false, true)])).toThrow(
      'cannot apply gamma: given exponent 0, expected a number above 0, 16 at most',
    );
  });

  it('gamma is Math.pow over the whole range, to float32', () => {
    const values = Float32Array.from({ length: 4096 }, (_, n) => (n / 4095) ** 4);
    for (const exponent of [0.3, 0.7, 1.5, 2, 9]) {
      const { channels } = augment({ dims: [16, 16, 16], channels: [values] }, [
        { op: 'gamma', exponents: [exponent], invert: false, keepStatistics: false },
      ]);
      channels[0].forEach((value, i) => {
        const right = values[i] ** exponent;
        expect(Math.abs(value - right)).toBeLessThanOrEqual(1.3e-7 * right + 1e-38);
      });
    }
  });

  it('noise has the strength asked for, is its own in each channel, and the same for a seed', () => {
    const zeros: Patch = {
      dims: [64, 64, 64],
      channels: [new Float32Array(64 ** 3), new Float32Array(64 ** 3)],
    };
    const noise = (kind: 'gaussian' | 'rician', seed: number, sigma = 0.1): Step => ({
      op: 'noise',
      kind,
      sigma,
      seed,
    });
    const [a, b] = augment(zeros, [noise('gaussian', 1)]).channels;
    const spread = (values: Float32Array): number =>
      Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    expect(spread(a)).toBeCloseTo(0.1, 3);
    expect(Math.abs(a.reduce((x, y) => x + y, 0) / a.length)).toBeLessThan(0.1 / 100);
    // Neighbours and channels do not follow each other (standard error of a correlation here: 0.002).
    const product = (p: Float32Array, q: Float32Array, shift: number): number =>
      p.reduce((sum, x, i) => sum + x * (q[i + shift] ?? 0), 0) / p.length / 0.01;
    for (const r of [product(a, b, 0), product(a, a, 1), product(a, a, 2), product(a, a, 64)]) {
      expect(Math.abs(r)).toBeLessThan(0.01);
    }
    // Shares within one and two deviations: 0.6827 and 0.9545.
    for (const [limit, share] of [
      [0.1, 0.6827],
      [0.2, 0.9545],
    ]) {
      expect(a.filter((x) => Math.abs(x) < limit).length / a.length).toBeCloseTo(share, 2);
    }
    expect(augment(zeros, [noise('gaussian', 1)]).channels[0]).toEqual(a);
    expect(augment(zeros, [noise('gaussian', 2)]).channels[0]).not.toEqual(a);
    expect(augment(zeros, [noise('gaussian', 1, 0)]).channels[0]).toEqual(zeros.channels[0]);
    // Rician noise keeps the sign (0 stays 0), and raises what is weak: mean of |n| in two parts is sigma sqrt(pi / 2).
    expect(augment(zeros, [noise('rician', 1)]).channels[0].every((x) => x === 0)).toBe(true);
    const weak: Patch = { dims: [64, 64, 64], channels: [new Float32Array(64 ** 3).fill(-1e-6)] };
    const raised = augment(weak, [noise('rician', 1)]).channels[0];
    expect(raised.every((x) => x <= 0)).toBe(true);
    expect(raised.reduce((x, y) => x + y, 0) / raised.length).toBeCloseTo(-0.1 * Math.sqrt(Math.PI / 2), 3);
    expect(() => augment(zeros, [noise('gaussian', 1, -1)])).toThrow(
      'cannot add noise: given a standard deviation of -1, expected a number from 0 on',
    );
  });

  it('blur has weights that sum to 1, keeps flat channels, and says where it does not fit', () => {
    expect(gaussian(0.5).length).toBe(3);
    expect(gaussian(0.75).length).toBe(5);
    expect(gaussian(1).length).toBe(7);
    for (const sigma of [0.5, 0.8, 1, 3]) {
      expect(gaussian(sigma).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 14);
      const flat: Patch = { dims: [12, 11, 13], channels: [new Float32Array(12 * 11 * 13).fill(2)] };
      const { channels } = augment(flat, [{ op: 'blur', sigmas: [[sigma, sigma, sigma]] }]);
      expect(largestDifference(channels[0], flat.channels[0])).toBeLessThan(1e-6);
    }
    const small = randomPatch([8, 8, 3], 1);
    expect(() => augment(small, [{ op: 'blur', sigmas: [[1, 1, 1]] }])).toThrow(
      'cannot blur a patch: given 3 voxels along axis 2 and a kernel of 7, expected 4 voxels or more',
    );
    expect(() => augment(small, [{ op: 'blur', sigmas: [[0, 1, 1]] }])).toThrow('given a sigma of 0');
  });

  it('low resolution keeps flat channels and, at scale 1, all of them', () => {
    const patch = randomPatch([6, 5, 7], 8);
    const at = (scale: number): Step => ({ op: 'low-resolution', scales: [[scale, scale, scale]] });
    expect(augment(patch, [at(1)]).channels[0]).toEqual(patch.channels[0]);
    const flat: Patch = { dims: [6, 5, 7], channels: [new Float32Array(210).fill(4)] };
    expect(augment(flat, [at(0.5)]).channels[0]).toEqual(flat.channels[0]);
    expect(() => augment(patch, [at(0)])).toThrow(
      'cannot simulate low resolution: given scales 0, 0, 0, expected shares of the samples, above 0 and at most 1',
    );
  });
});
