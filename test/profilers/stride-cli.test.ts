import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repoRoot } from '../../src/base/paths';
import { syntheticHead } from '../../src/datasets/synthetic-head';
import { writeNifti } from '../../src/volume/write-nifti';

let dir: string;
let file: string;
beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-stride-cli-'));
  file = path.join(dir, 'head.nii.gz');
  await writeNifti(file, syntheticHead({ seed: 1, dims: [60, 48, 40], spacing: [4, 5, 4] }).image);
});
afterAll(() => rmSync(dir, { recursive: true }));

const stride = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(repoRoot, 'src', 'cli', 'coc.cjs'), 'stride', ...args], {
    encoding: 'utf8',
  });

describe('coc stride', () => {
  it('prints what it found as JSON: the layouts asked for, with kinds and notes', () => {
    const { stdout, stderr, status } = stride(file, '--layout', 'file', 'copies', '--voxels', '3', '--json');
    expect(status, stderr).toBe(0);
    const found = JSON.parse(stdout) as {
      dims: number[];
      notes: string[];
      findings: { id: string; kind: string; value?: number; uncertainty: { n: number } | null }[];
    };
    expect(found.dims).toEqual([60, 48, 40]);
    const get = (id: string) => found.findings.find((f) => f.id === `strides.${id}`)!;
    expect(get('runs.file.sagittal')).toMatchObject({ kind: 'derived', value: 48 * 40 });
    expect(get('time.cold.copies.axial')).toMatchObject({ kind: 'measured', uncertainty: { n: 3 } });
    expect(get('time.cold.bricks.axial')).toBeUndefined();
    expect(found.notes.join()).toContain('load of the machine');
    // Progress goes to stderr as JSON lines.
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('task');
  });

  it('refuses what it does not know, in one line', () => {
    expect(stride(file, '--layout', 'cubes').stderr).toContain(
      'cannot take --layout: given cubes, expected file, copies, bricks',
    );
    expect(stride(file, '--voxels', '1').stderr).toContain('expected a whole number from 2 on');
    const missing = stride(path.join(dir, 'none.nii'));
    expect(missing.status).toBe(1);
    expect(missing.stderr.trim().split('\n')).toHaveLength(1);
    expect(stride(file, '--cache', 'mine').status).toBe(2);
  });
});
