// The line in which two planes meet: the same voxels seen in two pictures, before and after resizing.
//
// Two planes of different names always meet in a line, taken through the same voxel or not. Every picture grows to the
// patient's left, back or feet (plane.ts), so a line runs the same way in both of its pictures.
import { InputError } from '../base/errors';
import { positionAlong } from './plane';
import type { Plane, PlaneGrid, PlaneName, Side } from './plane';

/** Where a line lies in a picture: sample i at (column + i dColumn, row + i dRow); whole numbers are centres of pixels. */
export interface LinePlace {
  column: number;
  row: number;
  dColumn: number;
  dRow: number;
  /** Size of the picture in pixels. */
  width: number;
  height: number;
}

/** The voxels that two planes share. */
export interface IntersectionLine {
  planes: [PlaneName, PlaneName];
  /** The array axis it follows: 0, 1 or 2. */
  axis: number;
  /** The side of the patient towards which its samples run; the nearest one where the grid is oblique. */
  towards: Side;
  /** How many voxels the planes share. */
  count: number;
  /** mm between neighbouring samples. */
  spacing: number;
  /** Where it lies in the two pictures. */
  places: [LinePlace, LinePlace];
}

/** How a picture was brought to a square; a `SquareFit` is one. */
export interface Squared {
  /** Edge of the square in pixels, padding included. */
  size: number;
  /** Pixels along each axis before and after, padding (right and below) not included. */
  columns: { from: number; to: number };
  rows: { from: number; to: number };
}

/**
 * The line in which two planes of one volume meet.
 * @throws InputError for two planes of the same name, or of volumes of different size
 */
export function intersectionLine(a: Plane, b: Plane): IntersectionLine {
  const sizes = [a, b].map(({ grid }) => sizeText(grid));
  if (a.grid.name === b.grid.name || a.grid.normal === b.grid.normal || sizes[0] !== sizes[1]) {
    throw new InputError({
      what: 'cannot find the line in which two planes meet',
      given: `${a.grid.name} in ${sizes[0]} voxels and ${b.grid.name} in ${sizes[1]} voxels`,
      expected: 'planes of two different names in one volume',
      fix: 'take for example the axial and the coronal plane of the same volume',
    });
  }
  const axis = 3 - a.grid.normal - b.grid.normal;
  const { columns, rows, edges } = a.grid;
  const alongColumns = columns.axis === axis;
  const { count, spacing } = alongColumns ? columns : rows;
  return {
    planes: [a.grid.name, b.grid.name],
    axis,
    towards: alongColumns ? edges.right : edges.bottom,
    count,
    spacing,
    places: [placeIn(a, b, axis), placeIn(b, a, axis)],
  };
}

/**
 * The same line after both pictures were resized: sample i of a picture axis of `from` pixels moves to
 * (i + 0.5) to / from - 0.5, the half-pixel convention of PIL and torch. Padding lies right and below and moves nothing.
 * @param fits  how each of the two pictures was resized, in the order of `line.planes`
 * @throws InputError when a fit is for a picture of another size
 */
export function resizedLine(line: IntersectionLine, fits: readonly [Squared, Squared]): IntersectionLine {
  const [a, b] = line.planes;
  const [placeA, placeB] = line.places;
  return { ...line, places: [resized(placeA, fits[0], a), resized(placeB, fits[1], b)] };
}

/** Where the line with another plane lies in a plane's picture. */
function placeIn({ grid }: Plane, other: Plane, axis: number): LinePlace {
  const { columns, rows } = grid;
  const alongColumns = columns.axis === axis;
  const across = alongColumns ? rows : columns;
  const cut = positionAlong(across, other.voxel[across.axis]);
  return {
    column: alongColumns ? 0 : cut,
    row: alongColumns ? cut : 0,
    dColumn: alongColumns ? 1 : 0,
    dRow: alongColumns ? 0 : 1,
    width: columns.count,
    height: rows.count,
  };
}

function resized(place: LinePlace, { size, columns, rows }: Squared, plane: PlaneName): LinePlace {
  const { column, row, dColumn, dRow, width, height } = place;
  if (columns.from !== width || rows.from !== height) {
    throw new InputError({
      what: `cannot place a line in the resized ${plane} plane`,
      given: `a fit for ${columns.from} x ${rows.from} pixels`,
      expected: `one for ${width} x ${height}`,
      fix: 'give the fits in the order of the planes of the line',
    });
  }
  const after = (position: number, { from, to }: Squared['columns']): number =>
    ((position + 0.5) * to) / from - 0.5;
  return {
    column: after(column, columns),
    row: after(row, rows),
    dColumn: (dColumn * columns.to) / columns.from,
    dRow: (dRow * rows.to) / rows.from,
    width: size,
    height: size,
  };
}

/** The voxels along the three axes, `3 x 4 x 5`. */
function sizeText({ normal, count, columns, rows }: PlaneGrid): string {
  const dims = [0, 0, 0];
  dims[normal] = count;
  for (const axis of [columns, rows]) dims[axis.axis] = axis.count;
  return dims.join(' x ');
}
