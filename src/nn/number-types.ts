// The number types of tensor files, and how their bytes become float32.
import os from 'node:os';
import { formatBytes } from '../base/progress';
import type { WrongIn } from '../volume/file-errors';

/** Bytes of one number, by the names that safetensors gives. */
export const numberTypes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
  C64: 8,
} as const;

export type NumberType = keyof typeof numberTypes;

export const isNumberType = (name: string): name is NumberType => Object.hasOwn(numberTypes, name);

/**
 * How many values a shape holds.
 * @returns undefined when it is no shape, or when the product of its lengths is above 2^53 - 1
 */
export function countOf(shape: readonly number[]): number | undefined {
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0)) return undefined;
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const length of shape) {
    count *= length;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Bytes of another machine's order turned in place into this machine's, and the other way round. */
export function inOrder(bytes: Uint8Array, width: number, order: 'LE' | 'BE'): Uint8Array {
  if (width === 1 || order === os.endianness()) return bytes;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return width === 2 ? buffer.swap16() : width === 4 ? buffer.swap32() : buffer.swap64();
}

/** The bytes of float32 values, or bytes as they are, little-endian. */
export function littleEndian(data: Float32Array | Uint8Array): Uint8Array {
  if (data instanceof Uint8Array) return data;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return os.endianness() === 'LE' ? bytes : inOrder(bytes.slice(), 4, 'LE');
}

/** Bytes to read into. @throws InputError when there is no memory for them */
export function roomFor(length: number, what: string, wrong: WrongIn): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (error) {
    throw wrong(
      `${what} of ${formatBytes(length)}`,
      'what fits into memory',
      'use a machine with more memory, if the size is right',
      error,
    );
  }
}

/**
 * Numbers of any type as float32. Halves and bfloat16 are exact and doubles are rounded; true is 1.
 * @param bytes  in this machine's order, beginning where 8 divides the place in its buffer; may be handed on as the result
 * @param what   the tensor, for messages
 * @throws InputError for complex numbers and floats of eight bits, for an integer that float32 cannot hold (beyond 2^24),
 *   and for a double beyond its range
 */
export function toFloat32(type: NumberType, bytes: Uint8Array, what: string, wrong: WrongIn): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  const count = byteLength / numberTypes[type];
  switch (type) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, count);
    case 'BOOL':
    case 'U8':
      return new Float32Array(bytes);
    case 'I8':
      return new Float32Array(new Int8Array(buffer, byteOffset, count));
    case 'U16':
      return new Float32Array(new Uint16Array(buffer, byteOffset, count));
    case 'I16':
      return new Float32Array(new Int16Array(buffer, byteOffset, count));
    case 'F16': {
      halves ??= everyHalf();
      return new Float32Array(new Uint16Array(buffer, byteOffset, count)).map((bits) => halves![bits]);
    }
    case 'BF16': {
      // A bfloat16 is the upper half of a float32.
      const upper = new Uint32Array(new Uint16Array(buffer, byteOffset, count));
      for (let i = 0; i < count; i++) upper[i] <<= 16;
      return new Float32Array(upper.buffer);
    }
    case 'F64':
      return rounded(new Float64Array(buffer, byteOffset, count), what, wrong);
    case 'I32':
      return exact(new Int32Array(buffer, byteOffset, count), what, wrong);
    case 'U32':
      return exact(new Uint32Array(buffer, byteOffset, count), what, wrong);
    case 'I64':
      return exact(new BigInt64Array(buffer, byteOffset, count), what, wrong);
    case 'U64':
      return exact(new BigUint64Array(buffer, byteOffset, count), what, wrong);
    case 'C64':
    case 'F8_E4M3':
    case 'F8_E5M2':
      throw wrong(
        `${what} of type ${type}`,
        'numbers that float32 holds',
        'convert it in the program that wrote the file',
      );
  }
}

let halves: Float32Array | undefined;

/** The value of each of the 65,536 patterns of an IEEE half. */
function everyHalf(): Float32Array {
  return Float32Array.from({ length: 65536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = (bits & 1023) / 1024;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
  });
}

function rounded(values: Float64Array, what: string, wrong: WrongIn): Float32Array {
  const result = new Float32Array(values);
  const at = result.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(values[i]));
  if (at < 0) return result;
  throw wrong(
    `${what} with the double ${values[at]}`,
    'values within 3.4e38, the range of float32',
    'look at these weights: they have probably diverged',
  );
}

function exact(
  values: Int32Array | Uint32Array | BigInt64Array | BigUint64Array,
  what: string,
  wrong: WrongIn,
): Float32Array {
  const result = Float32Array.from({ length: values.length }, (_, i) => Number(values[i]));
  const at = result.findIndex((value, i) => BigInt(value) !== BigInt(values[i]));
  if (at < 0) return result;
  throw wrong(
    `${what} with the integer ${values[at]}`,
    'integers that float32 holds exactly (all up to 16,777,216)',
    'convert it in the program that wrote the file',
  );
}
