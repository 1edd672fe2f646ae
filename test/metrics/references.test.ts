// Published reference values: the test cases of MONAI, MedPy and DeepMind's surface-distance, rebuilt here.
import { describe, expect, it } from 'vitest';
import { scores } from '../../src/metrics/definitions';
import type { Mask } from '../../src/metrics/mask';
import { MaskPair } from '../../src/metrics/mask-pair';
import type { Triple } from '../../src/volume/volume';

const grid: Triple = [99, 99, 99];

/** MONAI's `create_spherical_seg_3d`: radius and centre in mm. */
function sphere(radius: number, centre: Triple, spacing: Triple = [1, 1, 1]): Mask {
  const data = new Uint8Array(99 ** 3);
  let at = 0;
  for (let k = 0; k < 99; k++)
    for (let j = 0; j < 99; j++)
      for (let i = 0; i < 99; i++, at++) {
        const d2 = [i, j, k].reduce((sum, v, a) => sum + (v * spacing[a] - centre[a]) ** 2, 0);
        data[at] = d2 <= radius ** 2 ? 1 : 0;
      }
  return { data, dims: grid, spacing };
}

function drawn(rows: string[], spacing: Triple = [1, 1, 1]): Mask {
  const data = Uint8Array.from(rows.join(''), (c) => (c === '#' ? 1 : 0));
  return { data, dims: [rows[0].length, rows.length, 1], spacing };
}

function half(planes: number): Mask {
  const data = new Uint8Array(1e6);
  for (let i = 0; i < 1e6; i++) data[i] = i % 100 < planes ? 1 : 0;
  return { data, dims: [100, 100, 100], spacing: [2, 1, 1] };
}

/** A score by the start of its key. */
function score(prediction: Mask, truth: Mask, name: string): number {
  const found = Object.entries(scores(new MaskPair(prediction, truth))).filter(([key]) =>
    key.startsWith(`${name}.empty-`),
  );
  expect(found).toHaveLength(1);
  return found[0][1]!;
}

describe('spheres of MONAI', () => {
  it.each([
    ['hd-mm.monai', 20, [20, 20, 20], 20, [19, 19, 19], 1.7320508],
    ['asd-mm.medpy', 20, [20, 20, 20], 20, [19, 19, 19], 0.8958613559],
    ['assd-mm.medpy-0.4', 20, [20, 20, 20], 20, [19, 19, 19], 0.8957429366],
    ['hd-mm.monai', 20, [20, 33, 22], 40, [20, 33, 22], 20.22374842],
    ['hd95-mm.monai', 20, [20, 33, 22], 40, [20, 33, 22], 20.09975124],
    ['hd95-mm.medpy', 20, [20, 33, 22], 40, [20, 33, 22], 20.04993766],
    ['asd-mm.monai', 20, [20, 33, 22], 40, [20, 33, 22], 12.0400335132],
    ['assd-mm.monai', 20, [20, 33, 22], 40, [20, 33, 22], 15.117741],
    ['assd-mm.medpy-0.4', 20, [20, 33, 22], 40, [20, 33, 22], 13.9756736963],
    ['hd-mm.monai', 33, [19, 33, 22], 33, [20, 33, 22], 1],
    ['asd-mm.monai', 33, [19, 33, 22], 33, [20, 33, 22], 0.3483278808],
    ['assd-mm.monai', 33, [19, 33, 22], 33, [20, 33, 22], 0.350217],
  ] as [string, number, Triple, number, Triple, number][])(
    '%s of radius %d at %j and radius %d at %j is %d',
    (name, r1, c1, r2, c2, expected) => {
      const [a, b] = [sphere(r1, c1), sphere(r2, c2)];
      expect(score(a, b, name)).toBeCloseTo(expected, 6);
    },
  );

  it.each([
    ['hd-mm.monai', 20, [20, 20, 20], 20, [19, 19, 19], 2.2671568, 6],
    ['hd-mm.monai', 15, [20, 33, 22], 30, [20, 33, 22], 15.62594, 5],
    ['asd-mm.monai', 33, [42, 45, 52], 33, [43, 45, 52], 0.4951, 4],
  ] as [string, number, Triple, number, Triple, number, number][])(
    '%s in voxels of 0.85 x 1.2 x 0.9 mm: radius %d at %j and radius %d at %j is %d',
    (name, r1, c1, r2, c2, expected, digits) => {
      const spacing: Triple = [0.85, 1.2, 0.9];
      expect(score(sphere(r1, c1, spacing), sphere(r2, c2, spacing), name)).toBeCloseTo(expected, digits);
    },
  );
});

describe('small masks of MedPy', () => {
  const result = drawn(['#...', '#...', '#...', '##..']);
  const reference = drawn(['##..', '#...', '#...', '....']);
  it.each([
    ['asd-mm.medpy', 0.4828427125, false],
    ['asd-mm.medpy', 0.25, true],
    ['assd-mm.medpy-0.4', 0.3664213562, false],
    ['hd-mm.monai', 1.414213562, false],
    ['hd95-mm.medpy', 1.248528137, false],
  ] as [string, number, boolean][])('%s is %d (swapped: %s)', (name, expected, swapped) => {
    const pair = swapped ? ([reference, result] as const) : ([result, reference] as const);
    expect(score(...pair, name)).toBeCloseTo(expected, 8);
  });

  it('counts millimetres', () => {
    expect(score(drawn(['#.']), drawn(['.#']), 'asd-mm.medpy')).toBe(1);
    expect(score(drawn(['#.'], [2, 1, 1]), drawn(['.#'], [2, 1, 1]), 'asd-mm.medpy')).toBe(2);
  });
});

describe('half spaces of DeepMind', () => {
  it.each([
    ['asd-mm.deepmind-from-truth', 0.322, 3],
    ['asd-mm.deepmind-from-prediction', 0.339, 3],
    ['hd95-mm.deepmind', 2, 9],
    ['nsd-1mm.deepmind', 0.836, 3],
    ['dice.nnunet', 0.99, 3],
  ] as [string, number, number][])('%s is %d', (name, expected, digits) => {
    expect(score(half(51), half(50), name)).toBeCloseTo(expected, digits);
  });
});
