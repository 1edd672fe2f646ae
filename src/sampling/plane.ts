// Planes: slices of a volume through a voxel, named from the affine and turned the way a radiologist looks at them.
//
// A volume is one long array; a plane is a start and two steps in it. Whether a step is 1 (neighbours in memory) or
// hundreds is all there is to "strided access" (section 4.3 of the study).
import { InputError } from '../base/errors';
import type { Triple, Volume, VoxelArray } from '../volume/volume';
import { arrayLike, checkBuffer, gather } from './gather';
import type { AxisPlaces, MemoryOrder, PlanePlaces } from './order';
import { fileOrder, placeOf, placesAlong, stepsOf } from './order';

export type PlaneName = 'axial' | 'coronal' | 'sagittal';
export const planeNames: readonly PlaneName[] = ['axial', 'coronal', 'sagittal'];

/** A side of the patient: right, left, anterior, posterior, superior (head), inferior (feet). */
export type Side = 'R' | 'L' | 'A' | 'P' | 'S' | 'I';
const opposite: Record<Side, Side> = { R: 'L', L: 'R', A: 'P', P: 'A', S: 'I', I: 'S' };

/**
 * How each plane is shown, by the radiological convention: the patient's right is at the left of the picture, the
 * front or the head at the top; sagittal planes look to the left.
 */
const view: Record<PlaneName, { normal: Side; right: Side; down: Side }> = {
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
  /** How many planes there are along it. */
  count: number;
  columns: PlaneAxis;
  rows: PlaneAxis;
  /** The patient's directions at the four edges of the picture. */
  edges: { left: Side; right: Side; top: Side; bottom: Side };
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

/**
 * Where a plane lies in the array of a volume; decided by the affine's axis codes, never by the array axis alone.
 * @throws InputError when the axis codes do not name all three directions
 */
export function planeGrid(
  volume: Pick<Volume, 'dims' | 'spacing' | 'axisCodes'>,
  name: PlaneName,
): PlaneGrid {
  const { dims, spacing, axisCodes } = volume;
  const steps = stepsOf(dims);
  const along = (towards: Side): PlaneAxis => {
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
  const across = along(normal);
  return {
    name,
    normal: across.axis,
    count: across.count,
    columns: along(right),
    rows: along(down),
    edges: { left: opposite[right], right, top: opposite[down], bottom: down },
  };
}

/** The voxel that a pixel of a plane comes from. */
export function voxelOfPixel(plane: Plane, column: number, row: number): Triple {
  const { columns, rows } = plane.grid;
  const voxel: Triple = [...plane.voxel];
  voxel[columns.axis] = positionAlong(columns, column);
  voxel[rows.axis] = positionAlong(rows, row);
  return voxel;
}

/**
 * Take the plane through a voxel; any voxel of the volume, border included. No sample is changed.
 * @param into  receives the samples (same array type, columns x rows long); made when left out
 * @throws InputError for a voxel outside the volume or a buffer that does not fit
 */
export function readPlane(volume: Volume, grid: PlaneGrid, voxel: Triple, into?: VoxelArray): Plane {
  checkVoxel(volume.dims, voxel);
  const { data, dims } = volume;
  const { columns, rows, normal } = grid;
  const pixels = into ?? arrayLike(data, columns.count * rows.count);
  checkBuffer(data, pixels, grid);
  const order = fileOrder(dims);
  gather(data, placeOf(order[normal], voxel[normal]), planePlaces(order, grid), pixels);
  return {
    grid,
    pixels,
    voxel,
    crosshair: [positionAlong(columns, voxel[columns.axis]), positionAlong(rows, voxel[rows.axis])],
  };
}

/** Where a voxel index lies along an axis of the picture, in pixels; its own inverse. */
export function positionAlong({ step, count }: PlaneAxis, index: number): number {
  return step > 0 ? index : count - 1 - index;
}

/** Where the samples of a plane lie in a volume stored in some order. */
export function planePlaces(order: MemoryOrder, { columns, rows }: PlaneGrid): PlanePlaces {
  const along = ({ axis, step }: PlaneAxis): AxisPlaces => placesAlong(order[axis], step < 0);
  return { columns: along(columns), rows: along(rows) };
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
