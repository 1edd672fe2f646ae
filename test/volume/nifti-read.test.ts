// What readNifti adds to readNiftiImage: three axes, frames, notes; bytes in memory; sizes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNifti, readNiftiHeader, readNiftiImage } from '../../src/volume/nifti';
import { bytesOf, readOracle } from './cases';

const oracle = readOracle();
/** The uncompressed bytes of a single-file case. */
function named(name: string): Buffer {
  const found = oracle.cases.find((c) => c.name === name);
  if (!found) throw new Error(`no case ${name}`);
  const bytes = bytesOf(found.files[found.open]);
  return bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
}

describe('readNifti', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'coc-read-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('drops trailing axes of length 1', async () => {
    expect((await readNifti(named('dims (4, 3, 2, 1, 1), NIfTI-1'))).dims).toEqual([4, 3, 2]);
  });

  it.each(['dims (5,), NIfTI-1', 'dims (5, 4), NIfTI-2'])('refuses %s as a volume', async (name) => {
    await expect(readNifti(named(name))).rejects.toThrow(
      /given an image of \d axes \(.*\), expected a volume of three/,
    );
  });

  it('takes one frame of several, from disk and from gzip alike', async () => {
    const bytes = named('dims (2, 2, 2, 2, 3), NIfTI-1');
    const { data } = await readNiftiImage(bytes);
    writeFileSync(path.join(folder, 'f.nii'), bytes);
    writeFileSync(path.join(folder, 'f.nii.gz'), gzipSync(bytes));
    for (const input of [bytes, path.join(folder, 'f.nii'), path.join(folder, 'f.nii.gz')]) {
      for (const frame of [0, 3, 5]) {
        const volume = await readNifti(input, { frame });
        expect([...volume.data]).toEqual([...data.slice(8 * frame, 8 * frame + 8)]);
        expect(volume.data.buffer.byteLength).toBe(16);
      }
      await expect(readNifti(input)).rejects.toThrow(
        /given 6 frames \(2 x 2 x 2 x 2 x 3\).*choose a frame from 0 to 5/,
      );
      for (const frame of [6, -1, 0.5])
        await expect(readNifti(input, { frame })).rejects.toThrow(
          `given frame ${frame}, expected a whole number from 0 to 5`,
        );
    }
  });

  it('refuses colour and complex voxels as a volume', async () => {
    await expect(readNifti(named('rgb24, NIfTI-1, little-endian'))).rejects.toThrow(
      /rgb24 voxels of 3 numbers each/,
    );
    await expect(readNifti(named('complex64, NIfTI-1, big-endian'))).rejects.toThrow(
      /complex64 voxels of 2 numbers/,
    );
    expect((await readNiftiImage(named('rgba32, NIfTI-1, little-endian'))).components).toBe(4);
  });

  it('reports NaN and infinities', async () => {
    const volume = await readNifti(named('NaN and infinities'));
    expect(volume.nonFinite).toEqual({ nan: 2, infinite: 2 });
    expect(volume.notes).toEqual([
      '2 voxels are NaN and 2 are infinite: replace them before you compute with this image',
    ]);
  });

  it('refuses a place in the world that is not finite', async () => {
    for (const name of [
      'affine: NaN in sform, NIfTI-1',
      'affine: infinite offset, NIfTI-2',
      'affine: quaternion NaN, NIfTI-1',
    ])
      await expect(readNifti(named(name))).rejects.toThrow(
        /given an affine with numbers that are not finite \(from its [sq]form\)/,
      );
  });

  it('notes what it put right', async () => {
    const notes = async (name: string): Promise<string[]> => (await readNifti(named(name))).notes;
    expect(await notes('affine: zero and negative pixdim, no form, NIfTI-1')).toEqual([
      'pixdim[1] is 0, taken as 1',
      'pixdim[2] is -3, taken as 3',
    ]);
    expect(await notes('affine: sform code 6, NIfTI-2')).toEqual([
      'sform_code is 6, which has no meaning: taken as 0',
    ]);
    expect((await notes('affine: micrometres, NIfTI-1'))[0]).toMatch(
      /unit of length is um: its numbers are taken as mm/,
    );
    expect((await notes('int64, NIfTI-1, little-endian'))[0]).toMatch(/^2 values have more than 53 bits/);
    expect(await notes('int32, NIfTI-2, big-endian')).toEqual([]);
  });

  it('leaves the bytes that it was given as they are', async () => {
    for (const name of [
      'float64, NIfTI-1, big-endian',
      'int64, NIfTI-1, little-endian',
      'slope 2, inter 0, int16',
    ]) {
      const bytes = named(name);
      const before = Buffer.from(bytes);
      const { data } = await readNiftiImage(bytes);
      data.fill(0);
      expect(bytes.equals(before)).toBe(true);
    }
  });

  it('reads on through a signal that is aborted only by an error', async () => {
    const file = path.join(folder, 'stop.nii');
    writeFileSync(file, named('int16, NIfTI-1, little-endian'));
    await expect(readNifti(file, { signal: AbortSignal.abort() })).rejects.toThrow(/interrupted/);
  });

  it('names a missing file and a folder', async () => {
    await expect(readNifti(path.join(folder, 'none.nii'))).rejects.toThrow(
      /none\.nii: given ENOENT.*a readable file/,
    );
    await expect(readNiftiHeader(folder)).rejects.toThrow(/it is not a file/);
  });

  it('does not inflate what the header does not ask for', async () => {
    const bytes = named('int16, NIfTI-1, little-endian');
    const bomb = gzipSync(Buffer.concat([bytes, Buffer.alloc(64 << 20)]));
    const { data, notes } = await readNiftiImage(bomb);
    expect(data.length).toBe(24);
    expect(notes).toEqual(['the gzip stream goes on after the voxels: its rest and checksum were not read']);
    // Up to a megabyte of padding is read, so that the checksum counts.
    const padded = gzipSync(Buffer.concat([bytes, Buffer.alloc(1 << 19)]));
    expect((await readNiftiImage(padded)).notes).toEqual([]);
    padded[padded.length - 6] ^= 1;
    await expect(readNiftiImage(padded)).rejects.toThrow(/its checksum does not match/);
  });

  it('reads a megabyte of zeros from a kilobyte: the ratio is no fault', async () => {
    const head = named('uint8, NIfTI-1, little-endian').subarray(0, 352);
    const big = Buffer.concat([head, Buffer.alloc(200 * 200 * 100)]);
    [200, 200, 100].forEach((d, i) => big.writeInt16LE(d, 42 + 2 * i));
    const zipped = gzipSync(big, { level: 9 });
    expect(zipped.length).toBeLessThan(5000);
    const volume = await readNifti(zipped);
    expect(volume.dims).toEqual([200, 200, 100]);
    expect(volume.data.every((v) => v === 0)).toBe(true);
  });
});
