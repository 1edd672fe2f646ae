// A small assembler for WebAssembly: just what the functions of our module (product.ts, rowwise.ts) need, written out by name.
// Instructions are lists of bytes in the encoding of the specification, https://webassembly.github.io/spec/core/binary/.

/** A piece of code: the bytes of one or more instructions. */
export type Code = readonly number[];

/** An unsigned number in LEB128. */
function unsigned(n: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = n >>> 7;
    bytes.push((n & 0x7f) | (rest ? 0x80 : 0));
    n = rest;
  } while (n);
  return bytes;
}

/** A signed number in LEB128. */
function signed(n: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const byte = n & 0x7f;
    n >>= 7;
    if ((n === 0 && !(byte & 0x40)) || (n === -1 && byte & 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

const sized = (bytes: Code): number[] => [...unsigned(bytes.length), ...bytes];
const list = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
const text = (s: string): number[] => sized([...Buffer.from(s)]);
const simd = (op: number, ...rest: number[]): number[] => [0xfd, ...unsigned(op), ...rest];

const types = { i32: 0x7f, v128: 0x7b } as const;
type Type = keyof typeof types;

export const i32 = (n: number): Code => [0x41, ...signed(n)];
export const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
export const sub = (a: Code, b: Code): Code => [...a, ...b, 0x6b];
export const mul = (a: Code, b: Code): Code => [...a, ...b, 0x6c];
export const and = (a: Code, b: Code): Code => [...a, ...b, 0x71];
export const equal = (a: Code, b: Code): Code => [...a, ...b, 0x46];
export const less = (a: Code, b: Code): Code => [...a, ...b, 0x48];
/** The 32-bit integer at an address plus a fixed offset. */
export const loadI32 = (at: Code, offset = 0): Code => [...at, 0x28, 2, ...unsigned(offset)];
export const loadF32 = (at: Code, offset = 0): Code => [...at, 0x2a, 2, ...unsigned(offset)];
export const storeF32 = (at: Code, value: Code, offset = 0): Code => [
  ...at,
  ...value,
  0x38,
  2,
  ...unsigned(offset),
];
export const addF32 = (a: Code, b: Code): Code => [...a, ...b, 0x92];
/** Four 32-bit floats at an address, and the same float four times. */
export const loadV = (at: Code, offset = 0): Code => [...at, ...simd(0, 2, ...unsigned(offset))];
export const splatV = (at: Code, offset = 0): Code => [...at, ...simd(9, 2, ...unsigned(offset))];
export const storeV = (at: Code, value: Code, offset = 0): Code => [
  ...at,
  ...value,
  ...simd(11, 2, ...unsigned(offset)),
];
export const zeroV: Code = simd(12, ...new Array<number>(16).fill(0));
export const addV = (a: Code, b: Code): Code => [...a, ...b, ...simd(0xe4)];
export const subV = (a: Code, b: Code): Code => [...a, ...b, ...simd(0xe5)];
export const mulV = (a: Code, b: Code): Code => [...a, ...b, ...simd(0xe6)];
export const divV = (a: Code, b: Code): Code => [...a, ...b, ...simd(0xe7)];
export const maxV = (a: Code, b: Code): Code => [...a, ...b, ...simd(0xe9)];
export const absV = (a: Code): Code => [...a, ...simd(0xe0)];
export const sqrtV = (a: Code): Code => [...a, ...simd(0xe3)];
/** The nearest whole numbers, as floats. */
export const nearestV = (a: Code): Code => [...a, ...simd(0x6a)];
/** The bits of both. */
export const andV = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x4e)];
/** Four floats, each from `a` where `test` is not below zero, else from `b`. */
export const whereNotNegativeV = (test: Code, a: Code, b: Code): Code => [
  ...a,
  ...b,
  ...test,
  ...zeroV,
  ...simd(0x46),
  ...simd(0x52),
];
/** 2 to the power of four whole numbers from -126 to 127: their exponents' bits. */
export const powerOf2V = (whole: Code): Code => [
  ...whole,
  ...simd(0xf8),
  ...simd(12, ...[0, 1, 2, 3].flatMap(() => [127, 0, 0, 0])),
  ...simd(0xae),
  ...i32(23),
  ...simd(0xab),
];
/** The same float four times. */
export const constantV = (value: number): Code => {
  const bytes = [...new Uint8Array(Float32Array.of(value).buffer)];
  return simd(12, ...bytes, ...bytes, ...bytes, ...bytes);
};

/** Four floats chosen from the eight of `a` (0 to 3) and `b` (4 to 7). */
export const pickV = (a: Code, b: Code, lanes: readonly [number, number, number, number]): Code => [
  ...a,
  ...b,
  ...simd(13, ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte))),
];

export const when = (condition: Code, then: Code, otherwise: Code = []): Code => [
  ...condition,
  0x04,
  0x40,
  ...then,
  ...(otherwise.length ? [0x05, ...otherwise] : []),
  0x0b,
];
/** Run `body` again and again while `condition` holds; the condition is looked at after the body. */
export const repeat = (body: Code, condition: Code): Code => [
  0x03,
  0x40,
  ...body,
  ...condition,
  0x0d,
  0,
  0x0b,
];

/** A local variable of a function. */
export interface Local {
  get: Code;
  set(value: Code): Code;
}

/** A function without result: `build` gets its parameters (all i32) and then its locals, in the order named. */
export interface Func {
  name: string;
  parameters: number;
  locals: readonly Type[];
  body: Code;
}

/** Define a function by the number of its parameters, the types of its locals, and its body in terms of both. */
export function func(
  name: string,
  parameters: number,
  locals: readonly Type[],
  build: (...variables: Local[]) => readonly Code[],
): Func {
  const variables = Array.from({ length: parameters + locals.length }, (_, i) => ({
    get: [0x20, ...unsigned(i)],
    set: (value: Code) => [...value, 0x21, ...unsigned(i)],
  }));
  return { name, parameters, locals, body: build(...variables).flat() };
}

/** A module of functions that works in the memory imported as `env.memory`. */
export function assemble(functions: readonly Func[]): Uint8Array {
  const section = (id: number, items: readonly Code[]): number[] => [id, ...sized(list(items))];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      functions.map((f) => [0x60, ...list(new Array<Code>(f.parameters).fill([types.i32])), 0]),
    ),
    ...section(2, [[...text('env'), ...text('memory'), 0x02, 0x00, 0]]),
    ...section(
      3,
      functions.map((_, i) => unsigned(i)),
    ),
    ...section(
      7,
      functions.map((f, i) => [...text(f.name), 0x00, ...unsigned(i)]),
    ),
    ...section(
      10,
      functions.map((f) => sized([...list(f.locals.map((t) => [1, types[t]])), ...f.body, 0x0b])),
    ),
  ]);
}
