import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random';
import type { Box, CropPair } from '../../src/sampling/crops';
import { drawCropPair } from '../../src/sampling/crops';
import { cellPlaces, displacementOf, samplePlaces } from '../../src/sampling/roi-cells';

const whole: Box = { from: [0, 0, 0], to: [1, 1, 1] };
const upperHalf: Box = { from: [0.5, 0, 0], to: [1, 1, 1] };
const close = (got: number[], wanted: number[]): void =>
  wanted.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 6));

// A ramp along an axis: a cell's value is its place along that axis. A map of 16 voxels.
describe('the cells of an aligned region on a ramp', () => {
  const fullRamp = [0.576923, 2.884615, 5.192308, 7.5, 9.807692, 12.115385, 14.423077];

  it('has the values of the released code on the whole map', () => {
    close(cellPlaces(whole, 16, 'released')[0], fullRamp);
    close(cellPlaces(whole, 16, 'corrected')[0], fullRamp);
  });

  it('exchanges the extents of the first and the last axis as released', () => {
    close(cellPlaces(upperHalf, 16, 'released')[0], fullRamp);
    const half = [7.788462, 8.942308, 10.096154, 11.25, 12.403846, 13.557692, 14.711538];
    close(cellPlaces(upperHalf, 16, 'released')[2], half);
    close(cellPlaces(upperHalf, 16, 'corrected')[0], half);
    close(cellPlaces(upperHalf, 16, 'corrected')[2], fullRamp);
    close(cellPlaces(upperHalf, 16, 'released')[1], fullRamp);
  });

  it('has ROIAlign’s values by detectron2’s test: a box of 1 to 3 in 5 x 5, 4 x 4 cells', () => {
    // Aligned rows are 4.5, 7, 9.5, 12 and columns 4.5, 5, 5.5, 6 of the values 5 y + x.
    const box: Box = { from: [1 / 5, 1 / 5, 0], to: [3 / 5, 3 / 5, 1] };
    const [y, x] = cellPlaces(box, 5, 'roi-align', { count: 4, samples: 1 });
    close(
      x.map((column) => 5 * y[0] + column),
      [4.5, 5, 5.5, 6],
    );
    close(
      y.map((row) => 5 * row + x[0]),
      [4.5, 7, 9.5, 12],
    );
    // Two samples a cell do not move its mean.
    close(cellPlaces(box, 5, 'roi-align', { count: 4, samples: 2 })[0], y);
  });

  it('puts samples on the faces of the box as released, inside it by ROIAlign', () => {
    expect(samplePlaces([0, 1], 16, 'released')[0]).toBe(0);
    expect(samplePlaces([0, 1], 16, 'released')[13]).toBe(15);
    expect(samplePlaces([0, 1], 16, 'roi-align')[0]).toBeCloseTo(16 / 28 - 0.5, 12);
  });

  it('names a box that is none', () => {
    expect(() => samplePlaces([0.5, 0.5], 16, 'released')).toThrow(/from 0.5 to 0.5/);
    expect(() => samplePlaces([0, 1.2], 16, 'corrected')).toThrow(/fractions from 0 to 1/);
  });
});

/** Two crops of 100 voxels with the overlaps .9, .8, .6 along the axes, lower crop first. */
function example(): CropPair {
  const fractions: [number, number, number] = [0.9, 0.8, 0.6];
  return {
    size: [100, 100, 100],
    starts: [
      [0, 0, 0],
      [10, 20, 40],
    ],
    share: 0.432,
    fractions,
    overlap: [90, 80, 60],
    boxes: [
      { from: [0.1, 0.2, 0.4], to: [1, 1, 1] },
      { from: [0, 0, 0], to: fractions },
    ],
    boxRule: 'exact',
    redraws: 0,
  };
}

describe('displaced pairs', () => {
  it('lie where arithmetic puts them, on features as fine as the voxels', () => {
    // As released axis 0 takes the box of axis 2: the first crop's cells begin at 40, the second's at 10.
    const { along } = displacementOf(example(), 1e9, 'released');
    close(along, [-30, 0, 30]);
    const corrected = displacementOf(example(), 1e9, 'corrected');
    close(corrected.along, [0, 0, 0]);
    expect(corrected.distance).toBeCloseTo(0, 6);
  });

  it('stay apart on a coarse map where its first centre counts as the edge', () => {
    // Centres of 10 voxels of the map span 90 voxels of the crop: a box that begins at .4 of it is read 4 voxels early.
    close(displacementOf(example(), 10, 'corrected').along, [1, 2, 4]);
  });

  it('are none by ROIAlign, whatever the pair, where boxes are exact', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 4, max: 20 }), (seed, features) => {
        const pair = drawCropPair([205, 205, 205], [128, 128, 128], new Random(seed), { eitherUpper: true });
        const { distance, outside } = displacementOf(pair, features, 'roi-align');
        expect(distance).toBeCloseTo(0, 9);
        expect(outside).toBe(0);
      }),
    );
  });

  it('counts cells outside the overlap', () => {
    // As released the first crop is read from .4 of axis 0 (inside the overlap from .1) and from .1 of axis 2 (outside up to
    // .4): of 7 cells along axis 2, with samples on the faces of [.1, 1], the first two lie below .4. The second crop is read
    // to .6 of axis 0 (inside) and to .9 of axis 2 (outside from .6): its last two.
    expect(displacementOf(example(), 1e9, 'released').outside).toBeCloseTo(2 / 7, 9);
    expect(displacementOf(example(), 1e9, 'corrected').outside).toBe(0);
  });
});
