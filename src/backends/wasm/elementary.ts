// Small kernels: sharing in place of copying, conversions, sums by index, and those that lose NaN or misread a shape.
import { tf } from '../tf';
import { share, zeros, type Kernel, type Kernels, type TensorInfo } from './kernel';
import type { WasmBackend } from './module';
import { grid } from './product';

/** TensorFlow.js's own copies, and the tape clones every tensor it saves. */
const identity: Kernel = ({ x }, _, backend) => share(backend, x);

/**
 * Conversion; to bool all but 0 is true (TensorFlow.js's own cuts 0.5 and 256 to false). Where nothing is converted the data
 * is shared: gradients ask for that once or more for every operation.
 */
const cast: Kernel<{ dtype: tf.DataType }> = ({ x }, { dtype }, backend) => {
  if (x.dtype === dtype) return share(backend, x);
  const out = backend.makeOutput(x.shape, dtype);
  const [from, to] = [x, out].map((t) => backend.typedArrayFromHeap(t));
  if (dtype === 'bool') for (let i = 0; i < to.length; i++) to[i] = from[i] === 0 ? 0 : 1;
  else to.set(from);
  return out;
};

/** Rows of x are added up by the segment that each belongs to; rows of no segment (negative or too large) are left out. */
const unsortedSegmentSum: Kernel<{ numSegments: number }> = ({ x, segmentIds }, { numSegments }, backend) => {
  const shape = [numSegments, ...x.shape.slice(segmentIds.shape.length)];
  const out = zeros(backend, shape, x.dtype);
  const [from, ids, to] = [x, segmentIds, out].map((t) => backend.typedArrayFromHeap(t));
  const size = tf.util.sizeFromShape(shape.slice(1));
  ids.forEach((segment, row) => {
    if (segment < 0 || segment >= numSegments) return;
    for (let i = 0; i < size; i++) to[segment * size + i] += from[row * size + i];
  });
  return out;
};

/** f of every pair of elements, shapes broadcast. */
function pairs(
  backend: WasmBackend,
  a: TensorInfo,
  b: TensorInfo,
  f: (a: number, b: number) => number,
): TensorInfo {
  const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const out = backend.makeOutput(shape, a.dtype);
  const [left, right, to] = [a, b, out].map((t) => backend.typedArrayFromHeap(t));
  const [i, j] = [a, b].map((t) => grid(shape, repeated(t.shape, shape.length)));
  for (let k = 0; k < to.length; k++) to[k] = f(left[i[k]], right[j[k]]);
  return out;
}

/** The strides of a shape, in elements, in a broadcast of some rank: 0 where it is repeated. */
export function repeated(shape: readonly number[], rank: number): number[] {
  const full = [...new Array<number>(rank - shape.length).fill(1), ...shape];
  let stride = 1;
  return full
    .map((n) => n)
    .reverse()
    .map((n) => {
      const own = n === 1 ? 0 : stride;
      stride *= n;
      return own;
    })
    .reverse();
}

/** TensorFlow.js's own returns the other number where one is NaN. */
const extreme =
  (f: (a: number, b: number) => number): Kernel =>
  ({ a, b }, _, backend) =>
    pairs(backend, a, b, f);

/** TensorFlow.js's own repeats alpha from end to end, whatever its shape. */
const prelu: Kernel = ({ x, alpha }, _, backend) =>
  pairs(backend, x, alpha, (value, slope) => (value < 0 ? value * slope : value));

/** f of every element. */
const each =
  (f: (x: number) => number): Kernel =>
  ({ x }, _, backend) => {
    const out = backend.makeOutput(x.shape, x.dtype);
    const [from, to] = [x, out].map((t) => backend.typedArrayFromHeap(t));
    for (let i = 0; i < to.length; i++) to[i] = f(from[i]);
    return out;
  };

interface OneHot {
  depth: number;
  onValue: number;
  offValue: number;
  dtype: tf.DataType;
}

/** TensorFlow.js's own writes integers, whatever the type asked for: 1 as float32 reads as 1e-45. */
const oneHot: Kernel<OneHot> = ({ indices }, { depth, onValue, offValue, dtype }, backend) => {
  const out = backend.makeOutput([...indices.shape, depth], dtype);
  const [at, to] = [indices, out].map((t) => backend.typedArrayFromHeap(t));
  to.fill(offValue);
  at.forEach((index, row) => {
    if (index >= 0 && index < depth) to[row * depth + index] = onValue;
  });
  return out;
};

/** TensorFlow.js's own takes integers for floats. */
const clipByValue: Kernel<{ clipValueMin: number; clipValueMax: number }> = (
  inputs,
  { clipValueMin, clipValueMax },
  backend,
) => each((x) => Math.max(clipValueMin, Math.min(clipValueMax, x)))(inputs, {}, backend);

interface Resized {
  alignCorners: boolean;
  halfPixelCenters?: boolean;
}

/** Every pixel's gradient goes to the pixel it was taken from. TensorFlow.js's own does not know half-pixel centres. */
const resizeNearestNeighborGrad: Kernel<Resized> = (
  { images, dy },
  { alignCorners, halfPixelCenters },
  backend,
) => {
  const out = zeros(backend, images.shape);
  const [batch, height, width, channels] = images.shape;
  const [, newHeight, newWidth] = dy.shape;
  const source = (size: number, newSize: number): number[] => {
    const scale = alignCorners && newSize > 1 ? (size - 1) / (newSize - 1) : size / newSize;
    return Array.from({ length: newSize }, (_, i) => {
      const at = halfPixelCenters ? (i + 0.5) * scale : i * scale;
      return Math.min(size - 1, alignCorners ? Math.round(at) : Math.floor(at));
    });
  };
  const [rows, columns] = [source(height, newHeight), source(width, newWidth)];
  const [from, to] = [dy, out].map((t) => backend.typedArrayFromHeap(t));
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (const row of rows)
      for (const column of columns)
        for (let c = 0; c < channels; c++)
          to[((b * height + row) * width + column) * channels + c] += from[at++];
  return out;
};

export const elementary: Kernels = {
  Identity: identity,
  Cast: cast,
  UnsortedSegmentSum: unsortedSegmentSum,
  OneHot: oneHot,
  ClipByValue: clipByValue,
  Maximum: extreme((a, b) => Math.max(a, b)),
  Minimum: extreme((a, b) => Math.min(a, b)),
  Prelu: prelu,
  Relu6: each((x) => Math.min(Math.max(x, 0), 6)),
  Sin: each((x) => Math.sin(x)),
  Cos: each((x) => Math.cos(x)),
  Tan: each((x) => Math.tan(x)),
  Sign: each((x) => Math.sign(x)),
  ResizeNearestNeighborGrad: resizeNearestNeighborGrad,
};
