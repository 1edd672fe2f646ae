// Shape rules of kernels that pick and place by index.
import { tf } from '../tf';
import { type Info, type Rule, type Rules, axesOf } from './rule';

const gather: Rule<{ axis: number; batchDims: number }> = ({ x, indices }, { axis, batchDims }) => {
  const [along] = axesOf(axis, x.shape);
  const { outputShape } = tf.backend_util.segment_util.collectGatherOpShapeInfo(
    x as never,
    indices as never,
    along,
    batchDims,
  );
  return { shape: outputShape, dtype: x.dtype };
};

const gatherNd: Rule = ({ params, indices }) => ({
  shape: [...indices.shape.slice(0, -1), ...params.shape.slice(indices.shape.at(-1))],
  dtype: params.dtype,
});

const scatterNd: Rule<{ shape: number[] }> = ({ updates }, { shape }) => ({ shape, dtype: updates.dtype });

const segmentSum: Rule<{ numSegments: number }> = ({ x, segmentIds }, { numSegments }) => ({
  shape: [numSegments, ...x.shape.slice(segmentIds.shape.length)],
  dtype: x.dtype,
});

const oneHot: Rule<{ depth: number; dtype?: Info['dtype'] }> = ({ indices }, { depth, dtype }) => ({
  shape: [...indices.shape, depth],
  dtype: dtype ?? 'int32',
});

const topK: Rule<{ k: number }> = ({ x }, { k }) => {
  const shape = [...x.shape.slice(0, -1), k];
  return [
    { shape, dtype: x.dtype },
    { shape, dtype: 'int32' },
  ];
};

export const indexing: Rules = {
  GatherV2: gather,
  GatherNd: gatherNd,
  ScatterNd: scatterNd,
  TensorScatterUpdate: ({ tensor }) => tensor,
  UnsortedSegmentSum: segmentSum,
  OneHot: oneHot,
  TopK: topK,
};
