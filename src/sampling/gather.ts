// Gathering a plane out of memory: the one way in which this project takes the samples of a plane.
//
// Whatever the order in memory, a plane is made of tiles in which neighbours along a row lie one constant step apart,
// and neighbours along a column another. A plane in file order is one such tile; in bricks it is one tile a brick.
import { InputError } from '../base/errors';
import type { VoxelArray } from '../volume/volume';
import type { PlanePlaces } from './order';
import { lengthOf } from './order';

/** Samples as whole numbers (8-byte samples as doubles), so that copying keeps every bit of a NaN. */
type Words = Int8Array | Int16Array | Int32Array | Float64Array;

/** The same memory, as words of the size of its samples. */
export function wordsOf({ buffer, byteOffset, length, BYTES_PER_ELEMENT: bytes }: VoxelArray): Words {
  if (bytes === 1) return new Int8Array(buffer, byteOffset, length);
  if (bytes === 2) return new Int16Array(buffer, byteOffset, length);
  if (bytes === 4) return new Int32Array(buffer, byteOffset, length);
  return new Float64Array(buffer, byteOffset, length);
}

/** A new array of zeros of the same type; on a SharedArrayBuffer when `shared`. */
export function arrayLike<T extends VoxelArray>(like: T, length: number, shared = false): T {
  const make = like.constructor as new (of: number | SharedArrayBuffer) => T;
  return new make(shared ? new SharedArrayBuffer(length * like.BYTES_PER_ELEMENT) : length);
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

/**
 * Copy a plane into a buffer, row by row of the picture. No bit of a sample is changed.
 * @param data    samples in memory
 * @param start   where the plane starts in `data`
 * @param places  where its samples lie from there
 * @param into    receives the samples; of the same type, one element a pixel (`checkBuffer`)
 */
export function gather(
  data: VoxelArray,
  start: number,
  { columns, rows }: PlanePlaces,
  into: VoxelArray,
): void {
  const width = lengthOf(columns);
  const from = wordsOf(data);
  const to = wordsOf(into);
  for (const r of rows.stretches) {
    for (const c of columns.stretches) {
      const at = start + r.offset + c.offset;
      copyTile(from, at, columns.step, rows.step, to, r.first * width + c.first, width, c.count, r.count);
    }
  }
}

function copyTile(
  from: Words,
  at: number,
  columnStep: number,
  rowStep: number,
  to: Words,
  first: number,
  width: number,
  columns: number,
  rows: number,
): void {
  for (let r = 0; r < rows; r++) {
    const source = at + r * rowStep;
    const target = first + r * width;
    for (let c = 0; c < columns; c++) to[target + c] = from[source + c * columnStep];
  }
}
