// A batch: the three planes through each of a few voxels, as they are or resized to a square, with labels if wanted.
//
// Its pictures lie in one block of memory, so that a thread can fill blocks that another one reads.
import { InputError } from '../base/errors';
import type { Triple, VoxelArray } from '../volume/volume';
import type { Layout } from './layout';
import { gatherPlane } from './layout';
import type { PlaneGrid, PlaneName } from './plane';
import { planeNames } from './plane';
import type { Interpolation } from './resize';
import type { SquareFit, SquareWay } from './square';
import { fitSquare, toSquare } from './square';

/** What batches are gathered from. Plain data: it can be posted to a thread. */
export interface BatchSource {
  image: Layout;
  /** A segmentation on the same voxels. */
  labels?: Layout;
  /**
   * Resize every picture to size x size samples of float32. Labels are resized the same way by their nearest sample
   * (PIL's rule, which keeps them under the image), and the border that `pad` adds is 0.
   */
  square?: { size: number; way: SquareWay; interpolation: Interpolation };
}

/** Pictures of one plane, one after another: the sample in column c, row r of picture i is at (i * height + r) * width + c. */
export interface Stack {
  pixels: VoxelArray;
  width: number;
  height: number;
}

export type Stacks = Record<PlaneName, Stack>;

/** The planes through a few voxels. */
export interface Batch {
  /** Place of the first voxel in the list. */
  first: number;
  voxels: Triple[];
  /** Pictures in the order of the voxels: of the image's array type, or float32 when resized. */
  image: Stacks;
  labels?: Stacks;
}

type ArrayType = new (buffer: ArrayBufferLike, offset: number, length: number) => VoxelArray;

/** Where the pictures of one plane lie in a batch's memory. */
interface Part {
  kind: 'image' | 'labels';
  plane: PlaneName;
  layout: Layout;
  type: ArrayType;
  width: number;
  height: number;
  offset: number;
}

/** How batches of one source lie in memory. */
export interface BatchForm {
  /** Voxels in a full batch. */
  size: number;
  /** Memory of a full batch. */
  bytes: number;
  parts: Part[];
}

/** How batches of `size` voxels lie in memory. */
export function batchForm(source: BatchSource, size: number): BatchForm {
  const parts: Part[] = [];
  let offset = 0;
  for (const kind of ['image', 'labels'] as const) {
    const layout = source[kind];
    if (!layout) continue;
    for (const plane of planeNames) {
      const { columns, rows } = layout.grids[plane];
      const width = source.square?.size ?? columns.count;
      const height = source.square?.size ?? rows.count;
      const type = source.square ? Float32Array : (layout.data.constructor as ArrayType);
      parts.push({ kind, plane, layout, type, width, height, offset });
      const { BYTES_PER_ELEMENT: bytes } = type as unknown as { BYTES_PER_ELEMENT: number };
      // Each part begins where any array type may begin.
      offset += Math.ceil((size * width * height * bytes) / 8) * 8;
    }
  }
  return { size, bytes: offset, parts };
}

/** The pictures of a batch of `count` voxels that lies in `memory`, at slot `slot`. Nothing is copied. */
export function batchIn(
  form: BatchForm,
  memory: ArrayBufferLike,
  slot: number,
  count: number,
): Pick<Batch, 'image' | 'labels'> {
  const batch: Partial<Record<Part['kind'], Partial<Stacks>>> = {};
  for (const { kind, plane, type, width, height, offset } of form.parts) {
    const pixels = new type(memory, slot * form.bytes + offset, count * width * height);
    (batch[kind] ??= {})[plane] = { pixels, width, height };
  }
  return batch as Pick<Batch, 'image' | 'labels'>;
}

/** Fills batches; keeps what is the same for all of them. */
export class BatchGatherer {
  private readonly fits: (SquareFit | undefined)[];
  private readonly slices: VoxelArray[];

  constructor(
    source: BatchSource,
    private readonly form: BatchForm,
  ) {
    const { square } = source;
    this.fits = form.parts.map(({ kind, layout, plane }) => {
      if (!square) return undefined;
      const { columns, rows } = layout.grids[plane];
      const interpolation = kind === 'labels' ? nearestSample : square.interpolation;
      return fitSquare(columns.count, rows.count, square.size, square.way, interpolation);
    });
    // Where a plane waits to be resized.
    this.slices = form.parts.map(({ layout, plane }) => {
      const { columns, rows } = layout.grids[plane];
      const make = layout.data.constructor as new (length: number) => VoxelArray;
      return new make(square ? columns.count * rows.count : 0);
    });
  }

  /**
   * Fill a batch.
   * @param voxels  x, y, z of each voxel; as many as `batch` has pictures
   */
  fill(voxels: Int32Array, batch: Pick<Batch, 'image' | 'labels'>): void {
    this.form.parts.forEach(({ kind, plane, layout, width, height }, p) => {
      const { pixels } = batch[kind]![plane];
      const fit = this.fits[p];
      const area = width * height;
      for (let i = 0; i < voxels.length / 3; i++) {
        const index = voxels[3 * i + layout.grids[plane].normal];
        const picture = pixels.subarray(i * area, (i + 1) * area);
        gatherPlane(layout, plane, index, fit ? this.slices[p] : picture);
        if (fit) toSquare(this.slices[p], fit, picture as Float32Array);
      }
    });
  }
}

const nearestSample: Interpolation = { kernel: 'nearest', convention: 'pil', antialias: false };

/** @throws InputError for labels that do not lie on the voxels of the image */
export function checkSource({ image, labels }: BatchSource): void {
  if (!labels || planeNames.every((plane) => sameGrid(image.grids[plane], labels.grids[plane]))) return;
  const given = ({ dims, grids }: Layout): string =>
    `${dims.join(' x ')} voxels with axial columns along axis ${grids.axial.columns.axis} towards ${grids.axial.edges.right}`;
  throw new InputError({
    what: 'cannot gather planes of an image and its labels',
    given: `labels of ${given(labels)}, an image of ${given(image)}`,
    expected: 'the same voxels in the same directions',
    fix: 'bring both to the same grid and axis order (`reorient`)',
  });
}

function sameGrid(a: PlaneGrid, b: PlaneGrid): boolean {
  return (
    a.normal === b.normal &&
    (['columns', 'rows'] as const).every(
      (k) => a[k].axis === b[k].axis && a[k].count === b[k].count && a[k].step === b[k].step,
    )
  );
}

/** x, y, z of every voxel, one after another. @throws InputError for one that is not in the volume */
export function voxelList(dims: Triple, voxels: readonly Triple[]): Int32Array {
  const list = new Int32Array(3 * voxels.length);
  voxels.forEach((voxel, i) => {
    if (voxel.length !== 3 || !voxel.every((v, a) => Number.isInteger(v) && v >= 0 && v < dims[a])) {
      throw new InputError({
        what: 'cannot gather planes',
        given: `voxel (${voxel.join(', ')}) at place ${i} of the list`,
        expected: `whole numbers from (0, 0, 0) to (${dims.map((d) => d - 1).join(', ')})`,
        fix: 'choose voxels inside the volume',
      });
    }
    list.set(voxel, 3 * i);
  });
  return list;
}
