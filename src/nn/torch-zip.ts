// Checkpoints of PyTorch (.pth, .pt, .bin: the zip form that torch.save writes since version 1.6), tensors only.
// No code of the file is run: its pickle is read as data (pickle.ts).
import type { Long } from '../base/progress';
import { openFile } from '../volume/bytes-source';
import { problemIn } from '../volume/file-errors';
import type { NumberType } from './number-types';
import { inOrder, numberTypes, roomFor, toFloat32 } from './number-types';
import { readPickle } from './pickle';
import { gather } from './row-order';
import type { TensorFile } from './tensor-source';
import type { TorchTensor } from './torch-tensor';
import { storageOf, torchGlobals } from './torch-tensor';
import { chosenTensors } from './torch-tree';
import { openRecords } from './zip-records';

export interface TorchOptions extends Pick<Long, 'signal'> {
  /** Which dictionary of the checkpoint, e.g. `model`, or `a.b` for one within another; needed where several have tensors. */
  key?: string;
}

export interface TorchFile extends TensorFile {
  /** The dictionary that the tensors stand in; empty for the outermost. */
  key: string;
  /** What else is there and is no tensor of it. */
  leftOut: string[];
}

const mostPickleBytes = 1 << 26;
const saveAgain = 'load it in PyTorch and save the dictionary of tensors anew';

/**
 * Open a checkpoint: its directory and its pickle are read, the tensors stay on disk. Close it when done.
 * @throws InputError for a file that is no such checkpoint, for anything but tensors, plain values and dictionaries in
 *   its pickle (by name), and where it is not clear which dictionary is meant (all are listed)
 */
export async function openTorch(file: string, { key, signal }: TorchOptions = {}): Promise<TorchFile> {
  const wrong = problemIn(file);
  const start = new Uint8Array(4);
  const source = await openFile(file, signal);
  await source.read(start, 0).finally(() => source.close());
  if (start[0] !== 0x50 || start[1] !== 0x4b)
    throw wrong(
      start[0] === 0x80 ? "a bare pickle, PyTorch's form before version 1.6" : 'no zip file',
      'the zip form of torch.save',
      saveAgain,
    );
  const records = await openRecords(file, 'data.pkl', wrong, signal);
  try {
    if (records.sizeOf('data.pkl') > mostPickleBytes)
      throw wrong(`a pickle of ${records.sizeOf('data.pkl')} bytes`, `at most ${mostPickleBytes}`, saveAgain);
    if (records.has('byteorder')) {
      const order = Buffer.from(
        await records.read('byteorder', 0, Math.min(16, records.sizeOf('byteorder'))),
      );
      if (order.toString() !== 'little') throw wrong('big-endian numbers', 'little-endian ones', saveAgain);
    }
    const tree = readPickle(await records.read('data.pkl'), {
      globals: torchGlobals(wrong),
      persistent: (id) => storageOf(id, wrong),
      wrong,
    });
    const chosen = chosenTensors(tree, key, wrong);
    for (const [name, { storage }] of chosen.tensors) {
      const [record, bytes] = [`data/${storage.key}`, storage.count * numberTypes[storage.type]];
      if (!records.has(record) || records.sizeOf(record) !== bytes)
        throw wrong(
          `the tensor ${name} in ${records.has(record) ? records.sizeOf(record) : 'no'} bytes`,
          `${bytes} of ${record}`,
          'take a whole copy of the file',
        );
    }
    const tensorOf = (name: string): TorchTensor => {
      const tensor = chosen.tensors.get(name);
      if (tensor) return tensor;
      throw wrong(`no tensor ${name}`, `one of its ${chosen.tensors.size} tensors`, 'look at its names');
    };
    const readBytes = async (name: string): Promise<Uint8Array> => {
      const { storage, shape, strides, offset, count, span, inRowOrder } = tensorOf(name);
      const width = numberTypes[storage.type];
      const bytes = await records.read(`data/${storage.key}`, offset * width, span * width);
      if (inRowOrder) return bytes;
      const out = roomFor(count * width, `the tensor ${name}`, wrong);
      gather(numbersIn(bytes, width), shape, strides, 0, numbersIn(out, width));
      return out;
    };
    return {
      file,
      key: chosen.at,
      leftOut: chosen.leftOut,
      names: () => [...chosen.tensors.keys()],
      shapeOf: (name) => tensorOf(name).shape,
      typeOf: (name): NumberType => tensorOf(name).storage.type,
      readBytes,
      async read(name) {
        const { type } = tensorOf(name).storage;
        const bytes = inOrder(await readBytes(name), numberTypes[type], 'LE');
        return toFloat32(type, bytes, `the tensor ${name}`, wrong);
      },
      close: () => records.close(),
    };
  } catch (error) {
    await records.close();
    throw error;
  }
}

/** Bytes as whole numbers of their width, to be moved and not to be understood. */
function numbersIn(
  bytes: Uint8Array,
  width: number,
): Uint8Array | Uint16Array | Uint32Array | BigUint64Array {
  const count = bytes.length / width;
  const { buffer, byteOffset } = bytes;
  if (width === 1) return bytes;
  if (width === 2) return new Uint16Array(buffer, byteOffset, count);
  return width === 4
    ? new Uint32Array(buffer, byteOffset, count)
    : new BigUint64Array(buffer, byteOffset, count);
}
