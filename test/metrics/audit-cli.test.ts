// `coc audit` as a user runs it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors';
import { inRepo } from '../../src/base/paths';
import { define } from '../../src/cli/verbs/audit';
import { reorient } from '../../src/volume/reorient';
import type { Triple } from '../../src/volume/volume';
import { volumeOf } from '../../src/volume/volume';
import { writeNifti } from '../../src/volume/write-nifti';
import { affineOf } from '../sampling/volumes';

describe('coc audit', () => {
  let folder: string;
  const file = (name: string): string => path.join(folder, name);
  const coc = (...args: string[]) =>
    spawnSync(process.execPath, [inRepo('src/cli/coc.cjs'), 'audit', ...args], {
      encoding: 'utf8',
      cwd: folder,
    });

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'coc-audit-'));
    const dims: Triple = [12, 11, 10];
    const affine = affineOf('LPS', [1, 1, 2]);
    const ball = (shift: number, radius = 3) =>
      volumeOf(
        Uint8Array.from({ length: 1320 }, (_, i) => {
          const [x, y, z] = [i % 12, Math.floor(i / 12) % 11, Math.floor(i / 132)];
          const inside = Math.hypot(x - 5 - shift, y - 5, 2 * (z - 5)) <= radius;
          return inside ? (z < 5 ? 1 : 4) : 0;
        }),
        dims,
        affine,
      );
    const image = volumeOf(
      Float32Array.from({ length: 1320 }, (_, i) => Math.sin(i)),
      dims,
      affine,
    );
    const write = async (name: string, volume: Parameters<typeof writeNifti>[1]) =>
      writeNifti(file(name), volume);
    await write('image.nii.gz', image);
    await write('truth.nii.gz', reorient(ball(0), 'SAR'));
    await write('good.nii.gz', ball(0));
    await write('shifted.nii.gz', ball(2));
    await write('empty.nii.gz', volumeOf(new Uint8Array(1320), dims, affine));
    await write(
      'many.nii.gz',
      volumeOf(
        Int16Array.from({ length: 1320 }, (_, i) => i),
        dims,
        affine,
      ),
    );
    await write('small.nii.gz', volumeOf(new Uint8Array(1200), [12, 10, 10], affine));
    await write('elsewhere.nii.gz', volumeOf(ball(0).data, dims, affineOf('LPS', [1, 1, 2.5])));
    writeFileSync(file('taken'), '');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes the scores of every case and class, and a picture of the worst', () => {
    const { stdout, stderr, status } = coc(
      'image.nii.gz',
      'good.nii.gz',
      'shifted.nii.gz',
      '--truth',
      'truth.nii.gz',
    );
    expect([status, stderr.includes('cannot')]).toEqual([0, false]);
    expect(stdout).toMatch(/^good\.nii\.gz +1 +1\.000 +0\.000 /m);
    expect(stdout).toMatch(/^Worst: shifted\.nii\.gz, class [14]$/m);
    const [heads, ...lines] = readFileSync(file('audit/audit.csv'), 'utf8').trim().split('\r\n');
    expect(lines.map((line) => line.split(',').slice(0, 2).join(' '))).toEqual([
      'good.nii.gz 1',
      'good.nii.gz 4',
      'shifted.nii.gz 1',
      'shifted.nii.gz 4',
    ]);
    expect(heads.split(',')).toContain('hd95-mm.medpy.empty-none-none-none');
    const png = PNG.sync.read(readFileSync(file('audit/worst.png')));
    expect(png.width).toBeGreaterThan(1000);
    const svg = readFileSync(file('audit/worst.svg'), 'utf8');
    expect(svg).toMatch(/shifted\.nii\.gz, class [14]/);
    expect(svg).toContain('missed (truth alone)');
  });

  it('tells agreement of planes, regions and definitions as JSON', () => {
    const args = ['--axial', 'good.nii.gz', '--coronal', 'shifted.nii.gz', '--sagittal', 'good.nii.gz'];
    const more = [
      '--truth',
      'truth.nii.gz',
      '--region',
      'all=1,4',
      '--tolerance',
      '2',
      '--voxel',
      '5,5,5',
      '--json',
    ];
    const { stdout, stderr } = coc('image.nii.gz', ...args, ...more, '--out', 'planes');
    const result = JSON.parse(stdout || stderr) as {
      definitions: { key: string; says: string }[];
      audit: Record<string, unknown>[];
      agreement: Record<string, unknown>[];
      written: string[];
    };
    expect(result.audit.map((row) => [row.case, row.class])).toEqual(
      ['good', 'shifted', 'good'].map((name) => [`${name}.nii.gz`, 'all']),
    );
    expect(result.audit[0]).toMatchObject({
      'dice.nnunet.empty-nan-0-0': 1,
      'nsd-2mm.monai.empty-nan-0-0': 1,
    });
    expect(result.definitions.map((d) => d.key)).toContain('nsd-2mm.deepmind.empty-nan-0-0');
    // Through the centre along x: 2 to 8 in the one, 4 to 10 in the other.
    expect(result.agreement[0]).toMatchObject({
      first: 'axial',
      second: 'coronal',
      lines: 'through 5,5,5',
      'dice.first': 1,
      voxels: 9,
      disagree: 4 / 9,
      'agree-and-right': 5 / 9,
    });
    expect(result.written).toContain(path.join('planes', 'agreement.csv'));

    // The next audit into the folder has no agreement to tell, and leaves none of the last one's.
    coc('image.nii.gz', 'good.nii.gz', '--truth', 'good.nii.gz', '--out', 'planes');
    expect(readdirSync(file('planes')).sort()).toEqual(['audit.csv', 'worst.png', 'worst.svg']);
  });

  it('scores empty masks as the keys say, and draws nothing of nothing', () => {
    const { stdout } = coc(
      'image.nii.gz',
      'empty.nii.gz',
      '--truth',
      'empty.nii.gz',
      '--labels',
      '1',
      '--json',
    );
    const { audit, worst } = JSON.parse(stdout) as { audit: Record<string, unknown>[]; worst: unknown };
    expect(worst).toBeNull();
    expect(audit[0]).toMatchObject({
      'dice.monai-all.empty-1-0-0': 1,
      'dice.nnunet.empty-nan-0-0': 'nan',
      'hd95-mm.deepmind.empty-inf-inf-inf': 'inf',
      'hd95-mm.medpy.empty-none-none-none': null,
      'jitter.axial': 'nan',
    });
  });

  const planes = ['--axial', 'good.nii.gz', '--coronal', 'good.nii.gz', '--sagittal', 'good.nii.gz'];
  const truth = ['--truth', 'truth.nii.gz'];
  it.each([
    [
      [],
      'cannot audit: given no prediction, expected label maps after the image, or --axial, --coronal and --sagittal',
    ],
    [['--axial', 'good.nii.gz'], 'cannot tell whether planes agree: given --axial alone'],
    [['--axial', 'good.nii.gz', '--sagittal', 'good.nii.gz'], 'given --axial and --sagittal alone'],
    [
      planes,
      'cannot tell whether planes agree: given no truth, expected agreement beside Dice, for a collapsed model',
    ],
    [['good.nii.gz', '--voxel', '1,2,3'], 'cannot take --voxel: given no predictions by planes'],
    [
      [...planes, ...truth, '--voxel', '1,2'],
      'cannot take --voxel: given "1,2", expected three whole numbers from 0',
    ],
    [[...planes, ...truth, '--voxel', '12,0,0'], 'given voxel (12, 0, 0) in 12 x 11 x 10'],
    [['good.nii.gz', '--labels', '1,x'], 'cannot take --labels: given "1,x", expected whole numbers from 1'],
    [['good.nii.gz', '--labels', '0'], 'cannot take --labels: given "0"'],
    [
      ['good.nii.gz', '--region', 'WT'],
      'cannot take --region: given "WT", expected a name of its own and labels from 1',
    ],
    [['good.nii.gz', '--region', 'WT=1,,2'], 'cannot take --region: given "WT=1,,2"'],
    [
      ['good.nii.gz', '--region', 'A=1', '--region', 'A=4'],
      'cannot take --region: given "A=4", a name that was taken',
    ],
    [['good.nii.gz', ...truth, '--tolerance', 'near'], 'cannot score surfaces: given a tolerance of NaN mm'],
    [['good.nii.gz', ...truth, '--tolerance', '-1'], 'cannot score surfaces: given a tolerance of -1 mm'],
    [['good.nii.gz', '--frame', '2'], 'given frame 2'],
    [['nothing.nii.gz'], 'nothing.nii.gz'],
    [['good.nii.gz', '--truth', 'nothing.nii.gz'], 'nothing.nii.gz'],
    [
      ['small.nii.gz'],
      "cannot lay the prediction small.nii.gz over the image: given 12 x 10 x 10 voxels, LPS, expected the image's shape 12 x 11 x 10",
    ],
    [
      ['good.nii.gz', '--truth', 'elsewhere.nii.gz'],
      'cannot lay the truth elsewhere.nii.gz over the image: given an affine that puts a corner 4.50 mm away',
    ],
    [['image.nii.gz'], 'cannot lay the prediction image.nii.gz over the image: given the value'],
    [['many.nii.gz'], 'cannot audit every label: given 1319 different labels, expected at most 256'],
    [['empty.nii.gz'], 'cannot audit: given label maps that are 0 everywhere'],
    [
      ['good.nii.gz', ...truth, '--labels', '1', '--out', 'taken'],
      'cannot write into taken: given a file, expected a folder',
    ],
    [
      ['good.nii.gz', ...truth, '--labels', '1', '--out', 'taken/below'],
      'cannot write taken/below/audit.csv',
    ],
  ])('says what is wrong with %j', async (args, message) => {
    const command = new Command().exitOverride();
    define(command);
    const inFolder = ['image.nii.gz', ...args].map((arg) => (/\.nii|^taken/.test(arg) ? file(arg) : arg));
    const error: unknown = await command.parseAsync(inFolder, { from: 'user' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message.replaceAll(`${folder}${path.sep}`, '')).toContain(message);
  });

  it('tells a mistake in one line', () => {
    const { status, stderr } = coc('image.nii.gz');
    expect([status, stderr.split('\n').length]).toEqual([1, 2]);
  });
});
