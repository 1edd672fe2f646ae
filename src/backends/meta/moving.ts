// Shape rules of kernels that move elements, or make them of nothing.
import { type Strided, stridedInfo } from '../strided';
import { tf } from '../tf';
import { type Info, type Rule, type Rules, axesOf, each, listOf, sizeOf } from './rule';

const reshape: Rule<{ shape: number[] }> = ({ x }, { shape }) => {
  const full = tf.util.inferFromImplicitShape(shape, sizeOf(x.shape));
  tf.util.assert(
    sizeOf(full) === sizeOf(x.shape),
    () => `Reshape: [${x.shape.join(', ')}] has other than the elements of [${full.join(', ')}]`,
  );
  return { shape: full, dtype: x.dtype };
};

const expandDims: Rule<{ dim: number }> = ({ input }, { dim }) => {
  const shape = [...input.shape];
  shape.splice(dim < 0 ? shape.length + 1 + dim : dim, 0, 1);
  return { shape, dtype: input.dtype };
};

const transpose: Rule<{ perm: number[] }> = ({ x }, { perm }) => ({
  shape: perm.map((axis) => x.shape[axis]),
  dtype: x.dtype,
});

const concat: Rule<{ axis: number }> = (inputs, { axis }) => {
  const all = listOf(inputs);
  const [along] = axesOf(axis, all[0].shape);
  const shapes = all.map(({ shape }) => [...shape]);
  tf.backend_util.assertParamsConsistent(shapes, along);
  return { shape: tf.backend_util.computeOutShape(shapes, along), dtype: all[0].dtype };
};

const pack: Rule<{ axis: number }> = (inputs, { axis }) => {
  const all = listOf(inputs);
  const shape = [...all[0].shape];
  shape.splice(axis < 0 ? shape.length + 1 + axis : axis, 0, all.length);
  return { shape, dtype: all[0].dtype };
};

const unpack: Rule<{ axis: number }> = ({ value }, { axis }) => {
  const [along] = axesOf(axis, value.shape);
  const shape = value.shape.filter((_, k) => k !== along);
  return Array.from({ length: value.shape[along] }, () => ({ shape, dtype: value.dtype }));
};

const splitV: Rule<{ numOrSizeSplits: number[] | number; axis: number }> = (
  { x },
  { numOrSizeSplits, axis },
) => {
  const [along] = axesOf(axis, x.shape);
  const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, along);
  return sizes.map((size) => ({
    shape: x.shape.map((own, k) => (k === along ? size : own)),
    dtype: x.dtype,
  }));
};

const slice: Rule<{ begin: number | number[]; size: number | number[] }> = ({ x }, { begin, size }) => {
  const [from, count] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size);
  tf.slice_util.assertParamsValid(x as tf.Tensor, from, count);
  return { shape: count, dtype: x.dtype };
};

const stridedSlice: Rule<Strided> = ({ x }, a) => {
  const { finalShape } = stridedInfo(x.shape, a);
  return { shape: finalShape, dtype: x.dtype };
};

const pad: Rule<{ paddings: [number, number][] }> = ({ x }, { paddings }) => ({
  shape: x.shape.map((size, k) => paddings[k][0] + size + paddings[k][1]),
  dtype: x.dtype,
});

const tile: Rule<{ reps: number[] }> = ({ x }, { reps }) => ({
  shape: x.shape.map((size, k) => size * reps[k]),
  dtype: x.dtype,
});

const depthToSpace: Rule<{ blockSize: number; dataFormat: 'NHWC' | 'NCHW' }> = (
  { x },
  { blockSize, dataFormat },
) => {
  const deep = dataFormat === 'NHWC' ? 3 : 1;
  const shape = x.shape.map((size, k) =>
    k === 0 ? size : k === deep ? size / blockSize ** 2 : size * blockSize,
  );
  return { shape, dtype: x.dtype };
};

const batchToSpace: Rule<{ blockShape: number[]; crops: number[][] }> = ({ x }, { blockShape, crops }) => ({
  shape: x.shape.map((size, k) => {
    if (k === 0) return size / sizeOf(blockShape);
    const block = blockShape[k - 1];
    return block === undefined ? size : size * block - crops[k - 1][0] - crops[k - 1][1];
  }),
  dtype: x.dtype,
});

const spaceToBatch: Rule<{ blockShape: number[]; paddings: number[][] }> = (
  { x },
  { blockShape, paddings },
) => ({
  shape: x.shape.map((size, k) => {
    if (k === 0) return size * sizeOf(blockShape);
    const block = blockShape[k - 1];
    return block === undefined ? size : (size + paddings[k - 1][0] + paddings[k - 1][1]) / block;
  }),
  dtype: x.dtype,
});

const fill: Rule<{ shape: number[]; value: number | string; dtype?: Info['dtype'] }> = (_, a) => ({
  shape: a.shape,
  dtype: a.dtype ?? tf.util.inferDtype(a.value),
});

const range: Rule<{ start: number; stop: number; step: number; dtype: Info['dtype'] }> = (
  _,
  { start, stop, step, dtype },
) => {
  const none = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
  const length = none ? 0 : Math.abs(Math.ceil((stop - start) / step));
  return { shape: [length], dtype };
};

export const moving: Rules = {
  Reshape: reshape,
  ExpandDims: expandDims,
  Transpose: transpose,
  Concat: concat,
  Pack: pack,
  Unpack: unpack,
  SplitV: splitV,
  Slice: slice,
  StridedSlice: stridedSlice,
  PadV2: pad,
  MirrorPad: pad,
  Tile: tile,
  ...each('Reverse FlipLeftRight', (inputs) => Object.values(inputs)[0]),
  DepthToSpace: depthToSpace,
  BatchToSpaceND: batchToSpace,
  SpaceToBatchND: spaceToBatch,
  Fill: fill,
  Range: range,
  LinSpace: (_, { num }) => ({ shape: [num], dtype: 'float32' }),
};
