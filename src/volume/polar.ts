// The rotation (or reflection) closest to a 3x3 matrix, through its singular value decomposition.

type Matrix = number[][];

/**
 * The orthogonal factor of the polar decomposition of a 3x3 matrix, U V' of its singular value decomposition
 * U S V'. Directions whose singular value is zero (relative to the largest, at float64 precision) are left out, so a
 * singular matrix gives a partial isometry, as in nibabel's `io_orientation`.
 */
export function closestRotation(matrix: Matrix): Matrix {
  // One-sided Jacobi (Hestenes): rotate pairs of columns of A until all are orthogonal. Then A = (A V) V' with
  // A V = U S. It finds small singular values to full relative accuracy, which A'A would not.
  const a = matrix.map((row) => [...row]);
  const v: Matrix = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  for (let sweep = 0; sweep < 60; sweep++) {
    let turned = false;
    for (const [p, q] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ]) {
      const pp = dot(a, p, p);
      const qq = dot(a, q, q);
      const pq = dot(a, p, q);
      if (Math.abs(pq) <= 1e-16 * Math.sqrt(pp * qq)) continue;
      turned = true;
      const zeta = (qq - pp) / (2 * pq);
      const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
      const cos = 1 / Math.hypot(1, t);
      const sin = cos * t;
      for (const m of [a, v]) {
        for (const row of m) {
          [row[p], row[q]] = [cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]];
        }
      }
    }
    if (!turned) break;
  }
  const singular = [0, 1, 2].map((c) => Math.sqrt(dot(a, c, c)));
  const tolerance = Math.max(...singular) * 3 * Number.EPSILON;
  const result: Matrix = [0, 1, 2].map(() => [0, 0, 0]);
  for (let s = 0; s < 3; s++) {
    if (!(singular[s] > tolerance)) continue;
    for (let r = 0; r < 3; r++) for (let c = 0; c < 3; c++) result[r][c] += (a[r][s] / singular[s]) * v[c][s];
  }
  return result;
}

function dot(m: Matrix, p: number, q: number): number {
  return m[0][p] * m[0][q] + m[1][p] * m[1][q] + m[2][p] * m[2][q];
}
