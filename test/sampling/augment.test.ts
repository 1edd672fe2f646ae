// What must hold for every augmentation, whatever the peer does: properties and cases by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash';
import { Random } from '../../src/base/random';
import { augment, drawAugmentation, type Step } from '../../src/sampling/augment/augment';
import { gaussian } from '../../src/sampling/augment/blur';
import { cropPatch, patchOf, type Patch } from '../../src/sampling/augment/patch';
import { cvaRecipe, nnunetRecipe } from '../../src/sampling/augment/recipe';
import { drawViews } from '../../src/sampling/views';
import { diagonalAffine } from '../../src/volume/affine';
import { volumeOf, type Triple } from '../../src/volume/volume';
import { largestDifference } from './augment-cases';

/** Normal noise in the image, labels of the set in the mask. */
function randomPatch(dims: Triple, seed: number | string, labels = [0, 1, 2, 7], channels = 1): Patch {
  const random = new Random(seed);
  const n = dims[0] * dims[1] * dims[2];
  return {
    dims,
    channels: Array.from({ length: channels }, () => Float32Array.from({ length: n }, () => random.normal())),
    mask: Uint8Array.from({ length: n }, () => labels[random.below(labels.length)]),
  };
}

/** A patch whose image is its mask: a few boxes of labels. */
function labelled(dims: Triple, labels: number[]): Patch {
  const mask = new Uint8Array(dims[0] * dims[1] * dims[2]);
  for (let k = 0, n = 0; k < dims[2]; k++)
    for (let j = 0; j < dims[1]; j++)
      for (let i = 0; i < dims[0]; i++, n++)
        if (i > 1 && j > 1 && k > 1) mask[n] = labels[(i > dims[0] / 2 ? 1 : 0) % labels.length];
  return { dims, channels: [Float32Array.from(mask)], mask };
}

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
const frozen = (patch: Patch): Patch => structuredClone(patch);

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
      const before = frozen(patch);
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

describe('drawing', () => {
  const draws = (n: number, options = {}): Step[][] => {
    const random = new Random('draws');
    return Array.from({ length: n }, () => drawAugmentation(random, { recipe: nnunetRecipe, ...options }));
  };

  it('has nnU-Net’s probabilities and ranges', () => {
    const n = 20_000;
    const all = draws(n);
    const share = (test: (step: Step) => boolean): number =>
      all.filter((steps) => steps.some(test)).length / n;
    const near = (test: (step: Step) => boolean, p: number): void =>
      expect(Math.abs(share(test) - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / n));
    near((s) => s.op === 'spatial' && s.angles.every((a) => a !== 0), 0.2);
    near((s) => s.op === 'spatial' && s.scales[0] !== 1, 0.2);
    near((s) => s.op === 'noise', 0.1);
    near((s) => s.op === 'blur' && s.sigmas[0] !== null, 0.2 * 0.5);
    near((s) => s.op === 'brightness', 0.15);
    near((s) => s.op === 'contrast', 0.15);
    near((s) => s.op === 'low-resolution' && s.scales[0] !== null, 0.25 * 0.5);
    near((s) => s.op === 'gamma' && s.invert, 0.1);
    near((s) => s.op === 'gamma' && !s.invert, 0.3);
    near((s) => s.op === 'gamma' && !s.invert && s.exponents[0]! < 1, 0.15);
    near((s) => s.op === 'brightness' && s.factors[0]! < 1, 0.075);
    for (const axis of [0, 1, 2]) near((s) => s.op === 'mirror' && s.axes.includes(axis), 0.5);
    const values = all.flat().flatMap((s): [string, number][] => {
      if (s.op === 'spatial') {
        expect(new Set(s.scales).size).toBe(1);
        return [...s.angles.map((x): [string, number] => ['degrees', x]), ['scale', s.scales[0]]];
      }
      if (s.op === 'noise') return [[s.op, s.sigma]];
      if (s.op !== 'gamma') return [];
      expect(s.keepStatistics).toBe(true);
      return [[s.op, s.exponents[0]!]];
    });
    const range = (op: string): number[] => {
      const of = values.filter(([name]) => name === op).map(([, value]) => value);
      return [Math.min(...of), Math.max(...of)];
    };
    const close = (op: string, [low, high]: number[], slack: number): void => {
      const [a, b] = range(op);
      expect(a).toBeGreaterThanOrEqual(low);
      expect(a).toBeLessThan(low + slack);
      expect(b).toBeLessThanOrEqual(high);
      expect(b).toBeGreaterThan(high - slack);
    };
    close('degrees', [-30, 30], 0.3);
    close('scale', [0.7, 1.4], 0.01);
    close('noise', [0, 0.1], 0.001);
    close('gamma', [0.7, 1.5], 0.01);
    // The order is that of the recipe.
    const order = nnunetRecipe.lines.map((line) => line.op);
    for (const steps of all.slice(0, 500)) {
      const places = steps.map((step) => order.indexOf(step.op));
      expect(places).toEqual([...places].sort((a, b) => a - b));
    }
  });

  it('gives the same steps for a seed, plain data that can be written down and applied again', () => {
    const [first] = draws(1, { channels: 2 });
    expect(draws(1, { channels: 2 })[0]).toEqual(first);
    const many = draws(200, { channels: 2, size: [8, 8, 8] }).filter((steps) => steps.length > 4);
    const patch = randomPatch([10, 9, 8], 9, [0, 1, 2], 2);
    for (const steps of many) {
      const again = JSON.parse(JSON.stringify(steps)) as Step[];
      expect(augment(patch, again)).toEqual(augment(patch, steps));
      expect(augment(patch, steps).dims).toEqual([8, 8, 8]);
    }
    expect(many.length).toBeGreaterThan(3);
  });

  it('gives the same bytes on every machine', () => {
    const random = new Random('bytes');
    const patch: Patch = {
      dims: [16, 15, 14],
      channels: [Float32Array.from({ length: 3360 }, () => random.uniform() - 0.5)],
      mask: Uint8Array.from({ length: 3360 }, (_, i) => (i % 16 > 5 ? 1 : 0) + (i > 2000 ? 2 : 0)),
    };
    const steps: Step[] = [
      { op: 'spatial', angles: [11, -23, 37], scales: [1.1, 0.9, 1.2], size: [14, 14, 14] },
      { op: 'noise', kind: 'gaussian', sigma: 0.1, seed: 7 },
      { op: 'noise', kind: 'rician', sigma: 0.1, seed: 8 },
      { op: 'blur', sigmas: [[0.6, 0.8, 1]] },
      { op: 'brightness', factors: [1.2] },
      { op: 'contrast', factors: [0.8] },
      { op: 'low-resolution', scales: [[0.7, 0.7, 0.7]] },
      { op: 'gamma', exponents: [1.3], invert: true, keepStatistics: true },
      { op: 'mirror', axes: [1] },
    ];
    const { channels, mask } = augment(patch, steps);
    const bytes = Buffer.concat([Buffer.from(channels[0].buffer), Buffer.from(mask as Uint8Array)]);
    expect(sha256(bytes).slice(0, 16)).toBe('d894287eae5dee3b');
    // What is drawn, too.
    expect(sha256(JSON.stringify(draws(50, { channels: 2 }))).slice(0, 16)).toBe('6be2f8cc5a204756');
  });

  it('says what is no number of channels', () => {
    for (const channels of [0, 1.5, NaN]) {
      expect(() => drawAugmentation(new Random(1), { channels })).toThrow(
        `cannot draw an augmentation: given ${channels} channels, expected a whole number from 1 on`,
      );
    }
  });

  it('draws spatial or intensity lines alone', () => {
    for (const recipe of [nnunetRecipe, cvaRecipe]) {
      const groups = new Map(recipe.lines.map((line) => [line.op, line.group]));
      const spatial = draws(500, { recipe, intensity: false }).flat();
      const intensity = draws(500, { recipe, spatial: false }).flat();
      expect(new Set(spatial.map((s) => groups.get(s.op)))).toEqual(new Set(['spatial']));
      expect(new Set(intensity.map((s) => groups.get(s.op)))).toEqual(new Set(['intensity']));
      expect(draws(3, { recipe, spatial: false, intensity: false }).flat()).toEqual([]);
    }
    const kinds = draws(3000, { recipe: cvaRecipe, spatial: false })
      .flat()
      .flatMap((s) => (s.op === 'noise' ? [s.kind] : []));
    expect(new Set(kinds)).toEqual(new Set(['rician', 'gaussian']));
    // Angles anywhere, as released.
    const angles = draws(3000, { recipe: cvaRecipe, intensity: false })
      .flat()
      .flatMap((s) => (s.op === 'spatial' ? s.angles : []));
    expect(Math.max(...angles)).toBeGreaterThan(355);
  });
});

describe('views', () => {
  it('share one geometric frame: without intensities the shared boxes are equal, with them the masks are', () => {
    const patch = randomPatch([26, 27, 28], 'views');
    const random = new Random('views');
    const still = { ...cvaRecipe, lines: cvaRecipe.lines.filter((line) => line.group === 'spatial') };
    let turned = 0;
    for (let n = 0; n < 12; n++) {
      for (const recipe of [still, cvaRecipe]) {
        const { views, pair, frame } = drawViews(patch, [12, 12, 12], random, { recipe });
        turned += frame.filter((s) => s.op === 'spatial' && s.angles[0] !== 0).length;
        const [a, b] = views.map((view, v) =>
          cropPatch(view, pair.boxes[v].from.map((x) => Math.round(12 * x)) as Triple, pair.overlap),
        );
        expect(a.mask).toEqual(b.mask);
        if (recipe === still) expect(a.channels).toEqual(b.channels);
      }
    }
    expect(turned).toBeGreaterThan(0);
    const { changes } = drawViews(patch, [12, 12, 12], new Random(4));
    expect(changes[0]).not.toEqual(changes[1]);
  });
});

describe('a patch', () => {
  const affine = diagonalAffine([1, 1, 2]);
  const volume = (value: number, dims: Triple = [2, 2, 2], at = affine) =>
    volumeOf(new Float32Array(dims[0] * dims[1] * dims[2]).fill(value), dims, at);

  it('is made of volumes on one grid', () => {
    const patch = patchOf([volume(1), volume(2)], volume(3));
    expect(patch.channels.map((c) => c[0])).toEqual([1, 2]);
    expect(patch.mask![7]).toBe(3);
    expect(() => patchOf([])).toThrow('cannot make a patch: given no volume, expected one volume or more');
    expect(() => patchOf([volume(1), volume(1, [2, 2, 3])])).toThrow(
      'given grids of 2 x 2 x 2 RAS and 2 x 2 x 3 RAS, expected channels and mask on one grid: the same dims and affine',
    );
    expect(() => patchOf([volume(1)], volume(1, [2, 2, 2], diagonalAffine([-1, 1, 2])))).toThrow(
      'given grids of 2 x 2 x 2 RAS and 2 x 2 x 2 LAS',
    );
  });

  it('says what it cannot be', () => {
    expect(() => patchOf([volume(NaN)])).toThrow(
      'given NaN or infinite values in channel 0, expected finite values',
    );
    expect(() => patchOf([volume(1)], volume(0.5))).toThrow(
      'given label 0.5 in the mask, expected whole numbers',
    );
    expect(() => patchOf([volume(1)], volume(-1))).toThrow("set nnU-Net's -1 (outside of the body) to 0");
    expect(() => augment({ dims: [2, 2, 2], channels: [new Float32Array(7)] }, [])).toThrow(
      'cannot augment a patch: given 7 values for dims 2 x 2 x 2, expected one channel or more, and arrays of 8 values',
    );
    expect(() => augment({ dims: [2, 2, 2], channels: [] }, [])).toThrow('given no channel');
    expect(() => cropPatch(patchOf([volume(1)]), [1, 0, 0], [2, 1, 1])).toThrow(
      'cannot crop a patch: given 2 x 1 x 1 voxels from voxel (1, 0, 0)',
    );
  });
});
