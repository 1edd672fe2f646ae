// Label maps brought to an image's grid, and audits that hang neither on how a file is stored nor on its name.
import { describe, expect, it } from 'vitest';
import { audit, auditAgreement } from '../../src/metrics/audit';
import { agreementRecords, auditRecords } from '../../src/metrics/audit-table';
import { labelsIn, onGridOf } from '../../src/metrics/label-maps';
import { errorMap, worstRow } from '../../src/metrics/worst';
import { reorient } from '../../src/volume/reorient';
import type { Triple, Volume } from '../../src/volume/volume';
import { volumeOf } from '../../src/volume/volume';
import { affineOf, orientations } from '../sampling/volumes';

const dims: Triple = [7, 6, 5];

function labels(of: (x: number, y: number, z: number) => number, make = Uint8Array as never): Volume {
  const data = new (make as Uint8ArrayConstructor)(210);
  for (let i = 0; i < 210; i++) data[i] = of(i % 7, Math.floor(i / 7) % 6, Math.floor(i / 42));
  return volumeOf(data, dims, affineOf('RAS', [1, 2, 3]));
}

const truth = labels((x, y, z) => (x > 1 && x < 5 && y > 0 && y < 4 && z > 0 ? (z < 3 ? 1 : 2) : 0));
const shifted = labels((x, y, z) => (x > 2 && x < 6 && y > 0 && y < 4 && z > 0 ? (z < 3 ? 1 : 2) : 0));
const classes = [
  { name: '1', labels: [1] },
  { name: 'both', labels: [1, 2] },
];

describe('label maps', () => {
  it.each(orientations)('stored as %s lie where they belong', (codes) => {
    const stored = reorient(truth, codes);
    expect(onGridOf(truth, stored, 'the truth t.nii').data).toEqual(truth.data);
    // An image stored otherwise is what the label map is turned to.
    expect(onGridOf(stored, truth, 'the truth t.nii').data).toEqual(stored.data);
  });

  it('are refused with another shape, place or spacing', () => {
    const other = volumeOf(new Uint8Array(180), [6, 6, 5], truth.affine);
    expect(() => onGridOf(truth, other, 'the truth t.nii')).toThrow(
      "cannot lay the truth t.nii over the image: given 6 x 6 x 5 voxels, RAS, expected the image's shape 7 x 6 x 5, " +
        'RAS. What to do: resample it to the grid of the image, with nearest neighbours',
    );
    const moved = volumeOf(
      truth.data,
      dims,
      truth.affine.map((row, r) => (r === 1 ? [row[0], row[1], row[2], row[3] + 0.5] : row)) as never,
    );
    expect(() => onGridOf(truth, moved, 'the prediction p.nii')).toThrow(
      'cannot lay the prediction p.nii over the image: given an affine that puts a corner 0.500 mm away from where the ' +
        "image has it, expected the image's affine: RAS, 1 x 2 x 3 mm, first voxel at (10, 20, 30)",
    );
    const stretched = volumeOf(truth.data, dims, affineOf('RAS', [1, 2, 3.1]));
    expect(() => onGridOf(truth, stretched, 'the truth t.nii')).toThrow(/a corner 0\.400 mm away/);
  });

  it('may be rounded by their header, and hold nothing but labels', () => {
    const scaled = labels((x) => (x > 3 ? 0.99999997 : 0), Float64Array as never);
    expect(labelsIn([onGridOf(truth, scaled, 'a mask')])).toEqual([1]);
    for (const [value, text] of [
      [0.5, '0.5'],
      [NaN, 'NaN'],
      [-1, '-1'],
      [Infinity, 'Infinity'],
    ] as const) {
      const wrong = labels((x) => (x === 3 ? value : 0), Float32Array as never);
      expect(() => onGridOf(truth, wrong, 'the truth t.nii')).toThrow(
        `cannot lay the truth t.nii over the image: given the value ${text}, expected labels: whole numbers from 0, ` +
          'which is background. What to do: pass a label map; give probabilities a threshold first',
      );
    }
    const many = labels((x) => 1000 * x, Float32Array as never);
    expect(onGridOf(truth, many, 'a mask').data).toBeInstanceOf(Uint16Array);
    expect(labelsIn([many, truth])).toEqual([1, 2, 1000, 2000, 3000, 4000, 5000, 6000]);
  });
});

describe('an audit', () => {
  it('scores each class and region, by hand', async () => {
    const rows = await audit([{ name: 'p', labels: shifted }], classes, { truth });
    const [one, both] = rows;
    // 3 x 3 x 2 voxels of 6 mm3, moved by one of three along x.
    expect(one).toMatchObject({ voxels: { prediction: 18, truth: 18 }, millilitres: { truth: 0.108 } });
    expect(one.dice).toBe(2 / 3);
    expect(one.scores!['hd-mm.monai.empty-nan-inf-inf']).toBe(1);
    expect(both.voxels).toEqual({ prediction: 36, truth: 36 });
    // The same shape, moved: its slices resemble each other as the truth's do.
    for (const plane of ['axial', 'coronal', 'sagittal'] as const)
      expect(one.throughPlane[plane].jitter).toBe(0);
    // Axial slices: class 1 begins at z = 1, goes on at 2 and ends: Dice 0, 1, 0.
    expect(one.throughPlane.axial.truth).toBeCloseTo(1 / 3, 12);
  });

  it.each(['LPS', 'SAR', 'IPL', 'ASL'])('is the same of files stored as %s', async (codes) => {
    const of = async (turn: (v: Volume) => Volume) => {
      const [t, p, q] = [truth, shifted, truth].map(turn);
      const rows = await audit([{ name: 'p', labels: p }], classes, { truth: t });
      const planes = await auditAgreement({ axial: p, coronal: q, sagittal: p }, t, classes);
      // Sums in another order differ in their last digit.
      const round = (value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(12)) : value);
      return [...auditRecords(rows), ...agreementRecords(planes)].map((row) =>
        Object.entries(row).map(([name, value]) => [name, round(value)]),
      );
    };
    expect(await of((v) => reorient(v, codes))).toEqual(await of((v) => v));
  });

  it('tells agreement of the three pairs of planes, whole and of one triplet', async () => {
    const by = { axial: truth, coronal: shifted, sagittal: truth };
    const whole = await auditAgreement(by, truth, classes.slice(0, 1));
    expect(whole.map((r) => r.planes.join(' '))).toEqual([
      'axial coronal',
      'axial sagittal',
      'coronal sagittal',
    ]);
    // 24 voxels in either; 12 in both.
    expect(whole[0].agreement).toMatchObject({
      voxels: 24,
      disagree: 0.5,
      agreeAndRight: 0.5,
      dice: [1, 2 / 3],
    });
    expect(whole[1].agreement).toMatchObject({ voxels: 18, disagree: 0, agreeAndRight: 1 });
    const through = await auditAgreement(by, truth, classes.slice(0, 1), { voxel: [2, 2, 2] });
    // Axial and coronal meet along x: 2, 3, 4 in the truth, 3, 4, 5 in the shifted one.
    expect(through[0]).toMatchObject({ lines: 'through 2,2,2' });
    expect(through[0].agreement).toMatchObject({ voxels: 4, disagree: 0.5, dice: [1, 2 / 3] });
    // Coronal and sagittal meet along z, at x = 2, where the shifted one has nothing.
    expect(through[2].agreement).toMatchObject({ voxels: 2, disagree: 1 });
  });

  it('without truth has no scores, and finds the least steady', async () => {
    const flickering = labels((x, y, z) => (x > 1 && x < 5 && y > 0 && y < 4 && z % 2 === 1 ? 1 : 0));
    const rows = await audit(
      [
        { name: 'steady', labels: truth },
        { name: 'flickering', labels: flickering },
      ],
      classes,
    );
    expect(rows.every((row) => row.scores === undefined && row.dice === undefined)).toBe(true);
    expect(worstRow(rows)!.case).toBe('flickering');
  });

  it('finds the worst by Dice, and where it is wrong', async () => {
    const empty = labels(() => 0);
    const cases = [
      { name: 'shifted', labels: shifted },
      { name: 'empty', labels: empty },
    ];
    const rows = await audit(cases, classes, { truth });
    expect(worstRow(rows)).toMatchObject({ case: 'empty', class: 'both' });
    expect(worstRow(rows.slice(0, 1))!.case).toBe('shifted');
    expect(worstRow(await audit([cases[1]], classes))).toBeUndefined();
    const map = errorMap(shifted, truth, classes[0]).data;
    expect([0, 1, 2, 3].map((v) => map.filter((m) => m === v).length)).toEqual([210 - 24, 6, 12, 6]);
  });

  it('names what affine has no planes', async () => {
    const flat = {
      ...truth,
      axisCodes: 'RA?',
      affine: truth.affine.map((row) => [row[0], row[1], 0, row[3]]) as never,
    };
    await expect(audit([{ name: 'p', labels: flat }], classes)).rejects.toThrow(
      'cannot name the axial plane: given axis codes RA?, expected one axis each of left-right, front-back and head-foot',
    );
  });
});
