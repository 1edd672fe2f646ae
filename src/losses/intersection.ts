// Eq. 2 of the study on tensors: planes are asked to predict the same for the voxels that they share.
//
// A line is a row or column of each of its pictures, so reading it is a product with two small matrices: `across` picks or
// mixes rows, `along` picks or mixes places on them. On the grid of the volume `across` has a single 1 in a row and nothing
// is changed, bit for bit; on a resized square it reads the nearest sample or between two; and with the matrices of a
// resizing it brings masks back to the grid of the volume while it reads. As products all of them have a gradient on every
// backend, and the places of the lines are data of a step: another voxel needs no other graph.
import { InputError } from '../base/errors';
import { tf } from '../backends/tf';
import type { IntersectionLine, LinePlace, Squared } from '../sampling/intersection';
import { intersectionLine, resizedLine } from '../sampling/intersection';
import type { Plane, PlaneName } from '../sampling/plane';
import type { AxisMatrix, Interpolation } from '../sampling/resize';
import { axisMatrix } from '../sampling/resize';

/**
 * The pairs of planes, with the direction of their line in the picture of the first and of the second (plane.ts fixes
 * how each plane is shown).
 */
export const pairs = {
  'axial-coronal': [
    ['axial', 'row'],
    ['coronal', 'row'],
  ],
  'axial-sagittal': [
    ['axial', 'column'],
    ['sagittal', 'row'],
  ],
  'coronal-sagittal': [
    ['coronal', 'column'],
    ['sagittal', 'column'],
  ],
} as const satisfies Record<string, readonly (readonly [PlaneName, 'row' | 'column'])[]>;
export type PairName = keyof typeof pairs;

/** The pairs that Eq. 2 sums, as it is written. */
export const pairsOfEq2: readonly PairName[] = ['axial-coronal', 'axial-sagittal'];
/** These and the one that it leaves out. */
export const allPairs: readonly PairName[] = [...pairsOfEq2, 'coronal-sagittal'];

/** How the lines of a pair are read in one of the pair's pictures. */
export type LineReader = Readonly<{
  /** [lines, samples of the picture across the line] */
  across: tf.Tensor2D;
  /** [places on a line, samples of the picture along it]; left out where a line is read as it is. */
  along?: tf.Tensor2D;
}>;
/** Of each plane that there is. */
type OfNames = Readonly<Partial<Record<PlaneName, tf.Tensor>>>;
/** What is compared with what: tensors, to be given to a step among its inputs. */
export type IntersectionPlan = Readonly<
  Partial<Record<PairName, Readonly<Record<'first' | 'second', LineReader>>>>
>;

/** Where predictions are squares and not pictures of the volume's grid. */
export interface OnSquare {
  /** How each plane became its square; a `SquareFit` is one. For a map of features: its size, in place of the image's. */
  fits: Readonly<Record<PlaneName, Squared>>;
  /**
   * In the resized space at the nearest sample, or linearly between two; or in the space of the volume's voxels, after the
   * square was brought back by this interpolation.
   */
  read: 'nearest' | 'linear' | { back: Interpolation };
}

export interface PlanOptions {
  /** Eq. 2's two where left out. */
  pairs?: readonly PairName[];
  /** Left out: predictions are pictures of the planes' own grid. */
  square?: OnSquare;
  /** Places on each line, evenly spread over it; one for each shared voxel where left out. */
  samples?: number;
}

/**
 * Work out what Eq. 2 compares for planes through a voxel, or for k planes of each name: their k² lines a pair.
 * @param planes  of one volume, as many of a name as there are predictions
 * @returns tensors: the caller's to free
 * @throws InputError for a name without a plane, planes that do not meet, and options that do not go together
 */
export function intersectionPlan(
  planes: Readonly<Record<PlaneName, readonly Plane[]>>,
  { pairs: wanted = pairsOfEq2, square, samples }: PlanOptions = {},
): IntersectionPlan {
  for (const name of ['axial', 'coronal', 'sagittal'] as const)
    if (planes[name].length === 0) refuse(`no ${name} plane`, 'at least one plane of each name');
  if (wanted.length === 0) refuse('no pair of planes', `some of ${allPairs.join(', ')}`);
  if (samples !== undefined && (!Number.isSafeInteger(samples) || samples < 1))
    refuse(`${samples} places on a line`, 'a whole number of at least 1');
  if (samples !== undefined && square && typeof square.read === 'object')
    refuse(
      'a number of places on a line, and masks brought back to the voxels',
      'one of both: brought back, a line has one place for each shared voxel',
    );
  return Object.fromEntries(
    wanted.map((pair) => {
      const [a, b] = [planes[pairs[pair][0][0]], planes[pairs[pair][1][0]]];
      // Where a line lies in the one picture, its partner says.
      const inFirst = b.map((other) => intersectionLine(a[0], other));
      const inSecond = a.map((other) => intersectionLine(other, b[0]));
      return [
        pair,
        { first: readerOf(inFirst, 0, square, samples), second: readerOf(inSecond, 1, square, samples) },
      ];
    }),
  );
}

export interface IntersectionOptions {
  /** `sum` as Eq. 2 is written; `mean` over all that is compared. */
  reduction?: 'sum' | 'mean';
  /** Probabilities (sigmoid of one class, softmax of more), or the numbers as they are given. */
  compare?: 'probabilities' | 'logits';
}

/**
 * The consistency term of Eq. 2, without its lambda.
 * @param predictions  logits of each name's planes, [planes, height, width, classes]
 * @returns a scalar
 * @throws InputError for predictions that are not those that the plan was made for
 */
export function intersectionLoss(
  predictions: OfNames,
  plan: IntersectionPlan,
  { reduction = 'sum', compare = 'probabilities' }: IntersectionOptions = {},
): tf.Scalar {
  const values =
    compare === 'logits'
      ? predictions
      : Object.fromEntries(Object.entries(predictions).map(([name, x]) => [name, probabilitiesOf(x)]));
  const gaps = linePairs(values, plan).map(({ first, second }) => tf.squaredDifference(first, second));
  const sum = tf.addN(gaps.map((gap) => tf.sum(gap))) as tf.Scalar;
  return reduction === 'sum'
    ? sum
    : tf.div(
        sum,
        gaps.reduce((count, { size }) => count + size, 0),
      );
}

/** Probabilities of logits [..., classes]: of one class its sigmoid, of more their softmax. */
export function probabilitiesOf(logits: tf.Tensor): tf.Tensor {
  return logits.shape.at(-1) === 1 ? tf.sigmoid(logits) : tf.softmax(logits);
}

/**
 * What each pair of planes says of the voxels that it shares.
 * @param values  of each name's planes, [planes, height, width, channels]: predictions or features
 * @returns for each pair two tensors [lines of the second, lines of the first, places, channels]
 * @throws InputError for values that are not those that the plan was made for
 */
export function linePairs(
  values: OfNames,
  plan: IntersectionPlan,
): { pair: PairName; first: tf.Tensor; second: tf.Tensor }[] {
  return allPairs.flatMap((pair) => {
    const readers = plan[pair];
    if (!readers) return [];
    const [[a, wayA], [b, wayB]] = pairs[pair];
    const [ofA, ofB] = [values[a], values[b]];
    if (!ofA || !ofB) return refuse(`a plan with ${pair}, and values of ${Object.keys(values).join(', ')}`, 'values of both planes of every pair'); // prettier-ignore
    const [k, n] = [ofA.shape[0], ofB.shape[0]];
    const first = readLines(ofA, readers.first, wayA, { name: a, lines: n });
    const second = readLines(ofB, readers.second, wayB, { name: b, lines: k });
    return [{ pair, first, second: tf.transpose(second, [1, 0, 2, 3]) }];
  });
}

/** [planes, height, width, channels] to [lines, planes, places, channels]. */
function readLines(
  values: tf.Tensor,
  { across, along }: LineReader,
  way: 'row' | 'column',
  { name, lines }: { name: PlaneName; lines: number },
): tf.Tensor {
  const [planes, height, width, channels] = values.shape;
  const [over, length] = way === 'row' ? [height, width] : [width, height];
  if (
    values.rank !== 4 ||
    across.shape[0] !== lines ||
    across.shape[1] !== over ||
    (along && along.shape[1] !== length)
  )
    throw new InputError({
      what: `cannot read lines in the predictions of ${name} planes`,
      given: `[${values.shape.join(', ')}] and a partner with ${lines} planes`,
      expected: `[planes, height, width, classes] with ${across.shape[1]} samples across the line${along ? ` and ${along.shape[1]} along it` : ''}, and a partner with ${across.shape[0]} planes`,
      fix: 'make the plan for these planes, and with `square` where predictions are squares',
    });
  const front = tf.transpose(values, way === 'row' ? [1, 0, 2, 3] : [2, 0, 1, 3]); // [over, planes, length, channels]
  const cut = tf.matMul(across, tf.reshape<tf.Rank.R2>(front, [over, planes * length * channels]));
  if (!along) return tf.reshape(cut, [lines, planes, length, channels]);
  const turned = tf.transpose(tf.reshape(cut, [lines * planes, length, channels]), [1, 0, 2]);
  const places = along.shape[0];
  const read = tf.matMul(along, tf.reshape<tf.Rank.R2>(turned, [length, lines * planes * channels]));
  return tf.reshape(tf.transpose(tf.reshape(read, [places, lines * planes, channels]), [1, 0, 2]), [
    lines,
    planes,
    places,
    channels,
  ]);
}

/** Rows of a matrix: the weights of samples. */
type Rows = number[][];

/** How to read lines in one of their pictures. @param which  of the two pictures */
function readerOf(
  lines: readonly IntersectionLine[],
  which: 0 | 1,
  square: OnSquare | undefined,
  samples: number | undefined,
): LineReader {
  const name = lines[0].planes[which];
  const { count } = lines[0];
  const tensors = ({ across, along }: { across: Rows; along?: Rows }): LineReader => ({
    across: tf.tensor2d(across),
    ...(along && { along: tf.tensor2d(along) }),
  });
  if (square && typeof square.read === 'object') {
    const { back } = square.read;
    const { size, columns, rows } = square.fits[name];
    const isRow = lines[0].places[which].dColumn !== 0;
    const [over, length] = isRow ? [rows, columns] : [columns, rows];
    // The fit is checked by placing a line with it.
    resizedLine(lines[0], [square.fits[lines[0].planes[0]], square.fits[lines[0].planes[1]]]);
    const acrossBack = axisMatrix(over.to, over.from, back);
    const alongBack = axisMatrix(length.to, length.from, back);
    return tensors({
      across: lines.map(({ places }) => denseRow(acrossBack, acrossOf(places[which]).at, size)),
      along: Array.from({ length: count }, (_, i) => denseRow(alongBack, i, size)),
    });
  }
  const placed = square
    ? lines.map((line) => resizedLine(line, [square.fits[line.planes[0]], square.fits[line.planes[1]]]))
    : lines;
  const read = square?.read === 'linear' ? 'linear' : 'nearest';
  const across = placed.map(({ places }) => {
    const { at, size } = acrossOf(places[which]);
    return weightsAt(at, size, read);
  });
  if (!square && samples === undefined) return tensors({ across });
  const { from, step, size } = alongOf(placed[0].places[which]);
  const n = samples ?? count;
  const along = Array.from({ length: n }, (_, i) =>
    weightsAt(from + step * (((i + 0.5) * count) / n - 0.5), size, read),
  );
  return tensors({ across, along });
}

const acrossOf = ({ column, row, dColumn, width, height }: LinePlace): { at: number; size: number } =>
  dColumn !== 0 ? { at: row, size: height } : { at: column, size: width };

const alongOf = ({
  column,
  row,
  dColumn,
  dRow,
  width,
  height,
}: LinePlace): { from: number; step: number; size: number } =>
  dColumn !== 0 ? { from: column, step: dColumn, size: width } : { from: row, step: dRow, size: height };

/** The weights of samples that give the value at a place; beyond a border it is the border's. */
function weightsAt(at: number, size: number, read: 'nearest' | 'linear'): number[] {
  const weights = new Array<number>(size).fill(0);
  const inside = Math.min(Math.max(at, 0), size - 1);
  const low = read === 'nearest' ? Math.round(inside) : Math.floor(inside);
  const share = read === 'nearest' ? 0 : inside - low;
  weights[low] = 1 - share;
  if (share > 0) weights[low + 1] = share;
  return weights;
}

/** A row of a banded matrix, with zeros for the padding of a square. */
function denseRow({ taps, starts, weights }: AxisMatrix, row: number, size: number): number[] {
  const dense = new Array<number>(size).fill(0);
  for (let t = 0; t < taps; t++) dense[starts[row] + t] += weights[row * taps + t];
  return dense;
}

function refuse(given: string, expected: string): never {
  throw new InputError({
    what: 'cannot plan where planes are compared',
    given,
    expected,
    fix: 'see `intersectionPlan`',
  });
}
