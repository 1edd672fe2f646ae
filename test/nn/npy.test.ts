// NumPy's files: against NumPy (test/oracles/tensors.py) and back.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNpy, writeNpy } from '../../src/nn/npy';
import { cases, scratch } from './tensor-cases';

const place = scratch();

it.each(cases.npy)('$name: as NumPy reads it', async ({ file, shape, values }) => {
  const found = await readNpy(place('case.npy', Buffer.from(file, 'base64')));
  expect(found).toEqual({ shape, values: new Float32Array(values) });
});

describe('writing', () => {
  it('gives the bytes that NumPy gives', async () => {
    const { file, shape, values } = cases.npy.find(({ name }) => name === 'float32')!;
    await writeNpy(place('made.npy'), { shape, values: new Float32Array(values) });
    expect(readFileSync(place('made.npy'))).toEqual(Buffer.from(file, 'base64'));
  });
  it('gives back what was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(4), { maxLength: 5 }), async (shape) => {
        const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i / 3);
        await writeNpy(place('round.npy'), { shape, values });
        expect(await readNpy(place('round.npy'))).toEqual({ shape, values });
      }),
      { numRuns: 50 },
    );
  });
  it('refuses values that do not fill the shape', async () => {
    await expect(writeNpy(place('x.npy'), { shape: [2], values: new Float32Array(3) })).rejects.toThrow(
      /3 values for \[2\]/,
    );
  });
});

describe('refuses', () => {
  const good = Buffer.from(cases.npy[0].file, 'base64');
  const headed = (dictionary: string): Buffer => {
    const head = Buffer.from('\x93NUMPY\x01\x00\x00\x00' + dictionary + '\n', 'latin1');
    head.writeUInt16LE(head.length - 10, 8);
    return head;
  };
  it.each([
    ['an empty file', Buffer.alloc(0), /another beginning/],
    ['a zip of arrays', Buffer.from('PK\x03\x04            '), /numpy.savez makes .npz/],
    ['a header past the end', good.subarray(0, 60), /a header of 118 bytes/],
    ['a file cut short', good.subarray(0, -1), /95 bytes of data, expected 96/],
    ['a file too long', Buffer.concat([good, Buffer.alloc(1)]), /97 bytes of data/],
    ['objects', headed("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), /an array of numbers/],
    [
      'a huge shape',
      headed("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999, 99999999), }"),
      /the header/,
    ],
    [
      'a shape beyond the file',
      headed("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999, 9999999), }"),
      /0 bytes of data/,
    ],
    ['code', headed("__import__('os').system('true')"), /the header __import__/],
  ])('%s', async (_, bytes, message) => {
    await expect(readNpy(place('bad.npy', bytes))).rejects.toThrow(message);
  });
});
