// Every kind of NIfTI file against what nibabel reads in it (committed oracle, made by test/oracles/nifti_cases.py).
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors';
import { readNiftiHeader, readNiftiImage } from '../../src/volume/nifti';
import type { Case } from './cases';
import { expectAgreement, readOracle, unpack } from './cases';

const oracle = readOracle();

/** Read here though nibabel refuses: with this note, or with none where nothing is amiss. */
const readHereOnly: Record<string, RegExp | null> = {
  'affine: half turn, rounded up, NIfTI-2': /quaternion is longer than 1/,
  'affine: quaternion beyond rounding, NIfTI-1': /quaternion is longer than 1/,
  'affine: quaternion beyond rounding, NIfTI-2': /quaternion is longer than 1/,
  'extension too long, NIfTI-1': /extension claims 4000 bytes/,
  'extension too long, NIfTI-2': /extension claims 4000 bytes/,
  'extension too short, NIfTI-1': /extension claims 4 bytes/,
  'extension too short, NIfTI-2': /extension claims 4 bytes/,
  'extension negative, NIfTI-1': /extension claims -16 bytes/,
  'extension negative, NIfTI-2': /extension claims -16 bytes/,
  // nibabel lets these pass in files above a kilobyte, where its first look does not reach the end.
  'junk after the stream': /bytes that are not gzip follow/,
  'half a magic after the stream': /bytes that are not gzip follow/,
  // The bytes decide here, the name there.
  'not gzipped, named so': null,
  'gzipped, not named so': null,
  'float128 <': /float128 values were rounded/,
  'float128 >': /float128 values were rounded/,
  complex256: /float128 values were rounded/,
};

/** Refused or read otherwise here, and why. */
const otherwiseHere: Record<string, string> = {
  'dim[0] = 0, NIfTI-1': 'an image without voxels is an error here',
  'dim[0] = 0, NIfTI-2': 'an image without voxels is an error here',
  'zero dim, NIfTI-1': 'an image without voxels is an error here',
  'zero dim, NIfTI-2': 'an image without voxels is an error here',
  'vox_offset 0, NIfTI-1': 'nibabel reads the header bytes as voxels',
  'vox_offset 0, NIfTI-2': 'nibabel reads the header bytes as voxels',
};

/** The part of our message that names the fault, for everything that both refuse. */
const messages: [RegExp, RegExp][] = [
  [/^slope/, /given scl_slope \S+ with scl_inter/],
  [/quaternion far too long/, /given a qform quaternion \(3, 4, 5\) that is longer than 1/],
  [/^(dim\[0\]|negative dim|zero dim|dim beyond|FreeSurfer vector without)/, /given impossible dims: dim = /],
  [/^dim negative 64-bit/, /given 0 bytes of voxels|given 100 bytes of voxels/],
  [/^vox_offset/, /given voxels that begin at byte \S+ \(vox_offset\)/],
  [/^pair without image/, /given a header without its voxels, expected a file .*x\.img or .*x\.img\.gz/],
  [/^pair without header/, /x\.hdr: given ENOENT/],
  [/^pair, short image/, /given 50 bytes of voxels, expected the 96 bytes that the header asks for/],
  [/^gzip cut/, /given a gzip stream that breaks off/],
  [/^gzip, checksum wrong/, /given a corrupt gzip stream \(its checksum does not match\)/],
  [/^gzip, length wrong/, /given a corrupt gzip stream \(its length does not match\)/],
  [/^gzip, damaged/, /given a corrupt gzip stream \(/],
  [/^gzip, fewer voxels/, /given 472 bytes of voxels, expected the 480 bytes/],
  [/^gzip that claims/, /given a header that asks for 64.0 GB .*expected at most [\d.]+ kB/],
  [/^empty file/, /given an empty file/],
  [/^text/, /given a file that is not NIfTI/],
  [/^cut in the header$/, /given a header of 200 bytes, expected 348 bytes/],
  [/^cut in the header, NIfTI-2/, /given a header of 500 bytes, expected 540 bytes/],
  [/^header alone/, /given 0 bytes of voxels, expected the 48 bytes/],
  [/^one byte short/, /given 47 bytes of voxels, expected the 48 bytes/],
  [/^no magic/, /given a header whose magic is "" \(an ANALYZE 7\.5 header has none\), expected n\+1 or ni1/],
  [/^wrong magic$/, /given a header whose magic is "n\+9"/],
  [/^wrong magic, NIfTI-2/, /given a NIfTI-2 header whose magic is "n\+7", expected n\+2 or ni2/],
  [/^end-of-line damage/, /given a NIfTI-2 end-of-line mark of 10 10 26 10/],
  [/^datatype 1$/, /given voxels of one bit \(datatype 1, binary\)/],
  [/^datatype/, /given an unknown datatype, code -?\d+, expected one of uint8, int16/],
  [/^asks for/, /given 64 bytes of voxels, expected the \d+ bytes that the header asks for/],
];

describe(`NIfTI files against nibabel ${oracle.versions.nibabel}`, () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'coc-nifti-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const agreed = (c: Case): boolean => c.expect.error === undefined && !(c.name in otherwiseHere);
  it.each(oracle.cases.filter(agreed))('reads $name alike', async (c) => {
    if (c.expect.error !== undefined) throw new Error('not reached');
    await expectAgreement(unpack(folder, c, oracle.cases.indexOf(c)), c.expect);
  });

  const refused = (c: Case): boolean => c.expect.error !== undefined && !(c.name in readHereOnly);
  it.each(oracle.cases.filter(refused))('refuses $name and says why', async (c) => {
    const file = unpack(folder, c, oracle.cases.indexOf(c));
    const error = await readNiftiImage(file).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputError);
    const pattern = messages.find(([name]) => name.test(c.name))?.[1];
    expect((error as Error).message).toMatch(pattern ?? /no message is listed for this case/);
  });

  it.each(oracle.cases.filter((c) => c.name in readHereOnly))(
    'reads $name, which nibabel refuses',
    async (c) => {
      const image = await readNiftiImage(unpack(folder, c, oracle.cases.indexOf(c)));
      const note = readHereOnly[c.name];
      if (note) expect(image.notes.join('\n')).toMatch(note);
      else expect(image.notes).toEqual([]);
      if (c.values)
        expect([...image.data]).toEqual(c.values.map((v) => Number(v.replace('inf', 'Infinity'))));
    },
  );

  it.each(oracle.cases.filter((c) => c.name in otherwiseHere))('reads $name otherwise', async (c) => {
    const file = unpack(folder, c, oracle.cases.indexOf(c));
    if (c.name.startsWith('vox_offset 0')) {
      const twin = oracle.cases.find((t) => t.name === 'int16, NIfTI-1, little-endian')!;
      const { data, notes } = await readNiftiImage(file);
      const other = await readNiftiImage(unpack(folder, twin, 1e6 + oracle.cases.indexOf(c)));
      expect([...data]).toEqual([...other.data]);
      expect(notes.join()).toMatch(/vox_offset is 0, taken as \d+, the first byte after the header/);
    } else {
      await expect(readNiftiImage(file)).rejects.toThrow(/given impossible dims: dim = /);
    }
  });

  it('reads headers without their voxels', async () => {
    const headerAlone = oracle.cases.find((c) => c.name === 'two members')!;
    const header = await readNiftiHeader(unpack(folder, headerAlone, 2e6));
    expect(header.dims).toEqual([4, 5, 6]);
    expect(header.format).toBe('NIfTI-1 .nii.gz, int32, little-endian');
  });
});
