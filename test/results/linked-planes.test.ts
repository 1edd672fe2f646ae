// The form of linked planes: what is refused, in which words, and where a pixel is.
import { describe, expect, it } from 'vitest';
import { checkLinkedPlanes } from '../../src/results/linked-check';
import {
  differenceAlong,
  pixelAt,
  pixelOfSample,
  sampleAt,
  sharedSample,
  voxelAt,
  worldOf,
} from '../../src/results/linked-geometry';
import type { LinkedPlanes } from '../../src/results/linked-planes';
import { madeUpLinkedPlanes, madeUpPng } from '../plots/made-up';

const check = (data: unknown): LinkedPlanes => checkLinkedPlanes(data, 'a test');
/** A copy that something was done to. */
const changed = (act: (data: LinkedPlanes) => void, options?: object): LinkedPlanes => {
  const data = structuredClone(madeUpLinkedPlanes(options));
  act(data);
  return data;
};

describe('linked planes', () => {
  it('pass as they are, through JSON, with and without masks and predictions', () => {
    for (const options of [{}, { prediction: true }, { mask: false }]) {
      const data = madeUpLinkedPlanes(options);
      expect(check(JSON.parse(JSON.stringify(data)))).toEqual(data);
    }
    // What is no number is null.
    expect(() => check(changed((d) => (d.lines[0].profiles.stored[0][3] = null)))).not.toThrow();
  });

  it.each<[string, LinkedPlanes | object, string]>([
    ['a field that is missing', { planes: [] }, 'cannot use the linked planes of a test: given format: '],
    [
      'a field too many',
      { ...madeUpLinkedPlanes(), volume: [1, 2, 3] },
      'the data: Unrecognized key: "volume"',
    ],
    [
      'a plane twice',
      changed((d) => (d.planes[1] = d.planes[0])),
      'given the planes axial, axial, sagittal, expected axial, coronal and sagittal, each once',
    ],
    [
      'a line twice',
      changed((d) => (d.lines[1] = d.lines[0])),
      'given the lines axial-coronal, axial-coronal, coronal-sagittal',
    ],
    [
      'a picture of another size',
      changed((d) => (d.planes[2].png = madeUpPng(5, 4, () => 0))),
      'given sagittal.png of 5 x 4 pixels, expected 40 x 20 pixels',
    ],
    ['no picture', changed((d) => (d.planes[0].png = 'AAAA')), 'given axial.png, expected a PNG in base64'],
    [
      'a mask in one plane only',
      changed((d) => delete d.planes[1].maskPng),
      'given a mask in some planes, none in others',
    ],
    [
      'a flipped plane',
      changed((d) => {
        d.planes[1].first[0] = 29;
        d.planes[1].perColumn[0] = -1;
      }),
      'sample 0 of axial-coronal: voxel (0, 25, 8) in one plane and (29, 25, 8) in the other, expected one voxel (is a plane flipped?)',
    ],
    [
      'a line that leaves its picture',
      changed((d) => d.lines[0].places.forEach((place) => (place.column = 1))),
      'given sample 29 of axial-coronal at (30, 25) of the axial plane, expected a place inside it',
    ],
    [
      'a signal without its profile',
      changed((d) => delete d.lines[2].profiles.flawed),
      'given profiles of coronal-sagittal for stored, expected profiles for stored, flawed',
    ],
    [
      'too few values',
      changed((d) => d.lines[1].profiles.stored[1].pop()),
      'given 39 values of stored along axial-sagittal, expected 40',
    ],
    [
      'labels without a mask',
      changed((d) => (d.lines[0].labels = [d.lines[0].profiles.stored[0], d.lines[0].profiles.stored[0]]), {
        mask: false,
      }),
      'given labels along axial-coronal, expected labels along the lines where there is a mask',
    ],
    [
      'a prediction that no plane has',
      changed((d) => delete d.planes[0].predictions, { prediction: true }),
      'given axial.predictions of nothing, expected guess',
    ],
    [
      'a prediction first',
      changed((d) => d.signals.reverse(), { prediction: true }),
      'given guess as the first signal, expected the image as stored first',
    ],
  ])('with %s are refused', (_, data, message) => {
    expect(() => check(data)).toThrow(message);
  });
});

describe('the geometry of linked planes', () => {
  const data = madeUpLinkedPlanes();
  const [axial, coronal, sagittal] = data.planes;

  it('goes from pixel to voxel and back, in every pixel', () => {
    // By hand: a coronal picture shows the head at the top, k runs against its rows.
    expect(voxelAt(coronal, 3, 0)).toEqual([3, 25, 19]);
    expect(voxelAt(sagittal, 39, 19)).toEqual([12, 39, 0]);
    for (const p of data.planes)
      for (let row = 0; row < p.height; row++)
        for (let column = 0; column < p.width; column++)
          expect(pixelAt(p, voxelAt(p, column, row))).toEqual([column, row]);
    expect(pixelAt(axial, [3, 4, 9])).toBeUndefined();
    expect(pixelAt(axial, [30, 4, 8])).toBeUndefined();
    expect(worldOf(data, data.voxel)).toEqual(data.world);
  });

  it('gives every sample one voxel in both planes', () => {
    for (const line of data.lines) {
      const both = line.planes.map((name) => data.planes.find((p) => p.name === name)!);
      for (let i = 0; i < line.count; i++) {
        const [a, b] = [pixelOfSample(line, 0, i), pixelOfSample(line, 1, i)];
        expect(voxelAt(both[0], ...a)).toEqual(voxelAt(both[1], ...b));
        expect([sampleAt(line, 0, ...a), sampleAt(line, 1, ...b)]).toEqual([i, i]);
      }
    }
    expect(sampleAt(data.lines[0], 0, 3, 24)).toBeUndefined();
    expect(data.lines.map((l) => sharedSample(data, l))).toEqual([12, 25, 11]);
  });

  it('takes the first plane from the second', () => {
    expect(differenceAlong(data.lines[0], 'flawed').flatMap((d, i) => (d === 0 ? [] : [[i, d]]))).toEqual([
      [5, 1],
    ]);
    const holed = changed((d) => (d.lines[0].profiles.stored[1][2] = null));
    expect(differenceAlong(holed.lines[0], 'stored')[2]).toBeNull();
  });
});
