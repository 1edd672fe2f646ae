import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHead, openMsFlair } from '../../src/experiments/heads';
import { chooseMode, currentMode } from '../../src/experiments/mode';
import { pixels } from '../../src/experiments/pixels';
import { planeReads } from '../../src/experiments/plane-reads';
import { studies } from '../../src/experiments/registry';
import { studyJob } from '../../src/experiments/prepare';
import type { StudyDefinition, StudyOutcome } from '../../src/experiments/study';
import { runStudy } from '../../src/experiments/run-study';
import { lesionVoxel, threePlanes } from '../../src/experiments/three-planes';
import { volumeOf } from '../../src/volume/volume';
import { describeWith } from '../setup/peers';

// A machine without data: no mirror, empty folders. Addresses may or may not answer; studies work either way.
const saved = { ...process.env };
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-studies-'));
  process.env.COC_DATA = path.join(dir, 'data');
  process.env.COC_CACHE = path.join(dir, 'cache');
  process.env.COC_RUN_DIR = path.join(dir, 'run');
  delete process.env.COC_DATA_MIRROR;
});
afterAll(() => {
  process.env = saved;
  rmSync(dir, { recursive: true });
});

const tiny = (study: StudyDefinition): Promise<StudyOutcome> => study.run(study.specs.tiny, {});
const planes = ['axial', 'coronal', 'sagittal'];

describe('a head that cannot be had', () => {
  it('is replaced by a synthetic one, and the notes say so', async () => {
    const head = await openHead({ dataset: 'open-ms-data', path: 'mni/no-such-file.nii.gz' });
    expect(head.synthetic).toBe(true);
    expect(head.notes[0]).toContain('synthetic head instead of open-ms-data/mni/no-such-file.nii.gz');
    expect(head.inputs[0].name).toBe('synthetic head, seed 1');
    expect(head.inputs[0].sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('plane-reads', () => {
  it('finds the layout of the grid, and times with intervals that hold their medians', async () => {
    const { findings } = await tiny(planeReads);
    const get = (id: string) => findings.find((f) => f.id === `plane-reads.${id}`)!;
    expect(planes.map((p) => get(`runs.${p}`).value)).toEqual([1, 155, 37200]);
    expect(planes.map((p) => get(`run-length.${p}`).value)).toEqual([230400, 960, 4]);
    for (const f of findings.filter((f) => f.kind === 'measured' && f.value !== undefined)) {
      expect(f.value).toBeGreaterThan(0);
      expect(f.uncertainty!.low).toBeLessThanOrEqual(f.value!);
      expect(f.uncertainty!.high).toBeGreaterThanOrEqual(f.value!);
      expect(f.uncertainty!.n).toBe(planeReads.specs.tiny.voxels);
    }
    expect(get('table').table!.rows.map((r) => r.time)).toEqual(planes.map((p) => get(`time.${p}`).value));
  });
});

describe('three-planes', () => {
  it('shows slices with the mask, through the voxel whose planes hold the most lesion', async () => {
    const { findings } = await tiny(threePlanes);
    const data = findings[0].figure!.data as unknown as {
      planes: { png: string; maskPng: string; width: number; height: number; crosshair: [number, number] }[];
    };
    for (const plane of data.planes) {
      const mask = PNG.sync.read(Buffer.from(plane.maskPng, 'base64'));
      expect([mask.width, mask.height]).toEqual([plane.width, plane.height]);
      expect(mask.data[4 * (plane.crosshair[1] * plane.width + plane.crosshair[0])]).toBe(255);
      expect(new Set(PNG.sync.read(Buffer.from(plane.png, 'base64')).data).size).toBeGreaterThan(50);
    }
  });

  it('chooses the voxel by a rule (a cross of lesion in a 5x5x5 cube: its centre)', () => {
    const data = new Uint8Array(125);
    for (let i = 0; i < 5; i++) {
      for (const at of [i + 5 * 2 + 25 * 2, 2 + 5 * i + 25 * 2, 2 + 5 * 2 + 25 * i]) data[at] = 1;
    }
    const affine = [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ];
    expect(lesionVoxel(volumeOf(data, [5, 5, 5], affine as never))).toEqual([2, 2, 2]);
  });
});

describe('pixels', () => {
  it('holds together without data: shares, spectra, masks, times, and that the head is synthetic', async () => {
    const { findings, notes, inputs } = await tiny(pixels);
    const value = (id: string) => findings.find((f) => f.id === `pixels.${id}`)!.value!;
    for (const way of ['sam', 'sam3', 'study'])
      for (const plane of planes) {
        const id = `${way}.${plane}`;
        const sum = value(`original.${id}`) + value(`interpolated.${id}`) + value(`padded.${id}`);
        expect(sum).toBeCloseTo(1, 12);
        expect(value(`returned.${id}`)).toBeLessThan(1e-6);
        expect(value(`energy-lost.${id}`)).toBeGreaterThan(0);
        expect(value(`dice.${way}.nearest.${plane}`)).toBe(1);
        expect(value(`dice.${way}.bilinear.${plane}`)).toBeGreaterThan(0.8);
      }
    expect(value('samples.study.coronal')).toBeCloseTo(28.19, 2);
    expect(value('padded.sam.coronal')).toBeCloseTo(0.354, 3);
    expect(value('half-power.bicubic')).toBeLessThan(1);
    expect(value('rank-share.bicubic')).toBe(1);
    for (const card of ['t4', 'a100-40']) {
      expect(value(`time-share.${card}`)).toBeGreaterThan(0);
      expect(value(`time-share.${card}`)).toBeLessThan(1);
    }
    expect(notes.join(' ')).toContain('synthetic head instead of brats2015-deepmedic');
    expect(inputs.every((input) => input.name.startsWith('synthetic'))).toBe(true);
    expect(new Set(findings.map((f) => f.id)).size).toBe(findings.length);
  });
});

describe('running a study', () => {
  it('leaves one file with provenance, and says that the results are fresh', async () => {
    const study = { ...planeReads, specs: { ...planeReads.specs, quick: planeReads.specs.tiny } };
    const reads = await runStudy(study, { mode: 'quick' });
    expect(readdirSync(process.env.COC_RUN_DIR!)).toEqual(['plane-reads.json']);
    const result = reads.get('ratio.sagittal');
    expect(result).toMatchObject({ origin: 'fresh', mode: 'quick', seed: 1, study: 'plane-reads' });
    expect(() => reads.get('nothing')).toThrow('no result nothing');
  });

  it('has an identity that covers its own code and the data', async () => {
    const { identity: one } = await studyJob(planeReads, 'quick', { a: '1' });
    const { identity: other } = await studyJob(planeReads, 'quick', { a: '2' });
    expect(other.hash).not.toBe(one.hash);
    const modules = Object.keys(one.modules);
    expect(modules).toEqual(
      expect.arrayContaining(['src/sampling/plane.ts', 'src/experiments/plane-reads.ts']),
    );
    expect(modules.filter((m) => /^src\/(cli|plots|publish|claims)\//.test(m))).toEqual([]);
  });

  it('knows its studies by their own ids', () => {
    for (const [id, study] of Object.entries(studies)) expect(study.id).toBe(id);
  });

  it('refuses a mode that does not exist', () => {
    process.env.COC_MODE = 'fast';
    expect(currentMode).toThrow('given COC_MODE fast, expected stored, quick, full');
    expect(() => chooseMode('stored')).toThrow('given COC_MODE fast');
    delete process.env.COC_MODE;
    expect(currentMode()).toBe('stored');
  });
});

describeWith('real-data', 'real heads', () => {
  it('of the study’s grid are isotropic by their headers, and finest along head-foot by their spectra', async () => {
    process.env.COC_DATA_MIRROR = saved.COC_DATA_MIRROR;
    const { findings, notes } = await tiny(pixels);
    delete process.env.COC_DATA_MIRROR;
    expect(notes).toEqual([]);
    const get = (id: string) => findings.find((f) => f.id === `pixels.${id}`)!;
    expect(get('spacing-anisotropy')).toMatchObject({ value: 1, uncertainty: { low: 1, high: 1, n: 6 } });
    expect(get('spacing-z').value).toBe(1);
    for (const axis of ['left-right', 'front-back'])
      expect(get(`cut-off-ratio.${axis}`).uncertainty!.low).toBeGreaterThan(1);
    // A brain holds little where the kernel takes away much.
    expect(get('energy-lost.study.coronal').value).toBeLessThan(0.02);
    expect(get('detail-lost.study.coronal').value).toBeGreaterThan(0.1);
  });

  it('are read from the mirror, by hash', async () => {
    process.env.COC_DATA_MIRROR = saved.COC_DATA_MIRROR;
    const head = await openHead(openMsFlair);
    delete process.env.COC_DATA_MIRROR;
    expect(head).toMatchObject({ synthetic: false, notes: [] });
    expect(head.volume).toMatchObject({ dims: [182, 218, 182], axisCodes: 'LAS' });
  });
});
