// Copying tiles: the loops in which nearly all time of a gather is spent.
//
// What limits them is not arithmetic but how many cache lines can be on their way from memory at a time. A processor looks
// some 300 instructions ahead, so the loops are unrolled (fewer instructions a line), address arithmetic is cut to 32 bits
// (`| 0` saves the check for overflow), and long runs are touched before they are copied.
import type { PlanePlaces } from './order';

/** Samples as whole numbers (8 bytes as doubles), so that copying keeps every bit of a NaN. */
export type Words = Int8Array | Int16Array | Int32Array | Float64Array;

/** What was read ahead, folded together: a loop without a result might be left out by the compiler. */
const touched = new Int32Array(1);

/** Copy sample by sample, rows in the order of memory: a quarter faster on sagittal planes than the order of the picture. */
export function copyStrided(
  data: Words,
  into: Words,
  start: number,
  places: PlanePlaces,
  width: number,
): void {
  const { step: rowStep } = places.rows;
  const s1 = places.columns.step;
  const s2 = 2 * s1;
  const s3 = 3 * s1;
  const s4 = 4 * s1;
  const s5 = 5 * s1;
  const s6 = 6 * s1;
  const s7 = 7 * s1;
  const s8 = 8 * s1;
  const backwards = rowStep < 0;
  const fromStep = backwards ? -rowStep : rowStep;
  const toStep = backwards ? -width : width;
  for (const rows of places.rows.stretches) {
    let from = start + rows.offset + (backwards ? (rows.count - 1) * rowStep : 0);
    let to = (rows.first + (backwards ? rows.count - 1 : 0)) * width;
    for (let r = 0; r < rows.count; r++, from += fromStep, to += toStep) {
      for (const columns of places.columns.stretches) {
        let f = (from + columns.offset) | 0;
        let t = (to + columns.first) | 0;
        const end = (t + columns.count) | 0;
        for (; ((t + 7) | 0) < end; f = (f + s8) | 0, t = (t + 8) | 0) {
          // All loads stand before all stores, so that their cache lines are fetched together.
          const a = data[f];
          const b = data[(f + s1) | 0];
          const c = data[(f + s2) | 0];
          const d = data[(f + s3) | 0];
          const e = data[(f + s4) | 0];
          const g = data[(f + s5) | 0];
          const h = data[(f + s6) | 0];
          const i = data[(f + s7) | 0];
          into[t] = a;
          into[(t + 1) | 0] = b;
          into[(t + 2) | 0] = c;
          into[(t + 3) | 0] = d;
          into[(t + 4) | 0] = e;
          into[(t + 5) | 0] = g;
          into[(t + 6) | 0] = h;
          into[(t + 7) | 0] = i;
        }
        for (; t < end; f = (f + s1) | 0, t = (t + 1) | 0) into[t] = data[f];
      }
    }
  }
}

/**
 * Copy tiles whose rows are short runs: neighbours in the picture are neighbours in memory.
 * @param shift    log2 of the samples in a word of `data` and `into`; every place is a multiple of a word
 */
export function copyRuns(
  data: Words,
  into: Words,
  start: number,
  places: PlanePlaces,
  width: number,
  shift: number,
): void {
  const rowStep = places.rows.step >> shift;
  const toStep = width >> shift;
  for (const rows of places.rows.stretches) {
    for (let r = 0; r < rows.count; r++) {
      const from = ((start + rows.offset) >> shift) + r * rowStep;
      const to = ((rows.first * width) >> shift) + r * toStep;
      // Across the bricks before down in each: the rows of many bricks are on their way together.
      for (const columns of places.columns.stretches) {
        let f = (from + (columns.offset >> shift)) | 0;
        let t = (to + (columns.first >> shift)) | 0;
        const end = (t + (columns.count >> shift)) | 0;
        for (; ((t + 3) | 0) < end; f = (f + 4) | 0, t = (t + 4) | 0) {
          const a = data[f];
          const b = data[(f + 1) | 0];
          const c = data[(f + 2) | 0];
          const d = data[(f + 3) | 0];
          into[t] = a;
          into[(t + 1) | 0] = b;
          into[(t + 2) | 0] = c;
          into[(t + 3) | 0] = d;
        }
        for (; t < end; f = (f + 1) | 0, t = (t + 1) | 0) into[t] = data[f];
      }
    }
  }
}

const lineBytes = 64;

/** Rows touched before they are copied: enough lines on their way at a time, few enough to stay in the first caches. */
const rowsTouched = 32;

/**
 * Copy tiles whose rows are long runs. Copying a run at a time would wait for memory at each of them, so one word of each
 * line of many runs is read first.
 * @param scale  words in a sample
 */
export function copyLongRuns(
  data: Words,
  into: Words,
  start: number,
  places: PlanePlaces,
  width: number,
  scale: number,
): void {
  const { buffer, byteOffset, BYTES_PER_ELEMENT: bytes } = data;
  const View = data.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => Words;
  const rowStep = scale * places.rows.step;
  for (const rows of places.rows.stretches) {
    for (const columns of places.columns.stretches) {
      const from = scale * (start + rows.offset + columns.offset);
      const to = scale * (rows.first * width + columns.first);
      const count = scale * columns.count;
      for (let first = 0; first < rows.count; first += rowsTouched) {
        const last = Math.min(first + rowsTouched, rows.count);
        for (let r = first; r < last; r++) touchRun(data, from + r * rowStep, count, lineBytes / bytes);
        for (let r = first; r < last; r++)
          into.set(
            new View(buffer, byteOffset + bytes * (from + r * rowStep), count),
            to + scale * r * width,
          );
      }
    }
  }
}

/** Read one word of each cache line of a run of `count` words. */
function touchRun(data: Words, from: number, count: number, line: number): void {
  let x = 0;
  let f = from | 0;
  const end = (from + count) | 0;
  const l2 = 2 * line;
  const l3 = 3 * line;
  const l4 = 4 * line;
  for (; ((f + l3) | 0) < end; f = (f + l4) | 0)
    x ^= data[f] ^ data[(f + line) | 0] ^ data[(f + l2) | 0] ^ data[(f + l3) | 0];
  for (; f < end; f = (f + line) | 0) x ^= data[f];
  touched[0] ^= x ^ data[(end - 1) | 0];
}
