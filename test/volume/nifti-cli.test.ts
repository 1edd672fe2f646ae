// `coc nifti` as a user runs it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, readOracle } from './cases';

const oracle = readOracle();

describe('coc nifti', () => {
  let folder: string;
  const file = (name: string): string => path.join(folder, name);
  const coc = (...args: string[]) =>
    spawnSync(process.execPath, ['src/cli/coc.cjs', 'nifti', ...args], { encoding: 'utf8' });
  const place = (name: string, caseName: string): void => {
    const found = oracle.cases.find((c) => c.name === caseName)!;
    writeFileSync(file(name), bytesOf(found.files[found.open]));
  };
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'coc-cli-'));
    place('good.nii', 'slope 2, inter 0, int16');
    place('nan.nii', 'NaN and infinities');
    place('short.nii', 'one byte short');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('tells what a file holds', () => {
    const { stdout } = coc('info', file('good.nii'));
    expect(stdout).toMatch(/^axis codes +LAS$/m);
    expect(stdout).toMatch(/^scaling +value = stored x 2 \+ 0$/m);
    const summary = JSON.parse(coc('info', file('good.nii'), '--json').stdout) as Record<string, unknown>;
    expect(summary).toMatchObject({ dims: [2, 3, 4], type: 'int16', affineFrom: 'sform', nan: 0 });
    const { expect: peer } = oracle.cases.find((c) => c.name === 'slope 2, inter 0, int16')!;
    expect(summary.voxelSha256).toBe(peer.error === undefined ? peer.rawSha256 : '');
  });

  it('checks files and fails when one is unsound', () => {
    expect(coc('check', file('good.nii')).status).toBe(0);
    const { stdout, status } = coc('check', file('good.nii'), file('nan.nii'), file('short.nii'));
    expect(status).toBe(1);
    expect(stdout).toMatch(/bad {2}.*nan\.nii\n +2 voxels are NaN, 2 are infinite/);
    expect(stdout).toMatch(/bad {2}.*short\.nii\n.*given 47 bytes of voxels/);
    expect(stdout).toMatch(/1 of 3 sound/);
  });

  it('converts and reorients', () => {
    const { status, stderr } = coc(
      'convert',
      file('good.nii'),
      file('out.nii.gz'),
      '--reorient',
      'RAS',
      '--nifti',
      '2',
    );
    expect(stderr).not.toMatch(/cannot/);
    expect(status).toBe(0);
    const summary = JSON.parse(coc('info', file('out.nii.gz'), '--json').stdout) as Record<string, unknown>;
    expect(summary).toMatchObject({ format: 'NIfTI-2', axisCodes: 'RAS', type: 'float64' });
    const wrong = coc('convert', file('good.nii'), file('x.nii'), '--nifti', '3');
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toMatch(/given --nifti 3, expected 1 or 2/);
  });
});
