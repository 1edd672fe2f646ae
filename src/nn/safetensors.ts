// Weights in the safetensors form (https://huggingface.co/docs/safetensors): 8 bytes of length, a header of JSON, the
// tensors' bytes. The header is believed only where it agrees with itself and with the size of the file.
import { InputError } from '../base/errors';
import { writePiecesAtomic } from '../base/files';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import type { BytesSource } from '../volume/bytes-source';
import { openFile } from '../volume/bytes-source';
import type { WrongIn } from '../volume/file-errors';
import { problemIn } from '../volume/file-errors';
import type { NumberType } from './number-types';
import {
  countOf,
  inOrder,
  isNumberType,
  littleEndian,
  numberTypes,
  roomFor,
  toFloat32,
} from './number-types';
import type { PlainJson } from './plain-json';
import { parsePlainJson } from './plain-json';
import type { TensorFile } from './tensor-source';

/** The form's own limit for the header. */
const mostHeaderBytes = 100_000_000;
const pieceBytes = 1 << 24;

interface Entry {
  type: NumberType;
  shape: number[];
  /** First byte and the byte after the last, counted from the end of the header. */
  from: number;
  to: number;
}

/**
 * Open a safetensors file: the header is read and checked, the tensors stay on disk. Files of any size; close it when done.
 * @throws InputError for a file that is missing, truncated or contradicts itself
 */
export async function openSafetensors(
  file: string,
  { signal }: Pick<Long, 'signal'> = {},
): Promise<TensorFile & { metadata: ReadonlyMap<string, string> }> {
  const source = await openFile(file, signal);
  try {
    const wrong = problemIn(file);
    const { text, dataStart } = await readHeader(source, wrong);
    const { entries, metadata } = checkedHeader(text, source.size - dataStart, wrong);
    const entryOf = (name: string): Entry => {
      const entry = entries.get(name);
      if (entry) return entry;
      throw wrong(`no tensor ${name}`, `one of its ${entries.size} tensors`, 'look at its names');
    };
    const readBytes = async (name: string): Promise<Uint8Array> => {
      const { from, to } = entryOf(name);
      const bytes = roomFor(to - from, `the tensor ${name}`, wrong);
      const got = await source.read(bytes, dataStart + from);
      if (got === bytes.length) return bytes;
      throw wrong(`an end within the tensor ${name}`, 'a file that nobody shortens', 'read it again');
    };
    return {
      file,
      metadata,
      names: () => [...entries.keys()],
      shapeOf: (name) => entryOf(name).shape,
      typeOf: (name) => entryOf(name).type,
      readBytes,
      async read(name) {
        const { type } = entryOf(name);
        const bytes = inOrder(await readBytes(name), numberTypes[type], 'LE');
        return toFloat32(type, bytes, `the tensor ${name}`, wrong);
      },
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readHeader(source: BytesSource, wrong: WrongIn): Promise<{ text: string; dataStart: number }> {
  // With the first byte of the header, so that nothing is allocated for a file of another kind.
  const start = new DataView(new ArrayBuffer(9));
  const got = await source.read(new Uint8Array(start.buffer), 0);
  const form = 'a safetensors file: a length of 8 bytes, a header of JSON, data';
  const whole = 'take a whole copy of the file; `coc weights convert` turns PyTorch files into safetensors';
  if (got < 9) throw wrong(`${got < 8 ? got : 8} bytes`, form, whole);
  const length = start.getBigUint64(0, true);
  if (length > BigInt(mostHeaderBytes))
    throw wrong(`a header of ${length} bytes`, `at most ${mostHeaderBytes}, as the form says`, whole);
  const dataStart = 8 + Number(length);
  if (dataStart > source.size)
    throw wrong(`a header of ${length} bytes in a file of ${source.size}`, 'a file that holds it', whole);
  if (start.getUint8(8) !== 0x7b || length === 0n) throw wrong('a header that is no object', form, whole);
  const bytes = new Uint8Array(Number(length));
  await source.read(bytes, 8);
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), dataStart };
  } catch (error) {
    throw wrong('a header that is not UTF-8', form, whole, error);
  }
}

/** The tensors by name, in the order of the header, after every check. */
function checkedHeader(
  text: string,
  dataBytes: number,
  wrong: WrongIn,
): { entries: Map<string, Entry>; metadata: Map<string, string> } {
  // Names and lists of a hostile header can be as long as it is.
  const bad = (given: string, expected: string, cause?: unknown): InputError =>
    wrong(given.slice(0, 300), expected, 'take a whole copy of the file, or write it anew', cause);
  let header: PlainJson;
  try {
    header = parsePlainJson(text, 3);
  } catch (error) {
    throw bad(`a header with ${(error as Error).message}`, 'JSON of names, types, shapes and offsets', error);
  }
  const entries = new Map<string, Entry>();
  let metadata = new Map<string, string>();
  for (const [name, value] of header as Map<string, PlainJson>) {
    if (name === '__metadata__') metadata = checkedMetadata(value, bad);
    else entries.set(name, checkedEntry(name, value, bad));
  }
  // The form allows no holes and no sharing: sorted, each begins where the one before ends.
  let end = 0;
  let before = 'the header';
  for (const [name, { from, to }] of [...entries].sort(([, a], [, b]) => a.from - b.from || a.to - b.to)) {
    if (from !== end) {
      const what = from < end ? 'overlaps' : 'leaves a gap after';
      throw bad(`the tensor ${name}, which ${what} ${before}`, 'tensors one after another');
    }
    [end, before] = [to, name];
  }
  if (end === dataBytes) return { entries, metadata };
  throw bad(`${dataBytes} bytes of data`, `${end}, as the header says`);
}

type Bad = (given: string, expected: string) => InputError;

function checkedMetadata(value: PlainJson, bad: Bad): Map<string, string> {
  if (value instanceof Map && [...value.values()].every((item) => typeof item === 'string'))
    return value as Map<string, string>;
  throw bad('__metadata__ that is no object of texts', 'names and texts');
}

function checkedEntry(name: string, value: PlainJson, bad: Bad): Entry {
  const at = `the tensor ${name}`;
  const keys = value instanceof Map ? [...value.keys()].sort().join(', ') : 'no object';
  if (!(value instanceof Map) || keys !== 'data_offsets, dtype, shape')
    throw bad(`${at} with ${keys}`, 'dtype, shape and data_offsets');
  const [type, shape, offsets] = [value.get('dtype'), value.get('shape'), value.get('data_offsets')];
  if (typeof type !== 'string' || !isNumberType(type))
    throw bad(`${at} of type ${JSON.stringify(type)}`, `one of ${Object.keys(numberTypes).join(', ')}`);
  const count = isWholeNumbers(shape) ? countOf(shape) : undefined;
  if (!isWholeNumbers(shape) || count === undefined)
    throw bad(`${at} of shape ${JSON.stringify(shape)}`, 'a list of lengths with a product below 2^53');
  if (!isWholeNumbers(offsets) || offsets.length !== 2 || offsets[1] < offsets[0])
    throw bad(`${at} at ${JSON.stringify(offsets)}`, 'where it begins and where it ends');
  const [from, to] = offsets;
  if (to - from !== count * numberTypes[type])
    throw bad(`${at}, ${type} of [${shape.join(', ')}], in ${to - from} bytes`, 'as many as it needs');
  return { type, shape, from, to };
}

const isWholeNumbers = (value: PlainJson | undefined): value is number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number');

/** Numbers in an array of their own type, or their bytes, little-endian. */
type Stored = Float32Array | Uint8Array;

/** A tensor on its way into a file. */
export interface TensorToWrite {
  name: string;
  shape: readonly number[];
  /** float32 unless told. */
  type?: NumberType;
  /** Its values in row order, or what gives them when their turn has come: then one tensor at a time is in memory. */
  data: Stored | (() => Promise<Stored>);
}

/**
 * Write tensors as safetensors, whole or not at all. They stand by the width of their numbers, widest first and else in
 * the order given, so that every number lies where its width divides its place.
 * @param metadata  texts for the header, e.g. where the weights come from
 * @throws InputError for a name that is given twice and for data that do not fill their shape; Interrupted
 */
export async function writeSafetensors(
  file: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
  long: Long = {},
): Promise<void> {
  const wrong = (given: string, expected: string): InputError =>
    new InputError({ what: `cannot write ${file}`, given, expected, fix: 'mend the list of tensors' });
  const widthOf = ({ type = 'F32' }: TensorToWrite): number => numberTypes[type];
  const sorted = [...tensors].sort((a, b) => widthOf(b) - widthOf(a));
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set('__metadata__', metadata);
  let end = 0;
  for (const tensor of sorted) {
    const { name, shape, type = 'F32' } = tensor;
    if (name === '__metadata__' || header.has(name) || /\p{Surrogate}/u.test(name))
      throw wrong(`the name ${name}`, 'names of whole characters that occur once, and none __metadata__');
    const count = countOf(shape);
    if (count === undefined) throw wrong(`${name} of shape [${shape.join(', ')}]`, 'whole lengths');
    const from = end;
    end += count * numberTypes[type];
    header.set(name, { dtype: type, shape, data_offsets: [from, end] });
  }
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const start = Buffer.alloc(8 + 8 * Math.ceil(text.length / 8), ' ');
  start.writeBigUInt64LE(BigInt(start.length - 8));
  text.copy(start, 8);

  const meter = new Meter(`write ${file}`, 'B', start.length + end, long);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield start;
    meter.add(start.length);
    for (const tensor of sorted) {
      const data = typeof tensor.data === 'function' ? await tensor.data() : tensor.data;
      const bytes = littleEndian(data);
      if (bytes.length !== countOf(tensor.shape)! * widthOf(tensor))
        throw wrong(
          `${tensor.name} of [${tensor.shape.join(', ')}] with ${bytes.length} bytes`,
          `${countOf(tensor.shape)! * widthOf(tensor)}`,
        );
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        yield piece;
        meter.add(piece.length, tensor.name);
      }
    }
  }
  await writePiecesAtomic(file, pieces(), long.signal);
  meter.finish();
}
