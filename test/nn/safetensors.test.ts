// Safetensors: against the Python package in both directions (test/oracles/tensors.py), files that lie, large files.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, Interrupted } from '../../src/base/errors';
import type { TensorToWrite } from '../../src/nn/safetensors';
import { openSafetensors, writeSafetensors } from '../../src/nn/safetensors';
import { describeWith, python } from '../setup/peers';
import { cases, numbersOf, scratch } from './tensor-cases';

const place = scratch();

/** A file of a header and data, as they are given. */
const fileOf = (header: string | Uint8Array, data = new Uint8Array(0), length?: bigint): string => {
  const text = typeof header === 'string' ? Buffer.from(header) : header;
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(length ?? BigInt(text.length));
  return place('made.safetensors', Buffer.concat([start, text, data]));
};

async function readAll(
  file: string,
): Promise<Record<string, { shape: readonly number[]; values: Float32Array }>> {
  const source = await openSafetensors(file);
  try {
    // Without a prototype: a tensor may be called `__proto__`.
    const found = Object.create(null) as Awaited<ReturnType<typeof readAll>>;
    for (const name of source.names())
      found[name] = { shape: source.shapeOf(name), values: await source.read(name) };
    return found;
  } finally {
    await source.close();
  }
}

describe('reading', () => {
  it.each(cases.safetensors)('$name: as Python reads it', async ({ file, tensors, metadata }) => {
    // Every number that float32 holds; the one that it does not is refused below.
    const source = await openSafetensors(place('case.safetensors', Buffer.from(file, 'base64')));
    expect(Object.fromEntries(source.metadata)).toEqual(metadata);
    expect(source.names().sort()).toEqual(tensors.map(({ name }) => name).sort());
    for (const { name, type, shape, values } of tensors) {
      expect(source.shapeOf(name)).toEqual(shape);
      expect(source.typeOf(name)).toBe(type);
      expect(await source.read(name), name).toEqual(numbersOf(values));
    }
    await expect(source.read('no such')).rejects.toThrow(/given no tensor no such/);
    await source.close();
  });

  const one = (type: string, bytes: number): string =>
    `{"w":{"dtype":"${type}","shape":[1],"data_offsets":[0,${bytes}]}}`;
  it.each([
    ['I64', new BigInt64Array([2n ** 53n + 1n]), /the tensor w with the integer 9007199254740993/],
    ['I32', new Int32Array([16777217]), /the tensor w with the integer 16777217/],
    ['F64', new Float64Array([1e39]), /the tensor w with the double 1e\+39/],
    ['C64', new Float32Array(2), /the tensor w of type C64/],
    ['F8_E4M3', new Uint8Array(1), /the tensor w of type F8_E4M3/],
  ])('refuses by name a %s that float32 cannot hold', async (type, data, message) => {
    const source = await openSafetensors(fileOf(one(type, data.byteLength), new Uint8Array(data.buffer)));
    await expect(source.read('w')).rejects.toThrow(message);
    await source.close();
  });
});

describe('files that lie are refused', () => {
  const tensor = (offsets: string, shape = '[1]', type = '"F32"'): string =>
    `{"dtype":${type},"shape":${shape},"data_offsets":${offsets}}`;
  const lies: [string, () => string, RegExp][] = [
    ['an empty file', () => place('made.safetensors', ''), /given 0 bytes/],
    ['a length and no header', () => fileOf('', undefined, 5n), /given 8 bytes/],
    [
      'a header of 2^63 bytes',
      () => fileOf('{}', undefined, 2n ** 63n),
      /a header of 9223372036854775808 bytes/,
    ],
    [
      'a header longer than the file',
      () => fileOf('{}', undefined, 90_000_000n),
      /a header of 90000000 bytes in a file of 10/,
    ],
    ['an empty header', () => fileOf('', new Uint8Array(9)), /a header that is no object/],
    ['a list', () => fileOf('[]'), /a header that is no object/],
    ['a header that ends early', () => fileOf('{"a":'), /no string, whole number/],
    ['a string that does not end', () => fileOf('{"a'), /a string without an end/],
    ['text after the end', () => fileOf('{}x'), /something after the end/],
    ['a comma too many', () => fileOf(`{"a":${tensor('[0,4]')},}`, new Uint8Array(4)), /no string/],
    ['bytes that are no UTF-8', () => fileOf(Buffer.from('{"\xff":1}', 'latin1')), /not UTF-8/],
    [
      'half a character',
      () => fileOf(`{"\\ud800":${tensor('[0,4]')}}`, new Uint8Array(4)),
      /half a character/,
    ],
    ['deep nesting', () => fileOf(`{"a":${'['.repeat(1e6)}`), /nesting deeper than 3/],
    ['a long string without an end', () => fileOf(`{"${'a'.repeat(1e7)}`), /without an end/],
    [
      'a name twice',
      () => fileOf(`{"a":${tensor('[0,4]')},"a":${tensor('[4,8]')}}`, new Uint8Array(8)),
      /the name "a" a second time/,
    ],
    [
      'a key twice',
      () => fileOf('{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}'),
      /the name "dtype" a second time/,
    ],
    [
      'a key too many',
      () => fileOf('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}'),
      /with data_offsets, dtype, shape, x/,
    ],
    ['a key too few', () => fileOf('{"a":{"dtype":"F32","shape":[]}}'), /with dtype, shape/],
    ['no object', () => fileOf('{"a":7}'), /the tensor a with no object/],
    ['an unknown type', () => fileOf(`{"a":${tensor('[0,4]', '[1]', '"F99"')}}`), /of type "F99"/],
    [
      'a type from the prototype',
      () => fileOf(`{"a":${tensor('[0,4]', '[1]', '"toString"')}}`),
      /of type "toString"/,
    ],
    [
      'a shape too large',
      () => fileOf(`{"a":${tensor('[0,4]', '[4294967296,4294967296]')}}`),
      /a product below 2\^53/,
    ],
    [
      'a length too large',
      () => fileOf(`{"a":${tensor('[0,4]', '[9007199254740993]')}}`),
      /a number above 2\^53/,
    ],
    ['a negative length', () => fileOf(`{"a":${tensor('[0,4]', '[-1]')}}`), /no string, whole number/],
    ['a broken length', () => fileOf(`{"a":${tensor('[0,4]', '[1.5]')}}`), /no string, whole number/],
    ['a shape that is no list', () => fileOf(`{"a":${tensor('[0,4]', '7')}}`), /of shape 7/],
    ['offsets that go back', () => fileOf(`{"a":${tensor('[4,0]')}}`), /at \[4,0\]/],
    ['one offset', () => fileOf(`{"a":${tensor('[4]')}}`), /at \[4\]/],
    [
      'too few bytes for the shape',
      () => fileOf(`{"a":${tensor('[0,4]', '[2]')}}`),
      /F32 of \[2\], in 4 bytes/,
    ],
    [
      'offsets past the end',
      () => fileOf(`{"a":${tensor('[0,4]')}}`, new Uint8Array(3)),
      /given 3 bytes of data, expected 4/,
    ],
    [
      'data of no tensor',
      () => fileOf(`{"a":${tensor('[0,4]')}}`, new Uint8Array(5)),
      /given 5 bytes of data, expected 4/,
    ],
    [
      'an overlap',
      () => fileOf(`{"a":${tensor('[0,4]')},"b":${tensor('[2,6]')}}`, new Uint8Array(6)),
      /the tensor b, which overlaps a,/,
    ],
    [
      'a gap',
      () => fileOf(`{"a":${tensor('[0,4]')},"b":${tensor('[8,12]')}}`, new Uint8Array(12)),
      /the tensor b, which leaves a gap after a,/,
    ],
    [
      'metadata of numbers',
      () => fileOf('{"__metadata__":{"a":1}}'),
      /__metadata__ that is no object of texts/,
    ],
    ['no file', () => place('nothing'), /ENOENT/],
  ];
  it.each(lies)('%s', async (_, make, message) => {
    const file = make();
    const before = process.memoryUsage();
    const error = await openSafetensors(file).catch((caught: unknown) => caught);
    const after = process.memoryUsage();
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message.length).toBeLessThan(1000);
    // What a buffer takes counts as external; the longest header here has 10 MB.
    expect(after.external - before.external).toBeLessThan(32e6);
  });

  it('a file of a terabyte that asks for a tensor of a terabyte', async () => {
    const bytes = 2 ** 40;
    const file = fileOf(`{"w":${tensor(`[0,${bytes}]`, `[${bytes / 4}]`)}}`);
    truncateSync(file, readFileSync(file).length + bytes);
    const source = await openSafetensors(file);
    await expect(source.read('w')).rejects.toThrow(/the tensor w of 1.10 TB/);
    await source.close();
  });
});

it('reads tensors at both ends of a file above 4 GiB, and nothing between', async () => {
  // A sparse file: the middle takes no room on disk.
  const middle = 2 ** 32;
  const header = JSON.stringify({
    first: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
    middle: { dtype: 'F32', shape: [middle / 4], data_offsets: [8, 8 + middle] },
    last: { dtype: 'F32', shape: [2], data_offsets: [8 + middle, 16 + middle] },
  });
  const file = fileOf(header, new Uint8Array(new Float32Array([1, 2]).buffer));
  const dataStart = 8 + header.length;
  truncateSync(file, dataStart + 8 + middle);
  writeFileSync(file, new Uint8Array(new Float32Array([3, 4]).buffer), { flag: 'a' });
  const before = process.memoryUsage();
  const source = await openSafetensors(file);
  expect(await source.read('first')).toEqual(new Float32Array([1, 2]));
  expect(await source.read('last')).toEqual(new Float32Array([3, 4]));
  expect(process.memoryUsage().external - before.external).toBeLessThan(16e6);
  await source.close();
});

describe('writing', () => {
  const tensors = fc.uniqueArray(
    fc.record({
      name: fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__'),
      shape: fc.array(fc.nat(4), { maxLength: 4 }),
    }),
    { selector: ({ name }) => name, maxLength: 6 },
  );
  it('gives back what was written, whatever the names and shapes', async () => {
    await fc.assert(
      fc.asyncProperty(tensors, fc.dictionary(fc.string(), fc.string()), async (list, metadata) => {
        const written = list.map(({ name, shape }, k): TensorToWrite & { data: Float32Array } => ({
          name,
          shape,
          data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 100 * k + i),
        }));
        const file = place('round.safetensors');
        await writeSafetensors(file, written, metadata);
        const found = await readAll(file);
        expect(Object.keys(found).length).toBe(list.length);
        for (const { name, shape, data } of written) expect(found[name]).toEqual({ shape, values: data });
        const source = await openSafetensors(file);
        expect(new Map(Object.entries(metadata))).toEqual(source.metadata);
        await source.close();
      }),
      { numRuns: 50 },
    );
  });

  it('refuses equal names and data of another size, and leaves nothing', async () => {
    const file = place('refused.safetensors');
    const w = { name: 'w', shape: [2], data: new Float32Array(2) };
    await expect(writeSafetensors(file, [w, w])).rejects.toThrow(/the name w/);
    await expect(writeSafetensors(file, [{ ...w, shape: [3] }])).rejects.toThrow(/w of \[3\] with 8 bytes/);
    await expect(writeSafetensors(file, [{ ...w, shape: [-1] }])).rejects.toThrow(InputError);
    const controller = new AbortController();
    controller.abort();
    const stopped = writeSafetensors(file, [w], {}, { signal: controller.signal });
    await expect(stopped).rejects.toThrow(Interrupted);
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(path.dirname(file)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describeWith(['safetensors', 'torch'], 'the Python package', () => {
  it('reads what is written here, of every type', async () => {
    const { file, tensors } = cases.safetensors[0];
    const source = await openSafetensors(place('types.safetensors', Buffer.from(file, 'base64')));
    const out = place('again.safetensors');
    await writeSafetensors(
      out,
      source.names().map((name) => ({
        name,
        shape: source.shapeOf(name),
        type: source.typeOf(name),
        data: () => source.readBytes(name),
      })),
      { format: 'pt' },
    );
    await source.close();
    const script = `
import json, sys, torch
from safetensors import safe_open
with safe_open(sys.argv[1], 'pt') as f:
    told = {k: [str(f.get_tensor(k).dtype), list(f.get_tensor(k).shape), [str(float(v)) for v in f.get_tensor(k).float().flatten()]] for k in f.keys()}
    print(json.dumps([f.metadata(), told]))`;
    const { stdout, stderr } = spawnSync(python, ['-c', script, out], { encoding: 'utf8' });
    expect(stderr).toBe('');
    const [metadata, told] = JSON.parse(stdout) as [unknown, Record<string, [string, number[], string[]]>];
    expect(metadata).toEqual({ format: 'pt' });
    for (const { name, shape, values } of tensors) {
      expect(told[name][1]).toEqual(shape);
      expect(numbersOf(told[name][2].map((v) => (v === 'nan' ? NaN : v)))).toEqual(numbersOf(values));
    }
    expect(told.halves[0]).toBe('torch.float16');
  });
});
