// The published manifests and their schema; what is wrong with a manifest is said with the key and the file.
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256OfFile } from '../../src/base/hash';
import {
  listManifests,
  loadManifest,
  manifestJsonSchema,
  manifestsFolder,
  parseManifest,
} from '../../src/datasets/manifest';
import { cases, geometryOf, selectFiles, subjectsOf, urlOf } from '../../src/datasets/select';
import { readNiftiHeader } from '../../src/volume/nifti';
import { describeWith } from '../setup/peers';
import { content, manifestFor } from './server';

describe('the published manifests', () => {
  test('schema.json is what the code checks (write it anew with COC_UPDATE=1)', () => {
    const file = path.join(manifestsFolder, 'schema.json');
    const text = JSON.stringify(manifestJsonSchema(), null, 2) + '\n';
    if (process.env.COC_UPDATE) writeFileSync(file, text);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('all are there and valid', () => {
    const names = listManifests();
    for (const name of [
      'header-suite',
      'brats2015-deepmedic',
      'msd-task04-hippocampus',
      'synthseg-label-maps',
    ])
      expect(names).toContain(name);
    for (const name of names) expect(loadManifest(name).name).toBe(name);
  });

  test('counts: files, subjects, splits, bytes', () => {
    const brats = loadManifest('brats2015-deepmedic');
    expect(subjectsOf(brats)).toHaveLength(6);
    expect(brats.files.reduce((sum, f) => sum + f.bytes!, 0)).toBe(38_454_950);
    const hippocampus = loadManifest('msd-task04-hippocampus');
    const members = ['train', 'validation', 'test'].map((split) => subjectsOf(hippocampus, split).length);
    expect(members).toEqual([180, 40, 40]);
    expect(selectFiles(hippocampus)).toHaveLength(520);
    expect(selectFiles(hippocampus, { split: 'test', roles: ['label'] })).toHaveLength(40);
    expect(loadManifest('header-suite').files).toHaveLength(78);
  });

  test('every file that nobody here has hashed says so, and every other has a hash of ours', () => {
    const unverified = listManifests().flatMap((name) =>
      loadManifest(name)
        .files.filter((f) => f.verified === false)
        .map((f) => f.path),
    );
    expect(unverified.sort()).toEqual([
      'Task01_BrainTumour.tar',
      'Task04_Hippocampus.tar',
      'medsam_vit_b.pth',
      'sam3.pt',
      'sam_vit_b_01ec64.pth',
      'sam_vit_h_4b8939.pth',
      'sam_vit_l_0b3195.pth',
    ]);
  });

  test('addresses: joined to the base, taken as they are, none for a package', () => {
    const brats = loadManifest('brats2015-deepmedic');
    expect(urlOf(brats, brats.files[0])).toMatch(
      /^https:\/\/raw.githubusercontent.com\/deepmedic\/.*\/brats2015TrainingData\/test\/brats_2013_pat0001_1\/Flair/,
    );
    const colin = loadManifest('colin27-mricron');
    expect(urlOf(colin, colin.files[0])).toBeUndefined();
    const hippocampus = loadManifest('msd-task04-hippocampus');
    expect(urlOf(hippocampus, hippocampus.files.at(-1)!)).toMatch(/^https:\/\/msd-for-monai/);
    const synthseg = loadManifest('synthseg-label-maps');
    expect(urlOf(synthseg, synthseg.files[0])).toMatch(/training_label_maps\/training_seg_01.nii.gz$/);
  });
});

describe('cases', () => {
  test('subjects with their images and labels, by split and channel', () => {
    const brats = loadManifest('brats2015-deepmedic');
    const all = cases(brats);
    expect(all).toHaveLength(6);
    expect(Object.keys(all[0].images)).toEqual(['flair', 't1c']);
    const [first] = cases(brats, { split: 'train', channel: 't1c' });
    expect(first.subject).toBe('brats_2013_pat0005_1');
    expect(Object.keys(first.images)).toEqual(['t1c']);
    expect(first.images.t1c).toMatch(/pat0005_1.T1c_subtrMeanDivStd.nii.gz$/);
    expect(first.label).toMatch(/OTMultiClass.nii.gz$/);
    expect(first.mask).toMatch(/brainmask.nii.gz$/);
    expect(cases(loadManifest('synthseg-label-maps'))).toEqual([]);
    expect(() => cases(brats, { channel: 't2' })).toThrow(
      /no such channel: given "t2", expected one of flair, t1c/,
    );
    expect(() => cases(brats, { split: 'all' })).toThrow(
      /brats2015-deepmedic has no such split: given "all", expected one of train, validation, test/,
    );
  });

  test('a selection that fits nothing is an error that says why', () => {
    const brats = loadManifest('brats2015-deepmedic');
    expect(() => selectFiles(brats, { subjects: ['x'] })).toThrow(/no such subject: given "x"/);
    expect(() => selectFiles(brats, { roles: ['weights'] })).toThrow(
      /no such role: given "weights", expected one of image, licence, label, mask/,
    );
    const m = manifestFor('http://127.0.0.1:9/', {
      a: { body: content('a', 1), subject: 's' },
      b: { body: content('b', 1), subject: 't', role: 'label' },
    });
    expect(() => selectFiles(m, { subjects: ['s'], roles: ['label'] })).toThrow(
      /no file of test-set was chosen/,
    );
  });
});

describe('what is wrong with a manifest is named', () => {
  type Loose = Record<string, unknown> & { files: Record<string, unknown>[] };
  const valid = (): Loose =>
    JSON.parse(
      JSON.stringify(manifestFor('http://127.0.0.1:9/', { 'a/b': { body: content('a', 3), subject: 's' } })),
    ) as Loose;
  test.each<[string, (m: Loose) => void, RegExp]>([
    [
      'unknown key',
      (m) => (m.colour = 1),
      /^x.json is not a valid data manifest: given unknown key "colour" in the top level,/,
    ],
    ['unknown key of a file', (m) => (m.files[0].hash = 1), /unknown key "hash" in files\[0\],/],
    [
      'unknown key of the licence',
      (m) => ((m.licence as Loose).free = true),
      /unknown key "free" in licence,/,
    ],
    ['missing', (m) => delete m.title, /given title = nothing,/],
    ['short hash', (m) => (m.files[0].sha256 = 'abc'), /files\[0\].sha256 = "abc"/],
    ['no hash', (m) => delete m.files[0].sha256, /files\[0\] \(a\/b\) without sha256 or bytes/],
    ['unverified without note', (m) => (m.files[0].verified = false), /unverified without a note/],
    ['leads out', (m) => (m.files[0].path = '../x'), /files\[0\].path = "..\/x"/],
    ['leads out in the middle', (m) => (m.files[0].path = 'a/../../x'), /files\[0\].path/],
    ['absolute', (m) => (m.files[0].path = '/x'), /files\[0\].path/],
    ['plain http', (m) => (m.source = { kind: 'url', base: 'http://example.org/' }), /given source.* = /],
    [
      'base without end',
      (m) => (m.source = { kind: 'url', base: 'https://example.org/x' }),
      /an address that ends with \//,
    ],
    ['no address', (m) => delete m.source, /files\[0\] \(a\/b\) without url/],
    ['unknown role', (m) => (m.files[0].role = 'picture'), /files\[0\].role = "picture"/],
    ['negative bytes', (m) => (m.files[0].bytes = -1), /files\[0\].bytes = -1/],
    ['axis codes', (m) => (m.geometry = { axes: 'XYZ' }), /geometry.axes = "XYZ"/],
    ['path twice', (m) => m.files.push(m.files[0]), /files\[1\] \(a\/b\) twice/],
    ['archive without folder', (m) => (m.files[0].role = 'archive'), /extractTo absent/],
    ['split of strangers', (m) => (m.splits = { test: ['z'] }), /subject "z" in splits.test/],
    [
      'in two splits',
      (m) => (m.splits = { train: ['s'], test: ['s'] }),
      /subject "s" in splits.train and splits.test/,
    ],
  ])('%s', (_, spoil, message) => {
    const m = valid();
    expect(() => parseManifest(m, 'x.json')).not.toThrow();
    spoil(m);
    expect(() => parseManifest(m, 'x.json')).toThrow(message);
  });

  test('a file that is not JSON, a name that is not its file’s', () => {
    const root = mkdtempSync(path.join(os.tmpdir(), 'coc-manifest-'));
    const file = path.join(root, 'mine.json');
    writeFileSync(file, '{');
    expect(() => loadManifest(file)).toThrow(
      /mine.json is not a valid data manifest: given .*not valid JSON/,
    );
    writeFileSync(file, JSON.stringify(valid()));
    expect(() => loadManifest(file)).toThrow(
      /given name "test-set", expected the name of the file without .json/,
    );
  });
});

describeWith('real-data', 'the mirror folder', () => {
  const mirror = process.env.COC_DATA_MIRROR ?? '';
  const present = listManifests().filter((name) => existsSync(path.join(mirror, name)));
  test.each(present)(
    '%s: the files that are there are those of the manifest',
    async (name) => {
      const manifest = loadManifest(name);
      let seen = 0;
      for (const file of manifest.files) {
        const where = path.join(mirror, name, file.path);
        if (!existsSync(where)) continue;
        seen++;
        expect(await sha256OfFile(where), where).toBe(file.sha256);
        const geometry = geometryOf(manifest, file);
        if (!geometry?.dims || !/\.nii(\.gz)?$/.test(file.path)) continue;
        const header = await readNiftiHeader(where);
        expect(header.dims, where).toEqual(geometry.dims);
      }
      expect(seen).toBeGreaterThan(0);
    },
    60_000,
  );
});
