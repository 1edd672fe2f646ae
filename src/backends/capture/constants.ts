// Values that a step makes on the host, as nodes of the graph.
import type { Values } from './binding';
import type { Attribute, DataType } from './graph';

const isNumbers = (values: Values): values is Float32Array | Int32Array | Uint8Array =>
  !Array.isArray(values) && !(values instanceof DataView);

/** A constant as an attribute; undefined where the type has no place in a graph of ours (strings, complex numbers). */
export function constantOf(
  values: Values,
  shape: readonly number[],
  dtype: number,
): (Attribute & { kind: 'tensor' }) | undefined {
  if (!isNumbers(values)) return undefined;
  const numbers =
    dtype === 1
      ? Float32Array.from(values)
      : dtype === 3
        ? Int32Array.from(values)
        : dtype === 10
          ? Uint8Array.from(values)
          : dtype === 9
            ? Int32Array.from(values)
            : undefined;
  if (!numbers) return undefined;
  // A copy: the caller may write into its own array later.
  return {
    kind: 'tensor',
    dtype: dtype as DataType,
    shape: [...shape],
    bytes: new Uint8Array(numbers.buffer),
  };
}

/** The numbers of a constant, for messages and for shape rules. */
export function numbersOf({ dtype, bytes }: { dtype: DataType; bytes: Uint8Array }): ArrayLike<number> {
  // An int64 of tfjs-node is a pair of int32, the low half first.
  if (dtype === 9) return Array.from(new BigInt64Array(bytes.slice().buffer), Number);
  if (dtype === 10) return bytes;
  return dtype === 1
    ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    : new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
