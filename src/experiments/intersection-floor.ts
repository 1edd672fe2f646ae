// What Eq. 2 charges the truth for once planes are resized each on its own, by size, interpolation and way of reading; how
// few pixels it touches; and how hard it pulls at one lambda from size to size.
//
// No network is run: masks are reference masks, and the predictions whose gradients are compared are noise around them.
import { Random } from '../base/random';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import type { SharedLine } from '../losses/eq2';
import { eq2, lineShare } from '../losses/eq2';
import { drawVoxels } from '../sampling/draw';
import type { LinePlace } from '../sampling/intersection';
import { intersectionLine, resizedLine } from '../sampling/intersection';
import type { Plane, PlaneName } from '../sampling/plane';
import { planeGrid, planeNames, readPlane } from '../sampling/plane';
import type { Interpolation } from '../sampling/resize';
import { axisMatrix, resize } from '../sampling/resize';
import type { SquareFit } from '../sampling/square';
import { fitSquare, toSquare } from '../sampling/square';
import type { Volume } from '../volume/volume';
import { Findings, mean } from './findings';
import { openHead, openMsFlair, openMsLesions } from './heads';
import type { StudyDefinition } from './study';

interface Spec {
  /** Lesion voxels through which planes are taken. */
  voxels: number;
  /** Of these, those whose gradients are compared. */
  pulls: number;
  seed: number;
}

/** Edges of the squares, in samples. */
const sizes = [64, 128, 256, 512, 1024];

const kernels = [
  { id: 'nearest', title: 'Nearest', how: { kernel: 'nearest', convention: 'pil', antialias: false } },
  { id: 'bilinear', title: 'Bilinear', how: { kernel: 'bilinear', convention: 'pil', antialias: true } },
  { id: 'bicubic', title: 'Bicubic', how: { kernel: 'bicubic', convention: 'pil', antialias: true } },
] as const satisfies readonly { id: string; title: string; how: Interpolation }[];

/** Where both planes are read: on the squares, or on the grid of the volume. */
const readings = [
  { id: 'nearest', title: 'On the square, nearest sample', words: 'at the nearest sample of the square' },
  { id: 'linear', title: 'On the square, between samples', words: 'linearly between samples of the square' },
  {
    id: 'back',
    title: 'Brought back to the voxels',
    words: 'after the square was brought back to the voxels',
  },
] as const;
type Reading = (typeof readings)[number]['id'];

const pairs = [
  ['axial', 'coronal'],
  ['axial', 'sagittal'],
] as const satisfies readonly (readonly [PlaneName, PlaneName])[];

/** A plane's mask as a square. */
interface Square {
  plane: Plane;
  fit: SquareFit;
  pixels: Float32Array;
}
type Squares = Record<PlaneName, Square>;

export const intersectionFloor: StudyDefinition<Spec> = {
  id: 'intersection-floor',
  title: 'The floor of Eq. 2: what it charges the truth for on resized planes',
  module: 'experiments/intersection-floor',
  name: 'intersectionFloor',
  needs: [openMsFlair, openMsLesions],
  specs: {
    tiny: { voxels: 2, pulls: 2, seed: 1 },
    quick: { voxels: 24, pulls: 6, seed: 1 },
    full: { voxels: 400, pulls: 24, seed: 1 },
  },
  cost: { quick: { seconds: 25, memoryGiB: 0.6 }, full: { seconds: 400, memoryGiB: 0.6 } },
  async run(spec, long) {
    const found = new Findings('intersection-floor', spec.seed);
    const head = await openHead(openMsFlair, long, openMsLesions);
    findShares(found);
    await findFloor(found, head.labels!, spec, long);
    findPull(found, head.labels!, spec, long);
    return { findings: found.all, inputs: head.inputs, notes: head.notes, seed: spec.seed };
  },
};

/** How much of a picture lies on its two lines. */
function findShares(found: Findings): void {
  const how = '(width + height - 1) / (width x height)';
  for (const size of sizes)
    found.derived(
      `line-share.${size}`,
      `Share of the axial plane's pixels that Eq. 2 touches, ${size} x ${size}`,
      '1',
      lineShare(size, size),
      how,
    );
  found.derived(
    'line-share.axial',
    "Share of the axial plane's pixels that Eq. 2 touches, 240 x 240, as stored",
    '1',
    lineShare(240, 240),
    how,
  );
}

/** Three masks through a voxel, 0 or 1. */
function masksAt(labels: Volume, voxel: Plane['voxel']): Record<PlaneName, Plane> {
  const mask = (name: PlaneName): Plane => {
    const plane = readPlane(labels, planeGrid(labels, name), voxel);
    return { ...plane, pixels: Float32Array.from(plane.pixels, (v) => Number(v > 0)) };
  };
  return { axial: mask('axial'), coronal: mask('coronal'), sagittal: mask('sagittal') };
}

function squaresOf(masks: Record<PlaneName, Plane>, size: number, how: Interpolation): Squares {
  const square = (plane: Plane): Square => {
    const fit = fitSquare(plane.grid.columns.count, plane.grid.rows.count, size, 'stretch', how);
    return { plane, fit, pixels: toSquare(plane.pixels, fit) };
  };
  return { axial: square(masks.axial), coronal: square(masks.coronal), sagittal: square(masks.sagittal) };
}

/** The value of a picture at a place: of the nearest sample, or linearly between; beyond a border the border's. */
function valueAt(
  pixels: ArrayLike<number>,
  { width, height }: LinePlace,
  x: number,
  y: number,
  linear: boolean,
): number {
  const inside = (v: number, n: number): number => Math.min(Math.max(v, 0), n - 1);
  const [column, row] = [inside(x, width), inside(y, height)];
  if (!linear) return pixels[Math.round(row) * width + Math.round(column)];
  const [c, r] = [Math.floor(column), Math.floor(row)];
  const at = (i: number, j: number): number => pixels[inside(j, height) * width + inside(i, width)];
  const across = (j: number): number => at(c, j) + (column - c) * (at(c + 1, j) - at(c, j));
  return across(r) + (row - r) * (across(r + 1) - across(r));
}

function alongLine(pixels: ArrayLike<number>, place: LinePlace, count: number, linear: boolean): number[] {
  const { column, row, dColumn, dRow } = place;
  return Array.from({ length: count }, (_, i) =>
    valueAt(pixels, place, column + i * dColumn, row + i * dRow, linear),
  );
}

/** What two planes say of the voxels that they share. */
export function readSquares(squares: Squares, how: Interpolation, reading: Reading): SharedLine[] {
  const brought = ({ fit: { columns, rows }, pixels }: Square): Float32Array =>
    resize(pixels, axisMatrix(columns.to, columns.from, how), axisMatrix(rows.to, rows.from, how));
  const pictures = Object.fromEntries(
    planeNames.map((name) => [name, reading === 'back' ? brought(squares[name]) : squares[name].pixels]),
  ) as Record<PlaneName, Float32Array>;
  return pairs.map(([a, b]) => {
    const line = intersectionLine(squares[a].plane, squares[b].plane);
    const { places, count } = reading === 'back' ? line : resizedLine(line, [squares[a].fit, squares[b].fit]);
    const [first, second] = [a, b].map((name, k) =>
      alongLine(pictures[name], places[k], count, reading === 'linear'),
    );
    return { first, second };
  });
}

/** Eq. 2 of reference masks, over the foreground voxels on the lines. */
async function findFloor(found: Findings, labels: Volume, spec: Spec, long: Long): Promise<void> {
  const { voxels, seed } = spec;
  const drawn = drawVoxels(labels.dims, voxels, { seed, foreground: labels, foregroundShare: 1 }).voxels;
  const charged = new Map<string, { charge: number; foreground: number }[]>();
  const key = (...parts: (string | number)[]): string => parts.join('.');
  const meter = new Meter('masks on squares', 'voxels', drawn.length, long);
  for (const voxel of drawn) {
    const masks = masksAt(labels, voxel);
    const onGrid = pairs.map(([a, b]): SharedLine => {
      const { places, count } = intersectionLine(masks[a], masks[b]);
      const [first, second] = [a, b].map((name, k) => alongLine(masks[name].pixels, places[k], count, false));
      return { first, second };
    });
    const foreground = onGrid.reduce((sum, { first }) => sum + Array.from(first).reduce((a, b) => a + b), 0);
    const add = (id: string, lines: SharedLine[]): void => {
      const row = { charge: eq2(lines), foreground };
      charged.set(id, [...(charged.get(id) ?? []), row]);
    };
    add('grid', onGrid);
    for (const size of sizes)
      for (const { id, how } of kernels) {
        const squares = squaresOf(masks, size, how);
        for (const reading of readings) add(key(size, id, reading.id), readSquares(squares, how, reading.id));
      }
    meter.add(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  meter.finish();
  const perVoxel = (rows: { charge: number; foreground: number }[]): number =>
    rows.reduce((sum, r) => sum + r.charge, 0) / rows.reduce((sum, r) => sum + r.foreground, 0);
  const what = 'Eq. 2 of reference masks of lesions, over their voxels on the lines';
  found.observed('grid', `${what}, on the grid of the volume`, '1', charged.get('grid')!, perVoxel);
  for (const size of sizes)
    for (const { id, title } of kernels)
      for (const reading of readings)
        found.observed(
          `floor.${key(size, id, reading.id)}`,
          `${what}, planes stretched to ${size} samples (${title.toLowerCase()}), ${reading.words}`,
          '1',
          charged.get(key(size, id, reading.id))!,
          perVoxel,
        );
  found.figure('figure', 'What Eq. 2 charges the truth for on resized planes', 'intersection-floor', {
    voxels,
    sizes,
    kernels: kernels.map(({ id, title }) => ({ id, title })),
    readings: readings.map(({ id, title }) => ({ id, title })),
  });
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * Lengths of the gradients with respect to the logits of three squares: of cross-entropy, mean over all pixels, and of
 * Eq. 2 on the rows of the square in which planes meet, as a sum.
 * @param logits, truth  by plane, size x size, row by row
 * @param cuts  the row of the axial plane and that of the coronal one, the column of the axial plane and the sagittal row
 */
export function gradientLengths(
  logits: Readonly<Record<PlaneName, Float32Array>>,
  truth: Readonly<Record<PlaneName, Float32Array>>,
  size: number,
  cuts: { axialRow: number; coronalRow: number; axialColumn: number; sagittalRow: number },
): { segmentation: number; consistency: number } {
  let segmentation = 0;
  for (const name of planeNames)
    for (let i = 0; i < size * size; i++)
      segmentation += ((sigmoid(logits[name][i]) - truth[name][i]) / (3 * size * size)) ** 2;
  // The axial pixel in which both lines cross has a share of both.
  const axial = new Map<number, number>();
  let consistency = 0;
  for (let i = 0; i < size; i++)
    for (const [at, partner, there] of [
      [cuts.axialRow * size + i, 'coronal', cuts.coronalRow * size + i],
      [i * size + cuts.axialColumn, 'sagittal', cuts.sagittalRow * size + i],
    ] as const) {
      const [p, q] = [sigmoid(logits.axial[at]), sigmoid(logits[partner][there])];
      axial.set(at, (axial.get(at) ?? 0) + 2 * (p - q) * p * (1 - p));
      consistency += (2 * (p - q) * q * (1 - q)) ** 2;
    }
  for (const g of axial.values()) consistency += g * g;
  return { segmentation: Math.sqrt(segmentation), consistency: Math.sqrt(consistency) };
}

/** How hard Eq. 2 pulls at lambda 1, beside cross-entropy, at predictions that are noise around the truth. */
function findPull(found: Findings, labels: Volume, { pulls, seed }: Spec, long: Long): void {
  const drawn = drawVoxels(labels.dims, pulls, { seed, foreground: labels, foregroundShare: 1 }).voxels;
  const meter = new Meter('gradients', 'voxels', drawn.length * sizes.length, long);
  for (const size of sizes) {
    const random = new Random(seed).fork(`pull ${size}`);
    const ratios = drawn.map((voxel) => {
      const squares = squaresOf(masksAt(labels, voxel), size, kernels[0].how);
      const noisy = (name: PlaneName): Float32Array =>
        Float32Array.from(squares[name].pixels, (t) => 4 * t - 2 + random.normal());
      const logits = { axial: noisy('axial'), coronal: noisy('coronal'), sagittal: noisy('sagittal') };
      const truth = {
        axial: squares.axial.pixels,
        coronal: squares.coronal.pixels,
        sagittal: squares.sagittal.pixels,
      };
      const place = (partner: PlaneName, k: 0 | 1): LinePlace => {
        const line = intersectionLine(squares.axial.plane, squares[partner].plane);
        return resizedLine(line, [squares.axial.fit, squares[partner].fit]).places[k];
      };
      const { segmentation, consistency } = gradientLengths(logits, truth, size, {
        axialRow: Math.round(place('coronal', 0).row),
        coronalRow: Math.round(place('coronal', 1).row),
        axialColumn: Math.round(place('sagittal', 0).column),
        sagittalRow: Math.round(place('sagittal', 1).row),
      });
      meter.add(1);
      return consistency / segmentation;
    });
    const where = `at ${size} x ${size} and lambda 1, by the logits of noise around the truth, mean`;
    found.observed(
      `pull.sum.${size}`,
      `Length of the gradient of Eq. 2 over that of cross-entropy ${where}`,
      '1',
      ratios,
      mean,
    );
    found.observed(
      `pull.mean.${size}`,
      `The same with the mean over the compared pixels in place of the sum, ${where}`,
      '1',
      ratios.map((r) => r / (2 * size)),
      mean,
    );
  }
  meter.finish();
  found.table('lambda', 'What one lambda means at each size', 'measured', {
    columns: [
      { key: 'size', title: 'Square', align: 'left' },
      { key: 'share', title: 'Pixels on lines', unit: '%', digits: 2 },
      { key: 'sum', title: 'Ratio of gradients, sum', digits: 2 },
      { key: 'mean', title: 'Ratio of gradients, mean', digits: 2 },
      { key: 'lambda', title: 'Lambda for ratio 1, sum', digits: 4 },
    ],
    rows: sizes.map((size) => ({
      size: `${size} x ${size}`,
      share: 100 * found.value(`line-share.${size}`),
      sum: found.value(`pull.sum.${size}`),
      mean: found.value(`pull.mean.${size}`),
      lambda: 1 / found.value(`pull.sum.${size}`),
    })),
  });
}
