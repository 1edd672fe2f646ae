// `coc pixels`: what the planes of a volume cost, gain and lose on their way to a square input.
import type { Command } from 'commander';
import type { PixelProfile } from '../../profilers/pixels';
import type { Triple } from '../../volume/volume';
import { jsonOption, print, terminal } from '../output';

export function define(command: Command): void {
  command
    .argument('<file>', 'a .nii, .nii.gz, .hdr or .img file')
    .option('--size <samples>', "side of SAM's and the study's square; SAM 3 has 1008", '1024')
    .option('--voxel <x,y,z>', 'voxel where the three planes meet (default: the middle of the volume)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
For each plane (axial, coronal, sagittal) and each way to a square (SAM pads, SAM 3 stretches, the study stretches
with a bicubic kernel):
  original, interpolated, padded   shares of the square's samples; original = as many as the plane has pixels
  per pixel                        samples of the square, and FLOPs of the encoder, for one pixel of the plane
  native                           the encoder's FLOPs at the smallest input that holds the plane, over those here
  energy lost, images              shares of the plane's own energy (without its mean) that the kernel takes away
                                   below the plane's Nyquist frequency, and adds above it
  condition                        how much errors grow when the plane is computed back by least squares; 1 is best
  returned                         largest error of that from float32 samples, as a share of the grey range
  8 bit                            its root mean square from 8-bit samples; in brackets, of 8 bits by themselves
  resized back                     root mean square error of resizing back with the same kernel instead

Examples:
  coc pixels flair.nii.gz
  coc pixels flair.nii.gz --size 512 --voxel 120,96,80 --json`,
    )
    .action(run);
}

async function run(file: string, options: { size: string; voxel?: string; json?: boolean }): Promise<void> {
  const { readNifti } = await import('../../volume/nifti.js');
  const { profilePixels, pixelWays } = await import('../../profilers/pixels.js');
  const { InputError } = await import('../../base/errors.js');
  const long = terminal(options);
  const size = Number(options.size);
  const voxel = options.voxel?.split(',').map(Number);
  if (voxel && (voxel.length !== 3 || voxel.some((v) => !Number.isInteger(v)))) {
    throw new InputError({
      what: 'cannot profile pixels',
      given: `--voxel ${options.voxel}`,
      expected: 'three whole numbers with commas, such as 120,96,80',
      fix: 'give the indices of one voxel',
    });
  }
  const volume = await readNifti(file, long);
  const profiles = profilePixels(volume, { size, voxel: voxel as Triple | undefined, ...long });
  const ways = pixelWays(size);
  const text = Object.entries(ways).map(([name, way]) =>
    [
      `${way.title} (${way.size} x ${way.size}, ${way.interpolation.kernel}, ${way.interpolation.convention})`,
      ...table(profiles.filter((p) => p.way === name)),
    ].join('\n'),
  );
  print(options, { file, dims: volume.dims, spacing: volume.spacing, ways, profiles }, text.join('\n\n'));
}

function table(profiles: PixelProfile[]): string[] {
  const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
  const fine = (x: number): string => `${(100 * x).toFixed(3)} %`;
  const small = (x: number): string => (x === 0 ? '0' : x.toExponential(1));
  const rows: [string, (p: PixelProfile) => string][] = [
    ['', (p) => p.plane],
    ['pixels', (p) => `${p.width} x ${p.height}`],
    ['original', (p) => percent(p.shares.original)],
    ['interpolated', (p) => percent(p.shares.interpolated)],
    ['padded', (p) => percent(p.shares.padded)],
    ['lost', (p) => `${p.ledger.lost} pixels`],
    ['samples per pixel', (p) => p.samplesPerPixel.toFixed(1)],
    ['MFLOP per pixel', (p) => (p.flopsPerPixel / 1e6).toFixed(1)],
    ['native', (p) => percent(p.nativeShare)],
    ['mm per sample', (p) => `${p.spacing.column.toFixed(3)} x ${p.spacing.row.toFixed(3)}`],
    ['energy lost', (p) => fine(p.energy.lost)],
    ['images', (p) => fine(p.energy.images)],
    ['condition', (p) => condition(p)],
    ['returned', (p) => (p.returned ? small(p.returned.leastSquares) : 'not possible')],
    [
      '8 bit',
      (p) => (p.returned ? `${small(p.returned.leastSquares8Bit)} (${small(p.returned.rounding8Bit)})` : '-'),
    ],
    ['resized back', (p) => (p.returned ? small(p.returned.resizedBack) : '-')],
  ];
  return rows.map(
    ([name, cell]) => `  ${name.padEnd(18)}${profiles.map((p) => cell(p).padStart(20)).join('')}`,
  );
}

/** Of the picture: the product of both axes'. */
function condition({ recovery: { columns, rows } }: PixelProfile): string {
  return columns.condition === null || rows.condition === null
    ? 'rank lost'
    : (columns.condition * rows.condition).toFixed(2);
}
