// Pooling, in plain loops. TensorFlow.js's own maximum starts from the smallest positive number, not from minus infinity, so windows of
// negative numbers give 1e-38 (MaxPool3D, MaxPoolWithArgmax) or send their gradient to the wrong place (both gradients);
// of equal maxima it takes the last, where every other backend and PyTorch take the first.
// Its gradient of the mean divides by the window's size where the mean divides by the elements inside the image.
import { tf } from '../tf';
import { zeros, type Kernel, type Kernels, type TensorInfo } from './kernel';
import { before, type Three } from './convolutions';
import type { WasmBackend } from './module';

/** The geometry of windows over [batch, ...input, channels]; a 2-D one has depth 1. */
interface Windows {
  batch: number;
  input: Three;
  channels: number;
  output: Three;
  /** The window's extent, and the step between its elements. */
  extent: Three;
  dilation: Three;
  stride: Three;
  pad: Three;
  outShape: number[];
}

interface Attributes {
  filterSize: never;
  strides: never;
  pad: never;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

function windows(shape: number[], { filterSize, strides, pad, dimRoundingMode }: Attributes): Windows {
  if (shape.length === 5) {
    const i = tf.backend_util.computePool3DInfo(shape as never, filterSize, strides, 1, pad, dimRoundingMode);
    return {
      batch: i.batchSize,
      channels: i.inChannels,
      input: [i.inDepth, i.inHeight, i.inWidth],
      output: [i.outDepth, i.outHeight, i.outWidth],
      extent: [i.effectiveFilterDepth, i.effectiveFilterHeight, i.effectiveFilterWidth],
      dilation: [i.dilationDepth, i.dilationHeight, i.dilationWidth],
      stride: [i.strideDepth, i.strideHeight, i.strideWidth],
      pad: before(i.padInfo),
      outShape: i.outShape,
    };
  }
  const i = tf.backend_util.computePool2DInfo(shape as never, filterSize, strides, 1, pad, dimRoundingMode);
  return {
    batch: i.batchSize,
    channels: i.inChannels,
    input: [1, i.inHeight, i.inWidth],
    output: [1, i.outHeight, i.outWidth],
    extent: [1, i.effectiveFilterHeight, i.effectiveFilterWidth],
    dilation: [1, i.dilationHeight, i.dilationWidth],
    stride: [1, i.strideHeight, i.strideWidth],
    pad: before(i.padInfo),
    outShape: i.outShape,
  };
}

/**
 * Walk over the windows of a pooling.
 * @param f  gets the index of a window's first channel in the output, and that of each of its elements in the input
 *           (padding is no element; the list is used again for the next window)
 */
function walk(w: Windows, f: (out: number, elements: readonly number[]) => void): void {
  const { channels, input, output } = w;
  const elements: number[] = [];
  const places = [0, 1, 2].map((axis) =>
    Array.from({ length: output[axis] }, (_, out) => {
      const start = out * w.stride[axis] - w.pad[axis];
      const inside: number[] = [];
      for (let i = 0; i < w.extent[axis]; i += w.dilation[axis])
        if (start + i >= 0 && start + i < input[axis]) inside.push(start + i);
      return inside;
    }),
  );
  let out = 0;
  for (let b = 0; b < w.batch; b++)
    for (const depths of places[0])
      for (const rows of places[1])
        for (const columns of places[2]) {
          elements.length = 0;
          for (const d of depths)
            for (const h of rows)
              for (const v of columns)
                elements.push((((b * input[0] + d) * input[1] + h) * input[2] + v) * channels);
          f(out, elements);
          out += channels;
        }
}

/**
 * Where the maximum of every window lies, as an index into x. Of equal maxima the first; NaN counts as the largest, so that
 * it is not lost.
 */
function largest(x: tf.TypedArray, w: Windows): Int32Array {
  const found = new Int32Array(tf.util.sizeFromShape(w.outShape)).fill(-1);
  walk(w, (out, elements) => {
    for (const at of elements)
      for (let c = 0; c < w.channels; c++) {
        const [value, best] = [x[at + c], found[out + c]];
        if (best < 0 || value > x[best] || (Number.isNaN(value) && !Number.isNaN(x[best])))
          found[out + c] = at + c;
      }
  });
  return found;
}

/** The maxima, and where they lie. */
function maxima(backend: WasmBackend, x: TensorInfo, w: Windows): [pooled: TensorInfo, where: Int32Array] {
  const pooled = backend.makeOutput(w.outShape, x.dtype);
  const [from, to] = [x, pooled].map((t) => backend.typedArrayFromHeap(t));
  const where = largest(from, w);
  where.forEach((index, i) => {
    // A window that lies in the padding alone has no maximum.
    to[i] = index < 0 ? -Infinity : from[index];
  });
  return [pooled, where];
}

const maxPool: Kernel<Attributes> = ({ x }, attributes, backend) =>
  maxima(backend, x, windows(x.shape, attributes))[0];

const maxPoolGradient: Kernel<Attributes> = ({ dy, input }, attributes, backend) => {
  const out = zeros(backend, input.shape);
  const [x, from, to] = [input, dy, out].map((t) => backend.typedArrayFromHeap(t));
  largest(x, windows(input.shape, attributes)).forEach((index, i) => {
    if (index >= 0) to[index] += from[i];
  });
  return out;
};

const maxPoolWithArgmax: Kernel<Attributes & { includeBatchInIndex: boolean }> = (
  { x },
  attributes,
  backend,
) => {
  const w = windows(x.shape, attributes);
  const [pooled, where] = maxima(backend, x, w);
  const indexes = backend.makeOutput(w.outShape, 'int32');
  const sample = tf.util.sizeFromShape(x.shape.slice(1));
  backend
    .typedArrayFromHeap(indexes)
    .set(attributes.includeBatchInIndex ? where : where.map((index) => index % sample));
  return [pooled, indexes];
};

/** The mean of a window's elements; padding counts neither as element nor in their number. */
const averagePool: Kernel<Attributes> = ({ x }, attributes, backend) => {
  const w = windows(x.shape, attributes);
  const out = backend.makeOutput(w.outShape, 'float32');
  const [from, to] = [x, out].map((t) => backend.typedArrayFromHeap(t));
  walk(w, (o, elements) => {
    for (let c = 0; c < w.channels; c++) {
      let sum = 0;
      for (const at of elements) sum += from[at + c];
      to[o + c] = sum / elements.length;
    }
  });
  return out;
};

const averagePoolGradient: Kernel<Attributes> = ({ dy, input }, attributes, backend) => {
  const w = windows(input.shape, attributes);
  const out = zeros(backend, input.shape);
  const [from, to] = [dy, out].map((t) => backend.typedArrayFromHeap(t));
  walk(w, (o, elements) => {
    for (const at of elements)
      for (let c = 0; c < w.channels; c++) to[at + c] += from[o + c] / elements.length;
  });
  return out;
};

export const pooling: Kernels = {
  AvgPool: averagePool,
  AvgPoolGrad: averagePoolGradient,
  AvgPool3D: averagePool,
  AvgPool3DGrad: averagePoolGradient,
  MaxPool: maxPool,
  MaxPoolGrad: maxPoolGradient,
  MaxPool3D: maxPool,
  MaxPool3DGrad: maxPoolGradient,
  MaxPoolWithArgmax: maxPoolWithArgmax,
};
