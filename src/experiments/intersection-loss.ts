// Eq. 2 on paper and on masks: what it sees, what it cannot see, and how it differs from a contrastive loss (section 3.3).
//
// No network is run. Predictions are reference masks, constants and disagreements that were put there; geometry is that of
// the study's grid. What training with the term does needs training.
import { Random } from '../base/random';
import type { SharedLine } from '../losses/eq2';
import { eq2, eq2Gradient } from '../losses/eq2';
import { simclrLoss } from '../losses/contrastive';
import { drawVoxels } from '../sampling/draw';
import type { LinePlace } from '../sampling/intersection';
import { intersectionLine, resizedLine } from '../sampling/intersection';
import type { Plane, PlaneName } from '../sampling/plane';
import { planeGrid, planeNames, readPlane } from '../sampling/plane';
import type { Interpolation } from '../sampling/resize';
import { fitSquare, toSquare } from '../sampling/square';
import type { Triple, Volume } from '../volume/volume';
import { volumeOf } from '../volume/volume';
import { Findings, mean } from './findings';
import { openHead, openMsFlair, openMsLesions } from './heads';
import type { StudyDefinition } from './study';

interface Spec {
  /** Lesion voxels whose three masks are compared. */
  voxels: number;
  /** Voxels of the study's grid whose lines are placed. */
  lines: number;
  seed: number;
}

/** The pairs of Eq. 2, and the one that it leaves out. */
const pairs: readonly [PlaneName, PlaneName][] = [
  ['axial', 'coronal'],
  ['axial', 'sagittal'],
  ['coronal', 'sagittal'],
];
const ofEq2 = pairs.slice(0, 2);
const gridOfStudy: Triple = [240, 240, 155];
const square = 1024;
const kernels = {
  nearest: { kernel: 'nearest', convention: 'pil', antialias: false },
  bilinear: { kernel: 'bilinear', convention: 'pil', antialias: true },
  bicubic: { kernel: 'bicubic', convention: 'pil', antialias: true },
} as const satisfies Record<string, Interpolation>;
const kernelNames = ['nearest', 'bilinear', 'bicubic'] as const;

/** Three masks or predictions through one voxel, as pictures of the volume's grid. */
type Predictions = Record<PlaneName, Plane>;

export const intersectionStudy: StudyDefinition<Spec> = {
  id: 'intersection-loss',
  title: 'The intersection loss: what Eq. 2 sees',
  module: 'experiments/intersection-loss',
  name: 'intersectionStudy',
  needs: [openMsFlair, openMsLesions],
  specs: {
    tiny: { voxels: 2, lines: 20, seed: 1 },
    quick: { voxels: 24, lines: 400, seed: 1 },
    full: { voxels: 400, lines: 4000, seed: 1 },
  },
  cost: { quick: { seconds: 12, memoryGiB: 0.6 }, full: { seconds: 200, memoryGiB: 0.6 } },
  async run(spec, long) {
    const found = new Findings('intersection-loss', spec.seed);
    const head = await openHead(openMsFlair, long, openMsLesions);
    findGeometry(found, spec);
    findGradient(found, spec.seed);
    findContrast(found);
    await findMasks(found, head.labels!, spec);
    tabulate(found);
    return { findings: found.all, inputs: head.inputs, notes: head.notes, seed: spec.seed };
  },
};

/** Values of a picture along a line, at the nearest sample of each shared voxel. */
function along(pixels: ArrayLike<number>, place: LinePlace, count: number): number[] {
  const { column, row, dColumn, dRow, width } = place;
  return Array.from(
    { length: count },
    (_, i) => pixels[Math.round(row + i * dRow) * width + Math.round(column + i * dColumn)],
  );
}

/** What two planes predict for the voxels that they share. */
function sharedLine(planes: Predictions, [a, b]: readonly [PlaneName, PlaneName]): SharedLine {
  const line = intersectionLine(planes[a], planes[b]);
  const [first, second] = [a, b].map((name, k) => along(planes[name].pixels, line.places[k], line.count));
  return { first, second };
}

const lossOf = (planes: Predictions, of: typeof pairs): number =>
  eq2(of.map((pair) => sharedLine(planes, pair)));

function planesAt(volume: Volume, voxel: Triple): Predictions {
  const plane = (name: PlaneName): Plane => readPlane(volume, planeGrid(volume, name), voxel);
  return { axial: plane('axial'), coronal: plane('coronal'), sagittal: plane('sagittal') };
}

/** The same planes with other predictions. */
function withPixels(planes: Predictions, of: (value: number) => number): Predictions {
  const changed = (plane: Plane): Plane => ({ ...plane, pixels: Float32Array.from(plane.pixels, of) });
  return {
    axial: changed(planes.axial),
    coronal: changed(planes.coronal),
    sagittal: changed(planes.sagittal),
  };
}

/** How much of what planes share is compared, how many pixels that is, and where the lines lie after resizing. */
function findGeometry(found: Findings, { lines, seed }: Spec): void {
  const volume = volumeOf(new Uint8Array(gridOfStudy.reduce((a, b) => a * b)), gridOfStudy, [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ]);
  const how = 'counted on planes of a grid of 240 x 240 x 155 voxels';
  const planes = planesAt(volume, [120, 120, 77]);
  const total = planeNames.reduce((sum, name) => sum + planes[name].pixels.length, 0);
  const counts = pairs.map(([a, b]) => intersectionLine(planes[a], planes[b]).count);
  const samples = { eq2: counts[0] + counts[1], all: counts[0] + counts[1] + counts[2] };
  found.derived('samples.eq2', 'Shared voxels that Eq. 2 compares, line by line', 'voxels', samples.eq2, how);
  found.derived('samples.all', 'Shared voxels on the lines of all pairs', 'voxels', samples.all, how);
  found.derived(
    'samples-share',
    'Share of the shared voxels that Eq. 2 compares',
    '1',
    samples.eq2 / samples.all,
    'voxels on the two axial lines / voxels on all three lines',
  );
  for (const [id, of, words] of [
    ['eq2', ofEq2, 'Eq. 2'],
    ['all', pairs, 'the sum over all pairs'],
  ] as const) {
    const touched = new Set<string>();
    for (const [a, b] of of) {
      const { places, count } = intersectionLine(planes[a], planes[b]);
      [a, b].forEach((name, k) => {
        const { column, row, dColumn, dRow } = places[k];
        for (let i = 0; i < count; i++) touched.add(`${name} ${column + i * dColumn} ${row + i * dRow}`);
      });
    }
    found.derived(
      `pixels-share.${id}`,
      `Share of the pixels of three planes that ${words} touches`,
      '1',
      touched.size / total,
      `different pixels on the lines / pixels of the planes, ${how}`,
    );
  }
  const { voxels } = drawVoxels(gridOfStudy, lines, { seed });
  const fit = (plane: Plane): ReturnType<typeof fitSquare> =>
    fitSquare(plane.grid.columns.count, plane.grid.rows.count, square, 'stretch', kernels.bicubic);
  const fits = { axial: fit(planes.axial), coronal: fit(planes.coronal), sagittal: fit(planes.sagittal) };
  const isWhole = (x: number): boolean => Math.abs(x - Math.round(x)) < 1e-9;
  const hits = { native: 0, square: 0, n: 0 };
  for (const voxel of voxels) {
    const at = planesAt(volume, voxel);
    for (const [a, b] of pairs) {
      const line = intersectionLine(at[a], at[b]);
      const resized = resizedLine(line, [fits[a], fits[b]]);
      for (const k of [0, 1]) {
        const across = ({ dColumn, column, row }: LinePlace): number => (dColumn === 0 ? column : row);
        hits.n++;
        if (isWhole(across(line.places[k]))) hits.native++;
        if (isWhole(across(resized.places[k]))) hits.square++;
      }
    }
  }
  for (const [id, where] of [
    ['native', 'on the grid of the volume'],
    ['square', 'on the square of 1024 samples'],
  ] as const)
    found.derived(
      `on-a-row.${id}`,
      `Share of lines that are a row or column of their picture, ${where}`,
      '1',
      hits[id] / hits.n,
      'counted over random voxels, all pairs, both pictures; half-pixel centres',
    );
}

/** The gradient by hand against differences of the loss itself. */
function findGradient(found: Findings, seed: number): void {
  const random = new Random(seed).fork('gradient');
  const line = {
    first: Array.from({ length: 64 }, () => random.uniform()),
    second: Array.from({ length: 64 }, () => random.uniform()),
  };
  const by = eq2Gradient(line);
  const step = 1e-4;
  const numeric = (end: 'first' | 'second', i: number): number => {
    const moved = (by: number): number =>
      eq2([{ ...line, [end]: line[end].map((p, k) => (k === i ? p + by : p)) }]);
    return (moved(step) - moved(-step)) / (2 * step);
  };
  const errors = (['first', 'second'] as const).flatMap((end) =>
    by[end].map((g, i) => Math.abs(g - numeric(end, i))),
  );
  const norm = (v: number[]): number => Math.hypot(...v);
  found.derived(
    'gradient.error',
    'Largest difference of the gradient of Eq. 2 by hand, 2 (a - b), from differences of the loss',
    '1',
    Math.max(...errors),
    '(loss(p + h) - loss(p - h)) / 2h at 64 random pairs, both partners, h of a ten-thousandth',
  );
  found.derived(
    'gradient.partner',
    "Size of the partner's gradient over that of the axial plane",
    '1',
    norm(by.second) / norm(by.first),
    'norms of 2 (a - b) and of its opposite',
  );
}

/** What a prediction that is the same everywhere costs, in Eq. 2 and in SimCLR's loss. */
function findContrast(found: Findings): void {
  const [images, temperature] = [8, 0.5];
  const unit = (k: number): number[] => Array.from({ length: images }, (_, i) => Number(i === k));
  const apart = Array.from({ length: images }, (_, k) => unit(k));
  const same = apart.map(() => unit(0));
  const constant = simclrLoss(same, same, temperature);
  const least = simclrLoss(apart, apart, temperature);
  const how = 'NT-Xent of 8 images, temperature a half, on unit vectors';
  found.derived('constant.nt-xent', "SimCLR's loss of embeddings that are all the same", '1', constant, how);
  found.derived(
    'apart.nt-xent',
    "SimCLR's loss of pairs that agree and are orthogonal to all others",
    '1',
    least,
    how,
  );
  found.derived(
    'constant-excess.nt-xent',
    "SimCLR's loss of a constant above that of pairs that agree and differ from others",
    '1',
    constant - least,
    'difference of both',
  );
}

/** Eq. 2 of reference masks, of constants, and of disagreements that it does not see. */
async function findMasks(found: Findings, labels: Volume, { voxels, seed }: Spec): Promise<void> {
  const drawn = drawVoxels(labels.dims, voxels, { seed, foreground: labels, foregroundShare: 1 }).voxels;
  const native: number[] = [];
  const squares = kernelNames.map((): number[] => []);
  const consistent: number[] = [];
  const unseen = { eq2: 0, all: 0, voxels: 0 };
  for (const voxel of drawn) {
    const truth = withPixels(planesAt(labels, voxel), (v) => Number(v > 0));
    native.push(lossOf(truth, ofEq2));
    for (const of of [() => 0, () => 1, () => 0.5, (v: number) => 1 - v])
      consistent.push(lossOf(withPixels(truth, of), ofEq2));
    kernelNames.forEach((name, k) => squares[k].push(squareLoss(truth, kernels[name])));
    const wrong = wrongOnThirdLine(truth);
    unseen.eq2 += lossOf(wrong.planes, ofEq2);
    unseen.all += lossOf(wrong.planes, pairs);
    unseen.voxels += wrong.voxels;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const of = 'reference masks of lesions, three planes through a lesion voxel';
  found.observed('truth.native', `Eq. 2 of ${of}, on the grid of the volume, mean`, '1', native, mean);
  kernelNames.forEach((name, k) =>
    found.observed(
      `truth.square.${name}`,
      `Eq. 2 of ${of}, each stretched to 1024 samples (${name}), at the sample nearest to each shared voxel, mean`,
      '1',
      squares[k],
      mean,
    ),
  );
  found.derived(
    'consistent.eq2',
    'Largest Eq. 2 of predictions that agree: all background, all foreground, a half everywhere, and every mask inverted',
    '1',
    Math.max(...consistent),
    'computed on planes through lesion voxels; a constant is its own partner',
  );
  const how =
    'coronal predictions inverted on the line with the sagittal plane, but for the voxel that all three share';
  found.derived(
    'unseen.voxels',
    'Shared voxels on which two planes were made to disagree',
    'voxels',
    unseen.voxels,
    how,
  );
  found.derived('unseen.eq2', 'Eq. 2 of these disagreements', '1', unseen.eq2, how);
  found.derived('unseen.all', 'The sum over all three pairs of these disagreements', '1', unseen.all, how);
}

/** Eq. 2 after each mask was brought to the square on its own. */
function squareLoss(planes: Predictions, interpolation: Interpolation): number {
  const squared = planeNames.map((name) => {
    const { pixels, grid } = planes[name];
    const fit = fitSquare(grid.columns.count, grid.rows.count, square, 'stretch', interpolation);
    return [name, { fit, pixels: toSquare(pixels, fit) }] as const;
  });
  const of = Object.fromEntries(squared) as Record<PlaneName, (typeof squared)[number][1]>;
  return eq2(
    ofEq2.map(([a, b]) => {
      const line = intersectionLine(planes[a], planes[b]);
      const { places, count } = resizedLine(line, [of[a].fit, of[b].fit]);
      const [first, second] = [a, b].map((name, k) => along(of[name].pixels, places[k], count));
      return { first, second };
    }),
  );
}

/** A disagreement of coronal and sagittal plane that lies on neither axial line. */
function wrongOnThirdLine(truth: Predictions): { planes: Predictions; voxels: number } {
  const { places, count } = intersectionLine(truth.coronal, truth.sagittal);
  const { column, row, dColumn, dRow, width } = places[0];
  const pixels = Float32Array.from(truth.coronal.pixels);
  const [sharedColumn, sharedRow] = truth.coronal.crosshair;
  let voxels = 0;
  for (let i = 0; i < count; i++) {
    const [x, y] = [column + i * dColumn, row + i * dRow];
    if (x === sharedColumn && y === sharedRow) continue;
    pixels[y * width + x] = 1 - pixels[y * width + x];
    voxels++;
  }
  return { planes: { ...truth, coronal: { ...truth.coronal, pixels } }, voxels };
}

function tabulate(found: Findings): void {
  const value = (id: string): number => found.value(id);
  found.table('sees', 'What Eq. 2 says of predictions', 'measured', {
    columns: [
      { key: 'predictions', title: 'Predictions', align: 'left' },
      { key: 'right', title: 'Right?', align: 'left' },
      { key: 'eq2', title: 'Eq. 2', digits: 2 },
    ],
    rows: [
      { predictions: 'reference masks, grid of the volume', right: 'yes', eq2: value('truth.native') },
      {
        predictions: 'reference masks, stretched (nearest)',
        right: 'yes',
        eq2: value('truth.square.nearest'),
      },
      {
        predictions: 'reference masks, stretched (bilinear)',
        right: 'yes',
        eq2: value('truth.square.bilinear'),
      },
      {
        predictions: 'reference masks, stretched (bicubic)',
        right: 'yes',
        eq2: value('truth.square.bicubic'),
      },
      {
        predictions: 'constants, and every mask inverted (largest)',
        right: 'no',
        eq2: value('consistent.eq2'),
      },
      { predictions: 'coronal and sagittal plane disagree', right: 'no', eq2: value('unseen.eq2') },
    ],
  });
}
