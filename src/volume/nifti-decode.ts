// From stored bytes to numbers: byte order, 64- and 128-bit types, slope and intercept.
import os from 'node:os';
import type { NiftiHeader } from './nifti-header';
import type { VoxelArray } from './volume';

const hostIsLittleEndian = os.endianness() === 'LE';

/**
 * Turn the voxel bytes of a file into numbers. Where neither byte order nor scaling asks for a change, the result is
 * a view of `bytes`, not a copy; where the byte order differs, `bytes` is turned round in place.
 *
 * The rules are nibabel's: unscaled values keep their type, scaled ones are float64 (`value = stored * slope +
 * inter`). 64-bit integers and 128-bit floats become float64; `notes` says how many did not fit exactly.
 * @returns numbers in file order; complex and colour voxels have their components side by side
 */
export function decodeVoxels(bytes: Uint8Array, header: NiftiHeader, notes: string[]): VoxelArray {
  const { type, littleEndian } = header;
  if (type.bytes === 16) return scale(decodeFloat128(bytes, littleEndian, notes), header);
  if (littleEndian !== hostIsLittleEndian) swapBytes(bytes, type.bytes);
  const aligned = bytes.byteOffset % type.bytes === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset } = aligned;
  const count = aligned.byteLength / type.bytes;
  switch (`${type.number}${8 * type.bytes}`) {
    case 'uint8':
      return scale(new Uint8Array(buffer, byteOffset, count), header);
    case 'int8':
      return scale(new Int8Array(buffer, byteOffset, count), header);
    case 'uint16':
      return scale(new Uint16Array(buffer, byteOffset, count), header);
    case 'int16':
      return scale(new Int16Array(buffer, byteOffset, count), header);
    case 'uint32':
      return scale(new Uint32Array(buffer, byteOffset, count), header);
    case 'int32':
      return scale(new Int32Array(buffer, byteOffset, count), header);
    case 'float32':
      return scale(new Float32Array(buffer, byteOffset, count), header);
    case 'float64':
      return scale(new Float64Array(buffer, byteOffset, count), header);
    case 'uint64':
      return scale(fromInt64(aligned, false, notes), header);
    case 'int64':
      return scale(fromInt64(aligned, true, notes), header);
  }
  throw new Error(`no decoder for ${type.name}`);
}

/** Scale in nibabel's order of steps, so that the last bit is the same: a 0 is not added (-0 stays -0). */
function scale(stored: VoxelArray, { scaling, type }: NiftiHeader): VoxelArray {
  if (!scaling) return stored;
  const { slope, inter } = scaling;
  const values = new Float64Array(stored.length);
  for (let i = 0; i < stored.length; i++) values[i] = stored[i] * slope;
  if (inter === 0) return values;
  // The intercept of a complex image is a real number.
  const step = type.components === 2 ? 2 : 1;
  for (let i = 0; i < stored.length; i += step) values[i] += inter;
  return values;
}

function swapBytes(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

/** 64-bit integers to float64, each in the eight bytes of the integer it replaces. */
function fromInt64(bytes: Uint8Array, signed: boolean, notes: string[]): Float64Array {
  const { buffer, byteOffset, byteLength } = bytes;
  const count = byteLength / 8;
  const values = new Float64Array(buffer, byteOffset, count);
  const halves = new Uint32Array(buffer, byteOffset, 2 * count);
  const [lowAt, highAt] = hostIsLittleEndian ? [0, 1] : [1, 0];
  let inexact = 0;
  for (let i = 0; i < count; i++) {
    const low = halves[2 * i + lowAt];
    const high = signed ? halves[2 * i + highAt] | 0 : halves[2 * i + highAt];
    // Both terms are exact, so the sum is rounded once.
    const value = high * 2 ** 32 + low;
    if (!Number.isSafeInteger(value) && BigInt(value) !== BigInt(high) * 2n ** 32n + BigInt(low)) inexact++;
    values[i] = value;
  }
  if (inexact > 0) notes.push(`${inexact} values have more than 53 bits and were rounded to float64`);
  return values;
}

/**
 * IEEE 754 binary128 to float64. Some old writers on x86 stored the 80-bit `long double` in this type; the bytes do not
 * tell, so the standard's meaning is taken. (nibabel refuses the type on x86.)
 */
function decodeFloat128(bytes: Uint8Array, littleEndian: boolean, notes: string[]): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(bytes.byteLength / 16);
  let inexact = 0;
  for (let i = 0; i < values.length; i++) {
    const high = view.getBigUint64(16 * i + (littleEndian ? 8 : 0), littleEndian);
    const low = view.getBigUint64(16 * i + (littleEndian ? 0 : 8), littleEndian);
    const exponent = Number((high >> 48n) & 0x7fffn);
    const fraction = ((high & 0xffffffffffffn) << 64n) | low;
    const sign = high >> 63n ? -1 : 1;
    if (exponent === 0x7fff) {
      values[i] = fraction === 0n ? sign * Infinity : NaN;
      continue;
    }
    const significand = exponent === 0 ? fraction : fraction | (1n << 112n);
    values[i] = sign * timesPowerOfTwo(significand, Math.max(exponent, 1) - 16383 - 112);
    // 112 - 52 bits beyond a float64's, or a magnitude outside its range.
    const fits = exponent === 0 ? fraction === 0n : exponent > 15360 && exponent < 17407;
    if (!fits || (fraction & ((1n << 60n) - 1n)) !== 0n) inexact++;
  }
  if (inexact > 0) notes.push(`${inexact} float128 values were rounded to float64`);
  return values;
}

/** A whole number below 2^113 times a power of two, rounded once. */
function timesPowerOfTwo(significand: bigint, power: number): number {
  if (power < -1300) return 0;
  // Subnormal results must be rounded once: drop bits (keeping a sticky one) before the number becomes a float64.
  const drop = -1074 - power;
  if (drop > 0) {
    const shift = BigInt(drop);
    const kept = significand >> shift;
    const rest = significand & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    const up = rest > half || (rest === half && (kept & 1n) === 1n);
    if (kept < 1n << 53n) return Number(kept + (up ? 1n : 0n)) * 2 ** -1074;
  }
  // Two steps, because 2^power alone may be out of range while the product is not.
  const half = Math.trunc(power / 2);
  return Number(significand) * 2 ** half * 2 ** (power - half);
}
