// Do three planes through a voxel agree, and are they the planes that their names say? (section 3.1 of the study)
//
// The planes are cut by our code, so that they agree is a check of it: without it nothing that is said about intersecting
// planes here could be believed. Which array axes make which plane is a question to files: the header suite stores one
// image in each of the 48 ways.
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { fetchOne } from '../datasets/fetch';
import type { Provenance } from '../results/result';
import { drawVoxels } from '../sampling/draw';
import { wordsOf } from '../sampling/gather';
import type { IntersectionLine } from '../sampling/intersection';
import { intersectionLine } from '../sampling/intersection';
import type { Plane } from '../sampling/plane';
import { planeGrid, planeNames, readPlane } from '../sampling/plane';
import { readNifti } from '../volume/nifti';
import type { Affine, Triple, Volume } from '../volume/volume';
import { Findings } from './findings';
import { bratsFlair, openHead } from './heads';
import type { DataNeed, StudyDefinition } from './study';
import { inputName } from './study';

interface Spec {
  /** Random voxels of the head, beside its eight corners. */
  voxels: number;
  /** Files of the header suite that are read. */
  files: number;
  seed: number;
}

/** One image stored in each of the 48 orientations. */
const orientedFiles: DataNeed[] = allAxisCodes().map((codes) => ({
  dataset: 'header-suite',
  path: `nifti_space/${codes}.nii.gz`,
}));

export const planeAgreement: StudyDefinition<Spec> = {
  id: 'plane-agreement',
  title: 'Three planes through a voxel: shared samples and names',
  module: 'experiments/plane-agreement',
  name: 'planeAgreement',
  needs: [bratsFlair, ...orientedFiles],
  specs: {
    tiny: { voxels: 4, files: 4, seed: 1 },
    quick: { voxels: 100, files: 48, seed: 1 },
    full: { voxels: 1000, files: 48, seed: 1 },
  },
  cost: { quick: { seconds: 2, memoryGiB: 0.3 }, full: { seconds: 7, memoryGiB: 0.3 } },
  async run(spec, long) {
    const head = await openHead(bratsFlair, long);
    const suite = await openSuite(spec.files, long);
    const { voxels } = drawVoxels(head.volume.dims, spec.voxels, { seed: spec.seed });
    const tally: Tally = { lines: 0, samples: 0, differ: 0 };
    const meter = new Meter('comparing planes', 'volumes', 1 + suite.volumes.length, long);
    for (const volume of [head.volume, ...suite.volumes]) {
      const chosen = volume === head.volume ? [...cornersOf(volume.dims), ...voxels] : cornersOf(volume.dims);
      for (const voxel of chosen) compareAt(volume, voxel, tally);
      meter.add(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    meter.finish();
    const found = new Findings('plane-agreement', spec.seed);
    findAgreement(tally, found);
    if (suite.volumes.length > 0) findNames(suite.volumes, found);
    findGenerated(found);
    // The size of a synthetic head is a choice of ours and no evidence.
    if (!head.synthetic) findHead(head.volume, found);
    return {
      findings: found.all,
      inputs: [...head.inputs, ...suite.inputs],
      notes: [...head.notes, ...suite.notes],
      seed: spec.seed,
    };
  },
};

/** Three letters for each of the 48 ways to store a volume. */
function allAxisCodes(): string[] {
  const pairs = ['RL', 'AP', 'SI'];
  const orders = pairs.flatMap((a) => pairs.flatMap((b) => pairs.map((c) => [a, b, c])));
  return orders
    .filter((order) => new Set(order).size === 3)
    .flatMap(([a, b, c]) => [...a].flatMap((x) => [...b].flatMap((y) => [...c].map((z) => x + y + z))));
}

interface Suite {
  volumes: Volume[];
  inputs: Provenance['inputs'];
  notes: string[];
}

/** The files of the header suite; those that cannot be had are left out, and a note names them. */
async function openSuite(count: number, long: Long): Promise<Suite> {
  const suite: Suite = { volumes: [], inputs: [], notes: [] };
  // Evenly through the list, so that a few files differ in the order of their axes.
  const needs = orientedFiles.filter(
    (_, i) => Math.floor(((i + 1) * count) / 48) > Math.floor((i * count) / 48),
  );
  const missing: DataNeed[] = [];
  // One line of progress for all of them, not one for each.
  const quietly = { signal: long.signal };
  const meter = new Meter('reading oriented files', 'files', needs.length, long);
  for (const need of needs) {
    try {
      const { path, sha256 } = await fetchOne(need.dataset, need.path, quietly);
      suite.volumes.push(await readNifti(path, quietly));
      suite.inputs.push({ name: inputName(need), sha256 });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      missing.push(need);
    }
    meter.add(1);
  }
  meter.finish();
  if (missing.length > 0) {
    const names = missing.map((need) => need.path.slice('nifti_space/'.length, -'.nii.gz'.length));
    suite.notes.push(
      `${missing.length} of ${needs.length} files of the header suite are left out, for they could not be had (${names.join(', ')})`,
    );
  }
  return suite;
}

function cornersOf([x, y, z]: Triple): Triple[] {
  return [0, x - 1].flatMap((i) => [0, y - 1].flatMap((j) => [0, z - 1].map((k): Triple => [i, j, k])));
}

/** What was compared, and how many samples were found to differ. */
interface Tally {
  lines: number;
  samples: number;
  differ: number;
}

/** Compare, bit by bit, the samples that the three planes through a voxel share. */
function compareAt(volume: Volume, voxel: Triple, tally: Tally): void {
  const planes = planeNames.map((name) => readPlane(volume, planeGrid(volume, name), voxel));
  for (const [a, b] of [
    [planes[0], planes[1]],
    [planes[0], planes[2]],
    [planes[1], planes[2]],
  ]) {
    const line = intersectionLine(a, b);
    const [first, second] = [along(a, line, 0), along(b, line, 1)];
    tally.lines++;
    tally.samples += line.count;
    for (let i = 0; i < first.length; i++) if (first[i] !== second[i]) tally.differ++;
  }
}

/** The bytes of a plane's samples on a line, one sample after another. */
function along({ pixels }: Plane, { count, places }: IntersectionLine, which: 0 | 1): string[] {
  const { column, row, dColumn, dRow, width } = places[which];
  const words = wordsOf(pixels);
  const { buffer, byteOffset, BYTES_PER_ELEMENT: bytes } = words;
  return Array.from({ length: count }, (_, i) => {
    const at = (row + i * dRow) * width + column + i * dColumn;
    return Buffer.from(buffer, byteOffset + at * bytes, bytes).toString('hex');
  });
}

function findAgreement({ lines, samples, differ }: Tally, found: Findings): void {
  const how =
    'counted: random voxels and the eight corners of the head, the corners of each file of the suite';
  found.derived('lines', 'Shared lines of two planes that were compared', '1', lines, how);
  found.derived(
    'samples',
    'Shared samples that were compared, bit by bit, before resizing',
    '1',
    samples,
    how,
  );
  found.derived('differ', 'Shared samples that differ between two planes before resizing', '1', differ, how);
}

/** Whether (x, y) is axial, (x, z) coronal and (y, z) sagittal: from the directions of the affine's columns in the world. */
function isNamedByAxes({ affine }: Pick<Volume, 'affine'>): boolean {
  return [0, 1, 2].every((axis) => {
    const column = [0, 1, 2].map((world) => Math.abs(affine[world][axis]));
    return column.indexOf(Math.max(...column)) === axis;
  });
}

function findNames(volumes: Volume[], found: Findings): void {
  const share = (of: Volume[]): number => of.filter(isNamedByAxes).length / of.length;
  // By the letters, which nibabel's rule gives; the share looks at the affine itself.
  const usual = volumes.filter((v) => /^[RL][AP][SI]$/.test(v.axisCodes));
  const how = 'counted over files of the header suite, one for each orientation';
  found.derived('files', 'Files of the header suite whose planes were named', '1', volumes.length, how);
  found.derived(
    'named-share',
    'Share of files in many orientations whose array axes give the planes the study names',
    '1',
    share(volumes),
    how,
  );
  if (usual.length > 0) {
    found.derived(
      'named-share-usual',
      'The same share for files stored left-right, front-back, foot-head',
      '1',
      share(usual),
      how,
    );
  }
}

/** The same share over all 48 orientations, of affines made from their letters: what the files are to be compared with. */
function findGenerated(found: Findings): void {
  const made = allAxisCodes().map((codes): Pick<Volume, 'affine'> => {
    const entry = (world: string, axis: number): number =>
      codes[axis] === world[0] ? 1 : codes[axis] === world[1] ? -1 : 0;
    const row = (world: string): Affine[0] => [entry(world, 0), entry(world, 1), entry(world, 2), 0];
    return { affine: [row('RL'), row('AP'), row('SI'), [0, 0, 0, 1]] };
  });
  found.derived(
    'generated-share',
    'Share of all 48 orientations whose array axes give the planes the study names',
    '1',
    made.filter(isNamedByAxes).length / made.length,
    'counted over affines made from the letters of each orientation',
  );
}

/** Names and sizes of the planes of a BraTS volume. */
function findHead(volume: Volume, found: Findings): void {
  const how = 'from the header of the BraTS volume';
  found.derived(
    'brats-named',
    'Planes of BraTS that its array axes name rightly (1 yes, 0 no)',
    '1',
    Number(isNamedByAxes(volume)),
    how,
  );
  for (const name of planeNames) {
    const { columns, rows } = planeGrid(volume, name);
    found.derived(`width.${name}`, `Width of the ${name} plane of a BraTS volume`, 'px', columns.count, how);
    found.derived(`height.${name}`, `Height of the ${name} plane of a BraTS volume`, 'px', rows.count, how);
  }
}
