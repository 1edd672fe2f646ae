import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planeAgreement } from '../../src/experiments/plane-agreement';
import { describeWith } from '../setup/peers';

const saved = { ...process.env };
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-agreement-'));
  process.env.COC_DATA = path.join(dir, 'data');
  process.env.COC_CACHE = path.join(dir, 'cache');
});
afterAll(() => {
  process.env = saved;
  rmSync(dir, { recursive: true });
});

async function valuesOf(
  mode: 'tiny' | 'quick',
): Promise<{ values: Record<string, number>; notes: string[] }> {
  const { findings, notes } = await planeAgreement.run(planeAgreement.specs[mode], {});
  return {
    values: Object.fromEntries(findings.map((f) => [f.id.slice('plane-agreement.'.length), f.value!])),
    notes,
  };
}

describeWith('real-data', 'agreement of planes', () => {
  it('compares every shared sample, and names planes in every orientation there is', async () => {
    const { values, notes } = await valuesOf('quick');
    // By hand: at each voxel of BraTS three lines of 240, 240 and 155 samples, at 8 corners and 100 voxels.
    const ofBrats = 108 * (240 + 240 + 155);
    expect(values.samples).toBeGreaterThan(ofBrats);
    expect(values.lines).toBe(3 * (108 + 8 * values.files));
    expect(values.differ).toBe(0);
    // A mirror may lack some of the 48 files; the notes name them.
    const missing = /^(\d+) of 48 files of the header suite are left out/.exec(notes[0] ?? '0 of 48');
    expect(values.files).toBe(48 - Number(missing?.[1] ?? 0));
    expect(values.files).toBeGreaterThan(40);
    // Six orders of the axes, one of which is that of the study: 8 of 48.
    expect(values['generated-share']).toBe(8 / 48);
    expect(values['named-share']).toBeLessThanOrEqual(8 / values.files);
    expect(values['named-share']).toBeGreaterThanOrEqual((8 - (48 - values.files)) / values.files);
    expect(values['named-share-usual']).toBe(1);
    expect(values['brats-named']).toBe(1);
    expect(
      ['axial', 'coronal', 'sagittal'].map((p) => [values[`width.${p}`], values[`height.${p}`]]),
    ).toEqual([
      [240, 240],
      [240, 155],
      [240, 155],
    ]);
  });
});

describe('agreement of planes without data', () => {
  it('is checked on a synthetic head, and says nothing of names and sizes', async () => {
    const mirror = process.env.COC_DATA_MIRROR;
    process.env.COC_DATA_MIRROR = path.join(dir, 'empty');
    try {
      const { values, notes } = await valuesOf('tiny');
      // Addresses may answer or not; with neither mirror nor network both notes are there.
      if (notes.length === 2) {
        expect(Object.keys(values)).toEqual(['lines', 'samples', 'differ', 'generated-share']);
        expect(notes[0]).toContain('synthetic head instead of');
        expect(notes[1]).toContain('4 of 4 files of the header suite are left out');
      }
      expect(values.lines).toBeGreaterThanOrEqual(3 * 12);
      expect(values.differ).toBe(0);
    } finally {
      process.env.COC_DATA_MIRROR = mirror;
      if (mirror === undefined) delete process.env.COC_DATA_MIRROR;
    }
  });
});
