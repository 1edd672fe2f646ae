// What a file of PyTorch says of a tensor: which storage, and how it lies there.
import type { WrongIn } from '../volume/file-errors';
import type { NumberType } from './number-types';
import { countOf } from './number-types';
import { Global, shortName, Tuple } from './pickle';
import { rowStrides } from './row-order';

/** Numbers of one type in a record of the file. */
class Storage {
  constructor(
    readonly type: NumberType,
    /** The record's name below `data/`. */
    readonly key: string,
    /** How many numbers. */
    readonly count: number,
  ) {}
}

/** A tensor: a view of a storage, strides and offset in numbers. */
export class TorchTensor {
  constructor(
    readonly storage: Storage,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    readonly offset: number,
    /** How many values it has. */
    readonly count: number,
    /** How many numbers of the storage it spans, from its first value to its last. */
    readonly span: number,
  ) {}

  /** Whether its values stand in row order without gaps. */
  get inRowOrder(): boolean {
    const { shape, strides } = this;
    return rowStrides(shape).every((step, axis) => shape[axis] <= 1 || step === strides[axis]);
  }
}

const storageTypes: Readonly<Record<string, NumberType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  ComplexFloatStorage: 'C64',
};

/** A view that repeats its storage's numbers (`expand`) may have this many values: 64 MiB of float32. */
const mostRepeated = 1 << 24;

/** Everything that a file of tensors names. @param wrong  makes the error for a tensor that cannot be */
export function torchGlobals(wrong: WrongIn): Map<string, Global> {
  const known = [
    new Global('collections OrderedDict', (args) => {
      if (args.length > 0)
        throw wrong('an OrderedDict with arguments', 'an empty one, filled after', damaged);
      return new Map();
    }),
    new Global('torch._utils _rebuild_tensor_v2', (args) => rebuilt(args, wrong)),
    new Global('torch._utils _rebuild_parameter', ([tensor]) => {
      if (tensor instanceof TorchTensor) return tensor;
      throw wrong('a parameter that is no tensor', 'a tensor', damaged);
    }),
    ...Object.keys(storageTypes).map((name) => new Global(`torch ${name}`)),
  ];
  return new Map(known.map((global) => [global.name, global]));
}

const damaged = 'take a whole copy of the file, or save it anew in PyTorch';

/** A storage from what stands for it: ('storage', type, key, device, count). */
export function storageOf(id: unknown, wrong: WrongIn): Storage {
  const [word, type, key, , count] = id instanceof Tuple ? id.items : [];
  const known = type instanceof Global ? storageTypes[type.name.replace('torch ', '')] : undefined;
  if (word === 'storage' && known && typeof key === 'string' && isLength(count))
    return new Storage(known, key, count);
  throw wrong('a storage that is not told as PyTorch does', 'a type, a key and a size', damaged);
}

const isLength = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const lengthsOf = (value: unknown): number[] | undefined =>
  value instanceof Tuple && value.items.every(isLength) ? [...value.items] : undefined;

/** _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata). */
function rebuilt(args: readonly unknown[], wrong: WrongIn): TorchTensor {
  const [storage, offset, size, stride, , , metadata] = args;
  const [shape, strides] = [lengthsOf(size), lengthsOf(stride)];
  const count = shape && countOf(shape);
  if (!(storage instanceof Storage) || !isLength(offset) || !shape || !strides || count === undefined)
    throw wrong('a tensor that is not told as PyTorch does', 'storage, offset, size and strides', damaged);
  if (metadata instanceof Map && metadata.size > 0)
    throw wrong(
      `a tensor with ${[...metadata.keys()].slice(0, 5).map(shortName).join(', ')}`,
      'tensors stored as they are',
      'resolve it in PyTorch (resolve_neg, resolve_conj) and save again',
    );
  const reach = shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis], 1);
  const span = count === 0 ? 0 : reach;
  const told = `a tensor of [${shape.join(', ')}]`.slice(0, 300);
  if (strides.length !== shape.length || !(offset + span <= storage.count))
    throw wrong(`${told} that reaches beyond its ${storage.count} numbers`, 'a tensor within them', damaged);
  if (count > storage.count && count > mostRepeated)
    throw wrong(`${told} from ${storage.count} numbers`, `at most ${mostRepeated} by repeating`, damaged);
  return new TorchTensor(storage, shape, strides, offset, count, span);
}
