// Shape rules of convolutions, pools and resizing.
import { tf } from '../tf';
import { type Rule, type Rules, each } from './rule';

/** As TensorFlow.js's operations hand them over; those that a kernel lacks are undefined. */
interface Window {
  strides: never;
  pad: never;
  dilations?: never;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  dataFormat?: 'NHWC' | 'NCHW' | 'NDHWC' | 'NCDHW';
  filterSize: never;
}

const conv2d =
  (depthwise: boolean): Rule<Window> =>
  ({ x, filter }, { strides, pad, dilations, dimRoundingMode, dataFormat }) => {
    const format = tf.backend_util.convertConv2DDataFormat((dataFormat ?? 'NHWC') as 'NHWC');
    const { outShape } = tf.backend_util.computeConv2DInfo(
      x.shape as never,
      filter.shape as never,
      strides,
      dilations ?? 1,
      pad,
      dimRoundingMode,
      depthwise,
      format,
    );
    return { shape: outShape, dtype: x.dtype };
  };

const conv3d: Rule<Window> = ({ x, filter }, { strides, pad, dilations }) => {
  const { outShape } = tf.backend_util.computeConv3DInfo(
    x.shape as never,
    filter.shape as never,
    strides,
    dilations ?? 1,
    pad,
  );
  return { shape: outShape, dtype: x.dtype };
};

const pool2d: Rule<Window> = ({ x }, { filterSize, strides, pad, dimRoundingMode }) => {
  const { outShape } = tf.backend_util.computePool2DInfo(
    x.shape as never,
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  return { shape: outShape, dtype: x.dtype };
};

const pool3d: Rule<Window> = ({ x }, { filterSize, strides, pad, dimRoundingMode, dataFormat }) => {
  const { outShape } = tf.backend_util.computePool3DInfo(
    x.shape as never,
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
    dataFormat as 'NDHWC' | undefined,
  );
  return { shape: outShape, dtype: x.dtype };
};

/** A gradient by an image or a filter has its shape. */
const ofFilter: Rule<{ filterShape: number[] }> = ({ x }, { filterShape }) => ({
  shape: filterShape,
  dtype: x.dtype,
});
const ofInput: Rule<{ inputShape: number[] }> = ({ dy }, { inputShape }) => ({
  shape: inputShape,
  dtype: dy.dtype,
});
const ofPooled: Rule = ({ input }) => input;

const resize: Rule<{ size: [number, number] }> = ({ images }, { size }) => ({
  shape: [images.shape[0], ...size, images.shape[3]],
  dtype: 'float32',
});

const cropAndResize: Rule<{ cropSize: [number, number] }> = ({ image, boxes }, { cropSize }) => ({
  shape: [boxes.shape[0], ...cropSize, image.shape[3]],
  dtype: 'float32',
});

export const windows: Rules = {
  Conv2D: conv2d(false),
  FusedConv2D: conv2d(false),
  DepthwiseConv2dNative: conv2d(true),
  FusedDepthwiseConv2D: conv2d(true),
  Conv3D: conv3d,
  ...each('MaxPool AvgPool', pool2d),
  ...each('MaxPool3D AvgPool3D', pool3d),
  ...each('Conv2DBackpropFilter Conv3DBackpropFilterV2 DepthwiseConv2dNativeBackpropFilter', ofFilter),
  ...each('Conv2DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput', ofInput),
  ...each('MaxPoolGrad AvgPoolGrad MaxPool3DGrad AvgPool3DGrad', ofPooled),
  ResizeBilinear: resize,
  ResizeNearestNeighbor: (inputs, attributes) => ({
    ...resize(inputs, attributes),
    dtype: inputs.images.dtype,
  }),
  CropAndResize: cropAndResize,
};
