// Live: nibabel and this reader on every file of the data mirror, on fresh odd headers, and on what was written here.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { messageOf } from '../../src/base/errors';
import type { Affine } from '../../src/volume/affine';
import { niftiVoxelHash, readNifti, readNiftiImage } from '../../src/volume/nifti';
import { axisCodes } from '../../src/volume/orientation';
import { reorient } from '../../src/volume/reorient';
import { volumeOf } from '../../src/volume/volume';
import { writeNifti } from '../../src/volume/write-nifti';
import { describeWith } from '../setup/peers';
import { expectAffine, expectAgreement, nibabelReads, oddCases, unpack } from './cases';

const mirror = process.env.COC_DATA_MIRROR ?? '';

function niftiFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(nii|hdr)(\.gz)?$/i.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

describeWith(['real-data'], 'the header suite against its recorded numbers', () => {
  interface Fact {
    path: string;
    nifti?: { dims: number[] };
    affine?: number[][];
    axcodes?: string;
    unscaledDataSha256?: string;
    scaledSum?: number | null;
  }
  const manifest = path.join(mirror, 'manifests', 'header-suite.json');
  const facts = existsSync(manifest)
    ? (JSON.parse(readFileSync(manifest, 'utf8')) as { files: Fact[] }).files
    : [];
  const here = facts.filter((f) => existsSync(path.join(mirror, 'header-suite', f.path)));

  it('has files to read', () => expect(here.length).toBeGreaterThan(50));

  it.each(here)('reads $path', async (fact) => {
    const file = path.join(mirror, 'header-suite', fact.path);
    if (fact.path === 'not-nifti.nii') {
      await expect(readNiftiImage(file)).rejects.toThrow(/a file that is not NIfTI/);
      return;
    }
    const { data, dims, header } = await readNiftiImage(file);
    if (fact.nifti) expect(dims).toEqual(fact.nifti.dims);
    if (fact.unscaledDataSha256) expect(await niftiVoxelHash(file)).toBe(fact.unscaledDataSha256);
    if (typeof fact.scaledSum === 'number') {
      let sum = 0;
      for (const value of data) sum += value;
      expect(Math.abs(sum - fact.scaledSum)).toBeLessThanOrEqual(1e-9 * Math.abs(fact.scaledSum));
    }
    // The manifest rounds to five decimals.
    fact.affine?.forEach((row, r) =>
      row.forEach((x, c) => expect(Math.abs(x - header.affine[r][c])).toBeLessThan(1e-5)),
    );
    if (fact.axcodes) expect(axisCodes(header.affine)).toBe(fact.axcodes);
  });

  it('shows the same head in every axis order', async () => {
    const folder = path.join(mirror, 'header-suite', 'nifti_space');
    const names = readdirSync(folder).filter((name) => name.endsWith('.nii.gz'));
    const reference = await readNifti(path.join(folder, 'RAS.nii.gz'));
    for (const name of names) {
      const volume = await readNifti(path.join(folder, name));
      expect(volume.axisCodes).toBe(name.slice(0, 3));
      const turned = reorient(volume, 'RAS');
      expect(turned.dims).toEqual(reference.dims);
      // float64Array equality by bytes: quicker than element by element.
      expect(Buffer.compare(bytes(turned.data), bytes(reference.data))).toBe(0);
      turned.affine.forEach((row, r) =>
        row.forEach((x, c) => expect(x).toBeCloseTo(reference.affine[r][c], 3)),
      );
    }
  });
});

function bytes(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

describeWith(['nibabel', 'real-data'], 'every NIfTI file of the mirror, live against nibabel', () => {
  const folders = mirror ? readdirSync(mirror).filter((name) => name !== 'manifests') : [];
  it.each(folders)('reads %s alike', { timeout: 300_000 }, async (folder) => {
    const files = niftiFiles(path.join(mirror, folder));
    const peers = nibabelReads(files);
    for (const [i, file] of files.entries()) {
      const peer = peers[i];
      try {
        if (peer.error === undefined) await expectAgreement(file, peer);
        else await expect(readNiftiImage(file)).rejects.toThrow(/cannot read/);
      } catch (error) {
        throw new Error(`${file}: ${messageOf(error)}`, { cause: error });
      }
    }
  });
});

describeWith('nibabel', 'odd headers, live against nibabel', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'coc-odd-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  // What nibabel refuses and is read here: quaternions a little too long (a note says so), and colours with a slope,
  // which the standard says not to apply.
  const differsOnPurpose = [/w2 should be positive/, /^UFuncTypeError.*'R'/];

  it.each([1, 2, 3])('reads 400 of seed %d alike', { timeout: 120_000 }, async (seed) => {
    const { cases } = oddCases(400, seed);
    let read = 0;
    let refused = 0;
    for (const [n, c] of cases.entries()) {
      const file = unpack(folder, c, 1000 * seed + n);
      const peer = c.expect;
      try {
        if (peer.error !== undefined) {
          const ours = await readNiftiImage(file).catch((error: unknown) => messageOf(error));
          if (typeof ours === 'string') expect(ours).toMatch(/^cannot read/);
          else if (!differsOnPurpose.some((pattern) => pattern.test(peer.error))) {
            throw new Error(`nibabel refuses (${peer.error}), read here as ${ours.dims.join(' x ')}`);
          }
          refused++;
        } else if (peer.shape.includes(0)) {
          await expect(readNiftiImage(file)).rejects.toThrow(/impossible dims/);
        } else {
          const ours = await readNiftiImage(file).catch((error: unknown) => messageOf(error));
          if (typeof ours === 'string') {
            // nibabel cuts an impossible count of axes to the seven that there are.
            expect(ours).toMatch(/impossible dims: dim = (?![1-7] )/);
            continue;
          }
          if (ours.notes.some((note) => note.startsWith('vox_offset is 0'))) continue;
          await expectAgreement(file, peer);
          read++;
        }
      } catch (error) {
        throw new Error(`${c.name}: ${messageOf(error)}`, { cause: error });
      }
    }
    expect(read).toBeGreaterThan(150);
    expect(refused).toBeGreaterThan(20);
  });

  it('nibabel reads what is written here', async () => {
    const files: string[] = [];
    const volumes = [];
    const affines: Affine[] = [
      [
        [-2, 0, 0, 10],
        [0, 3, 0, -20],
        [0, 0, 4, 5],
        [0, 0, 0, 1],
      ],
      [
        [0.5, -1.25, 0, 4],
        [1, 1.5, 0.25, 5],
        [0, 0.125, -3, 6],
        [0, 0, 0, 1],
      ],
    ];
    for (const Kind of [
      Int8Array,
      Uint8Array,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
    ]) {
      for (const version of [1, 2] as const) {
        for (const suffix of ['nii', 'nii.gz']) {
          const volume = volumeOf(
            new Kind(60).map((_, i) => i * 2),
            [3, 4, 5],
            affines[files.length % 2],
          );
          const file = path.join(folder, `${Kind.name}-${version}.${suffix}`);
          await writeNifti(file, volume, { version });
          files.push(file);
          volumes.push(volume);
        }
      }
    }
    for (const [i, peer] of nibabelReads(files).entries()) {
      if (peer.error !== undefined) throw new Error(`${files[i]}: ${peer.error}`);
      await expectAgreement(files[i], peer);
      expect(peer.dtype).toBe(volumes[i].data.constructor.name.replace('Array', '').toLowerCase());
      expectAffine(volumes[i].affine, peer.affine as Affine);
      expect(peer.sum).toBe(60 * 59);
      expect(peer.axisCodes).toBe(volumes[i].axisCodes);
    }
  });
});
