// `coc nifti`: look into a NIfTI file, check it, convert it.
import type { Command } from 'commander';
import type { NiftiImage } from '../../volume/nifti';
import type { Volume } from '../../volume/volume';
import type { Long } from '../../base/progress';
import { jsonOption, print, terminal } from '../output';

export function define(command: Command): void {
  command.addHelpText(
    'after',
    `
Reads NIfTI-1 and NIfTI-2: .nii, .nii.gz, and pairs .hdr/.img (name either of the two).

Examples:
  coc nifti info brain.nii.gz              dims, spacing, axis codes, affine, range, hash of the voxels
  coc nifti check *.nii.gz                 one line a file; fails when one cannot be read or holds NaN
  coc nifti convert scan.hdr scan.nii.gz --reorient RAS`,
  );
  command
    .command('info')
    .description('what a file holds: header, position in the world, values')
    .argument('<file>', 'a .nii, .nii.gz, .hdr or .img file')
    .addOption(jsonOption())
    .action(async (file: string, options: { json?: boolean }) => {
      const summary = await describe(file, terminal(options));
      print(options, summary, asText(summary));
    });
  command
    .command('check')
    .description('read files to the end and name what is wrong with each; exit code 1 when anything is')
    .argument('<file...>', '.nii, .nii.gz, .hdr or .img files')
    .addOption(jsonOption())
    .action(async (files: string[], options: { json?: boolean }) => {
      const long = terminal(options);
      const results = [];
      for (const file of files) results.push(await check(file, long));
      const bad = results.filter((r) => r.problem !== undefined || r.notes.length > 0);
      const lines = results.flatMap((r) => [
        `${r.problem ? 'bad ' : r.notes.length > 0 ? 'note' : 'ok  '} ${r.file}`,
        ...[r.problem ?? [], r.notes].flat().map((line) => `     ${line}`),
      ]);
      print(
        options,
        results,
        [...lines, `${results.length - bad.length} of ${results.length} sound`].join('\n'),
      );
      if (results.some((r) => r.problem !== undefined)) process.exitCode = 1;
    });
  command
    .command('convert')
    .description('write a volume anew as NIfTI-1 or NIfTI-2; voxels are moved, never resampled')
    .argument('<in>', 'a .nii, .nii.gz, .hdr or .img file')
    .argument('<out>', 'a .nii or .nii.gz file')
    .option('--reorient <codes>', 'permute and flip the axes to these codes, e.g. RAS')
    .option('--nifti <version>', 'NIfTI version to write: 1 or 2', '1')
    .option('--frame <index>', 'which frame of an image with more than three axes')
    .addOption(jsonOption())
    .action(convert);
}

interface ConvertOptions {
  reorient?: string;
  nifti: string;
  frame?: string;
  json?: boolean;
}

async function convert(input: string, output: string, options: ConvertOptions): Promise<void> {
  const { InputError } = await import('../../base/errors.js');
  const { readNifti } = await import('../../volume/nifti.js');
  const { reorient } = await import('../../volume/reorient.js');
  const { writeNifti } = await import('../../volume/write-nifti.js');
  if (options.nifti !== '1' && options.nifti !== '2') {
    throw new InputError({
      what: 'cannot convert',
      given: `--nifti ${options.nifti}`,
      expected: '1 or 2',
      fix: 'choose one of the two versions of the format',
    });
  }
  const long = terminal(options);
  const frame = options.frame === undefined ? undefined : Number(options.frame);
  let volume: Volume = await readNifti(input, { ...long, frame });
  if (options.reorient) volume = reorient(volume, options.reorient);
  await writeNifti(output, volume, { version: options.nifti === '1' ? 1 : 2, ...long });
  const result = { file: output, dims: volume.dims, axisCodes: volume.axisCodes, notes: volume.notes };
  print(
    options,
    result,
    [`wrote ${output}: ${volume.dims.join(' x ')}, ${volume.axisCodes}`, ...volume.notes].join('\n'),
  );
}

interface Checked {
  file: string;
  problem?: string;
  notes: string[];
}

async function check(file: string, long: Long): Promise<Checked> {
  const { InputError } = await import('../../base/errors.js');
  const { readNiftiImage } = await import('../../volume/nifti.js');
  try {
    const { notes, nonFinite } = await readNiftiImage(file, long);
    const { nan, infinite } = nonFinite;
    return nan + infinite > 0
      ? { file, problem: `${nan} voxels are NaN, ${infinite} are infinite`, notes }
      : { file, notes };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { file, problem: error.message, notes: [] };
  }
}

type Summary = Awaited<ReturnType<typeof describe>>;

async function describe(file: string, long: Long) {
  const { readNiftiImage, niftiVoxelHash } = await import('../../volume/nifti.js');
  const { spacingOf } = await import('../../volume/affine.js');
  const { axisCodes } = await import('../../volume/orientation.js');
  const image = await readNiftiImage(file, long);
  const { header, extensions, dims, components, nonFinite, notes } = image;
  return {
    file,
    format: `NIfTI-${header.version}`,
    littleEndian: header.littleEndian,
    type: header.type.name,
    dims,
    components,
    spacing: spacingOf(header.affine),
    units: header.units,
    axisCodes: axisCodes(header.affine),
    affine: header.affine,
    affineFrom: header.affineFrom,
    qformCode: header.forms.qformCode,
    sformCode: header.forms.sformCode,
    scaling: header.scaling,
    ...range(image),
    nan: nonFinite.nan,
    infinite: nonFinite.infinite,
    voxelSha256: await niftiVoxelHash(file, long),
    extensions: extensions.map(({ code, data }) => ({ code, bytes: data.length })),
    description: header.description,
    notes,
  };
}

/** Least, greatest and mean of the finite values; null when there are none. */
function range({ data }: NiftiImage): { min: number | null; max: number | null; mean: number | null } {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let n = 0;
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    n++;
  }
  return n === 0 ? { min: null, max: null, mean: null } : { min, max, mean: sum / n };
}

function asText(s: Summary): string {
  const number = (x: number): string => String(Number(x.toPrecision(7)));
  const rows: [string, string][] = [
    ['file', s.file],
    ['format', `${s.format}, ${s.littleEndian ? 'little' : 'big'}-endian, ${s.type}`],
    ['dims', `${s.dims.join(' x ')}${s.components > 1 ? ` x ${s.components} components` : ''}`],
    ['spacing', `${s.spacing.map(number).join(' x ')} mm (unit in the header: ${s.units.space})`],
    ['axis codes', s.axisCodes],
    ['affine', `from ${s.affineFrom} (qform code ${s.qformCode}, sform code ${s.sformCode})`],
    ...s.affine
      .slice(0, 3)
      .map((row): [string, string] => ['', row.map((x) => number(x).padStart(12)).join('')]),
    ['scaling', s.scaling ? `value = stored x ${s.scaling.slope} + ${s.scaling.inter}` : 'none'],
    [
      'values',
      s.min === null ? 'none finite' : `${number(s.min)} to ${number(s.max!)}, mean ${number(s.mean!)}`,
    ],
    ['not finite', `${s.nan} NaN, ${s.infinite} infinite`],
    ['voxels', `sha256 ${s.voxelSha256}`],
    ...s.extensions.map((e): [string, string] => ['extension', `code ${e.code}, ${e.bytes} bytes`]),
    ...(s.description ? [['description', s.description] as [string, string]] : []),
    ...s.notes.map((note): [string, string] => ['note', note]),
  ];
  return rows.map(([key, value]) => `${key.padEnd(13)}${value}`).join('\n');
}
