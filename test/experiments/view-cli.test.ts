// `coc view` as a user runs it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors';
import { define } from '../../src/cli/verbs/view';
import { inRepo } from '../../src/base/paths';
import { sha256 } from '../../src/base/hash';
import { checkLinkedPlanes } from '../../src/results/linked-check';
import type { LinkedPlanes } from '../../src/results/linked-planes';
import { writeNifti } from '../../src/volume/write-nifti';
import { counted } from '../sampling/volumes';

describe('coc view', () => {
  let folder: string;
  const coc = (...args: string[]) =>
    spawnSync(process.execPath, [inRepo('src/cli/coc.cjs'), 'view', ...args], {
      encoding: 'utf8',
      cwd: folder,
    });
  const planes = (...args: string[]): LinkedPlanes => {
    const { stdout, stderr } = coc(...args, '--json');
    return checkLinkedPlanes(JSON.parse(stdout || stderr), 'the test');
  };
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'coc-view-'));
    const volume = counted([9, 8, 6], 'RAS');
    await writeNifti(path.join(folder, 'head.nii.gz'), volume);
    const mask = {
      ...volume,
      data: Uint8Array.from(volume.data, (_, i) => (i % 9 === 7 && i > 300 ? 2 : 0)),
    };
    await writeNifti(path.join(folder, 'mask.nii'), mask);
    await writeNifti(path.join(folder, 'small.nii'), counted([9, 8, 5], 'RAS'));
    writeFileSync(path.join(folder, 'broken.json'), '{');
    writeFileSync(path.join(folder, 'other.json'), '{"format": "something else"}');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes a page that needs nothing else, through the centre', () => {
    const { stdout, status } = coc('head.nii.gz');
    expect([status, stdout]).toEqual([0, 'wrote head-planes.html: voxel (4, 4, 3) of head.nii.gz\n']);
    const html = readFileSync(path.join(folder, 'head-planes.html'), 'utf8');
    expect(html).toContain('<h1>head.nii.gz: three planes and the lines in which they meet</h1>');
    expect(html).toContain(`SHA-256 ${sha256(readFileSync(path.join(folder, 'head.nii.gz')))}`);
    expect(html.match(/\b(?:src|href)="(?!data:)[^"]*"/g)).toBeNull();
    expect(html).not.toContain('measured ·');
  });

  it('takes a voxel, or that of the mask, and prints planes and lines as JSON without a page', () => {
    const before = readdirSync(folder).length;
    expect(planes('head.nii.gz', '--voxel', '0,7, 5').voxel).toEqual([0, 7, 5]);
    const { voxel, planes: cut, signals } = planes('head.nii.gz', '--mask', 'mask.nii');
    expect(voxel[0]).toBe(7);
    expect(cut.every((p) => p.maskPng !== undefined)).toBe(true);
    expect(signals.map((s) => s.key)).toContain('stretch-1024-bicubic');
    expect(readdirSync(folder)).toHaveLength(before);
  });

  it('makes the same page of the JSON that it printed', () => {
    const { stdout } = coc('head.nii.gz', '--json', '--out', 'a.html');
    writeFileSync(path.join(folder, 'head.json'), stdout);
    expect(coc('head.json', '--out', 'b.html').status).toBe(0);
    const viewer = (name: string): string =>
      /<script>\(function[^]*<\/script>/.exec(readFileSync(path.join(folder, name), 'utf8'))![0];
    expect(viewer('b.html')).toBe(viewer('a.html'));
  });

  it.each([
    [['nothing.nii'], 'nothing.nii'],
    [['nothing.json'], 'cannot view nothing.json: given no such file'],
    [['broken.json'], 'broken.json is not valid JSON'],
    [['other.json'], 'cannot use the linked planes of other.json: given format: '],
    [['other.json', '--mask', 'mask.nii'], 'given --mask with planes that were cut already'],
    [['head.nii.gz', '--voxel', '1,2'], 'given --voxel 1,2, expected three whole numbers from 0'],
    [['head.nii.gz', '--voxel', '1,2,-3'], 'given --voxel 1,2,-3'],
    [
      ['head.nii.gz', '--voxel', '9,0,0'],
      'given voxel (9, 0, 0), expected whole numbers from (0, 0, 0) to (8, 7, 5)',
    ],
    [
      ['head.nii.gz', '--mask', 'small.nii'],
      "given a mask of 9 x 8 x 5 voxels, RAS, expected the image's grid: 9 x 8 x 6, RAS",
    ],
    [
      ['head.nii.gz', '--mask', 'head.nii.gz'],
      'in the mask, expected whole numbers from 0 (background) to 255',
    ],
  ])('says what is wrong with %j', async (args, message) => {
    // In this process: the message is what matters here, and a process takes seconds on a busy machine.
    const command = new Command().exitOverride();
    define(command);
    const inFolder = args.map((arg) => (/\.(?:nii|gz|json)/.test(arg) ? path.join(folder, arg) : arg));
    const error: unknown = await command.parseAsync(inFolder, { from: 'user' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message.replaceAll(`${folder}${path.sep}`, '')).toContain(message);
  });

  it('tells a mistake in one line', () => {
    const { status, stderr } = coc('head.nii.gz', '--voxel', '1,2');
    expect(stderr).toBe(
      'cannot find the voxel: given --voxel 1,2, expected three whole numbers from 0. What to do: write for example --voxel 90,120,70\n',
    );
    expect(status).toBe(1);
  });
});
