// Arrays in NumPy's own form (.npy, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
import { InputError } from '../base/errors';
import { writePiecesAtomic } from '../base/files';
import { openFile } from '../volume/bytes-source';
import type { WrongIn } from '../volume/file-errors';
import { problemIn } from '../volume/file-errors';
import type { NumberType } from './number-types';
import { countOf, inOrder, littleEndian, numberTypes, roomFor, toFloat32 } from './number-types';
import { gather, rowStrides } from './row-order';

/** Values in row order with their shape. */
export interface NpyArray {
  shape: number[];
  values: Float32Array;
}

const types: Readonly<Record<string, NumberType>> = {
  b1: 'BOOL',
  u1: 'U8',
  i1: 'I8',
  u2: 'U16',
  i2: 'I16',
  f2: 'F16',
  u4: 'U32',
  i4: 'I32',
  f4: 'F32',
  u8: 'U64',
  i8: 'I64',
  f8: 'F64',
};

/** The dictionary of the header as NumPy writes it: three keys in this order. */
const headerForm =
  /^\{'descr': '([<>|=])([a-z]\d+)', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n$/;
const mostHeaderBytes = 65_536;

/**
 * Read an array of numbers as float32, in row order whichever order the file has.
 * @throws InputError for a file that is missing, truncated, of another form or of another type (text, objects, records)
 */
export async function readNpy(file: string): Promise<NpyArray> {
  const source = await openFile(file);
  const wrong = problemIn(file);
  try {
    const head = Buffer.alloc(Math.min(source.size, mostHeaderBytes));
    await source.read(head, 0);
    const { text, dataStart } = headerText(head, wrong);
    const [, order, descr, fortran, lengths] = headerForm.exec(text) ?? [];
    const type = types[descr];
    const shape = (lengths?.match(/\d+/g) ?? []).map(Number);
    const count = countOf(shape);
    if (!type || count === undefined)
      throw wrong(
        `the header ${text.trim().slice(0, 200)}`,
        'an array of numbers',
        'save it as float32 by numpy.save',
      );
    const length = count * numberTypes[type];
    if (dataStart + length !== source.size)
      throw wrong(
        `${source.size - dataStart} bytes of data`,
        `${length} for ${type} of [${shape.join(', ')}]`,
        'take a whole copy of the file',
      );
    const bytes = roomFor(length, 'the array', wrong);
    await source.read(bytes, dataStart);
    const stored = inOrder(bytes, numberTypes[type], order === '>' ? 'BE' : 'LE');
    const values = toFloat32(type, stored, 'the array', wrong);
    return { shape, values: fortran === 'True' ? fromColumnOrder(values, shape) : values };
  } finally {
    await source.close();
  }
}

/** NumPy's versions 1, 2 and 3 differ in the width of the header's length and its encoding. */
function headerText(head: Buffer, wrong: WrongIn): { text: string; dataStart: number } {
  const form = 'an .npy file of version 1, 2 or 3';
  const fix = 'save it by numpy.save (numpy.savez makes .npz, which is a folder of them)';
  const version = head[6];
  if (head.length < 12 || head.toString('latin1', 0, 6) !== '\x93NUMPY' || version < 1 || version > 3)
    throw wrong('another beginning', form, fix);
  const start = version === 1 ? 10 : 12;
  const dataStart = start + (version === 1 ? head.readUInt16LE(8) : head.readUInt32LE(8));
  if (dataStart > head.length) throw wrong(`a header of ${dataStart - start} bytes`, form, fix);
  return { text: head.toString('latin1', start, dataStart), dataStart };
}

function fromColumnOrder(values: Float32Array, shape: readonly number[]): Float32Array {
  const strides = rowStrides([...shape].reverse()).reverse();
  const out = new Float32Array(values.length);
  gather(values, shape, strides, 0, out);
  return out;
}

/**
 * Write an array as float32, version 1, in row order; whole or not at all.
 * @throws InputError when the values do not fill the shape
 */
export async function writeNpy(file: string, { shape, values }: Readonly<NpyArray>): Promise<void> {
  if (countOf(shape) !== values.length)
    throw new InputError({
      what: `cannot write ${file}`,
      given: `${values.length} values for [${shape.join(', ')}]`,
      expected: 'as many values as the shape holds',
      fix: 'give the shape of the values',
    });
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tuple}), }`;
  // NumPy aligns the data to 64 bytes; the header ends with a line feed.
  const length = 64 * Math.ceil((10 + dictionary.length + 1) / 64) - 10;
  const head = Buffer.alloc(10 + length, ' ');
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(length, 8);
  head.write(dictionary, 10);
  head.write('\n', head.length - 1);
  await writePiecesAtomic(file, [head, littleEndian(values)]);
}
