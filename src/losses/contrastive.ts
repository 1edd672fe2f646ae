// Losses between views as plain functions on vectors: what they are, to be compared with Eq. 2 and with networks later.
//
// NT-Xent: each vector is told from its negatives by its similarity to its positive,
// -log( exp(s+ / t) / (exp(s+ / t) + sum exp(s- / t)) ), averaged over all rows.
import { InputError } from '../base/errors';

/** Vectors of one length. */
export type Vectors = readonly (readonly number[])[];

/** Which row is whose positive, and which rows count as negatives of a row. */
export interface Pairing {
  positive: (row: number) => number;
  negative: (row: number, other: number) => boolean;
}

/** @throws InputError unless there are as many of one as of the other, all of one length */
function checkPair(a: Vectors, b: Vectors): void {
  if (a.length > 0 && a.length === b.length && [...a, ...b].every((v) => v.length === a[0].length)) return;
  throw new InputError({
    what: 'cannot compare two views',
    given: `${a.length} and ${b.length} vectors`,
    expected: 'equally many of each, one at least, all of one length',
    fix: 'give the vectors of both views in one order',
  });
}

/** Vectors of length 1. A vector of zeros stays one. */
export function normalised(vectors: Vectors): number[][] {
  return vectors.map((v) => {
    const length = Math.hypot(...v);
    return v.map((x) => (length === 0 ? 0 : x / length));
  });
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * b[i], 0);

/**
 * NT-Xent over rows with a given pairing, similarity being the dot product: give normalised vectors for the cosine.
 * @param temperature  above 0
 */
export function ntXent(rows: Vectors, temperature: number, { positive, negative }: Pairing): number {
  if (!(temperature > 0)) {
    throw new InputError({
      what: 'cannot compute NT-Xent',
      given: `a temperature of ${temperature}`,
      expected: 'a number above 0',
      fix: 'for example 0.5',
    });
  }
  const losses = rows.map((row, i) => {
    const own = dot(row, rows[positive(i)]) / temperature;
    const others = rows.flatMap((other, j) => (negative(i, j) ? dot(row, other) / temperature : []));
    const top = Math.max(own, ...others);
    const sum = others.reduce((total, s) => total + Math.exp(s - top), Math.exp(own - top));
    return Math.log(sum) + top - own;
  });
  return losses.reduce((a, b) => a + b, 0) / losses.length;
}

/**
 * The loss of SimCLR (Chen et al. 2020): two views of each image; negatives are all other images' views.
 * @param first, second  one vector an image, in the same order
 * @throws InputError for views that do not pair, or a temperature that is none
 */
export function simclrLoss(first: Vectors, second: Vectors, temperature: number): number {
  checkPair(first, second);
  const n = first.length;
  return ntXent(normalised([...first, ...second]), temperature, {
    positive: (i) => (i + n) % (2 * n),
    negative: (i, j) => j !== i && j !== (i + n) % (2 * n),
  });
}

/**
 * The global contrast of Consistent View Alignment as released (LatentCampus at 267c976): two views of each of B images
 * from a student and from its teacher, [view 1 of 1..B, view 2 of 1..B]. The teacher's rows are rolled by B, so that a
 * student's view meets the other view of its image; all four embeddings of an image are left out of its negatives.
 * @throws InputError for views that do not pair, an odd number of rows, or a temperature that is none
 */
export function cvaContrast(student: Vectors, teacher: Vectors, temperature = 0.5): number {
  const rolled = otherViews(student, teacher);
  const n = student.length;
  return ntXent(normalised([...rolled, ...student]), temperature, {
    positive: (i) => (i + n) % (2 * n),
    negative: (i, j) => (j - i) % (n / 2) !== 0,
  });
}

/**
 * The local term of Consistent View Alignment: 2 - 2 cosine, averaged. 0 for equal directions, 2 for orthogonal ones, 4
 * for opposite ones.
 * @param student, teacher  rows as in `cvaContrast`
 */
export function cvaConsistency(student: Vectors, teacher: Vectors): number {
  const [a, b] = [normalised(student), normalised(otherViews(student, teacher))];
  return 2 - (2 * a.reduce((sum, v, i) => sum + dot(v, b[i]), 0)) / a.length;
}

/** The teacher's rows with the two views exchanged. */
function otherViews(student: Vectors, teacher: Vectors): Vectors {
  checkPair(student, teacher);
  const half = student.length / 2;
  if (Number.isInteger(half)) return [...teacher.slice(half), ...teacher.slice(0, half)];
  throw new InputError({
    what: 'cannot pair the views of images',
    given: `${student.length} rows`,
    expected: 'two views of each image: an even number of rows',
    fix: 'give view 1 of all images, then view 2 of all images',
  });
}

/**
 * The local term that the code of Consistent View Alignment has by default since 6ebfb68: the mean squared difference of
 * the Gram matrices of two maps of features. It does not see in which cell a feature stands.
 * @param first, second  one vector of C channels a cell
 */
export function gramDifference(first: Vectors, second: Vectors): number {
  checkPair(first, second);
  const channels = first[0].length;
  const gram = (cells: Vectors, i: number, j: number): number =>
    cells.reduce((sum, v) => sum + v[i] * v[j], 0);
  let total = 0;
  for (let i = 0; i < channels; i++)
    for (let j = 0; j < channels; j++) total += (gram(first, i, j) - gram(second, i, j)) ** 2;
  return total / channels ** 2;
}
