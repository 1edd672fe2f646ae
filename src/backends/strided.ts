// Strided slices as TensorFlow has them: from, to and step of each axis, with masks of bits for what is left out.
import { tf } from './tf';

/** Attributes of the kernel `StridedSlice`. */
export interface Strided {
  begin: number[];
  end: number[];
  strides: number[];
  beginMask: number;
  endMask: number;
  ellipsisMask: number;
  newAxisMask: number;
  shrinkAxisMask: number;
}

/** What is taken from a tensor of this shape. */
export const stridedInfo = (
  shape: readonly number[],
  a: Strided,
): ReturnType<typeof tf.slice_util.sliceInfo> =>
  tf.slice_util.sliceInfo(
    [...shape],
    a.begin,
    a.end,
    a.strides,
    a.beginMask,
    a.endMask,
    a.ellipsisMask,
    a.newAxisMask,
    a.shrinkAxisMask,
  );
