// Kernels that move elements and do not compute: each output element is one of x, chosen axis by axis. TensorFlow.js's own
// Reverse writes four bytes for every bool, past its output; its StridedSlice gives float32 for everything; its Slice and
// SplitV copy the whole tensor out of the heap first; its GatherV2 with
// batch dimensions reads the wrong places.
import { type Strided, stridedInfo } from '../strided';
import { tf } from '../tf';
import type { Kernel, Kernels, TensorInfo } from './kernel';
import type { WasmBackend } from './module';

/** Positions from `start`, `step` apart. */
const positions = (count: number, start = 0, step = 1): number[] =>
  Array.from({ length: count }, (_, i) => start + i * step);

/** The tensor out[i, j, ...] = x[axes[0][i], axes[1][j], ...]. */
function take(backend: WasmBackend, x: TensorInfo, axes: readonly (readonly number[])[]): TensorInfo {
  axes.forEach((axis, i) => {
    const outside = axis.find((position) => position < 0 || position >= x.shape[i]);
    tf.util.assert(
      outside === undefined,
      () => `position ${outside} is outside axis ${i} of ${x.shape.join('x')}`,
    );
  });
  const out = backend.makeOutput(
    axes.map((axis) => axis.length),
    x.dtype,
  );
  const [from, to] = [x, out].map((t) => backend.typedArrayFromHeap(t));
  if (to.length === 0) return out;
  // The last axes are copied in one run where they stay whole, and one more where its positions follow each other.
  let whole = axes.length;
  while (whole > 0 && follows(axes[whole - 1]) && axes[whole - 1].length === x.shape[whole - 1]) whole--;
  const runs = whole > 0 && follows(axes[whole - 1]) ? whole - 1 : whole;
  const strides = x.shape.length > 1 ? [...tf.util.computeStrides(x.shape), 1] : [1];
  const run = axes.slice(runs).reduce((n, axis) => n * axis.length, 1);
  const first = runs < whole ? axes[runs][0] * strides[runs] : 0;
  let starts = Int32Array.of(first);
  for (let axis = 0; axis < runs; axis++) {
    const finer = new Int32Array(starts.length * axes[axis].length);
    let at = 0;
    for (const start of starts)
      for (const position of axes[axis]) finer[at++] = start + position * strides[axis];
    starts = finer;
  }
  if (run === 1) starts.forEach((start, i) => (to[i] = from[start]));
  else starts.forEach((start, i) => to.set(from.subarray(start, start + run), i * run));
  return out;
}

const follows = (axis: readonly number[]): boolean => axis.every((position, i) => position === axis[0] + i);

const slice: Kernel<{ begin: number[]; size: number[] }> = ({ x }, { begin, size }, backend) => {
  const [from, count] = tf.slice_util.parseSliceParams(x, begin, size);
  tf.slice_util.assertParamsValid(x, from, count);
  return take(
    backend,
    x,
    count.map((n, axis) => positions(n, from[axis])),
  );
};

const splitV: Kernel<{ numOrSizeSplits: number | number[]; axis: number }> = (
  { x },
  { numOrSizeSplits, axis },
  backend,
) => {
  const [along] = tf.util.parseAxisParam(axis, x.shape);
  let at = 0;
  return tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, along).map((n) => {
    const start = at;
    at += n;
    return take(
      backend,
      x,
      x.shape.map((size, i) => (i === along ? positions(n, start) : positions(size))),
    );
  });
};

const stridedSlice: Kernel<Strided> = ({ x }, a, backend) => {
  const info = stridedInfo(x.shape, a);
  const counts = tf.slice_util.computeOutShape(info.begin, info.end, info.strides);
  const out = take(
    backend,
    x,
    counts.map((n, axis) => positions(n, info.begin[axis], info.strides[axis])),
  );
  return { ...out, shape: info.finalShape };
};

const reverse: Kernel<{ dims: number[] }> = ({ x }, { dims }, backend) => {
  const turned = tf.util.parseAxisParam(dims, x.shape);
  return take(
    backend,
    x,
    x.shape.map((n, axis) => (turned.includes(axis) ? positions(n, n - 1, -1) : positions(n))),
  );
};

const tile: Kernel<{ reps: number[] }> = ({ x }, { reps }, backend) =>
  take(
    backend,
    x,
    x.shape.map((n, axis) => Array.from({ length: reps[axis] }, () => positions(n)).flat()),
  );

const mirrorPad: Kernel<{ paddings: [number, number][]; mode: 'reflect' | 'symmetric' }> = (
  { x },
  { paddings, mode },
  backend,
) => {
  const edge = mode === 'reflect' ? 0 : 1;
  return take(
    backend,
    x,
    x.shape.map((n, axis) =>
      positions(paddings[axis][0] + n + paddings[axis][1], -paddings[axis][0]).map((i) =>
        i < 0 ? -i - edge : i >= n ? 2 * (n - 1) - i + edge : i,
      ),
    ),
  );
};

/** Slices of x at indices along an axis; the first `batchDims` dimensions go in step. */
const gather: Kernel<{ axis: number; batchDims: number }> = (
  { x, indices },
  { axis, batchDims },
  backend,
) => {
  const [along] = tf.util.parseAxisParam(axis, x.shape);
  const { batchSize, outerSize, dimSize, sliceSize, outputShape } =
    tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, along, batchDims);
  const out = backend.makeOutput(outputShape, x.dtype);
  const [from, at, to] = [x, indices, out].map((t) => backend.typedArrayFromHeap(t));
  const count = at.length / batchSize;
  for (const index of at)
    tf.util.assert(
      index >= 0 && index < dimSize,
      () => `gather: index ${index} is not in [0, ${dimSize - 1}]`,
    );
  let next = 0;
  for (let b = 0; b < batchSize; b++)
    for (let o = 0; o < outerSize; o++)
      for (let i = 0; i < count; i++, next += sliceSize) {
        const start = ((b * outerSize + o) * dimSize + at[b * count + i]) * sliceSize;
        to.set(from.subarray(start, start + sliceSize), next);
      }
  return out;
};

export const moving: Kernels = {
  GatherV2: gather,
  Slice: slice,
  SplitV: splitV,
  StridedSlice: stridedSlice,
  Reverse: reverse,
  Tile: tile,
  MirrorPad: mirrorPad,
};
