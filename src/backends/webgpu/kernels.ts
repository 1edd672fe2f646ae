// Kernels that TensorFlow.js's WebGPU backend has wrong, mended by asking them for less: fewer axes, fewer inputs, one
// axis at a time. What cannot be had that way refuses. And large products, which are right and slow.
import type { TensorInfo } from '@tensorflow/tfjs';
import { mendAveragePools, mendBroadcastProducts, mendSameIn3d } from '../mended-kernels';
import { refuse } from '../refuse';
import { tf } from '../tf';
import { largeProduct } from './matrix-product';
import type { GuardedBackend } from './tfjs-backend';

/** What a kernel is called with. */
interface Call {
  inputs: Record<string, TensorInfo>;
  backend: GuardedBackend;
  attrs: Record<string, unknown>;
}
type Kernel = (call: Call) => TensorInfo;

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The same numbers in another shape: the same buffer, and nobody else's to free. */
const as = ({ dataId, dtype }: TensorInfo, shape: number[]): TensorInfo => ({
  dataId,
  dtype: dtype,
  shape,
});

/** Axes before, at and after one axis. */
const around = (shape: readonly number[], axis: number): [number, number, number] => [
  product(shape.slice(0, axis)),
  shape[axis],
  product(shape.slice(axis + 1)),
];

/**
 * Do with a tensor of more than four axes, axis by axis, what the kernel does with one of three.
 * @param todo  the axes, and the attributes for the axis in the middle of three
 */
function axisByAxis(
  kernel: Kernel,
  x: TensorInfo,
  backend: GuardedBackend,
  todo: readonly { axis: number; attrs: Record<string, unknown>; size: number }[],
): TensorInfo {
  let shape = [...x.shape];
  let at: TensorInfo = x;
  for (const { axis, attrs, size } of todo) {
    const next = kernel({ inputs: { x: as(at, around(shape, axis)) }, backend, attrs });
    if (at !== x) backend.disposeData(at.dataId);
    shape = shape.map((n, i) => (i === axis ? size : n));
    at = as(next, shape);
  }
  if (at !== x) return at;
  backend.incRef(x.dataId);
  return as(x, shape);
}

const mends: Record<string, (kernel: Kernel) => Kernel> = {
  PadV2: (kernel) => (call) => {
    const { backend, attrs, inputs } = call;
    const x = inputs.x;
    const paddings = attrs.paddings as [number, number][];
    if (x.shape.length <= 4 || product(x.shape) === 0) return kernel(call);
    return axisByAxis(kernel, x, backend, paddedAxes(x.shape, paddings, attrs));
  },
  MirrorPad: (kernel) => (call) => {
    const { backend, attrs, inputs } = call;
    const x = inputs.x;
    const paddings = attrs.paddings as [number, number][];
    if (x.shape.length <= 4) return kernel(call);
    return axisByAxis(kernel, x, backend, paddedAxes(x.shape, paddings, attrs));
  },
  Reverse: (kernel) => (call) => {
    const { backend, attrs, inputs } = call;
    const x = inputs.x;
    if (x.shape.length <= 4) return kernel(call);
    const axes = tf.util.parseAxisParam(attrs.dims as number[], x.shape);
    const todo = axes.map((axis) => ({ axis, attrs: { dims: [1] }, size: x.shape[axis] }));
    return axisByAxis(kernel, x, backend, todo);
  },
  // The stock kernel reads tensors of five axes back and tiles them on the processor, which Node cannot.
  Tile: (kernel) => (call) => {
    const { backend, attrs, inputs } = call;
    const x = inputs.x;
    if (x.shape.length <= 4 || x.dtype === 'string') return kernel(call);
    const reps = attrs.reps as number[];
    const todo = reps.flatMap((times, axis) =>
      times === 1 ? [] : [{ axis, attrs: { reps: [1, times, 1] }, size: x.shape[axis] * times }],
    );
    return axisByAxis(kernel, x, backend, todo);
  },
  Cumsum: alongOneAxis,
  Cumprod: alongOneAxis,
  Select: (kernel) => (call) => {
    const { condition, t, e } = call.inputs as { condition: TensorInfo; t: TensorInfo; e: TensorInfo };
    if (t.shape.length <= 4) return kernel(call);
    // The condition has the shape of the choices, or is one number for each of their first axis.
    const [rows, size] = [product(condition.shape), product(t.shape)];
    const choices = condition.shape.length === t.shape.length ? [size] : [rows, size / rows];
    const inputs = { condition: as(condition, [rows]), t: as(t, choices), e: as(e, choices) };
    return as(kernel({ ...call, inputs }), t.shape);
  },
  // One buffer for each input and one for the sum: more than a shader may have.
  AddN: (kernel) => (call) => {
    const { backend } = call;
    const most = backend.device.limits.maxStorageBuffersPerShaderStage - 1;
    const [first, ...rest] = call.inputs as unknown as [TensorInfo, ...TensorInfo[]];
    if (rest.length < most) return kernel(call);
    let sum = first;
    while (rest.length > 0) {
      const inputs = [sum, ...rest.splice(0, most - 1)];
      const next = kernel({ ...call, inputs: inputs as unknown as Call['inputs'] });
      if (sum !== first) backend.disposeData(sum.dataId);
      sum = next;
    }
    return sum;
  },
  BatchMatMul: (kernel) => (call) => {
    const { a, b } = call.inputs;
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    return largeProduct(call.backend, a, b, { transposeA, transposeB }) ?? kernel(call);
  },
  ArgMax: scalarOfVector,
  ArgMin: scalarOfVector,
  FFT: ofRows('FFT'),
  IFFT: ofRows('IFFT'),
  DenseBincount: (kernel) => (call) => {
    if (call.inputs.x.shape.length > 1)
      throw refuse('DenseBincount', 'webgpu', 'it counts only a part of a matrix', ['tensorflow', 'cpu']);
    return kernel(call);
  },
};

/** The axes that are padded, each as the middle of three. */
function paddedAxes(
  shape: readonly number[],
  paddings: readonly [number, number][],
  attrs: Record<string, unknown>,
): { axis: number; attrs: Record<string, unknown>; size: number }[] {
  return paddings.flatMap(([before, after], axis) =>
    before + after === 0
      ? []
      : [
          {
            axis,
            attrs: {
              ...attrs,
              paddings: [
                [0, 0],
                [before, after],
                [0, 0],
              ],
            },
            size: shape[axis] + before + after,
          },
        ],
  );
}

/** Cumulative kernels know four axes; along one axis there are never more than three. */
function alongOneAxis(kernel: Kernel): Kernel {
  return (call) => {
    const x = call.inputs.x;
    if (x.shape.length <= 4) return kernel(call);
    const axis = tf.util.parseAxisParam(call.attrs.axis as number, x.shape)[0];
    const attrs = { ...call.attrs, axis: 1 };
    return as(kernel({ ...call, inputs: { x: as(x, around(x.shape, axis)) }, attrs }), x.shape);
  };
}

/** The place of a vector's largest number is one number, not a vector of one. */
function scalarOfVector(kernel: Kernel): Kernel {
  return (call) => {
    const found = kernel(call);
    return call.inputs.x.shape.length === 1 ? as(found, []) : found;
  };
}

/** Fourier transforms of rows; of a vector they would give back a matrix. */
function ofRows(name: string): (kernel: Kernel) => Kernel {
  return (kernel) => (call) => {
    const { shape } = call.inputs.input;
    if (shape.length !== 2)
      throw refuse(
        name,
        'webgpu',
        `its result has another shape unless it is given rows; this has [${shape.join(', ')}]`,
        ['tensorflow', 'cpu'],
      );
    return kernel(call);
  };
}

/** Marks our kernels: they are not mended twice, not even by a copy of this module that the kernel loaded anew. */
const ours = Symbol.for('cost-of-consistency.mended');

/** Replace the kernels, once. */
export function mendKernels(): void {
  mendSameIn3d('webgpu');
  mendAveragePools('webgpu');
  mendBroadcastProducts('webgpu');
  for (const [kernelName, mend] of Object.entries(mends)) {
    const stock = tf.getKernel(kernelName, 'webgpu');
    if (ours in stock) continue;
    tf.unregisterKernel(kernelName, 'webgpu');
    const kernelFunc = mend(stock.kernelFunc as unknown as Kernel) as unknown as tf.KernelFunc;
    const replaced = { ...stock, kernelFunc, [ours]: true };
    tf.registerKernel(replaced);
  }
}
