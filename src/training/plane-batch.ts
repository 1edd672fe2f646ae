// Batches of planes to learn from: which planes step k sees, and their pictures, labels and common lines.
//
// Batch k is a function of the seed and of k alone: whoever goes on at step k draws what was drawn there before.
import { InputError } from '../base/errors';
import { Random } from '../base/random';
import type { PairName } from '../losses/intersection';
import { inChannels } from '../sampling/channels';
import { voxelAt } from '../sampling/draw';
import type { Layout } from '../sampling/layout';
import { gatherPlane } from '../sampling/layout';
import type { PlaneGrid, PlaneName } from '../sampling/plane';
import { planeNames, positionAlong } from '../sampling/plane';
import type { Interpolation } from '../sampling/resize';
import { fitSquare, toSquare } from '../sampling/square';
import type { SquareFit } from '../sampling/square';
import type { Triple, VoxelArray } from '../volume/volume';
import type { BatchFiller, BatchForm, BatchNumbers } from './batch-form';
import { formOf } from './batch-form';
import type { TrainingCase } from './cases';

/**
 * Which planes a batch has. `axial`: one through each voxel; `single`: one through each voxel, axial, coronal and sagittal in
 * turn, every voxel of a case of its own draw; `triplets`: all three through each voxel.
 */
export type PlaneDraw = 'axial' | 'single' | 'triplets';

/** How batches are drawn. Plain data. */
export interface PlaneBatchOptions {
  draw: PlaneDraw;
  /** Voxels in a batch. */
  voxels: number;
  seed: number | string;
  /** Share of the voxels that are drawn from the foreground; the others anywhere in the volume. */
  foregroundShare: number;
  /** Samples along each side of the network's pictures and of its masks; planes are stretched to them, as in the study. */
  size: number;
  side: number;
  /** Channels of the network's pictures; the same grey in each. */
  channels: number;
  /** Pairs of planes whose line is given along; none unless triplets are drawn. */
  pairs: readonly PairName[];
}

/** How images are resized to the network: PIL's bilinear with antialias, which keeps what is shrunk free of aliases. */
export const imageResize: Interpolation = { kernel: 'bilinear', convention: 'pil', antialias: true };
/** How labels are: their nearest sample. */
export const labelResize: Interpolation = { kernel: 'nearest', convention: 'pil', antialias: false };

/** @throws InputError for options that do not go together */
function checkOptions({
  draw,
  voxels,
  foregroundShare,
  size,
  side,
  channels,
  pairs,
}: PlaneBatchOptions): void {
  const refuse = (given: string, expected: string): never => {
    throw new InputError({
      what: 'cannot draw batches of planes',
      given,
      expected,
      fix: "for example { draw: 'triplets', voxels: 3, foregroundShare: 0.5, size: 64, side: 32, channels: 3, pairs: pairsOfEq2 }",
    });
  };
  for (const [name, value] of Object.entries({ voxels, size, side, channels }))
    if (!Number.isSafeInteger(value) || value < 1) refuse(`${name} ${value}`, 'whole numbers from 1 on');
  if (!(foregroundShare >= 0 && foregroundShare <= 1))
    refuse(`a share of foreground of ${foregroundShare}`, 'a number from 0 to 1');
  if (draw === 'single' && voxels % planeNames.length !== 0)
    refuse(
      `${voxels} voxels for single planes`,
      `a multiple of ${planeNames.length}, so that each orientation has as many`,
    );
  if (draw !== 'triplets' && pairs.length > 0)
    refuse(`pairs of planes to compare, and ${draw} planes`, 'triplets, whose planes meet; or no pairs');
}

/** How many planes of each name a batch has. */
export function planesIn({
  draw,
  voxels,
}: Pick<PlaneBatchOptions, 'draw' | 'voxels'>): Partial<Record<PlaneName, number>> {
  if (draw === 'axial') return { axial: voxels };
  const each = draw === 'triplets' ? voxels : voxels / planeNames.length;
  return Object.fromEntries(planeNames.map((name) => [name, each]));
}

/** How batches lie in memory. @throws InputError for options that do not go together */
export function planeForm(options: PlaneBatchOptions): BatchForm {
  checkOptions(options);
  const { voxels, size, side, channels, pairs } = options;
  return formOf([
    ...Object.entries(planesIn(options)).flatMap(([name, count]) => [
      { path: `planes/${name}`, type: 'float32' as const, shape: [count, size, size, channels] },
      { path: `labels/${name}`, type: 'int32' as const, shape: [count, side, side] },
    ]),
    ...pairs.flatMap((pair) =>
      ['first', 'second'].map((which) => ({
        path: `lines/${pair}/${which}`,
        type: 'float32' as const,
        shape: [voxels, side],
      })),
    ),
  ]);
}

/** What is drawn for one voxel. */
export interface DrawnVoxel {
  /** Place of the case in the list. */
  of: number;
  voxel: Triple;
  /** The planes through it that are in the batch. */
  planes: readonly PlaneName[];
}

/** The voxels of batch `index`, in order. */
export function drawnIn(
  cases: readonly TrainingCase[],
  options: PlaneBatchOptions,
  index: number,
): DrawnVoxel[] {
  const random = new Random(options.seed).fork(`batch ${index}`);
  return Array.from({ length: options.voxels }, (_, k) => {
    const of = random.below(cases.length);
    const { foreground, labels } = cases[of];
    const { dims, data } = labels;
    const inForeground = random.uniform() < options.foregroundShare;
    const place = inForeground ? foreground[random.below(foreground.length)] : random.below(data.length);
    const planes =
      options.draw === 'axial'
        ? (['axial'] as const)
        : options.draw === 'single'
          ? [planeNames[k % planeNames.length]]
          : planeNames;
    return { of, voxel: voxelAt(dims, place), planes };
  });
}

/** Fills batches; keeps what is the same for all of them. */
export class PlaneBatchFiller implements BatchFiller {
  private readonly fits = new Map<string, SquareFit>();

  constructor(
    private readonly cases: readonly TrainingCase[],
    private readonly options: PlaneBatchOptions,
  ) {}

  /** Batch `index`, into `numbers`. */
  fill(index: number, numbers: BatchNumbers): void {
    const counts: Partial<Record<PlaneName, number>> = {};
    drawnIn(this.cases, this.options, index).forEach(({ of, voxel, planes }, k) => {
      for (const name of planes) {
        const at = counts[name] ?? 0;
        counts[name] = at + 1;
        this.fillPlane(this.cases[of], name, voxel, at, numbers);
      }
      for (const pair of this.options.pairs) this.fillLine(this.cases[of], pair, voxel, k, numbers);
    });
  }

  private fillPlane(
    { image, labels }: TrainingCase,
    name: PlaneName,
    voxel: Triple,
    at: number,
    numbers: BatchNumbers,
  ): void {
    const { size, side, channels } = this.options;
    const grid = image.grids[name];
    const grey = toSquare(planeOf(image, name, voxel[grid.normal]), this.fit(grid, size, imageResize));
    inChannels(grey, channels, numbers[`planes/${name}`], at);
    const seen = toSquare(planeOf(labels, name, voxel[grid.normal]), this.fit(grid, side, labelResize));
    numbers[`labels/${name}`].set(seen, at * side * side);
  }

  /** Where the line of a pair lies in both of its squares: weights of the samples across it, linear between two. */
  private fillLine(
    { image }: TrainingCase,
    pair: PairName,
    voxel: Triple,
    at: number,
    numbers: BatchNumbers,
  ): void {
    const { side } = this.options;
    const names = pair.split('-') as [PlaneName, PlaneName];
    const [a, b] = names.map((name) => image.grids[name]);
    for (const [which, grid, other] of [
      ['first', a, b],
      ['second', b, a],
    ] as const) {
      // The line runs along the array axis that both pictures show; across it is the other plane's normal.
      const across = grid.columns.axis === other.normal ? grid.columns : grid.rows;
      const pixel = positionAlong(across, voxel[across.axis]);
      const place = Math.min(Math.max(((pixel + 0.5) * side) / across.count - 0.5, 0), side - 1);
      const weights = numbers[`lines/${pair}/${which}`].subarray(at * side, (at + 1) * side);
      for (let i = 0; i < side; i++) weights[i] = Math.max(0, 1 - Math.abs(place - i));
    }
  }

  private fit({ columns, rows }: PlaneGrid, size: number, how: Interpolation): SquareFit {
    const key = [columns.count, rows.count, size, how.kernel].join(' ');
    const known = this.fits.get(key);
    if (known) return known;
    const fit = fitSquare(columns.count, rows.count, size, 'stretch', how);
    this.fits.set(key, fit);
    return fit;
  }
}

/** A plane of a volume, row by row. */
export function planeOf(layout: Layout, name: PlaneName, index: number): VoxelArray {
  const { columns, rows } = layout.grids[name];
  const make = layout.data.constructor as new (length: number) => VoxelArray;
  const pixels = new make(columns.count * rows.count);
  gatherPlane(layout, name, index, pixels);
  return pixels;
}
