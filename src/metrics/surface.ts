// The surface of a mask, in two ways: as the voxels that have a neighbour outside, and as the corners between voxels
// through which a marching-cubes surface passes, with its area there.
import type { Triple } from '../volume/volume';
import type { Mask } from './mask';
import { surfaceAreas } from './surface-areas';

/** Points of a surface on a grid. */
export interface Surface {
  /** 1 at the points of the surface, first axis fastest. */
  points: Uint8Array;
  dims: Readonly<Triple>;
  spacing: Readonly<Triple>;
  /** mm2 of surface at each point of the grid; left out where every point counts the same. */
  areas?: Float64Array;
}

/** Foreground voxels with one of their six face neighbours in the background; what lies beyond the grid is background. */
export function surfaceVoxels({ data, dims, spacing }: Mask): Surface {
  const [x, y, z] = dims;
  const points = new Uint8Array(data.length);
  const plane = x * y;
  let at = 0;
  for (let k = 0; k < z; k++) {
    const edgeZ = k === 0 || k === z - 1;
    for (let j = 0; j < y; j++) {
      const edgeY = edgeZ || j === 0 || j === y - 1;
      for (let i = 0; i < x; i++, at++) {
        if (data[at] === 0) continue;
        points[at] =
          edgeY ||
          i === 0 ||
          i === x - 1 ||
          !(
            data[at - 1] &&
            data[at + 1] &&
            data[at - x] &&
            data[at + x] &&
            data[at - plane] &&
            data[at + plane]
          )
            ? 1
            : 0;
      }
    }
  }
  return { points, dims, spacing };
}

/** The corners between voxels, one more along each axis than there are voxels, where some of the eight around are inside. */
export function surfaceElements({ data, dims, spacing }: Mask): Surface {
  const [x, y, z] = dims;
  const size: Triple = [x + 1, y + 1, z + 1];
  const inside = new Uint8Array(size[0] * size[1] * size[2]);
  const [row, plane] = [size[0], size[0] * size[1]];
  // Corner (i, j, k) has voxel (i - 1, j - 1, k - 1) at its bit 0 and voxel (i, j, k) at its bit 7.
  const bits = [0, 1, row, row + 1, plane, plane + 1, plane + row, plane + row + 1].map((offset, n) => ({
    offset,
    bit: 1 << (7 - n),
  }));
  let from = 0;
  for (let k = 0; k < z; k++) {
    for (let j = 0; j < y; j++) {
      let at = j * row + k * plane;
      for (let i = 0; i < x; i++, at++, from++) {
        if (data[from] === 0) continue;
        for (const { offset, bit } of bits) inside[at + offset] |= bit;
      }
    }
  }
  const ofCase = surfaceAreas(spacing);
  const points = new Uint8Array(inside.length);
  const areas = new Float64Array(inside.length);
  for (let i = 0; i < inside.length; i++) {
    if (inside[i] === 0 || inside[i] === 255) continue;
    points[i] = 1;
    areas[i] = ofCase[inside[i]];
  }
  return { points, dims: size, spacing, areas };
}
