// Drawing augmentations and views, and what a patch may be.
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash';
import { Random } from '../../src/base/random';
import { augment, drawAugmentation, type Step } from '../../src/sampling/augment/augment';
import { cropPatch, patchOf, type Patch } from '../../src/sampling/augment/patch';
import { cvaRecipe, nnunetRecipe } from '../../src/sampling/augment/recipe';
import { drawViews } from '../../src/sampling/views';
import { diagonalAffine } from '../../src/volume/affine';
import { volumeOf, type Triple } from '../../src/volume/volume';
import { randomPatch } from './augment-patches';

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
