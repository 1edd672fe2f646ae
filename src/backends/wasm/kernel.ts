// What a kernel of ours looks like, and how it calls another.
import { tf } from '../tf';
import type { WasmBackend } from './module';

export type TensorInfo = ReturnType<WasmBackend['makeOutput']>;

/** A kernel: tensors in, tensors out. Its attributes are as TensorFlow.js's op hands them over. */
export type Kernel<A = unknown> = (
  inputs: Record<string, TensorInfo>,
  attributes: A,
  backend: WasmBackend,
) => TensorInfo | TensorInfo[];

/** Kernels by TensorFlow.js's names. */
export type Kernels = Record<string, Kernel<never>>;

/** The result of another kernel. */
export function call(
  backend: WasmBackend,
  name: string,
  inputs: Record<string, TensorInfo>,
  attrs: Record<string, unknown> = {},
): TensorInfo {
  const kernel = tf.getKernel(name, 'wasm');
  return kernel.kernelFunc({ inputs, attrs: attrs as tf.NamedAttrMap, backend }) as TensorInfo;
}

/** The result of `f` on a temporary tensor, which is freed. */
export function using(
  backend: WasmBackend,
  temporary: TensorInfo,
  f: (x: TensorInfo) => TensorInfo,
): TensorInfo {
  const result = f(temporary);
  backend.disposeData(temporary.dataId);
  return result;
}

/** The same data under another handle. */
export function share(backend: WasmBackend, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}

/** A new tensor of zeros. */
export function zeros(backend: WasmBackend, shape: number[], dtype: tf.DataType = 'float32'): TensorInfo {
  const out = backend.makeOutput(shape, dtype);
  backend.typedArrayFromHeap(out).fill(0);
  return out;
}

/** What the fused kernels share: a bias is added, then an activation is applied. Frees its argument. */
export function finish(
  backend: WasmBackend,
  out: TensorInfo,
  { bias, preluActivationWeights: alpha }: Record<string, TensorInfo | undefined>,
  { activation, leakyreluAlpha }: Activation,
): TensorInfo {
  if (bias) out = using(backend, out, (a) => call(backend, 'Add', { a, b: bias }));
  if (!activation || activation === 'linear') return out;
  return using(backend, out, (x) => {
    if (activation === 'prelu') return call(backend, 'Prelu', { x, alpha: alpha! });
    if (activation === 'leakyrelu') return call(backend, 'LeakyRelu', { x }, { alpha: leakyreluAlpha });
    return call(backend, activations[activation], { x });
  });
}

const activations = { relu: 'Relu', relu6: 'Relu6', elu: 'Elu', sigmoid: 'Sigmoid' } as const;

/** The attributes of an activation in a fused kernel. */
export interface Activation {
  activation?: 'linear' | 'prelu' | 'leakyrelu' | keyof typeof activations;
  leakyreluAlpha?: number;
}
