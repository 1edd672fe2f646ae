// Depthwise convolution and its gradients, in plain loops: no model here leans on it. TensorFlow.js's own was seen to leave
// zeros where the filter is narrower than the stride, and its gradients are missing.
import { refuse } from '../refuse';
import { tf } from '../tf';
import { finish, zeros, type Activation, type Kernel, type Kernels } from './kernel';

interface Attributes {
  strides: never;
  pad: never;
  dilations?: never;
  dataFormat?: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}
type Info = tf.backend_util.Conv2DInfo;

function infoOf(kernel: string, inShape: number[], filterShape: number[], a: Attributes): Info {
  if (a.dataFormat === 'NCHW')
    throw refuse(kernel, 'wasm', 'it has channels last only (NHWC), and was given NCHW', [
      'tensorflow',
      'cpu',
    ]);
  return tf.backend_util.computeConv2DInfo(
    inShape as never,
    filterShape as never,
    a.strides,
    a.dilations ?? 1,
    a.pad,
    a.dimRoundingMode,
    true,
  );
}

/** Visit every product of the sum: the index in x, in the filter [height, width, channels, multiplier] and in y. */
function products(i: Info, visit: (x: number, w: number, y: number) => void): void {
  const multiplier = i.outChannels / i.inChannels;
  for (let b = 0; b < i.batchSize; b++)
    for (let row = 0; row < i.outHeight; row++)
      for (let column = 0; column < i.outWidth; column++)
        for (let h = 0; h < i.filterHeight; h++)
          for (let w = 0; w < i.filterWidth; w++) {
            const y = row * i.strideHeight - i.padInfo.top + h * i.dilationHeight;
            const x = column * i.strideWidth - i.padInfo.left + w * i.dilationWidth;
            if (y < 0 || y >= i.inHeight || x < 0 || x >= i.inWidth) continue;
            const at = ((b * i.inHeight + y) * i.inWidth + x) * i.inChannels;
            const tap = (h * i.filterWidth + w) * i.outChannels;
            const out = ((b * i.outHeight + row) * i.outWidth + column) * i.outChannels;
            for (let k = 0; k < i.outChannels; k++) visit(at + Math.floor(k / multiplier), tap + k, out + k);
          }
}

const forward =
  (kernel: string): Kernel<Attributes & Activation> =>
  (inputs, attributes, backend) => {
    const { x, filter } = inputs;
    const info = infoOf(kernel, x.shape, filter.shape, attributes);
    const out = zeros(backend, info.outShape);
    const [from, weights, to] = [x, filter, out].map((t) => backend.typedArrayFromHeap(t));
    products(info, (i, j, k) => (to[k] += from[i] * weights[j]));
    return finish(backend, out, inputs, attributes);
  };

const toInput: Kernel<Attributes & { inputShape: number[] }> = ({ dy, filter }, attributes, backend) => {
  const { inputShape } = attributes;
  const info = infoOf('DepthwiseConv2dNativeBackpropInput', inputShape, filter.shape, attributes);
  const out = zeros(backend, inputShape);
  const [from, weights, to] = [dy, filter, out].map((t) => backend.typedArrayFromHeap(t));
  products(info, (i, j, k) => (to[i] += from[k] * weights[j]));
  return out;
};

const toFilter: Kernel<Attributes & { filterShape: number[] }> = ({ x, dy }, attributes, backend) => {
  const { filterShape } = attributes;
  const info = infoOf('DepthwiseConv2dNativeBackpropFilter', x.shape, filterShape, attributes);
  const out = zeros(backend, filterShape);
  const [from, gradient, to] = [x, dy, out].map((t) => backend.typedArrayFromHeap(t));
  products(info, (i, j, k) => (to[j] += from[i] * gradient[k]));
  return out;
};

export const depthwise: Kernels = {
  DepthwiseConv2dNative: forward('DepthwiseConv2dNative'),
  FusedDepthwiseConv2D: forward('FusedDepthwiseConv2D'),
  DepthwiseConv2dNativeBackpropInput: toInput,
  DepthwiseConv2dNativeBackpropFilter: toFilter,
};
