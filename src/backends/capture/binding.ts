// The parts of tfjs-node's backend (4.22) that recording leans on; a test watches that they are there.
import { tf } from '../tf';
import type { DataType } from './graph';

/** An attribute as tfjs-node's kernels hand it to the binding; `type` is one of `TF_ATTR_...`. */
export interface BindingAttribute {
  name: string;
  type: number;
  value: unknown;
}

/** What the binding says of a tensor that it made. */
export interface OutputInfo {
  id: number;
  shape: number[];
  /** Number of TensorFlow's type. */
  dtype: number;
}

/** The binding: functions, and the numbers of TensorFlow's types and attribute types. */
export interface Binding {
  executeOp: (op: string, attributes: BindingAttribute[], inputs: number[], outputs: number) => OutputInfo[];
  createTensor: (shape: readonly number[], dtype: number, values: unknown) => number;
  TF_ATTR_STRING: number;
  TF_ATTR_INT: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_TYPE: number;
  TF_ATTR_SHAPE: number;
}

/** What the backend knows of a tensor's data; `values` are there until an operation needs them on the device. */
export interface TensorInfo {
  id: number;
  shape: number[];
  dtype: number;
  values: ArrayBufferView | Uint8Array[] | null;
}

export type Values = NonNullable<TensorInfo['values']>;

/** A tensor, or tfjs-node's own stand-in for an int64 scalar (two halves of 32 bits). */
export type KernelInput = tf.TensorInfo | { dtype: 'int64'; valueArray: Int32Array };

export interface NodeBackend {
  binding: Binding;
  tensorMap: { get(dataId: object): TensorInfo };
  getInputTensorIds(tensors: readonly KernelInput[]): number[];
  createOutputTensor(info: OutputInfo): tf.Tensor;
  write(values: Values | null, shape: number[], dtype: tf.DataType): object;
  read(dataId: object): Promise<unknown>;
  readSync(dataId: object): unknown;
}

/** The current backend, which must be tensorflow. */
export const nodeBackend = (): NodeBackend => tf.backend() as unknown as NodeBackend;

/** TensorFlow.js's types that can be fed and kept, by TensorFlow's number. */
const numbers: Readonly<Partial<Record<tf.DataType, DataType>>> = { float32: 1, int32: 3, bool: 10 };

/** TensorFlow's number of a type that can be fed; undefined for strings and complex numbers. */
export const typeNumber = (dtype: tf.DataType): DataType | undefined => numbers[dtype];

const others: Readonly<Record<number, string>> = {
  4: 'uint8',
  7: 'string',
  8: 'complex64',
  9: 'int64',
  20: 'resource',
};

/** TensorFlow.js's name of a type; of one that it does not have, TensorFlow's. */
export const typeName = (number: number): string =>
  Object.entries(numbers).find(([, n]) => n === number)?.[0] ?? others[number] ?? `type ${number}`;
