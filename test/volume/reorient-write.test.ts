// Reorienting and writing: round trips, and what must not change.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Affine, Triple } from '../../src/volume/affine';
import { diagonalAffine, voxelToWorld, worldToVoxel } from '../../src/volume/affine';
import { readNifti, readNiftiHeader } from '../../src/volume/nifti';
import { reorient } from '../../src/volume/reorient';
import type { Volume, VoxelArray } from '../../src/volume/volume';
import { volumeOf } from '../../src/volume/volume';
import { writeNifti } from '../../src/volume/write-nifti';

const oblique: Affine = [
  [0.6, -1.6, 0, 4],
  [0.8, 1.2, 0, 5],
  [0, 0, -3, 6],
  [0, 0, 0, 1],
];

const arrays = [
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const;

function ramp(dims: Triple, affine: Affine, Kind: (typeof arrays)[number] = Int16Array): Volume {
  const data: VoxelArray = new Kind(dims[0] * dims[1] * dims[2]).map((_, i) => i % 120);
  return volumeOf(data, dims, affine);
}

const codes = fc
  .tuple(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()))
  .map(([order, signs]) => order.map((axis, i) => (signs[i] ? 'LPI' : 'RAS')[axis]).join(''));
const dims = fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 1, max: 5 })));

describe('reorient', () => {
  it('moves each value with its place in the world', () => {
    fc.assert(
      fc.property(dims, codes, (size, target) => {
        const volume = ramp(size as Triple, oblique);
        const turned = reorient(volume, target);
        expect(turned.axisCodes).toBe(target);
        const at = (v: Volume, [i, j, k]: Triple): number => v.data[i + v.dims[0] * (j + v.dims[1] * k)];
        for (let k = 0; k < turned.dims[2]; k++)
          for (let j = 0; j < turned.dims[1]; j++)
            for (let i = 0; i < turned.dims[0]; i++) {
              const old = worldToVoxel(volume.affine, voxelToWorld(turned.affine, [i, j, k]));
              const nearest = old.map(Math.round) as Triple;
              old.forEach((x, a) => expect(Math.abs(x - nearest[a])).toBeLessThan(1e-9));
              expect(at(turned, [i, j, k])).toBe(at(volume, nearest));
            }
      }),
      { numRuns: 60 },
    );
  });

  it('comes back to where it was', () => {
    fc.assert(
      fc.property(dims, codes, (size, target) => {
        const volume = ramp(size as Triple, oblique, Float32Array);
        const back = reorient(reorient(volume, target), volume.axisCodes);
        expect(back.data).toEqual(volume.data);
        expect(back.dims).toEqual(volume.dims);
        back.affine.forEach((row, r) =>
          row.forEach((x, c) => expect(x).toBeCloseTo(volume.affine[r][c], 12)),
        );
      }),
    );
  });

  it('returns the volume itself when nothing is to be done', () => {
    const volume = ramp([2, 3, 4], diagonalAffine([1, 1, 1]));
    expect(reorient(volume, 'RAS')).toBe(volume);
  });

  it('says once that voxels are not numbers', () => {
    const volume = volumeOf(Float32Array.of(NaN, 1), [2, 1, 1], diagonalAffine([1, 1, 1]), {
      notes: ['a note'],
    });
    const { notes } = reorient(volume, 'LPS');
    expect(notes).toEqual(volume.notes);
    expect(notes.length).toBe(2);
  });

  it('refuses letters that are no axes, and axes without direction', () => {
    expect(() => reorient(ramp([2, 3, 4], oblique), 'RAR')).toThrow(
      /given "RAR", expected three letters, one of R L/,
    );
    expect(() => reorient(ramp([2, 3, 4], diagonalAffine([1, 0, 1])), 'LPS')).toThrow(
      /given an affine with axis codes R\?S, expected a direction for each axis/,
    );
  });
});

describe('writeNifti', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'coc-write-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (name: string): string => path.join(folder, name);
  const hash = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(file(name)))
      .digest('hex');

  it.each(
    arrays.flatMap((Kind) =>
      ([1, 2] as const).flatMap((version) =>
        ['.nii', '.nii.gz'].map((suffix) => ({ kind: Kind.name, Kind, version, suffix })),
      ),
    ),
  )('writes $kind as NIfTI-$version $suffix and reads it back', async ({ Kind, version, suffix }) => {
    const volume = ramp([3, 4, 5], oblique, Kind);
    await writeNifti(file(`x${suffix}`), volume, { version, space: 'scanner', description: 'a ramp' });
    const back = await readNifti(file(`x${suffix}`));
    expect(back.data).toEqual(volume.data);
    expect(back.data.constructor).toBe(Kind);
    const stored = version === 1 ? Math.fround : (x: number): number => x;
    expect(back.affine).toEqual(volume.affine.map((row) => row.map(stored)));
    const header = await readNiftiHeader(file(`x${suffix}`));
    expect(header.forms).toMatchObject({ qformCode: 1, sformCode: 1 });
    expect(header.description).toBe('a ramp');
    expect(header.units.space).toBe('mm');
    expect(readdirSync(folder)).toEqual([`x${suffix}`]);
  });

  it('keeps any rotation in the qform too, and says where it cannot', async () => {
    const turn = fc.tuple(...[0, 1, 2, 3].map(() => fc.double({ min: -1, max: 1, noNaN: true })));
    await fc.assert(
      fc.asyncProperty(
        turn.filter((q) => Math.hypot(...q) > 0.1),
        fc.constantFrom(1, -1),
        async (q, flip) => {
          const [a, b, c, d] = q.map((x) => x / Math.hypot(...q));
          const affine: Affine = [
            [flip * (1 - 2 * (c * c + d * d)), 4 * (b * c - a * d), 6 * (b * d + a * c), 1],
            [flip * 2 * (b * c + a * d), 2 - 4 * (b * b + d * d), 6 * (c * d - a * b), 2],
            [flip * 2 * (b * d - a * c), 4 * (c * d + a * b), 3 - 6 * (b * b + c * c), 3],
            [0, 0, 0, 1],
          ];
          const volume = ramp([2, 2, 2], affine);
          await writeNifti(file('q.nii'), volume, { version: 2 });
          // Take the sform away: the qform must say the same.
          const bytes = readFileSync(file('q.nii'));
          bytes.writeInt32LE(0, 348);
          const header = await readNiftiHeader(bytes);
          expect(header.affineFrom).toBe('qform');
          header.affine.forEach((row, r) =>
            row.forEach((x, col) => expect(Math.abs(x - affine[r][col])).toBeLessThan(1e-7)),
          );
        },
      ),
      { numRuns: 60 },
    );
    const sheared: Affine = [
      [1, 0.4, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ];
    await writeNifti(file('s.nii'), ramp([2, 2, 2], sheared));
    const { forms, affine } = await readNiftiHeader(file('s.nii'));
    expect(forms).toMatchObject({ qformCode: 0, sformCode: 2 });
    expect(affine[0][1]).toBe(Math.fround(0.4));
  });

  it('writes equal bytes for equal volumes, with neither time nor system in them', async () => {
    const volume = ramp([20, 30, 40], oblique);
    await writeNifti(file('a.nii.gz'), volume);
    await writeNifti(file('b.nii.gz'), ramp([20, 30, 40], oblique));
    expect(hash('a.nii.gz')).toBe(hash('b.nii.gz'));
    const head = readFileSync(file('a.nii.gz')).subarray(0, 10);
    expect([...head.subarray(4, 8), head[9]]).toEqual([0, 0, 0, 0, 255]);
  });

  it('writes part of a larger buffer as it is', async () => {
    const whole = Float32Array.from({ length: 30 }, (_, i) => i);
    await writeNifti(file('v.nii'), volumeOf(whole.subarray(5, 13), [2, 2, 2], oblique));
    expect([...(await readNifti(file('v.nii'))).data]).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('keeps the old file when it is stopped or refuses', async () => {
    writeFileSync(file('x.nii'), 'old');
    const stop = AbortSignal.abort();
    await expect(writeNifti(file('x.nii'), ramp([2, 2, 2], oblique), { signal: stop })).rejects.toThrow(
      /interrupted/,
    );
    await expect(writeNifti(file('x.nii.gz'), ramp([2, 2, 2], oblique), { signal: stop })).rejects.toThrow(
      /interrupted/,
    );
    const wide = volumeOf(new Uint8Array(32768), [32768, 1, 1], oblique);
    await expect(writeNifti(file('x.nii'), wide)).rejects.toThrow(
      /at most 32767 voxels along an axis in NIfTI-1/,
    );
    await expect(writeNifti(file('x.img'), wide)).rejects.toThrow(
      /given the suffix "\.img", expected \.nii or/,
    );
    const lost = ramp([2, 2, 2], diagonalAffine([1, NaN, 1]));
    await expect(writeNifti(file('x.nii'), lost)).rejects.toThrow(
      /an affine with numbers that are not finite/,
    );
    const long = { description: 'x'.repeat(80) };
    await expect(writeNifti(file('x.nii'), ramp([2, 2, 2], oblique), long)).rejects.toThrow(
      /80 bytes, expected at/,
    );
    expect(readFileSync(file('x.nii'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['x.nii']);
    await writeNifti(file('wide.nii'), wide, { version: 2 });
    expect((await readNifti(file('wide.nii'))).dims).toEqual([32768, 1, 1]);
  });
});
