// Resizing a picture as two matrix products: one matrix along its rows, one along its columns.
//
// "Bicubic" alone names no result. PIL and torch disagree in the kernel, at the borders and in what they do when they
// shrink, so every combination of kernel, convention and antialiasing is one explicit matrix here, equal to that
// library's to rounding (test/oracles/resize_cases.py). As a matrix it can be turned over for gradients (its
// transpose), inverted, and looked at: nothing is hidden in a loop.
//
// Keys' cubic kernel has one free parameter, a: its slope at distance 1, and how much it overshoots.
//                           antialias off                        antialias on
//   pil    the call         Image.transform, affine, half-pixel  Image.resize
//          bicubic a        -1                                   -0.5
//          borders          nearest sample repeated              kernel cut off, weights scaled to sum 1
//   torch  the call         interpolate(align_corners=False)     the same with antialias=True
//          bicubic a        -0.75                                -0.5
//          borders          nearest sample repeated              kernel cut off, weights scaled to sum 1
// Antialiasing widens the kernel by the factor of shrinking; when a picture grows it changes only a and the borders.
import { InputError } from '../base/errors';
import type { VoxelArray } from '../volume/volume';

/**
 * How samples between the given ones are made. The names are the libraries' own: torch's 'nearest' takes sample
 * floor(i * from / to), PIL's the one whose area holds the centre of the new pixel, which torch calls 'nearest-exact'.
 */
export type Kernel = 'nearest' | 'nearest-exact' | 'bilinear' | 'bicubic';
/** Whose definition of the kernel, the borders and the rounding. */
export type Convention = 'pil' | 'torch';

/** Everything that decides the numbers of a resizing, apart from the two sizes. */
export interface Interpolation {
  kernel: Kernel;
  convention: Convention;
  /** Average over all samples below a new pixel when shrinking. PIL's `resize` always does, torch only when asked. */
  antialias: boolean;
}

/**
 * A matrix of to x from that interpolates along one axis, stored as a band: row i is non-zero only at
 * starts[i] .. starts[i] + taps - 1, with the weights weights[i * taps ..].
 */
export interface AxisMatrix {
  from: number;
  to: number;
  taps: number;
  starts: Int32Array;
  weights: Float64Array;
}

/** The non-zero part of one row. */
interface Row {
  start: number;
  weights: number[];
}

/**
 * The matrix that resizes one axis.
 * @param from  samples that are there
 * @param to    samples that are wanted
 * @throws InputError for sizes that are no positive whole numbers, and for a combination that the library does not have
 */
export function axisMatrix(from: number, to: number, interpolation: Interpolation): AxisMatrix {
  for (const size of [from, to]) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new InputError({
        what: 'cannot resize',
        given: `${from} to ${to} samples`,
        expected: 'two whole numbers of at least 1',
        fix: 'give the sizes in samples',
      });
    }
  }
  return banded(from, to, rowMaker(from, to, interpolation));
}

/** The kernel that an interpolation puts around a point, when the picture grows. */
export type Shape = { name: 'box' } | { name: 'triangle' } | { name: 'cubic'; a: number };

/** The kernel's shape, with the parameter of the cubic one as the library and the call have it. */
export function shapeOf({ kernel, convention, antialias }: Interpolation): Shape {
  if (kernel === 'bilinear') return { name: 'triangle' };
  if (kernel !== 'bicubic') return { name: 'box' };
  return { name: 'cubic', a: antialias ? -0.5 : convention === 'pil' ? -1 : -0.75 };
}

/** What makes row i, by kernel, convention and antialiasing. */
function rowMaker(
  from: number,
  to: number,
  { kernel, convention, antialias }: Interpolation,
): (i: number) => Row {
  const pil = convention === 'pil';
  if (kernel === 'nearest' || kernel === 'nearest-exact') {
    if (antialias)
      refuse(`${kernel} with antialiasing`, `${convention} takes one sample`, 'leave antialias off');
    if (pil && kernel === 'nearest-exact')
      refuse(
        'nearest-exact in the convention of pil',
        'that name is of torch',
        'use nearest: it is the same rule',
      );
    const picked = pil
      ? nearestOfPil(from, to)
      : nearestOfTorch(from, to, kernel === 'nearest-exact' ? 0.5 : 0);
    return (i) => ({ start: picked[i], weights: [1] });
  }
  const scale = from / to;
  const form = shapeOf({ kernel, convention, antialias });
  const [reach, shape] = form.name === 'cubic' ? [2, (x: number) => cubic(x, form.a)] : [1, triangle];
  return antialias
    ? (i) => averagingRow(from, (i + 0.5) * scale, Math.max(scale, 1), reach, shape)
    : (i) => pointRow(from, (i + 0.5) * scale - 0.5, reach, shape);
}

/** Linear interpolation as a kernel. */
function triangle(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

/** Keys 1981: cubic convolution; 1 at 0, 0 at every other whole number, whatever a is. */
function cubic(x: number, a: number): number {
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** The kernel around a point, in coordinates of sample centres; samples beyond a border are the border's sample. */
function pointRow(from: number, at: number, reach: number, shape: (x: number) => number): Row {
  const first = Math.floor(at) - reach + 1;
  const inside = (k: number): number => Math.min(Math.max(k, 0), from - 1);
  const start = inside(first);
  const weights = new Array<number>(inside(first + 2 * reach - 1) - start + 1).fill(0);
  for (let k = first; k < first + 2 * reach; k++) weights[inside(k) - start] += shape(at - k);
  return { start, weights };
}

/** The kernel widened by `stretch` around a centre, in coordinates of sample edges; cut off at borders, sum 1. */
function averagingRow(
  from: number,
  centre: number,
  stretch: number,
  reach: number,
  shape: (x: number) => number,
): Row {
  const start = Math.max(Math.trunc(centre - reach * stretch + 0.5), 0);
  const end = Math.min(Math.trunc(centre + reach * stretch + 0.5), from);
  const weights: number[] = [];
  let sum = 0;
  for (let k = start; k < end; k++) {
    const weight = shape((k - centre + 0.5) / stretch);
    weights.push(weight);
    sum += weight;
  }
  return { start, weights: weights.map((w) => w / sum) };
}

/** PIL steps from centre to centre by adding, so a centre that falls on an edge is decided by the sum's rounding. */
function nearestOfPil(from: number, to: number): number[] {
  const step = from / to;
  let at = step / 2;
  return Array.from({ length: to }, () => {
    const sample = Math.floor(at);
    at += step;
    return Math.min(sample, from - 1);
  });
}

/**
 * torch multiplies in single precision, which decides where a centre falls on an edge. On such ties its own answer to
 * 'nearest-exact' depends on the tensor's shape and type (code paths differ); off ties there is one answer.
 */
function nearestOfTorch(from: number, to: number, offset: number): number[] {
  const step = Math.fround(Math.fround(from) / Math.fround(to));
  return Array.from({ length: to }, (_, i) =>
    Math.min(Math.floor(Math.fround(Math.fround(i + offset) * step)), from - 1),
  );
}

function refuse(given: string, why: string, fix: string): never {
  throw new InputError({ what: 'cannot resize', given, expected: `a way the library has (${why})`, fix });
}

/** Rows of differing lengths as one band. Zeros at the ends of a row are dropped: an identity has one tap. */
function banded(from: number, to: number, rowOf: (i: number) => Row): AxisMatrix {
  const rows = Array.from({ length: to }, (_, i) => trimmed(rowOf(i)));
  const taps = rows.reduce((most, row) => Math.max(most, row.weights.length), 1);
  const starts = new Int32Array(to);
  const weights = new Float64Array(to * taps);
  rows.forEach((row, i) => {
    starts[i] = Math.min(row.start, from - taps);
    weights.set(row.weights, i * taps + row.start - starts[i]);
  });
  return { from, to, taps, starts, weights };
}

function trimmed({ start, weights }: Row): Row {
  let first = 0;
  let end = weights.length;
  while (first < end && weights[first] === 0) first++;
  while (end > first && weights[end - 1] === 0) end--;
  return first === end
    ? { start: 0, weights: [] }
    : { start: start + first, weights: weights.slice(first, end) };
}

/** The transpose: from x to, as a band again. It carries gradients of the new samples back to the old ones. */
export function transposed({ from, to, taps, starts, weights }: AxisMatrix): AxisMatrix {
  const rows = Array.from({ length: from }, (): Row => ({ start: 0, weights: [] }));
  for (let i = 0; i < to; i++) {
    for (let t = 0; t < taps; t++) {
      const weight = weights[i * taps + t];
      if (weight === 0) continue;
      const row = rows[starts[i] + t];
      if (row.weights.length === 0) row.start = i;
      while (row.start + row.weights.length < i) row.weights.push(0);
      row.weights.push(weight);
    }
  }
  return banded(to, from, (k) => rows[k]);
}

// What the passes hand on. Kept between calls, so that a call with `into` allocates nothing once it has grown.
let source = new Float32Array(0);
let widened = new Float32Array(0);
let sums = new Float64Array(0);

/**
 * Resize a picture: along its rows first, then along its columns.
 * @param pixels   row by row, columns.from x rows.from; finite (taken as float32)
 * @param columns  the matrix along a row: width to new width
 * @param rows     the matrix along a column: height to new height
 * @param into     receives the result, row by row, columns.to x rows.to; made when left out
 * @throws InputError when a length does not fit
 */
export function resize(
  pixels: VoxelArray,
  columns: AxisMatrix,
  rows: AxisMatrix,
  into: Float32Array = new Float32Array(columns.to * rows.to),
): Float32Array {
  checkLength('the picture', pixels.length, columns.from, rows.from);
  checkLength('the buffer', into.length, columns.to, rows.to);
  if (widened.length < rows.from * columns.to) widened = new Float32Array(rows.from * columns.to);
  alongRows(asFloat32(pixels), columns, rows.from, widened);
  alongColumns(widened, rows, columns.to, into);
  return into;
}

/**
 * The adjoint of `resize` with the same two matrices: <resize(x), y> = <x, resizeAdjoint(y)>. What a gradient with
 * respect to the resized picture is for the picture itself.
 * @param pixels  row by row, columns.to x rows.to
 * @param into    receives the result, columns.from x rows.from; made when left out
 */
export function resizeAdjoint(
  pixels: VoxelArray,
  columns: AxisMatrix,
  rows: AxisMatrix,
  into?: Float32Array,
): Float32Array {
  return resize(pixels, transposed(columns), transposed(rows), into);
}

/** One type in the inner loops keeps them fast. */
function asFloat32(pixels: VoxelArray): Float32Array {
  if (pixels instanceof Float32Array) return pixels;
  if (source.length < pixels.length) source = new Float32Array(pixels.length);
  source.set(pixels);
  return source;
}

function alongRows(pixels: Float32Array, matrix: AxisMatrix, height: number, out: Float32Array): void {
  const { from, to, taps, starts, weights } = matrix;
  for (let row = 0, o = 0; row < height; row++) {
    const base = row * from;
    if (taps === 1) {
      for (let i = 0; i < to; i++, o++) out[o] = weights[i] * pixels[base + starts[i]];
    } else if (taps === 2) {
      for (let i = 0, w = 0; i < to; i++, o++, w += 2) {
        const p = base + starts[i];
        out[o] = weights[w] * pixels[p] + weights[w + 1] * pixels[p + 1];
      }
    } else if (taps === 4) {
      for (let i = 0, w = 0; i < to; i++, o++, w += 4) {
        const p = base + starts[i];
        out[o] =
          weights[w] * pixels[p] +
          weights[w + 1] * pixels[p + 1] +
          weights[w + 2] * pixels[p + 2] +
          weights[w + 3] * pixels[p + 3];
      }
    } else {
      for (let i = 0, w = 0; i < to; i++, o++) {
        let sum = 0;
        for (let p = base + starts[i], end = p + taps; p < end; p++, w++) sum += weights[w] * pixels[p];
        out[o] = sum;
      }
    }
  }
}

/** Whole rows at a time, so that memory is read in order. */
function alongColumns(pixels: Float32Array, matrix: AxisMatrix, width: number, out: Float32Array): void {
  const { to, taps, starts, weights } = matrix;
  if (taps === 4) return fourTapsAlongColumns(pixels, matrix, width, out);
  if (sums.length < width) sums = new Float64Array(width);
  for (let i = 0, o = 0; i < to; i++) {
    const p = starts[i] * width;
    const w = i * taps;
    if (taps === 1) {
      const a = weights[w];
      for (let k = p, end = p + width; k < end; k++, o++) out[o] = a * pixels[k];
      continue;
    }
    if (taps === 2) {
      const a = weights[w];
      const b = weights[w + 1];
      for (let k = p, end = p + width; k < end; k++, o++) out[o] = a * pixels[k] + b * pixels[k + width];
      continue;
    }
    sums.fill(0, 0, width);
    for (let t = 0; t < taps; t++) {
      const a = weights[w + t];
      for (let x = 0, k = p + t * width; x < width; x++, k++) sums[x] += a * pixels[k];
    }
    for (let x = 0; x < width; x++, o++) out[o] = sums[x];
  }
}

/** Bicubic: two new rows between the same old ones are made together, since loading samples is what takes time. */
function fourTapsAlongColumns(
  pixels: Float32Array,
  { to, starts, weights }: AxisMatrix,
  width: number,
  out: Float32Array,
): void {
  for (let i = 0; i < to;) {
    const pair = i + 1 < to && starts[i + 1] === starts[i];
    const w = 4 * i;
    const a = weights[w];
    const b = weights[w + 1];
    const c = weights[w + 2];
    const d = weights[w + 3];
    let k = starts[i] * width;
    let o = i * width;
    const end = k + width;
    if (pair) {
      const a2 = weights[w + 4];
      const b2 = weights[w + 5];
      const c2 = weights[w + 6];
      const d2 = weights[w + 7];
      for (; k < end; k++, o++) {
        const p = pixels[k];
        const q = pixels[k + width];
        const r = pixels[k + 2 * width];
        const s = pixels[k + 3 * width];
        out[o] = a * p + b * q + c * r + d * s;
        out[o + width] = a2 * p + b2 * q + c2 * r + d2 * s;
      }
    } else {
      for (; k < end; k++, o++) {
        out[o] =
          a * pixels[k] + b * pixels[k + width] + c * pixels[k + 2 * width] + d * pixels[k + 3 * width];
      }
    }
    i += pair ? 2 : 1;
  }
}

function checkLength(what: string, given: number, width: number, height: number): void {
  if (given === width * height) return;
  throw new InputError({
    what: `cannot resize ${what}`,
    given: `${given} samples`,
    expected: `${width} x ${height} = ${width * height}, as the two matrices say`,
    fix: 'make the matrices for this size, or pass the picture they were made for',
  });
}
