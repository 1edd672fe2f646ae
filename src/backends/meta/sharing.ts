// Whose buffer a kernel's result has: backends differ in when they give a tensor another shape or type without a copy.
// From the kernels of TensorFlow.js 4.22 and ours over them; the agreement of dry runs with the tracker is what holds it.
import type { TensorInfo } from '@tensorflow/tfjs';
import type { BackendName } from '../backend';
import { tf } from '../tf';
import { sizeOf } from './rule';

type Inputs = Readonly<Record<string, TensorInfo>>;
interface Attributes {
  dtype: tf.DataType;
  axis: number;
  exclusive: boolean;
  paddings: [number, number][];
  reps: number[];
  dims: number | number[];
  filterSize: number | [number, number];
  strides: number | [number, number];
}
/** The input that the result shares its buffer with, if it does. */
type Sharing = (inputs: Inputs, attributes: Attributes) => TensorInfo | undefined;

const sameType: Sharing = ({ x }, { dtype }) => (x.dtype === dtype ? x : undefined);
/** To a type that holds more; the numbers stay as they are, and are read otherwise. */
const widening: Sharing = ({ x }, { dtype }) => (tf.util.hasEncodingLoss(x.dtype, dtype) ? undefined : x);
const onlyOne: Sharing = (inputs) => {
  const full = Object.values(inputs).filter(({ shape }) => sizeOf(shape) > 0);
  return full.length === 1 ? full[0] : undefined;
};
const scalarReversed: Sharing = ({ x }) => (x.shape.length === 0 ? x : undefined);
const ones = (size: number | readonly number[]): boolean => [size].flat().every((n) => n === 1);
const windowOfOne: Sharing = ({ x }, { filterSize, strides }) =>
  ones(filterSize) && ones(strides) ? x : undefined;

/** A sum, or a stack, of one tensor: itself. */
const alone: Sharing = (inputs) => (Object.keys(inputs).length === 1 ? inputs[0] : undefined);

const everywhere: Record<string, Sharing> = {
  Identity: ({ x }) => x,
  Reshape: ({ x }) => x,
  ExpandDims: ({ input }) => input,
  Cast: sameType,
  AddN: alone,
  Pack: alone,
};
const cpu: Record<string, Sharing> = {
  Cast: widening,
  Concat: onlyOne,
  Reverse: scalarReversed,
  MaxPool: windowOfOne,
  AvgPool: windowOfOne,
};

/** What mended kernels do axis by axis, of more than four axes, is nothing where no axis asks for it. */
const many = ({ shape }: TensorInfo): boolean => shape.length > 4;
const noPadding = ({ paddings }: Attributes): boolean => paddings.flat().every((n) => n === 0);
/** Sums along an axis of one element: no pass is needed. */
const alongOne: Sharing = ({ x }, { axis, exclusive }) => {
  const [along] = tf.util.parseAxisParam(axis, x.shape);
  const last = along === x.shape.length - 1 && !many(x);
  return last && x.shape[along] === 1 && !exclusive ? x : undefined;
};

const webgpu: Record<string, Sharing> = {
  ...cpu,
  PadV2: ({ x }, attributes) => (noPadding(attributes) ? x : undefined),
  MirrorPad: ({ x }, attributes) => (many(x) && noPadding(attributes) ? x : undefined),
  Tile: ({ x }, { reps }) => (many(x) && ones(reps) ? x : undefined),
  Reverse: (inputs, attributes) => {
    const { x } = inputs;
    const none = many(x) && [attributes.dims].flat().length === 0;
    return none ? x : scalarReversed(inputs, attributes);
  },
  Cumsum: alongOne,
  Cumprod: alongOne,
};

const tables: Record<BackendName, Record<string, Sharing>> = {
  // Its binding has an entry for each shape; the buffer under them is one.
  tensorflow: everywhere,
  wasm: everywhere,
  cpu: { ...everywhere, ...cpu },
  webgpu: { ...everywhere, ...webgpu },
};

/** The input whose buffer the result of a kernel has on a backend; undefined where it has one of its own. */
export function sharedInput(
  backend: BackendName,
  kernelName: string,
  inputs: Inputs,
  attributes: object,
): TensorInfo | undefined {
  const table = tables[backend];
  if (!Object.hasOwn(table, kernelName)) return undefined;
  return table[kernelName](inputs, attributes as Attributes);
}

/** Bytes of an element on a backend: webgpu has four for a bool as well. */
export const elementBytes = (backend: BackendName, dtype: tf.DataType): number =>
  backend === 'webgpu' ? 4 : tf.util.bytesPerElement(dtype);
