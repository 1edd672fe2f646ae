// Planes: slices of a volume through a voxel, named from the affine and turned the way a radiologist looks at them.
//
// A volume is one long array; a plane is a start and two steps in it. Whether a step is 1 (neighbours in memory) or
// hundreds is all there is to "strided access" (section 4.3 of the study).
import { InputError } from '../base/errors';
import type { Triple, Volume, VoxelArray } from '../volume/volume';

export type PlaneName = 'axial' | 'coronal' | 'sagittal';
export const planeNames: readonly PlaneName[] = ['axial', 'coronal', 'sagittal'];

/** A direction in the patient: right, left, anterior, posterior, superior (head), inferior (feet). */
type Direction = 'R' | 'L' | 'A' | 'P' | 'S' | 'I';
const opposite: Record<Direction, Direction> = { R: 'L', L: 'R', A: 'P', P: 'A', S: 'I', I: 'S' };

/**
 * How each plane is shown, by the radiological convention: the patient's right is at the left of the picture, the
 * front or the head at the top; sagittal planes look to the left.
 */
const view: Record<PlaneName, { normal: Direction; right: Direction; down: Direction }> = {
  axial: { normal: 'S', right: 'L', down: 'P' },
  coronal: { normal: 'A', right: 'L', down: 'I' },
  sagittal: { normal: 'R', right: 'P', down: 'I' },
};

/** One in-plane direction: the array axis it follows, how many samples it has, and the step between neighbours. */
export interface PlaneAxis {
  /** 0, 1 or 2: x, y or z of the array. */
  axis: number;
  /** Samples along it. */
  count: number;
  /** Distance in the array between neighbours, in voxels; negative where the picture runs against the array. */
  step: number;
  /** mm between neighbours. */
  spacing: number;
}

/** Where a plane lies in a volume's array. */
export interface PlaneGrid {
  name: PlaneName;
  /** The array axis across the plane. */
  normal: number;
  columns: PlaneAxis;
  rows: PlaneAxis;
  /** Contiguous stretches of memory the plane is made of. */
  runs: number;
  /** Voxels in each stretch. */
  runLength: number;
  /** The patient's directions at the four edges of the picture. */
  edges: { left: Direction; right: Direction; top: Direction; bottom: Direction };
}

/** A slice through a voxel. */
export interface Plane {
  grid: PlaneGrid;
  /** Samples row by row: width = grid.columns.count, height = grid.rows.count. */
  pixels: VoxelArray;
  /** The voxel it was taken through. */
  voxel: Triple;
  /** Where that voxel is in the picture: [column, row]. */
  crosshair: [number, number];
}

/** The step of each array axis, in voxels: x is fastest. */
function stepsOf(dims: Triple): Triple {
  return [1, dims[0], dims[0] * dims[1]];
}

/**
 * Where a plane lies in the array of a volume; decided by the affine's axis codes, never by the array axis alone.
 * For LPS data of 240x240x155 voxels: axial 1 run of 57,600, coronal 155 runs of 240, sagittal 37,200 runs of 1.
 * @throws InputError when the axis codes do not name all three directions
 */
export function planeGrid(
  volume: Pick<Volume, 'dims' | 'spacing' | 'axisCodes'>,
  name: PlaneName,
): PlaneGrid {
  const { dims, spacing, axisCodes } = volume;
  const steps = stepsOf(dims);
  const along = (towards: Direction): PlaneAxis => {
    const axis = [...axisCodes].findIndex((code) => code === towards || code === opposite[towards]);
    if (axis < 0) {
      throw new InputError({
        what: `cannot name the ${name} plane`,
        given: `axis codes ${axisCodes}`,
        expected: 'one axis each of left-right, front-back and head-foot',
        fix: 'check the affine of the volume with `coc nifti info FILE`',
      });
    }
    const sign = axisCodes[axis] === towards ? 1 : -1;
    return { axis, count: dims[axis], step: sign * steps[axis], spacing: spacing[axis] };
  };
  const { normal, right, down } = view[name];
  const columns = along(right);
  const rows = along(down);
  const fast = [columns, rows].find((a) => Math.abs(a.step) === 1);
  const slow = fast === columns ? rows : columns;
  // Neighbours join into a run along the axis of step 1; whole rows join when the next row follows directly.
  const joined = Math.abs(slow.step) === fast?.count;
  const runLength = !fast ? 1 : joined ? fast.count * slow.count : fast.count;
  return {
    name,
    normal: along(normal).axis,
    columns,
    rows,
    runs: (columns.count * rows.count) / runLength,
    runLength,
    edges: { left: opposite[right], right, top: opposite[down], bottom: down },
  };
}

/** The voxel that a pixel of a plane comes from. */
export function voxelOfPixel(plane: Plane, column: number, row: number): Triple {
  const { columns, rows } = plane.grid;
  const voxel: Triple = [...plane.voxel];
  voxel[columns.axis] = columns.step > 0 ? column : columns.count - 1 - column;
  voxel[rows.axis] = rows.step > 0 ? row : rows.count - 1 - row;
  return voxel;
}

/**
 * Take the plane through a voxel; any voxel of the volume, border included. No sample is changed.
 * @param into  receives the samples (same array type, columns x rows long); made when left out
 * @throws InputError for a voxel outside the volume or a buffer that does not fit
 */
export function readPlane(volume: Volume, grid: PlaneGrid, voxel: Triple, into?: VoxelArray): Plane {
  checkVoxel(volume.dims, voxel);
  const { columns, rows, normal } = grid;
  const { data } = volume;
  const size = columns.count * rows.count;
  const pixels = into ?? new (data.constructor as new (n: number) => VoxelArray)(size);
  if (pixels.length !== size || pixels.constructor !== data.constructor) {
    throw new InputError({
      what: `cannot read the ${grid.name} plane`,
      given: `a ${pixels.constructor.name} of ${pixels.length}`,
      expected: `a ${data.constructor.name} of ${columns.count} x ${rows.count}`,
      fix: 'pass a buffer of that type and length, or none',
    });
  }
  const first = (axis: PlaneAxis): number => (axis.step > 0 ? 0 : (1 - axis.count) * axis.step);
  const start = voxel[normal] * stepsOf(volume.dims)[normal] + first(columns) + first(rows);
  copyPlane(data, start, columns, rows, pixels);
  const at = (axis: PlaneAxis): number =>
    axis.step > 0 ? voxel[axis.axis] : axis.count - 1 - voxel[axis.axis];
  return { grid, pixels, voxel, crosshair: [at(columns), at(rows)] };
}

/** Copy by whole runs where memory allows, sample by sample where it does not. */
function copyPlane(
  data: VoxelArray,
  start: number,
  columns: PlaneAxis,
  rows: PlaneAxis,
  out: VoxelArray,
): void {
  const width = columns.count;
  const height = rows.count;
  if (columns.step === 1 && rows.step === width) {
    out.set(data.subarray(start, start + width * height));
    return;
  }
  for (let row = 0, to = 0, from = start; row < height; row++, to += width, from += rows.step) {
    if (columns.step === 1) out.set(data.subarray(from, from + width), to);
    else copySamples(data, from, columns.step, out, to, width);
  }
}

/** `n` samples that lie `step` apart. Its own function, so that it is compiled once for each array type. */
function copySamples(
  data: VoxelArray,
  from: number,
  step: number,
  out: VoxelArray,
  to: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) out[to + i] = data[from + i * step];
}

function checkVoxel(dims: Triple, voxel: Triple): void {
  if (voxel.every((v, i) => Number.isInteger(v) && v >= 0 && v < dims[i])) return;
  throw new InputError({
    what: 'cannot take a plane',
    given: `voxel (${voxel.join(', ')})`,
    expected: `whole numbers from (0, 0, 0) to (${dims.map((d) => d - 1).join(', ')})`,
    fix: 'choose a voxel inside the volume',
  });
}
