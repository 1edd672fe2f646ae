// Kernels that more than one backend of TensorFlow.js 4.22 has wrong in the same way, put right around what is there.
import { refuse } from './refuse';
import type { BackendName } from './backend';
import { tf } from './tf';

type KernelFunc = tf.KernelConfig['kernelFunc'];
type Call = Parameters<KernelFunc>[0];
interface Attributes {
  strides: number | [number, number, number];
  filterSize: number | [number, number, number];
  pad: 'same' | 'valid' | number;
  dimRoundingMode?: 'floor';
  inputShape?: number[];
  filterShape?: number[];
  axis?: number;
}

/** Kept with the engine: a module that is loaded again must not wrap twice. */
const key = Symbol.for('cost-of-consistency/mended-kernels');

/** Put `wrap(run, call)` in the place of a kernel `run(call)`, once. Tensors made in it are freed. */
export function wrapKernel(
  backendName: BackendName,
  kernelName: string,
  wrap: (run: KernelFunc, call: Call) => ReturnType<KernelFunc>,
): void {
  const host = tf.engine() as unknown as { [key]?: Set<string> };
  const done = (host[key] ??= new Set());
  const kernel = tf.getKernel(kernelName, backendName);
  if (done.has(`${backendName} ${kernelName}`)) return;
  done.add(`${backendName} ${kernelName}`);
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    ...kernel,
    kernelFunc: (call) => tf.tidy(() => wrap(kernel.kernelFunc, call) as unknown as tf.Tensor),
  });
}

const attributesOf = (call: Call): Attributes => call.attrs as unknown as Attributes;
const tensor = (call: Call, name: string): tf.Tensor => call.inputs[name] as tf.Tensor;
const three = (value: number | [number, number, number]): [number, number, number] =>
  typeof value === 'number' ? [value, value, value] : value;

/**
 * `same` in three dimensions, where the window is shorter than the stride (a strided 1x1x1 convolution): the border comes out
 * negative and every sample is taken one too early. No border is needed then, so `valid` is the same.
 */
export function mendSameIn3d(backend: BackendName): void {
  const mend = (kernelName: string, shapes: (call: Call) => [image: number[], window: number[]]): void =>
    wrapKernel(backend, kernelName, (run, call) => {
      const attributes = attributesOf(call);
      if (attributes.pad !== 'same') return run(call);
      const [image, window] = shapes(call);
      const borders = three(attributes.strides).map(
        (stride, k) => (Math.ceil(image[k + 1] / stride) - 1) * stride + window[k] - image[k + 1],
      );
      if (borders.every((border) => border >= 0)) return run(call);
      if (borders.some((border) => border > 0))
        throw refuse(
          kernelName,
          backend,
          'a window shorter than the stride on one axis and longer on another',
          ['tensorflow', 'wasm'],
        );
      return run({ ...call, attrs: { ...call.attrs, pad: 'valid' } });
    });
  const shape = (call: Call, name: string): number[] => call.inputs[name]!.shape;
  mend('Conv3D', (call) => [shape(call, 'x'), shape(call, 'filter')]);
  mend('Conv3DBackpropInputV2', (call) => [attributesOf(call).inputShape!, shape(call, 'filter')]);
  mend('Conv3DBackpropFilterV2', (call) => [shape(call, 'x'), attributesOf(call).filterShape!]);
}

/**
 * Gradients of average pools: with a border, a window at the edge has the mean of fewer elements than it is long, and the
 * kernels divide by its length all the same.
 */
export function mendAveragePools(backend: BackendName): void {
  for (const kernelName of ['AvgPoolGrad', 'AvgPool3DGrad']) {
    wrapKernel(backend, kernelName, (run, call) => {
      const { filterSize, strides, pad } = attributesOf(call);
      const dy = tensor(call, 'dy');
      if (pad === 'valid' || pad === 0) return run(call);
      const image = call.inputs.input!.shape;
      const space = dy.shape.slice(1, -1);
      const size = three(filterSize);
      const stride = three(strides);
      const shares = space.map((length, k) => {
        const border =
          pad === 'same' ? Math.max(0, (length - 1) * stride[k] + size[k] - image[k + 1]) >> 1 : pad;
        const along = Float32Array.from({ length }, (_, i) => {
          const start = i * stride[k] - border;
          return size[k] / (Math.min(image[k + 1], start + size[k]) - Math.max(0, start));
        });
        return tf.tensor(
          along,
          dy.shape.map((_, axis) => (axis === k + 1 ? length : 1)),
        );
      });
      const scaled = shares.reduce((product, share) => tf.mul(product, share), dy);
      return run({ ...call, inputs: { ...call.inputs, dy: scaled } });
    });
  }
}

/** Products with a side that is broadcast along some batch axes and not along others: the kernels mistake its batches. */
export function mendBroadcastProducts(backend: BackendName): void {
  const size = tf.util.sizeFromShape;
  wrapKernel(backend, 'BatchMatMul', (run, call) => {
    const sides = [tensor(call, 'a'), tensor(call, 'b')];
    const batches = sides.map(({ shape }) => shape.slice(0, -2));
    const whole = tf.broadcast_util.assertAndGetBroadcastShape(batches[0], batches[1]);
    const mistaken = batches.map((batch) => size(batch) !== 1 && size(batch) !== size(whole));
    if (!mistaken.includes(true)) return run(call);
    const [a, b] = sides.map((x, k) =>
      mistaken[k] ? tf.broadcastTo(x, [...whole, ...x.shape.slice(-2)]) : x,
    );
    return run({ ...call, inputs: { a, b } });
  });
}
