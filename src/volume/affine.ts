// Affines: from voxel indices to millimetres in the world, and back.
import { InputError } from '../base/errors';

/** Three numbers, one an axis. */
export type Triple = [number, number, number];

type Row = [number, number, number, number];

/**
 * 4x4 matrix in rows that takes a voxel index (i, j, k, 1) to world millimetres (x, y, z, 1). The world is RAS+:
 * x grows to the patient's right, y to the front (anterior), z to the head (superior).
 */
export type Affine = [Row, Row, Row, Row];

/** The affine of a grid with the given spacing (mm), axes along R, A and S, and voxel 0 at `origin` (mm). */
export function diagonalAffine(spacing: Readonly<Triple>, origin: Readonly<Triple> = [0, 0, 0]): Affine {
  return [
    [spacing[0], 0, 0, origin[0]],
    [0, spacing[1], 0, origin[1]],
    [0, 0, spacing[2], origin[2]],
    [0, 0, 0, 1],
  ];
}

/** World position (mm, RAS+) of a voxel index; fractions of a voxel are allowed. */
export function voxelToWorld(affine: Affine, voxel: Readonly<Triple>): Triple {
  const at = (row: Row): number => row[0] * voxel[0] + row[1] * voxel[1] + row[2] * voxel[2] + row[3];
  return [at(affine[0]), at(affine[1]), at(affine[2])];
}

/**
 * Voxel index (with fractions) of a world position (mm, RAS+). To map many points, invert once with `invertAffine`
 * and use `voxelToWorld` with the inverse.
 * @throws InputError when the affine cannot be inverted
 */
export function worldToVoxel(affine: Affine, world: Readonly<Triple>): Triple {
  return voxelToWorld(invertAffine(affine), world);
}

/** The product a b: first `b` is applied, then `a`. */
export function multiplyAffines(a: Affine, b: Affine): Affine {
  return a.map((row) =>
    [0, 1, 2, 3].map((c) => row[0] * b[0][c] + row[1] * b[1][c] + row[2] * b[2][c] + row[3] * b[3][c]),
  ) as Affine;
}

/** Distance in mm between neighbouring voxels along each axis: the lengths of the affine's columns. */
export function spacingOf(affine: Affine): Triple {
  const length = (c: number): number => Math.hypot(affine[0][c], affine[1][c], affine[2][c]);
  return [length(0), length(1), length(2)];
}

/** Determinant of the 3x3 part: the volume of a voxel in mm3, negative where the voxel axes are left-handed. */
export function determinant([a, b, c]: Affine): number {
  return (
    a[0] * (b[1] * c[2] - b[2] * c[1]) -
    a[1] * (b[0] * c[2] - b[2] * c[0]) +
    a[2] * (b[0] * c[1] - b[1] * c[0])
  );
}

/**
 * The inverse: world to voxel.
 * @throws InputError when a column is zero or the columns lie in one plane: then no voxel belongs to a position
 */
export function invertAffine(affine: Affine): Affine {
  const [a, b, c] = affine;
  const det = determinant(affine);
  // Relative to the size of the columns: a volume of 1 um voxels has a tiny determinant and is quite regular.
  const size = spacingOf(affine).reduce((product, length) => product * length, 1);
  if (!(Math.abs(det) > 1e-12 * size)) {
    throw new InputError({
      what: 'cannot turn world positions into voxels',
      given: `an affine whose 3x3 part has determinant ${det}`,
      expected: 'three axes that span space',
      fix: 'give the image a valid sform or qform, or pass an affine of your own',
    });
  }
  const m = [
    [b[1] * c[2] - b[2] * c[1], a[2] * c[1] - a[1] * c[2], a[1] * b[2] - a[2] * b[1]],
    [b[2] * c[0] - b[0] * c[2], a[0] * c[2] - a[2] * c[0], a[2] * b[0] - a[0] * b[2]],
    [b[0] * c[1] - b[1] * c[0], a[1] * c[0] - a[0] * c[1], a[0] * b[1] - a[1] * b[0]],
  ].map((row) => row.map((cofactor) => cofactor / det));
  const rows = m.map((row): Row => {
    const shift = -(row[0] * a[3] + row[1] * b[3] + row[2] * c[3]);
    return [row[0], row[1], row[2], shift];
  });
  return [rows[0], rows[1], rows[2], [0, 0, 0, 1]];
}
