// Small kernels: sharing in place of copying, conversions, and sums by index.
import { tf } from '../tf';
import { zeros, type Kernel, type Kernels } from './kernel';

/** The same data under another handle. TensorFlow.js's own copies, and the tape clones every tensor it saves. */
const identity: Kernel = ({ x }, _, backend) => {
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
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

export const elementary: Kernels = { Identity: identity, UnsortedSegmentSum: unsortedSegmentSum };
