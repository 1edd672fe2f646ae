// Where things of linked planes are: pixel, voxel, world, sample. Pure functions, also for the browser.
import type { LinkedLine, LinkedPlane, LinkedPlanes } from './linked-planes';

type Voxel = LinkedPlanes['voxel'];

/** The voxel of a pixel. */
export function voxelAt(p: LinkedPlane, column: number, row: number): Voxel {
  const at = (axis: 0 | 1 | 2): number => p.first[axis] + column * p.perColumn[axis] + row * p.perRow[axis];
  return [at(0), at(1), at(2)];
}

/** The pixel of a voxel, [column, row]; undefined where the voxel is not in this plane. */
export function pixelAt(p: LinkedPlane, voxel: Readonly<Voxel>): [number, number] | undefined {
  const along = (step: Voxel): number => {
    const axis = step.findIndex((s) => s !== 0);
    // Steps are 1 or -1; 0 is added because 0 / -1 is -0.
    return (voxel[axis] - p.first[axis]) / step[axis] + 0;
  };
  const [column, row] = [along(p.perColumn), along(p.perRow)];
  if (column < 0 || row < 0 || column >= p.width || row >= p.height) return undefined;
  return voxelAt(p, column, row).every((v, axis) => v === voxel[axis]) ? [column, row] : undefined;
}

/** The pixel of sample i in the k-th plane of a line. */
export function pixelOfSample(line: LinkedLine, k: 0 | 1, i: number): [number, number] {
  const { column, row, dColumn, dRow } = line.places[k];
  return [column + i * dColumn, row + i * dRow];
}

/** The sample at a pixel of the k-th plane of a line; undefined beside the line. */
export function sampleAt(line: LinkedLine, k: 0 | 1, column: number, row: number): number | undefined {
  const { column: c, row: r, dColumn, dRow } = line.places[k];
  const i = dColumn !== 0 ? (column - c) / dColumn : (row - r) / dRow;
  if (i < 0 || i >= line.count) return undefined;
  return c + i * dColumn === column && r + i * dRow === row ? i : undefined;
}

/** World position of a voxel in mm (RAS+). */
export function worldOf({ affine }: Pick<LinkedPlanes, 'affine'>, voxel: Readonly<Voxel>): Voxel {
  const at = (r: 0 | 1 | 2): number =>
    affine[r][0] * voxel[0] + affine[r][1] * voxel[1] + affine[r][2] * voxel[2] + affine[r][3];
  return [at(0), at(1), at(2)];
}

/** The sample of the shared voxel on a line. */
export function sharedSample(data: Pick<LinkedPlanes, 'planes'>, line: LinkedLine): number {
  const { crosshair } = data.planes.find((p) => p.name === line.planes[0])!;
  return sampleAt(line, 0, ...crosshair) ?? 0;
}

/** Second plane less first, sample by sample; null where either holds no number. */
export function differenceAlong(line: LinkedLine, signal: string): (number | null)[] {
  const [a, b] = line.profiles[signal];
  return a.map((v, i) => {
    const other = b[i];
    return v === null || other === null ? null : other - v;
  });
}
