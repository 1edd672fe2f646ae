// `coc view`: three linked planes of a volume, or of a JSON file that holds them, as a page that needs nothing else.
import type { Command } from 'commander';
import { InputError } from '../../base/errors';
import type { Long } from '../../base/progress';
import type { LinkedPlanes } from '../../results/linked-planes';
import type { Triple, Volume } from '../../volume/volume';
import { jsonOption, print, terminal } from '../output';

interface ViewOptions {
  mask?: string;
  voxel?: string;
  out?: string;
  json?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<file>', 'a NIfTI file (.nii, .nii.gz, .hdr, .img), or linked planes (.json)')
    .option('--mask <file>', 'a label map on the same grid: NIfTI, whole numbers from 0 to 255')
    .option(
      '--voxel <x,y,z>',
      'the voxel in which the planes meet, counted from 0 (default: the labelled voxel whose planes hold most of the mask, else the centre)',
    )
    .option('--out <page>', 'the page to write (default without --json: NAME-planes.html)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The page holds everything: it can be mailed, and asks for nothing from anywhere. It shows the planes with the lines in
which they meet, and along each line what either plane holds, as stored and after resizing to 1024 x 1024.
With --json the planes and lines themselves are printed (their form: src/results/linked-planes.ts), and a page is
written only where --out names one.

Examples:
  coc view brain.nii.gz                          brain-planes.html, through the centre
  coc view brain.nii.gz --mask lesions.nii.gz --out lesion.html
  coc view brain.nii.gz --voxel 90,120,70 --json > planes.json
  coc view planes.json --out planes.html`,
    )
    .action(view);
}

async function view(file: string, options: ViewOptions): Promise<void> {
  const path = await import('node:path');
  const { sha256OfFile } = await import('../../base/hash.js');
  const { writeFileAtomic } = await import('../../base/files.js');
  const long = terminal(options);
  const name = path.basename(file);
  const data = name.endsWith('.json') ? await fromJson(file, options) : await fromVolume(file, options, long);
  const page = options.out ?? (options.json ? undefined : `${stemOf(name)}-planes.html`);
  const files = options.mask === undefined ? [file] : [file, options.mask];
  if (page !== undefined) {
    const foot = [];
    for (const f of files) foot.push(`${path.basename(f)}, SHA-256 ${await sha256OfFile(f, long.signal)}`);
    writeFileAtomic(page, await pageFor(data, name, foot));
  }
  print(
    options,
    data,
    page === undefined ? '' : `wrote ${page}: voxel (${data.voxel.join(', ')}) of ${name}`,
  );
}

/** `brain.nii.gz` -> `brain`. */
function stemOf(name: string): string {
  return name.replace(/(?:\.nii)?\.gz$|\.[^.]+$/i, '');
}

async function pageFor(data: LinkedPlanes, name: string, foot: string[]): Promise<string> {
  const { drawLinkedPlanes } = await import('../../plots/builders/linked-planes.js');
  const { pageOf } = await import('../../plots/pages.js');
  const { drawSvg } = await import('../../plots/picture.js');
  const title = `${name}: three planes and the lines in which they meet`;
  const own = { id: 'linked-planes', title, kind: 'measured' } as const;
  const figure = { ...drawLinkedPlanes(data, own), id: own.id };
  return pageOf(figure, await drawSvg({ ...figure, stamp: null }), foot);
}

async function fromJson(file: string, options: ViewOptions): Promise<LinkedPlanes> {
  const { existsSync } = await import('node:fs');
  const { readJson } = await import('../../base/files.js');
  const { checkLinkedPlanes } = await import('../../results/linked-check.js');
  const given = (['mask', 'voxel'] as const).find((name) => options[name] !== undefined);
  if (given) {
    throw new InputError({
      what: `cannot view ${file}`,
      given: `--${given} with planes that were cut already`,
      expected: 'a volume to cut, or linked planes alone',
      fix: `leave --${given} out, or name the NIfTI file`,
    });
  }
  if (!existsSync(file)) {
    throw new InputError({
      what: `cannot view ${file}`,
      given: 'no such file',
      expected: 'linked planes as JSON',
      fix: 'check the path, or make the file with `coc view FILE --json`',
    });
  }
  return checkLinkedPlanes(readJson(file), file);
}

async function fromVolume(file: string, options: ViewOptions, long: Long): Promise<LinkedPlanes> {
  const path = await import('node:path');
  const { linkedSlices, resizingsTo } = await import('../../experiments/linked-slices.js');
  const { lesionVoxel } = await import('../../experiments/three-planes.js');
  const { readNifti } = await import('../../volume/nifti.js');
  const asked = options.voxel === undefined ? undefined : parseVoxel(options.voxel);
  const volume: Volume = await readNifti(file, long);
  const labels: Volume | undefined =
    options.mask === undefined ? undefined : await readNifti(options.mask, long);
  const voxel = asked ?? (labels ? lesionVoxel(labels) : (volume.dims.map((n) => n >> 1) as Triple));
  return linkedSlices(
    volume,
    voxel,
    {
      source: { title: path.basename(file), licence: 'licence not stated', synthetic: false },
      values: { title: 'Value', unit: '' },
    },
    { labels, resizings: resizingsTo(1024) },
  );
}

function parseVoxel(text: string): Triple {
  const parts = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : NaN));
  if (parts.length === 3 && !parts.some(Number.isNaN)) return parts as Triple;
  throw new InputError({
    what: 'cannot find the voxel',
    given: `--voxel ${text}`,
    expected: 'three whole numbers from 0',
    fix: 'write for example --voxel 90,120,70',
  });
}
