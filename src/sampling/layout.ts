// Layouts: three orders in which a volume can lie in memory, for reading its planes.
//
// In file order one of the three planes is a single long run and another is made of single samples, each in a cache line
// of its own. Two remedies trade memory for that: a copy of the volume for each plane, in the order of its pictures
// (three times the memory, every plane one run), and bricks (small cubes one after another: hardly more memory, and the
// samples of a plane share cache lines whichever way it lies).
//
// On Linux with glibc, Node gets huge pages when it is started with GLIBC_TUNABLES=glibc.malloc.hugetlb=1, which makes reading
// planes up to a fifth faster (test/bench/sampler.mjs).
import { InputError } from '../base/errors';
import type { Triple, Volume, VoxelArray } from '../volume/volume';
import { alignedLike, arrayLike, checkBuffer, gather, wordsOf } from './gather';
import type { AxisPlaces, MemoryOrder, PlanePlaces } from './order';
import { brickOrder, checkSamples, fileOrder, listPlaces, placeOf, samplesIn } from './order';
import type { PlaneGrid, PlaneName } from './plane';
import { planeGrid, planeNames, planePlaces } from './plane';

/** File order, a copy for each plane in the order of its pictures, or bricks. */
export type LayoutName = 'file' | 'copies' | 'bricks';
export const layoutNames: readonly LayoutName[] = ['file', 'copies', 'bricks'];

/** A volume in some order in memory. Plain data: it can be posted to a worker, without a copy where it is shared. */
export interface Layout {
  name: LayoutName;
  /** Voxels along each axis of the volume. */
  dims: Triple;
  /** The planes of the volume: names, sizes, directions. */
  grids: Record<PlaneName, PlaneGrid>;
  /** Samples in the order of this layout. */
  data: VoxelArray;
  /** Edge of a brick in voxels; 0 where there are none. */
  brick: number;
  /** Where each plane starts in `data`, by its index along the normal. */
  starts: Record<PlaneName, Int32Array>;
  /** Where the samples of a plane lie from its start. */
  places: Record<PlaneName, PlanePlaces>;
}

/**
 * A volume in another order in memory.
 * @param name  `file`: as it is (the same array, unless `shared`); `copies`: all axial, then all coronal, then all sagittal
 *   planes, each in the order of its picture; `bricks`: cubes, x fastest in a cube and among cubes, padded with zeros
 * @param options.brick   edge of a brick in voxels
 * @param options.shared  put the samples on a SharedArrayBuffer
 * @throws InputError for an edge that is no whole number of voxels, or a layout of 2^31 samples or more
 */
export function layoutOf(
  volume: Pick<Volume, 'data' | 'dims' | 'spacing' | 'axisCodes'>,
  name: LayoutName,
  { brick = 8, shared = false }: { brick?: number; shared?: boolean } = {},
): Layout {
  const { dims, data } = volume;
  const grids = eachPlane((plane) => planeGrid(volume, plane));
  const common = { name, dims: [...dims] as Triple, grids, brick: 0 };
  const file = { ...common, name: 'file' as const, data, ...placesIn(fileOrder(dims), grids) };
  switch (name) {
    case 'file':
      samplesIn(fileOrder(dims));
      return shared ? { ...file, data: sharedCopy(data) } : file;
    case 'copies': {
      const copies = arrayLike(data, checkSamples(3 * data.length), shared);
      const layout = { ...common, data: copies, ...placesOfCopies(grids) };
      fillCopies(layout, file);
      return layout;
    }
    case 'bricks': {
      checkEdge(brick);
      const order = brickOrder(dims, brick);
      const bricks = alignedLike(data, samplesIn(order), shared);
      fillBricks(bricks, order, data);
      return { ...common, brick, data: bricks, ...placesIn(order, grids) };
    }
  }
}

/** Bytes that a layout takes beyond the volume in file order. */
export function extraBytes({ data, dims }: Pick<Layout, 'data' | 'dims'>): number {
  return (data.length - dims[0] * dims[1] * dims[2]) * data.BYTES_PER_ELEMENT;
}

/**
 * Copy a plane of a layout into a buffer, row by row of its picture. No bit of a sample is changed.
 * @param index  along the plane's normal, in voxels
 * @param into   receives the samples; the layout's array type, columns x rows long
 * @throws InputError for an index outside the volume or a buffer that does not fit
 */
export function gatherPlane(layout: Layout, plane: PlaneName, index: number, into: VoxelArray): void {
  checkBuffer(layout.data, into, layout.grids[plane]);
  gather(layout.data, startOf(layout, plane, index), layout.places[plane], into);
}

/**
 * Where every pixel of a plane lies in `layout.data`, row by row of the picture.
 * @throws InputError for an index outside the volume
 */
export function offsetsOf(layout: Layout, plane: PlaneName, index: number): Int32Array {
  const start = startOf(layout, plane, index);
  const columns = listPlaces(layout.places[plane].columns);
  const rows = listPlaces(layout.places[plane].rows);
  const offsets = new Int32Array(columns.length * rows.length);
  let at = 0;
  for (const row of rows) for (const column of columns) offsets[at++] = start + row + column;
  return offsets;
}

/** The contiguous stretches of memory that a plane is made of. */
export interface Runs {
  /** How many. */
  count: number;
  /** Samples in each: the mean, where bricks at a border hold fewer. */
  length: number;
}

/**
 * The runs of a plane; the same for every plane of that name, whatever its index.
 * For LPS data of 240x240x155 voxels in file order: axial 1 run of 57,600, coronal 155 of 240, sagittal 37,200 of 1.
 */
export function runsOf(layout: Layout, plane: PlaneName): Runs {
  const offsets = offsetsOf(layout, plane, 0).sort();
  let count = 1;
  for (let i = 1; i < offsets.length; i++) if (offsets[i] !== offsets[i - 1] + 1) count++;
  return { count, length: offsets.length / count };
}

function eachPlane<T>(make: (plane: PlaneName) => T): Record<PlaneName, T> {
  return Object.fromEntries(planeNames.map((plane) => [plane, make(plane)])) as Record<PlaneName, T>;
}

type Places = Pick<Layout, 'starts' | 'places'>;

/** The planes of a volume stored in one order. */
function placesIn(order: MemoryOrder, grids: Layout['grids']): Places {
  return {
    starts: eachPlane((plane) => {
      const axis = order[grids[plane].normal];
      return Int32Array.from({ length: axis.count }, (_, i) => placeOf(axis, i));
    }),
    places: eachPlane((plane) => planePlaces(order, grids[plane])),
  };
}

/** Three stacks of pictures, one after another. */
function placesOfCopies(grids: Layout['grids']): Places {
  const run = (count: number, step: number): AxisPlaces => ({
    step,
    stretches: [{ first: 0, count, offset: 0 }],
  });
  const sizes = eachPlane((plane) => grids[plane].columns.count * grids[plane].rows.count);
  return {
    starts: eachPlane((plane) => {
      const { count } = grids[plane];
      const base = planeNames.indexOf(plane) * count * sizes[plane];
      return Int32Array.from({ length: count }, (_, i) => base + i * sizes[plane]);
    }),
    places: eachPlane((plane) => {
      const { columns, rows } = grids[plane];
      return { columns: run(columns.count, 1), rows: run(rows.count, columns.count) };
    }),
  };
}

function startOf(layout: Layout, plane: PlaneName, index: number): number {
  const starts = layout.starts[plane];
  if (Number.isInteger(index) && index >= 0 && index < starts.length) return starts[index];
  throw new InputError({
    what: `cannot take the ${plane} plane`,
    given: `index ${index}`,
    expected: `a whole number from 0 to ${starts.length - 1}`,
    fix: 'choose a voxel inside the volume',
  });
}

function checkEdge(brick: number): void {
  if (Number.isSafeInteger(brick) && brick > 0) return;
  throw new InputError({
    what: 'cannot lay a volume out in bricks',
    given: `an edge of ${brick}`,
    expected: 'a whole number of voxels, 1 or more',
    fix: 'choose 4, 8 or 16',
  });
}

function sharedCopy(data: VoxelArray): VoxelArray {
  const copy = arrayLike(data, data.length, true);
  wordsOf(copy).set(wordsOf(data));
  return copy;
}

function fillCopies(copies: Layout, file: Layout): void {
  for (const plane of planeNames) {
    const { columns, rows } = copies.grids[plane];
    const size = columns.count * rows.count;
    copies.starts[plane].forEach((start, index) => {
      gatherPlane(file, plane, index, copies.data.subarray(start, start + size));
    });
  }
}

function fillBricks(bricks: VoxelArray, [x, y, z]: MemoryOrder, data: VoxelArray): void {
  const from = wordsOf(data);
  const to = wordsOf(bricks);
  const columns = Int32Array.from({ length: x.count }, (_, i) => placeOf(x, i));
  let at = 0;
  for (let k = 0; k < z.count; k++) {
    for (let j = 0; j < y.count; j++) {
      const row = placeOf(z, k) + placeOf(y, j);
      for (let i = 0; i < x.count; i++) to[row + columns[i]] = from[at++];
    }
  }
}
