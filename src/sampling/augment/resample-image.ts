// Trilinear resampling of an image through a matrix about the centres of source and result; 0 outside.
import type { Triple } from '../../volume/volume';

/** Where the voxels of a result lie in the patch: column c holds the step in the patch for one voxel along axis c. */
export type Matrix = readonly [Triple, Triple, Triple];

/** A line of sample points through the source: the first point, and the step from each to the next. */
export interface Line {
  start: Triple;
  step: Triple;
  /** Points `inner[0]` up to, without, `inner[1]` have all eight neighbours inside the source. */
  inner: [number, number];
}

/** Walk the rows of the result (axis 0 runs along a row): the line of each through the source. */
export function eachRow(
  dims: Readonly<Triple>,
  matrix: Matrix,
  size: Readonly<Triple>,
  visit: (line: Line, to: number) => void,
): void {
  const centre = dims.map((d) => (d - 1) / 2);
  const step = matrix.map((row) => row[0]) as Triple;
  const line: Line = { start: [0, 0, 0], step, inner: [0, 0] };
  for (let k = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++) {
      const i0 = (1 - size[0]) / 2;
      const j0 = j + (1 - size[1]) / 2;
      const k0 = k + (1 - size[2]) / 2;
      for (let d = 0; d < 3; d++) {
        const row = matrix[d];
        line.start[d] = row[0] * i0 + row[1] * j0 + row[2] * k0 + centre[d];
      }
      line.inner = innerPart(line, dims, size[0]);
      visit(line, size[0] * (j + size[1] * k));
    }
  }
}

/** The points of a line for which 0 <= x and x + 1 <= last index hold along every axis; they are neighbours. */
function innerPart({ start, step }: Line, dims: Readonly<Triple>, count: number): [number, number] {
  let low = 0;
  let high = count - 1;
  for (let d = 0; d < 3; d++) {
    const a = -start[d] / step[d];
    const b = (dims[d] - 2 - start[d]) / step[d];
    if (step[d] > 0) {
      low = Math.max(low, Math.ceil(a));
      high = Math.min(high, Math.floor(b));
    } else if (step[d] < 0) {
      low = Math.max(low, Math.ceil(b));
      high = Math.min(high, Math.floor(a));
    } else if (start[d] < 0 || start[d] > dims[d] - 2) {
      return [0, 0];
    }
  }
  // The divisions above round: leave out a point that is not inside after all.
  const inside = (i: number): boolean =>
    [0, 1, 2].every((d) => start[d] + i * step[d] >= 0 && start[d] + i * step[d] <= dims[d] - 2);
  while (low <= high && !inside(low)) low++;
  while (high >= low && !inside(high)) high--;
  return low > high ? [0, 0] : [low, high + 1];
}

/** The image at the sample points; neighbours outside count as 0. */
export function resampleImage(
  image: Float32Array,
  dims: Readonly<Triple>,
  matrix: Matrix,
  size: Readonly<Triple>,
): Float32Array {
  const out = new Float32Array(size[0] * size[1] * size[2]);
  eachRow(dims, matrix, size, (line, to) => {
    const [low, high] = line.inner;
    innerRow(image, dims, line, low, high, out, to);
    for (let i = 0; i < low; i++) out[to + i] = sampleNearEdge(image, dims, line, i);
    for (let i = high; i < size[0]; i++) out[to + i] = sampleNearEdge(image, dims, line, i);
  });
  return out;
}

/** The points with all neighbours inside: the whole cost of a resampling. */
function innerRow(
  image: Float32Array,
  dims: Readonly<Triple>,
  { start: [x0, y0, z0], step: [dx, dy, dz] }: Line,
  low: number,
  high: number,
  out: Float32Array,
  to: number,
): void {
  const row = dims[0];
  const slice = dims[0] * dims[1];
  for (let i = low; i < high; i++) {
    const x = x0 + i * dx;
    const y = y0 + i * dy;
    const z = z0 + i * dz;
    // Not negative here, so that cutting the fraction off is floor.
    const xi = x | 0;
    const yi = y | 0;
    const zi = z | 0;
    const fx = x - xi;
    const fy = y - yi;
    const at = xi + row * yi + slice * zi;
    const a = image[at] + fx * (image[at + 1] - image[at]);
    const b = image[at + row] + fx * (image[at + row + 1] - image[at + row]);
    const up = at + slice;
    const c = image[up] + fx * (image[up + 1] - image[up]);
    const d = image[up + row] + fx * (image[up + row + 1] - image[up + row]);
    const near = a + fy * (b - a);
    out[to + i] = near + (z - zi) * (c + fy * (d - c) - near);
  }
}

/** One sample, each neighbour looked at. */
function sampleNearEdge(
  image: Float32Array,
  dims: Readonly<Triple>,
  { start, step }: Line,
  i: number,
): number {
  let sum = 0;
  eachNeighbour(
    dims,
    start[0] + i * step[0],
    start[1] + i * step[1],
    start[2] + i * step[2],
    (at, weight) => {
      if (at >= 0) sum += weight * image[at];
    },
  );
  return sum;
}

/** The neighbours of a point with a weight above 0; place -1 is outside. A point far outside has none or one of -1. */
export function eachNeighbour(
  dims: Readonly<Triple>,
  x: number,
  y: number,
  z: number,
  visit: (at: number, weight: number) => void,
): void {
  const xi = Math.floor(x);
  const yi = Math.floor(y);
  const zi = Math.floor(z);
  if (xi < -1 || yi < -1 || zi < -1 || xi >= dims[0] || yi >= dims[1] || zi >= dims[2]) {
    visit(-1, 1);
    return;
  }
  for (let corner = 0; corner < 8; corner++) {
    const cx = xi + (corner & 1);
    const cy = yi + ((corner >> 1) & 1);
    const cz = zi + (corner >> 2);
    const weight =
      (corner & 1 ? x - xi : 1 - x + xi) *
      (corner & 2 ? y - yi : 1 - y + yi) *
      (corner & 4 ? z - zi : 1 - z + zi);
    if (weight === 0) continue;
    const inside = cx >= 0 && cy >= 0 && cz >= 0 && cx < dims[0] && cy < dims[1] && cz < dims[2];
    visit(inside ? cx + dims[0] * (cy + dims[1] * cz) : -1, weight);
  }
}
