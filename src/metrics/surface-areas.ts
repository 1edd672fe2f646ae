// How much surface passes through a corner where eight voxels meet: the areas that DeepMind's surface distances weigh by.
//
// The surface is that of marching cubes with its points in the middle of the edges. Which of the eight voxels are inside
// has 256 cases; turned, mirrored and with inside and outside exchanged they are these fourteen (Lorensen and Cline,
// 1987). The area of a triangle follows from its normal, which in voxels of other edges is stretched with the grid.
import type { Triple } from '../volume/volume';

/** A triangle's normal, as long as its area, in eighths of a voxel's face; signs do not change an area. */
type Normal = readonly [number, number, number];

/** A triangle that cuts one corner off. */
const corner: Normal = [1, 1, 1];

/**
 * The cases: which voxels are inside (bit i + 2 j + 4 k for the voxel at i, j, k), and the triangles there.
 * A polygon of more than four edges is not flat, and its area hangs on how it is cut into triangles: DeepMind's table has
 * the cut of the greatest area. Diagonal neighbours are kept apart.
 */
const cases: readonly (readonly [inside: number, triangles: readonly Normal[]])[] = [
  [0b00000000, []],
  [0b00000001, [corner]],
  [0b00000011, [[0, 2, 2], [0, 2, 2]]], // prettier-ignore
  [0b00000110, [corner, corner]],
  [0b00011000, [corner, corner]],
  [0b00000111, [corner, [2, 2, 2], [0, 0, 4]]],
  [0b00011001, [corner, [2, 2, 0], [2, 2, 0]]],
  [0b00010110, [corner, corner, corner]],
  [0b00001111, [[0, 0, 4], [0, 0, 4]]], // prettier-ignore
  [0b00010111, [corner, corner, [2, 2, 2], [2, 2, 2]]],
  [0b00011011, [corner, [3, 3, 3], [2, 2, 0], [2, 0, 2]]],
  [0b00011110, [corner, corner, [2, 2, 2], [0, 0, 4]]],
  [0b00111100, [[0, 2, 2], [0, 2, 2], [0, 2, 2], [0, 2, 2]]], // prettier-ignore
  [0b01101001, [corner, corner, corner, corner]],
];

/** The orders in which the three axes can be taken. */
const orders: readonly Readonly<Triple>[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** The triangles of all 256 cases. */
const triangles: readonly (readonly Normal[])[] = allCases();

function allCases(): (readonly Normal[])[] {
  const all: (readonly Normal[])[] = [];
  for (const [inside, normals] of cases) {
    for (const order of orders) {
      for (let mirrored = 0; mirrored < 8; mirrored++) {
        const turned = turn(inside, order, mirrored);
        const stretched = normals.map((n): Normal => [n[order[0]], n[order[1]], n[order[2]]]);
        all[turned] = stretched;
        all[255 - turned] = stretched;
      }
    }
  }
  return all;
}

/** The voxels inside after the axes were taken in another order and some of them mirrored. */
function turn(inside: number, order: Readonly<Triple>, mirrored: number): number {
  let turned = 0;
  for (let to = 0; to < 8; to++) {
    let from = 0;
    for (let a = 0; a < 3; a++) from |= (((to ^ mirrored) >> a) & 1) << order[a];
    turned |= ((inside >> from) & 1) << to;
  }
  return turned;
}

/**
 * The area of the surface by which voxels are inside: 256 numbers in mm2.
 * @param spacing  mm between voxels along each axis
 */
export function surfaceAreas([x, y, z]: Readonly<Triple>): Float64Array {
  return Float64Array.from(triangles, (normals) =>
    normals.reduce(
      (sum, n) => sum + Math.sqrt((n[0] * y * z) ** 2 + (n[1] * x * z) ** 2 + (n[2] * x * y) ** 2) / 8,
      0,
    ),
  );
}
