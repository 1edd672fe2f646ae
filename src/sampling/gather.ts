// Gathering a plane out of memory: the one way in which this project takes the samples of a plane.
//
// Whatever the order in memory, a plane is made of tiles in which neighbours along a row lie one constant step apart,
// and neighbours along a column another. A plane in file order is one such tile; in bricks it is one tile a brick. Which
// loop copies them (tiles.ts) depends on the length of the runs that the rows are made of.
import { InputError } from '../base/errors';
import type { VoxelArray } from '../volume/volume';
import type { PlanePlaces } from './order';
import { lengthOf } from './order';
import type { Words } from './tiles';
import { copyLongRuns, copyRuns, copyStrided } from './tiles';

/** The same memory, as words of the size of its samples. */
export function wordsOf({ buffer, byteOffset, length, BYTES_PER_ELEMENT: bytes }: VoxelArray): Words {
  if (bytes === 1) return new Int8Array(buffer, byteOffset, length);
  if (bytes === 2) return new Int16Array(buffer, byteOffset, length);
  if (bytes === 4) return new Int32Array(buffer, byteOffset, length);
  return new Float64Array(buffer, byteOffset, length);
}

type MakeArray<T> = new (of: number | ArrayBufferLike, offset?: number, length?: number) => T;

/** A new array of zeros of the same type; on a SharedArrayBuffer when `shared`. */
export function arrayLike<T extends VoxelArray>(like: T, length: number, shared = false): T {
  const make = like.constructor as MakeArray<T>;
  return new make(shared ? new SharedArrayBuffer(length * like.BYTES_PER_ELEMENT) : length);
}

/**
 * Large blocks of glibc begin 16 bytes after a page, so from here on bricks begin with a cache line and few of their runs lie in
 * two. Elsewhere this costs nothing but these bytes.
 */
const lead = 48;

/** The same, beginning with a cache line where the C library is glibc. */
export function alignedLike<T extends VoxelArray>(like: T, length: number, shared = false): T {
  const bytes = lead + length * like.BYTES_PER_ELEMENT;
  const make = like.constructor as MakeArray<T>;
  return new make(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes), lead, length);
}

/** @throws InputError unless `into` has the type of `data` and one element for each pixel of the plane */
export function checkBuffer(
  data: VoxelArray,
  into: VoxelArray,
  { name, columns, rows }: { name: string; columns: { count: number }; rows: { count: number } },
): void {
  if (into.length === columns.count * rows.count && into.constructor === data.constructor) return;
  throw new InputError({
    what: `cannot read the ${name} plane`,
    given: `a ${into.constructor.name} of ${into.length}`,
    expected: `a ${data.constructor.name} of ${columns.count} x ${rows.count}`,
    fix: 'pass a buffer of that type and length, or none',
  });
}

/** Runs of this many bytes are copied whole by the runtime, shorter ones word by word. */
const longRun = 256;

/**
 * Copy a plane into a buffer, row by row of the picture. No bit of a sample is changed.
 * @param data    samples in memory
 * @param start   where the plane starts in `data`
 * @param places  where its samples lie from there
 * @param into    receives the samples; of the same type, one element a pixel (`checkBuffer`)
 */
export function gather(data: VoxelArray, start: number, places: PlanePlaces, into: VoxelArray): void {
  const { columns, rows } = places;
  const bytes = data.BYTES_PER_ELEMENT;
  const [first] = columns.stretches;
  if (columns.step !== 1) {
    copyStrided(wordsOf(data), wordsOf(into), start, places, lengthOf(columns));
  } else if (columns.stretches.length === 1 && rows.stretches.length === 1 && rows.step === first.count) {
    const from = start + first.offset + rows.stretches[0].offset;
    into.set(data.subarray(from, from + into.length));
  } else if (first.count * bytes >= longRun) {
    // Whole numbers are touched faster than doubles: two to a double.
    const scale = bytes === 8 ? 2 : 1;
    const words = scale === 2 ? int32Of : wordsOf;
    copyLongRuns(words(data), words(into), start, places, lengthOf(columns), scale);
  } else {
    const width = lengthOf(columns);
    const packed = fitsWords(data, into, start, places, width);
    const words = packed ? float64Of : wordsOf;
    copyRuns(words(data), words(into), start, places, width, packed ? Math.log2(8 / bytes) : 0);
  }
}

const int32Of = ({ buffer, byteOffset, byteLength }: VoxelArray): Int32Array =>
  new Int32Array(buffer, byteOffset, byteLength / 4);
const float64Of = ({ buffer, byteOffset, byteLength }: VoxelArray): Float64Array =>
  new Float64Array(buffer, byteOffset, Math.floor(byteLength / 8));

/** Whether every run begins and ends with a word of 8 bytes, in memory and in the buffer. */
function fitsWords(
  data: VoxelArray,
  into: VoxelArray,
  start: number,
  { columns, rows }: PlanePlaces,
  width: number,
): boolean {
  let bits = start | rows.step | width;
  for (const { first, count, offset } of columns.stretches) bits |= first | count | offset;
  for (const { offset } of rows.stretches) bits |= offset;
  return (data.byteOffset | into.byteOffset) % 8 === 0 && (bits * data.BYTES_PER_ELEMENT) % 8 === 0;
}
