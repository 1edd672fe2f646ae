// From a volume to linked planes (src/results/linked-planes.ts): three slices through a voxel, the lines in which they
// meet, and what either plane holds along them, as stored and after resizing to a square.
import { InputError } from '../base/errors';
import type { LinkedPlanes } from '../results/linked-planes';
import type { IntersectionLine, LinePlace } from '../sampling/intersection';
import { intersectionLine, resizedLine } from '../sampling/intersection';
import type { Plane } from '../sampling/plane';
import { planeGrid, planeNames, readPlane, voxelOfPixel } from '../sampling/plane';
import type { Interpolation } from '../sampling/resize';
import type { SquareWay } from '../sampling/square';
import { fitSquare, toSquare } from '../sampling/square';
import type { Triple, Volume } from '../volume/volume';
import { voxelToWorld } from '../volume/affine';
import { greyPng, greysOf, greyWindow } from './pictures';

/** What cannot be read from the voxels. */
export interface Words {
  source: LinkedPlanes['source'];
  /** What the values are, and their unit (empty where there is none). */
  values: { title: string; unit: string };
  /** Names of label values. */
  labels?: LinkedPlanes['labels'];
}

/** A way to a square input whose effect along the lines is shown. */
export interface Resizing {
  way: SquareWay;
  size: number;
  kernel: Interpolation['kernel'];
}

/** The ways that are compared: PIL's, as SAM's and SAM 3's own preparation uses them. */
export function resizingsTo(size: number): Resizing[] {
  return [
    { way: 'stretch', size, kernel: 'nearest' },
    { way: 'stretch', size, kernel: 'bilinear' },
    { way: 'stretch', size, kernel: 'bicubic' },
    { way: 'pad', size, kernel: 'bilinear' },
  ];
}

/**
 * Three linked planes of a volume.
 * @param voxel      the shared voxel; any of the volume, border included
 * @param labels     a label volume on the same grid, values 0 (background) to 255
 * @param resizings  ways to a square input; each adds a signal
 * @throws InputError for a voxel outside, and for labels on another grid or with other values
 */
export function linkedSlices(
  volume: Volume,
  voxel: Triple,
  words: Words,
  { labels, resizings = [] }: { labels?: Volume; resizings?: readonly Resizing[] } = {},
): LinkedPlanes {
  if (labels) checkLabels(volume, labels);
  const window = greyWindow(volume);
  const grids = planeNames.map((name) => planeGrid(volume, name));
  const planes = grids.map((grid) => readPlane(volume, grid, voxel));
  const masks = labels && grids.map((grid) => readPlane(labels, grid, voxel));
  const squares = resizings.map((r) => ({ key: keyOf(r), of: planes.map((p) => square(p, r)) }));
  const lines = [
    [0, 1],
    [0, 2],
    [1, 2],
  ].map(([a, b]): LinkedPlanes['lines'][number] => {
    const line = intersectionLine(planes[a], planes[b]);
    const both = <T>(of: (k: number, place: 0 | 1) => T): [T, T] => [of(a, 0), of(b, 1)];
    return {
      planes: line.planes,
      towards: line.towards,
      count: line.count,
      spacing: line.spacing,
      places: both((_, place) => pixelPlace(line.places[place])),
      profiles: {
        stored: both((k, place) => along(line, line.places[place], planes[k].pixels)),
        ...Object.fromEntries(
          squares.map(({ key, of }) => {
            const after = resizedLine(line, [of[a].fit, of[b].fit]);
            return [key, both((k, place) => along(after, after.places[place], of[k].pixels))];
          }),
        ),
      },
      ...(masks && { labels: both((k, place) => along(line, line.places[place], masks[k].pixels)) }),
    };
  });
  return {
    format: 'linked-planes 1',
    dims: volume.dims,
    affine: volume.affine,
    voxel,
    world: voxelToWorld(volume.affine, voxel),
    window: { black: exact(window[0]), white: exact(window[1]), ...words.values },
    labels: words.labels ?? [],
    planes: planes.map((p, k) => pictured(p, window, masks?.[k])) as LinkedPlanes['planes'],
    lines: lines as LinkedPlanes['lines'],
    signals: [
      { key: 'stored', title: 'as stored', kind: 'image' },
      ...resizings.map((r) => ({ key: keyOf(r), title: titleOf(r), kind: 'image' as const })),
    ],
    source: words.source,
  };
}

const keyOf = ({ way, size, kernel }: Resizing): string => `${way}-${size}-${kernel}`;
const titleOf = ({ way, size, kernel }: Resizing): string =>
  `${way === 'stretch' ? 'stretched' : 'padded'} to ${size}, ${kernel}`;

function pictured(
  plane: Plane,
  window: readonly [number, number],
  mask?: Plane,
): LinkedPlanes['planes'][number] {
  const { grid, pixels, crosshair } = plane;
  const [width, height] = [grid.columns.count, grid.rows.count];
  const first = voxelOfPixel(plane, 0, 0);
  const step = (axis: { axis: number; step: number }): Triple =>
    [0, 1, 2].map((a) => (a === axis.axis ? Math.sign(axis.step) : 0)) as Triple;
  return {
    name: grid.name,
    width,
    height,
    spacing: [grid.columns.spacing, grid.rows.spacing],
    edges: grid.edges,
    first,
    perColumn: step(grid.columns),
    perRow: step(grid.rows),
    crosshair,
    png: greyPng(greysOf(pixels, window), width, height),
    ...(mask && { maskPng: greyPng(Uint8Array.from(mask.pixels), width, height) }),
  };
}

function pixelPlace({
  column,
  row,
  dColumn,
  dRow,
}: LinePlace): LinkedPlanes['lines'][number]['places'][number] {
  return { column, row, dColumn, dRow };
}

/** A plane as a square input. */
function square(
  plane: Plane,
  { way, size, kernel }: Resizing,
): { fit: ReturnType<typeof fitSquare>; pixels: Float32Array } {
  const { columns, rows } = plane.grid;
  const fit = fitSquare(columns.count, rows.count, size, way, {
    kernel,
    convention: 'pil',
    antialias: kernel !== 'nearest',
  });
  return { fit, pixels: toSquare(plane.pixels, fit) };
}

/** The values along a line: those of its pixels, or between pixels the bilinear mean of the nearest four. */
function along({ count }: IntersectionLine, place: LinePlace, pixels: ArrayLike<number>): (number | null)[] {
  const { column, row, dColumn, dRow, width, height } = place;
  return Array.from({ length: count }, (_, i) => {
    const value = between(pixels, width, height, column + i * dColumn, row + i * dRow);
    return Number.isFinite(value) ? exact(value) : null;
  });
}

/** A picture's value at a place in pixels; beyond the outermost centres the nearest pixel counts. */
function between(pixels: ArrayLike<number>, width: number, height: number, x: number, y: number): number {
  const [left, right, u] = neighbours(x, width);
  const [top, bottom, v] = neighbours(y, height);
  const at = (column: number, row: number): number => pixels[row * width + column];
  const upper = u === 0 ? at(left, top) : (1 - u) * at(left, top) + u * at(right, top);
  if (v === 0) return upper;
  const lower = u === 0 ? at(left, bottom) : (1 - u) * at(left, bottom) + u * at(right, bottom);
  return (1 - v) * upper + v * lower;
}

function neighbours(position: number, count: number): [before: number, after: number, share: number] {
  const within = Math.min(count - 1, Math.max(0, position));
  const before = Math.floor(within);
  return [before, Math.min(before + 1, count - 1), within - before];
}

/** The shortest decimal that is this float32 number again: as many digits as the value has, and no more. */
function exact(value: number): number {
  const single = Math.fround(value);
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(single.toPrecision(digits));
    if (Math.fround(shorter) === single) return shorter;
  }
  return Number(single.toPrecision(9));
}

function checkLabels(volume: Volume, labels: Volume): void {
  const wrong = (given: string, expected: string, fix: string): InputError =>
    new InputError({ what: 'cannot lay a mask over an image', given, expected, fix });
  const far = volume.affine.some((row, r) =>
    row.some((v, c) => Math.abs(v - labels.affine[r][c]) > 1e-3 * Math.max(1, Math.abs(v))),
  );
  if (labels.dims.join() !== volume.dims.join() || far) {
    throw wrong(
      `a mask of ${labels.dims.join(' x ')} voxels, ${labels.axisCodes}${far ? ', elsewhere in the world' : ''}`,
      `the image's grid: ${volume.dims.join(' x ')}, ${volume.axisCodes}`,
      'resample the mask to the image, or reorient it with `coc nifti convert --reorient`',
    );
  }
  const other = labels.data.find((v) => !(Number.isInteger(v) && v >= 0 && v <= 255));
  if (other !== undefined)
    throw wrong(
      `the value ${other} in the mask`,
      'whole numbers from 0 (background) to 255',
      'pass a label map, not an image or probabilities',
    );
}
