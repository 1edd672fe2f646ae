import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadRegister, conditionsOf } from '../../src/claims/register';
import { findStrides, strides } from '../../src/experiments/strides';
import { figure } from '../../src/plots/draw';
import type { Finding, Result } from '../../src/results/result';
import { findingSchema } from '../../src/results/result';
import { syntheticHead } from '../../src/datasets/synthetic-head';
import { writeNifti } from '../../src/volume/write-nifti';
import { provenance } from '../plots/made-up';

// A small head, anisotropic on purpose: 60 x 48 x 40 voxels, float32.
const volume = syntheticHead({ seed: 1, dims: [60, 48, 40], spacing: [4, 5, 4] }).image;
let dir: string;
let findings: Finding[];
let notes: string[];
beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-strides-study-'));
  ({ findings, notes } = await findStrides(volume, strides.specs.tiny, {}));
});
afterAll(() => rmSync(dir, { recursive: true }));
const value = (id: string): number => findings.find((f) => f.id === `strides.${id}`)!.value!;

describe('the study of strides', () => {
  it('states findings that can be stored, each once', () => {
    for (const finding of findings) expect(findingSchema.safeParse(finding).error).toBeUndefined();
    expect(new Set(findings.map((f) => f.id)).size).toBe(findings.length);
  });

  it('derives what the layout says', () => {
    expect(value('step-over-width.coronal')).toBeCloseTo(1 / 60, 12);
    expect(value('step-over-width.sagittal')).toBe(1);
    expect(value('runs.copies.sagittal')).toBe(1);
    expect(value('moved-per-used.copies.sagittal')).toBeLessThan(1.1);
    expect(value('extra-bytes.copies')).toBe(2 * volume.data.byteLength);
    expect(value('extra-misses.l1.file')).toBeGreaterThan(0.5);
  });

  it('bounds the share of gathers from above: the faster the card, the larger, and never a negative time', () => {
    const shares = ['t4', 'a100-40', 'h100-80'].map((card) => value(`share.file.${card}`));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    for (const card of ['t4', 'a100-40', 'h100-80'])
      expect(value(`share-assumed.file.${card}`)).toBeLessThan(value(`share.file.${card}`));
    expect(value('explained.file')).toBeCloseTo((value('factor.gathers.file') - 3) / 1.5, 12);
  });

  it('keeps kinds apart: published, assumed, derived, measured', () => {
    const kind = (id: string) => findings.find((f) => f.id === `strides.${id}`)!.kind;
    expect(kind('factor.published')).toBe('paper');
    expect(kind('utilisation')).toBe('assumed');
    expect(kind('predicted.cold.file.axial')).toBe('derived');
    expect(kind('time.cold.file.axial')).toBe('measured');
    for (const f of findings.filter((f) => f.kind === 'measured' && f.value !== undefined))
      expect(f.uncertainty, f.id).not.toBeNull();
  });

  it('says what counters said, and how busy the machine was', () => {
    const counters = findings.find((f) => f.id === 'strides.counters')!.table!;
    const readable = counters.columns.some((c) => c.key === 'axial');
    expect(notes.some((n) => n.startsWith('hardware counters of cache misses: not testable here'))).toBe(
      !readable,
    );
    expect(notes.join()).toMatch(/load of the machine .* before, .* after/);
  });

  it('has every result that claims and figures look at', () => {
    const wanted = loadRegister()
      .flatMap(conditionsOf)
      .flatMap((c) => (c.result?.startsWith('strides.') ? c.result : []));
    expect(wanted.length).toBeGreaterThan(5);
    expect(wanted.filter((id) => !findings.some((f) => f.id === id && f.value !== undefined))).toEqual([]);
    const results = new Map(
      findings.map((f): [string, Result] => [
        f.id,
        { ...f, ...provenance, study: 'strides', origin: 'fresh' },
      ]),
    );
    for (const f of findings.filter((f) => f.figure)) {
      const drawn = figure(f.id, results);
      expect(drawn.rows.length).toBeGreaterThan(5);
      for (const row of drawn.rows) expect(Number.isFinite(row.value), `${f.id} ${row.quantity}`).toBe(true);
    }
  });
});

describe('profiling one layout of a file', () => {
  it('leaves out what it cannot say', async () => {
    const file = path.join(dir, 'head.nii');
    await writeNifti(file, volume);
    const found = await findStrides(volume, strides.specs.tiny, { file, layouts: ['bricks'] });
    expect(found.notes.join('\n')).toContain(
      'opening the file for each sample: not testable here, head.nii is not compressed',
    );
    const ids = found.findings.map((f) => f.id);
    expect(ids).toContain('strides.time.cold.bricks.sagittal');
    expect(ids.filter((id) => /\.file\b|share|factor/.test(id))).toEqual([]);
  });
});
