// Axis codes: which way each voxel axis runs in the patient, decided from the affine as nibabel decides it.
import type { Affine } from './affine';
import { closestRotation } from './polar';

/** For each voxel axis the world axis it follows best (0 = R-L, 1 = A-P, 2 = S-I) and the sense; null: it follows none. */
export type Orientation = ({ axis: 0 | 1 | 2; sign: 1 | -1 } | null)[];

const positive = 'RAS';
const negative = 'LPI';

/**
 * The world axis that each voxel axis follows best. A shear is removed first (polar decomposition), then axes are
 * given out from the best aligned to the least, each once. The rule is that of nibabel's `io_orientation`.
 */
export function orientationOf(affine: Affine): Orientation {
  const lengths = [0, 1, 2].map((c) => Math.hypot(affine[0][c], affine[1][c], affine[2][c]) || 1);
  const unit = [0, 1, 2].map((r) => [0, 1, 2].map((c) => affine[r][c] / lengths[c]));
  const rotation = closestRotation(unit);
  const strongest = [0, 1, 2].map((c) => Math.max(...rotation.map((row) => row[c] ** 2)));
  const order = [0, 1, 2].sort((a, b) => strongest[b] - strongest[a]);
  const result: Orientation = [null, null, null];
  for (const c of order) {
    const column = rotation.map((row) => row[c]);
    // As numpy's allclose(column, 0): what is left of this axis is rounding.
    if (!column.some((x) => Math.abs(x) > 1e-8)) continue;
    let axis: 0 | 1 | 2 = 0;
    for (const candidate of [1, 2] as const)
      if (Math.abs(column[candidate]) > Math.abs(column[axis])) axis = candidate;
    result[c] = { axis, sign: column[axis] < 0 ? -1 : 1 };
    rotation[axis] = [0, 0, 0];
  }
  return result;
}

/**
 * Three letters, one a voxel axis: the side of the patient towards which the index grows. `LPS` means that the first
 * index grows to the left, the second to the back, the third to the head. `?` stands for an axis without direction
 * (a zero column in the affine), where nibabel says None.
 */
export function axisCodes(affine: Affine): string {
  return orientationOf(affine)
    .map((o) => (o === null ? '?' : (o.sign === 1 ? positive : negative)[o.axis]))
    .join('');
}

/** A voxel axis that follows the world axis `axis` in the sense `sign`. */
export type Direction = NonNullable<Orientation[number]>;

/** The directions that three letters name; undefined when they are not three different axes. */
export function parseAxisCodes(codes: string): Direction[] | undefined {
  const directions: Direction[] = [];
  for (const letter of codes) {
    const axis = Math.max(positive.indexOf(letter), negative.indexOf(letter)) as -1 | 0 | 1 | 2;
    if (axis < 0 || directions.some((d) => d.axis === axis)) return undefined;
    directions.push({ axis: axis as 0 | 1 | 2, sign: positive.includes(letter) ? 1 : -1 });
  }
  return directions.length === 3 ? directions : undefined;
}
