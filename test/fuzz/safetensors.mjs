// Seeded mutational fuzzing of the safetensors reader (how: harness.mjs).
//
//   node test/fuzz/safetensors.mjs [--seconds 60] [--seed 1] [--case N]
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fuzz } from './harness.mjs';

const script = fileURLToPath(import.meta.url);
const { openSafetensors, writeSafetensors } = createRequire(import.meta.url)('../../dist/nn/safetensors.js');

/**
 * How many bytes one read may allocate: the header, each tensor as stored, and up to 12 bytes a stored one on the way to
 * float32 (flags become 4 bytes each; a half goes through an array of patterns); the table of the halves.
 */
const allowance = (size) => 2 ** 20 + 16 * size;

/** The calls under test. Each gives what contradicts itself in its result, if anything. */
function reads(dice) {
  return [dice.chance(0.15) ? writtenAgain : values];
}

/** Every tensor, beside a reading in the plainest way: JSON.parse, and float32 values by DataView. */
async function values(input) {
  const file = readFileSync(input);
  const source = await openSafetensors(input);
  try {
    const dataStart = 8 + Number(file.readBigUInt64LE());
    const text = file.toString('utf8', 8, dataStart);
    const { __metadata__, ...header } = JSON.parse(text);
    const names = Object.keys(header).sort();
    if (JSON.stringify(source.names().sort()) !== JSON.stringify(names)) return 'other names';
    if (source.metadata.size !== Object.keys(__metadata__ ?? {}).length) return 'other metadata';
    const covered = new Uint8Array(file.length - dataStart);
    let refused;
    for (const name of names) {
      const { dtype, shape, data_offsets } = header[name];
      const [from, to] = data_offsets;
      if (source.typeOf(name) !== dtype || source.shapeOf(name).join() !== shape.join())
        return 'another shape';
      const stored = await source.readBytes(name);
      if (Buffer.compare(stored, file.subarray(dataStart + from, dataStart + to)) !== 0) return 'other bytes';
      for (let at = from; at < to; at++) covered[at]++;
      try {
        const read = await source.read(name);
        if (read.length !== shape.reduce((a, b) => a * b, 1)) return 'shape and values differ';
        if (dtype === 'F32') {
          for (let i = 0; i < read.length; i++)
            if (!Object.is(read[i], file.readFloatLE(dataStart + from + 4 * i))) return 'another value';
        }
      } catch (error) {
        if (error.name !== 'InputError') throw error;
        refused = error;
      }
    }
    if (covered.some((n) => n !== 1)) return 'bytes of no tensor, or of two';
    if (refused) throw refused;
    return undefined;
  } finally {
    await source.close();
  }
}

/** What was read, written, is read the same. */
async function writtenAgain(input, folder) {
  const source = await openSafetensors(input);
  try {
    const file = path.join(folder, 'again.safetensors');
    const tensors = source.names().map((name) => ({
      name,
      shape: source.shapeOf(name),
      type: source.typeOf(name),
      data: () => source.readBytes(name),
    }));
    await writeSafetensors(file, tensors, Object.fromEntries(source.metadata));
    const again = await openSafetensors(file);
    try {
      if (again.names().sort().join('\n') !== source.names().sort().join('\n'))
        return 'written with other names';
      for (const name of source.names())
        if (Buffer.compare(await again.readBytes(name), await source.readBytes(name)) !== 0)
          return 'a written tensor reads otherwise';
      return undefined;
    } finally {
      await again.close();
    }
  } finally {
    await source.close();
  }
}

const types = [
  'BOOL',
  'U8',
  'I8',
  'U16',
  'I16',
  'F16',
  'BF16',
  'U32',
  'I32',
  'F32',
  'U64',
  'I64',
  'F64',
  'C64',
];
types.push('F8_E4M3', 'F8_E5M2', 'F4', 'f32', '', 'constructor', '__proto__');
const numbers = [
  '0',
  '1',
  '2',
  '3',
  '4',
  '8',
  '12',
  '255',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
];
numbers.push(
  '18446744073709551615',
  '1e3',
  '1.0',
  '-1',
  '-0',
  '01',
  '"4"',
  'null',
  'true',
  '[]',
  '{}',
  '1e999',
);
const names = [
  'w',
  'a.b',
  '',
  '__proto__',
  'constructor',
  '__metadata__',
  '\u0000',
  '\ud83d\ude00',
  '\\ud800',
  '0',
  'é',
];

/** A header as pieces of text that can each be wrong: [name, dtype, shape, from, to] of each tensor. */
function headerText(dice, tensors) {
  const space = () => (dice.chance(0.05) ? dice.pick([' ', '\n', '\t', '\r', '\u00a0', '\ufeff']) : '');
  const fields = ({ name, dtype, shape, from, to }) => {
    const parts = [
      `"dtype":${space()}"${dtype}"`,
      `"shape":[${shape.join(`,${space()}`)}]`,
      `"data_offsets":[${from},${to}]`,
    ];
    if (dice.chance(0.3)) parts.reverse();
    if (dice.chance(0.02)) parts.splice(dice.below(3), 1);
    if (dice.chance(0.02)) parts.push(dice.pick(parts.concat('"extra":1', '"dtype":"F32"')));
    return `${space()}"${name}":${space()}{${parts.join(`,${space()}`)}}`;
  };
  const items = tensors.map(fields);
  if (dice.chance(0.3))
    items.splice(
      dice.below(items.length + 1),
      0,
      `"__metadata__":${dice.pick(['{"format":"pt"}', '{}', '{"a":1}', '[]', '{"a":"1","a":"2"}', 'null', '{"a":{"b":"c"}}'])}`,
    );
  return `{${items.join(`,${space()}`)}${dice.chance(0.02) ? ',' : ''}}${space()}`;
}

/** A well-formed file of random tensors, then up to three things made wrong in its header's fields. */
function made(dice) {
  // Written out: a table taken from the reader would make files as wrong as it reads them.
  const widths = {
    BOOL: 1,
    U8: 1,
    I8: 1,
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
  };
  let end = 0;
  const tensors = Array.from({ length: dice.below(6) }, (_, k) => {
    const dtype = dice.chance(0.4) ? 'F32' : dice.pick(Object.keys(widths));
    const shape = Array.from({ length: dice.below(4) }, () => dice.below(6));
    const from = end;
    end += widths[dtype] * shape.reduce((a, b) => a * b, 1);
    return { name: dice.chance(0.1) ? dice.pick(names) : `layer.${k}`, dtype, shape, from, to: end };
  });
  for (let n = dice.below(4); n > 0 && tensors.length > 0; n--) {
    const tensor = dice.pick(tensors);
    const change = [
      () => (tensor.name = dice.pick([...names, ...tensors.map(({ name }) => name)])),
      () => (tensor.dtype = dice.pick(types)),
      () => (tensor.shape[dice.below(tensor.shape.length + 1)] = dice.pick(numbers)),
      () => (tensor.from = dice.chance(0.5) ? dice.pick(numbers) : tensor.from + dice.below(9) - 4),
      () => (tensor.to = dice.chance(0.5) ? dice.pick(numbers) : tensor.to + dice.below(9) - 4),
      () => tensors.sort(() => dice.below(3) - 1),
      () => (tensor.shape = Array.from({ length: dice.below(2000) }, () => dice.pick(numbers.slice(0, 3)))),
    ];
    dice.pick(change)();
  }
  const text = Buffer.from(headerText(dice, tensors));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([start, text, dice.bytes(end)]);
}

const lengths = [
  0n,
  1n,
  2n,
  7n,
  8n,
  100n,
  100_000_000n,
  100_000_001n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** One change to the bytes. */
function changed(dice, bytes, seeds) {
  const copy = Buffer.from(bytes);
  const cut = () => dice.below(copy.length + 1);
  switch (dice.below(9)) {
    case 0:
      if (copy.length >= 8) copy.writeBigUInt64LE(dice.pick(lengths));
      return copy;
    case 1:
      if (copy.length >= 8)
        copy.writeBigUInt64LE(BigInt.asUintN(64, copy.readBigUInt64LE() + BigInt(dice.below(9) - 4)));
      return copy;
    case 2:
      for (let n = dice.below(8); n >= 0 && copy.length > 0; n--)
        copy[dice.below(copy.length)] = dice.below(256);
      return copy;
    case 3:
      // Within the header, a character of the grammar for another.
      if (copy.length > 16)
        copy[8 + dice.below(copy.length - 8)] = Buffer.from(dice.pick([...'{}[]",:0123456789\\ -.eE']))[0];
      return copy;
    case 4:
      return copy.subarray(0, cut());
    case 5:
      return Buffer.concat([copy, dice.bytes(dice.below(20))]);
    case 6: {
      const from = cut();
      const to = Math.min(copy.length, from + dice.below(60));
      const twice = dice.chance(0.5);
      return Buffer.concat([copy.subarray(0, twice ? to : from), copy.subarray(twice ? from : to)]);
    }
    case 7: {
      const other = dice.pick(seeds);
      return Buffer.concat([copy.subarray(0, cut()), other.subarray(dice.below(other.length + 1))]);
    }
    default: {
      // A header that nests, or a string that is long.
      const text = Buffer.from(
        `{"${'a'.repeat(dice.below(9000))}":${dice.pick(['[', '{"a":', '"\\'])}`.repeat(dice.below(200)),
      );
      const start = Buffer.alloc(8);
      start.writeBigUInt64LE(BigInt(text.length));
      return Buffer.concat([start, text]);
    }
  }
}

const oracle = JSON.parse(
  readFileSync(path.join(path.dirname(script), '..', 'oracles', 'tensors.json'), 'utf8'),
);
const seeds = oracle.safetensors.map(({ file }) => Buffer.from(file, 'base64'));

await fuzz({
  script,
  allowance,
  reads,
  makeCase(dice) {
    const isMade = dice.chance(0.6);
    let bytes = isMade ? made(dice) : dice.pick(seeds);
    for (let n = dice.below(isMade ? 2 : 4); n > 0; n--) bytes = changed(dice, bytes, seeds);
    return {
      from: isMade ? 'made' : 'oracle',
      size: bytes.length,
      yielded: () => 0,
      place(folder) {
        const file = path.join(folder, 'case.safetensors');
        writeFileSync(file, bytes);
        return file;
      },
    };
  },
});
