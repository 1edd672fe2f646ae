// Writing protocol buffers: the four kinds of field that a TensorFlow graph is made of (protobuf.dev, "Encoding").

/** A message as pieces in order. Large constants stay where they are: nothing is copied until it is written to a file. */
export interface Message {
  readonly bytes: number;
  readonly pieces: readonly Uint8Array[];
}

/** Fields one after another; a message is no more than that. */
export function message(...fields: readonly Message[]): Message {
  return {
    bytes: fields.reduce((sum, field) => sum + field.bytes, 0),
    pieces: fields.flatMap((field) => field.pieces),
  };
}

/** An integer, an enumeration or a truth value: negative ones as 64 bits of two's complement. */
export function integer(field: number, value: number | boolean): Message {
  return piece([...varint(field << 3), ...varint(BigInt(value))]);
}

/** A `float`. */
export function float(field: number, value: number): Message {
  const bits = new Uint8Array(new Float32Array([value]).buffer);
  return piece([...varint((field << 3) | 5), ...bits]);
}

/** A text, bytes, or a message within: what has a length in front. */
export function nested(field: number, value: string | Uint8Array | Message): Message {
  const inner =
    typeof value === 'string' ? bytes(Buffer.from(value, 'utf8')) : 'pieces' in value ? value : bytes(value);
  return message(piece([...varint((field << 3) | 2), ...varint(inner.bytes)]), inner);
}

const bytes = (value: Uint8Array): Message => ({ bytes: value.length, pieces: [value] });
const piece = (value: readonly number[]): Message => bytes(Uint8Array.from(value));

/** Seven bits a byte, the lowest first; all but the last have the top bit set. */
function varint(value: number | bigint): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
  return out;
}
