import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random';
import { cropOf } from '../../src/sampling/crop';
import { drawCropPair, type CropPair, type CropPairOptions } from '../../src/sampling/crops';
import { diagonalAffine, voxelToWorld, type Affine } from '../../src/volume/affine';
import { volumeOf, type Triple } from '../../src/volume/volume';

/** A volume whose every voxel holds its own index. */
function counted(dims: Triple, affine: Affine = diagonalAffine([1, 1, 1])) {
  return volumeOf(
    Int32Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => i),
    dims,
    affine,
  );
}

function pairs(n: number, dims: Triple, size: Triple, options?: CropPairOptions, seed = 'pairs'): CropPair[] {
  const random = new Random(seed);
  return Array.from({ length: n }, () => drawCropPair(dims, size, random, options));
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Sizes of crops, and volumes in which every draw fits. */
const setting = fc
  .record({
    size: fc.tuple(
      fc.integer({ min: 5, max: 20 }),
      fc.integer({ min: 5, max: 20 }),
      fc.integer({ min: 5, max: 20 }),
    ),
    more: fc.tuple(
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
    ),
    seed: fc.nat(),
    eitherUpper: fc.boolean(),
  })
  .map(({ size, more, ...rest }) => ({
    ...rest,
    size,
    dims: size.map((p, d) => 2 * p + 3 + more[d]) as Triple,
  }));

describe('crop pairs', () => {
  it('lie in the volume, share what was asked for up to the rounding, and fit at the first draw', () => {
    fc.assert(
      fc.property(setting, fc.integer({ min: 40, max: 90 }), fc.nat(9), (given, least, more) => {
        const { size, dims, seed, eitherUpper } = given;
        const share = [least / 100, (least + more) / 100] as const;
        const pair = drawCropPair(dims, size, new Random(seed), { eitherUpper, share });
        expect(pair.redraws).toBe(0);
        for (let d = 0; d < 3; d++) {
          const [a, b] = [pair.starts[0][d], pair.starts[1][d]];
          expect(Math.min(a, b)).toBeGreaterThanOrEqual(0);
          expect(Math.max(a, b) + size[d]).toBeLessThanOrEqual(dims[d]);
          // What they share, counted from the starts.
          expect(pair.overlap[d]).toBe(size[d] - Math.abs(a - b));
          // An even number of voxels, less than two below the drawn fraction.
          expect(pair.overlap[d] / size[d]).toBeLessThanOrEqual(pair.fractions[d]);
          expect(pair.overlap[d] / size[d]).toBeGreaterThan(pair.fractions[d] - 2 / size[d]);
          if (!eitherUpper) expect(a).toBeLessThanOrEqual(b);
        }
        expect(pair.share).toBeGreaterThanOrEqual(share[0]);
        expect(pair.share).toBeLessThanOrEqual(share[1]);
        expect(pair.fractions[0] * pair.fractions[1] * pair.fractions[2]).toBeCloseTo(pair.share, 12);
      }),
    );
  });

  it('hold the same voxels in their exact boxes, bit for bit', () => {
    fc.assert(
      fc.property(setting, ({ size, dims, seed, eitherUpper }) => {
        const volume = counted(dims);
        const pair = drawCropPair(dims, size, new Random(seed), { eitherUpper });
        const shared = pair.starts.map((start, view) => {
          const crop = cropOf(volume, start, size);
          const box = pair.boxes[view];
          const from = box.from.map((x, d) => x * size[d]);
          const to = box.to.map((x, d) => x * size[d]);
          // On voxel edges, but for the last bits.
          for (const edge of [...from, ...to]) expect(Math.abs(edge - Math.round(edge))).toBeLessThan(1e-12);
          const first = from.map(Math.round) as Triple;
          return cropOf(crop, first, to.map((x, d) => Math.round(x) - first[d]) as Triple);
        });
        expect(shared[0].dims).toEqual(pair.overlap);
        expect(shared[0].data).toEqual(shared[1].data);
        expect(shared[0].affine).toEqual(shared[1].affine);
        expect(shared[0].data.length).toBeGreaterThan(0);
      }),
    );
  });

  it('have the distribution of the published rule', () => {
    // Crops of 128 in 205 voxels: nnU-Net's patch before rotation. Oracle: mean fraction of an axis 0.847, least 0.4;
    // v is uniform in 0.4..0.8 with mean 0.6.
    const drawn = pairs(20_000, [205, 205, 205], [128, 128, 128]);
    const fractions = drawn.flatMap((pair) => pair.fractions);
    expect(mean(fractions)).toBeCloseTo(0.847, 2);
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0.4);
    expect(Math.max(...fractions)).toBeLessThanOrEqual(1);
    expect(mean(drawn.map((pair) => pair.share))).toBeCloseTo(0.6, 2);
    for (const d of [0, 1, 2]) expect(mean(drawn.map((pair) => pair.fractions[d]))).toBeCloseTo(0.847, 2);
    // Dirichlet(1, 1, 1): each weight, log f / log v, has mean 1/3 and variance 1/18.
    const weights = drawn.map((pair) => Math.log(pair.fractions[1]) / Math.log(pair.share));
    expect(mean(weights)).toBeCloseTo(1 / 3, 2);
    expect(mean(weights.map((w) => (w - 1 / 3) ** 2))).toBeCloseTo(1 / 18, 3);
    // IoU = v / (2 - v) counted in voxels lies between 0.25 and 2/3, but for the rounding.
    const iou = drawn.map(({ overlap }) => {
      const shared = (overlap[0] * overlap[1] * overlap[2]) / 128 ** 3;
      return shared / (2 - shared);
    });
    expect(Math.min(...iou)).toBeGreaterThan(0.22);
    expect(Math.max(...iou)).toBeLessThan(2 / 3);
    // About half of the whole-voxel overlaps are odd and lose one voxel.
    const lost = drawn.flatMap(({ fractions: f, overlap }) =>
      f.map((x, d) => Math.floor(128 * x) - overlap[d]),
    );
    expect(new Set(lost)).toEqual(new Set([0, 1]));
    expect(mean(lost)).toBeGreaterThan(0.45);
    expect(mean(lost)).toBeLessThan(0.55);
  });

  it('centre the overlap uniformly in the places that the published rule leaves', () => {
    // fraction 0.5 alone: o = 8 of 16, half = 4, centres 13 .. 27 of 40 voxels, so starts 1 .. 15 of crop 1.
    const random = new Random('centres');
    const seen = new Map<number, number>();
    for (let n = 0; n < 30_000; n++) {
      const pair = drawCropPair([40, 40, 40], [16, 16, 16], random, { share: [0.4, 0.8] });
      if (pair.overlap[0] !== 8) continue;
      seen.set(pair.starts[0][0], (seen.get(pair.starts[0][0]) ?? 0) + 1);
    }
    const starts = [...seen.keys()].sort((a, b) => a - b);
    // 9 / 16 > f >= 8 / 16 has starts 1..15, the next step (o = 9, same overlap) has 0..16.
    expect(starts[0]).toBe(0);
    expect(starts.at(-1)).toBe(16);
    const inner = starts.slice(1, -1).map((s) => seen.get(s)!);
    expect(Math.min(...inner)).toBeGreaterThan(0.6 * mean(inner));
    expect(Math.max(...inner)).toBeLessThan(1.4 * mean(inner));
  });

  it('are the same for a seed on every machine', () => {
    const [a, b] = pairs(2, [205, 205, 205], [128, 128, 128], {}, 'the same everywhere');
    expect({ share: a.share, fractions: a.fractions, starts: a.starts }).toEqual({
      share: 0.49217892307788136,
      fractions: [0.837385323777568, 0.7176733789076444, 0.8189753486963587],
      starts: [
        [45, 9, 8],
        [67, 47, 32],
      ],
    });
    expect(b.starts).not.toEqual(a.starts);
  });

  it('let either crop be the upper one only when asked', () => {
    const free = pairs(400, [60, 60, 60], [30, 30, 30], { eitherUpper: true });
    for (const d of [0, 1, 2]) {
      const upper = free.filter((pair) => pair.starts[0][d] > pair.starts[1][d]).length;
      expect(upper).toBeGreaterThan(140);
      expect(upper).toBeLessThan(260);
    }
    // Axes are chosen by themselves.
    const patterns = new Set(
      free.map((pair) => pair.starts[0].map((s, d) => (s > pair.starts[1][d] ? 1 : 0)).join('')),
    );
    expect(patterns.size).toBe(8);
  });

  it('have released boxes from the fraction before rounding, crop 1 below', () => {
    for (const pair of pairs(50, [205, 205, 205], [128, 128, 128], { boxes: 'released' })) {
      expect(pair.boxRule).toBe('released');
      expect(pair.boxes[0]).toEqual({ from: pair.fractions.map((f) => 1 - f), to: [1, 1, 1] });
      expect(pair.boxes[1]).toEqual({ from: [0, 0, 0], to: pair.fractions });
    }
    // The rule of the boxes changes nothing else.
    const exact = pairs(3, [205, 205, 205], [128, 128, 128]);
    const released = pairs(3, [205, 205, 205], [128, 128, 128], { boxes: 'released' });
    expect(released.map((pair) => pair.starts)).toEqual(exact.map((pair) => pair.starts));
  });

  it('draw again where a volume has no room, and count it', () => {
    // 2 (16 - 6) + 2 3 + 3 = 29 voxels hold every draw of 0.4 and more: 28 do not.
    expect(pairs(300, [29, 29, 29], [16, 16, 16]).every((pair) => pair.redraws === 0)).toBe(true);
    const tight = pairs(300, [22, 22, 22], [16, 16, 16]);
    expect(tight.some((pair) => pair.redraws > 0)).toBe(true);
    for (const { starts } of tight) {
      for (const s of starts.flat()) expect(s >= 0 && s + 16 <= 22).toBe(true);
    }
  });

  it('fall back as the released code does when asked: both at 0, its boxes unchanged', () => {
    const options = { impossible: 'released', boxes: 'released' } as const;
    const fallen = pairs(300, [22, 22, 22], [16, 16, 16], options).filter((pair) =>
      pair.overlap.includes(16),
    );
    expect(fallen.length).toBeGreaterThan(10);
    for (const pair of fallen) {
      const d = pair.overlap.indexOf(16);
      expect([pair.starts[0][d], pair.starts[1][d]]).toEqual([0, 0]);
      expect(pair.boxes[1].to[d]).toBe(pair.fractions[d]);
      expect(pair.redraws).toBe(0);
    }
    // Exact boxes tell the truth there too.
    const exact = pairs(300, [22, 22, 22], [16, 16, 16], { impossible: 'released' }).filter((pair) =>
      pair.overlap.includes(16),
    );
    for (const pair of exact) {
      const d = pair.overlap.indexOf(16);
      expect([pair.boxes[0].from[d], pair.boxes[0].to[d]]).toEqual([0, 1]);
      expect([pair.boxes[1].from[d], pair.boxes[1].to[d]]).toEqual([0, 1]);
    }
  });

  it('fall back along about 2 axes in 1e5 at 128 of 205, as derived', () => {
    // No room where 2 (128 - o) + 2 floor(o / 2) + 3 > 205: f below 53/128. That needs v below it too, and a weight w
    // above log f / log v, of which Dirichlet(1, 1, 1) has (1 - w)^2: 1.7e-5 of the axes, 3 of these 180,000.
    const axes = pairs(60_000, [205, 205, 205], [128, 128, 128], { impossible: 'released' }).flatMap(
      (p) => p.overlap,
    );
    expect(axes.filter((o) => o === 128).length).toBeLessThan(12);
  });

  it('say what does not fit', () => {
    const random = new Random(1);
    expect(() => drawCropPair([100, 20, 100], [32, 32, 32], random)).toThrow(
      'cannot draw a pair of crops: given 32 x 32 x 32 voxels from voxel (0, 0, 0) of a volume of 100 x 20 x 100, expected a box of whole voxels inside the volume. What to do: take a smaller crop or another start',
    );
    expect(() => drawCropPair([32, 32, 32], [32, 32, 32], random)).toThrow(
      'cannot draw a pair of crops of 32 x 32 x 32 voxels: given a volume of 32 x 32 x 32 voxels, in which 1000 draws did not fit, expected room for both crops: 55 x 55 x 55 voxels hold every draw. What to do: take smaller crops, a larger volume or a larger share',
    );
    expect(pairs(300, [55, 55, 55], [32, 32, 32]).every((pair) => pair.redraws === 0)).toBe(true);
    expect(() => drawCropPair([20, 20, 20], [4, 8, 8], random)).toThrow(
      'given crops of 4 x 8 x 8 voxels that are to share 0.4 of their volume or more, expected crops of 5 voxels or more along each axis',
    );
    expect(() => drawCropPair([20, 20, 20], [8.5, 8, 8], random)).toThrow('8.5 x 8 x 8 voxels');
    for (const share of [
      [0, 0.5],
      [0.8, 0.4],
      [0.5, 1],
      [NaN, 0.5],
    ] as [number, number][]) {
      expect(() => drawCropPair([80, 80, 80], [32, 32, 32], random, { share })).toThrow(
        `given a share of ${share[0]} to ${share[1]}, expected two numbers above 0 and below 1, the smaller first`,
      );
    }
  });
});

describe('a crop', () => {
  const oblique: Affine = [
    [-0.9, 0.1, 0.2, 12],
    [0.1, 1.1, -0.3, -7],
    [0.05, 0.2, 2.5, 30],
    [0, 0, 0, 1],
  ];

  it('keeps the value and the place in the world of every voxel', () => {
    const volume = counted([7, 6, 5], oblique);
    const start: Triple = [2, 1, 3];
    const crop = cropOf(volume, start, [4, 5, 2]);
    expect(crop.dims).toEqual([4, 5, 2]);
    expect(crop.axisCodes).toBe(volume.axisCodes);
    crop.spacing.forEach((s, d) => expect(s).toBeCloseTo(volume.spacing[d], 12));
    let n = 0;
    for (let k = 0; k < 2; k++) {
      for (let j = 0; j < 5; j++) {
        for (let i = 0; i < 4; i++) {
          const from: Triple = [i + start[0], j + start[1], k + start[2]];
          expect(crop.data[n++]).toBe(from[0] + 7 * (from[1] + 6 * from[2]));
          const [here, there] = [voxelToWorld(crop.affine, [i, j, k]), voxelToWorld(oblique, from)];
          here.forEach((x, d) => expect(x).toBeCloseTo(there[d], 12));
        }
      }
    }
    // A copy, not a view.
    crop.data[0] = -1;
    expect(volume.data.indexOf(-1)).toBe(-1);
  });

  it('counts its own NaN and says so once', () => {
    const data = new Float32Array(27).fill(1);
    data[0] = NaN;
    data[26] = NaN;
    const volume = volumeOf(data, [3, 3, 3], diagonalAffine([1, 1, 1]), { notes: ['made by hand'] });
    expect(cropOf(volume, [0, 0, 0], [2, 2, 2]).notes).toEqual([
      'made by hand',
      '1 voxels are NaN and 0 are infinite: replace them before you compute with this image',
    ]);
    expect(cropOf(volume, [0, 1, 0], [2, 2, 2]).notes).toEqual(['made by hand']);
  });

  it('says what does not lie in the volume', () => {
    const volume = counted([4, 4, 4]);
    expect(() => cropOf(volume, [2, 0, 0], [3, 2, 2])).toThrow(
      'cannot crop a volume: given 3 x 2 x 2 voxels from voxel (2, 0, 0) of a volume of 4 x 4 x 4, expected a box of whole voxels inside the volume',
    );
    expect(() => cropOf(volume, [-1, 0, 0], [2, 2, 2])).toThrow('from voxel (-1, 0, 0)');
    expect(() => cropOf(volume, [0, 0, 0], [0, 2, 2])).toThrow('given 0 x 2 x 2 voxels');
  });
});
