// What TensorFlow calls the outputs of its operations, and of what type they are: in a function's body, and there only, an
// output goes by its name. From the registry of TensorFlow 2.21 (`TF_GetAllOpList`), for what tfjs-node's kernels ask for.
import type { DataType, GraphNode } from './graph';

/** A type, or the attribute that holds it. */
type OutputType = DataType | string;
interface Output {
  name: string;
  type: OutputType;
  /** All outputs are one list of this name. */
  list?: boolean;
}

const single = (name: string, type: OutputType, ops: string): [string, Output[]][] =>
  ops.split(' ').map((op) => [op, [{ name, type }]]);
const several = (op: string, ...outputs: [string, OutputType][]): [string, Output[]] => [
  op,
  outputs.map(([name, type]) => ({ name, type })),
];
const list = (op: string): [string, Output[]] => [op, [{ name: 'output', type: 'T', list: true }]];

const bool = 10;
const outputs: ReadonlyMap<string, readonly Output[]> = new Map([
  ...single(
    'output',
    'T',
    'AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad BatchMatMul BatchMatMulV2 BatchToSpaceND BroadcastTo ConcatV2 ' +
      'Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2 ' +
      'DepthToSpace DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput ' +
      'Diag Dilation2D Einsum ExpandDims Fill Identity LRN LRNGrad LinSpace Max MaxPool MaxPool3D MaxPool3DGrad ' +
      'MaxPoolGrad Mean Min MirrorPad OneHot Pack PadV2 Prod Reshape ResizeBilinearGrad ' +
      'ResizeNearestNeighborGrad ReverseV2 ScatterNd Select SelectV2 Slice SpaceToBatchND StridedSlice Sum ' +
      'TensorScatterUpdate Tile UnsortedSegmentSum',
  ),
  ...single(
    'y',
    'T',
    'Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Erf Exp Expm1 Floor Log Log1p Neg OnesLike Reciprocal Round ' +
      'Rsqrt Sigmoid Sign Sin Sinh Sqrt Square Tan Tanh Transpose ZerosLike',
  ),
  ...single(
    'z',
    'T',
    'Add AddV2 Atan2 Div DivNoNan FloorDiv FloorMod Maximum Minimum Mul Pow RealDiv SquaredDifference Sub',
  ),
  ...single('z', bool, 'Equal Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr NotEqual'),
  ...single('activations', 'T', 'Elu LeakyRelu Relu Relu6 Selu Softplus'),
  ...single('y', bool, 'IsFinite IsInf IsNan LogicalNot'),
  ...single('output', bool, 'All Any'),
  ...single('output', 'output_type', 'ArgMax ArgMin'),
  ...single('out', 'T', 'Cumprod Cumsum'),
  ...single('output', 'Tcomplex', 'FFT IFFT'),
  ...single('output', 'Tparams', 'GatherNd GatherV2'),
  ...single('output', 'Tout', 'Imag Real'),
  ...single('sum', 'T', 'AddN'),
  ...single('bins', 'T', 'Bincount'),
  ...single('r0', 'T', 'BroadcastArgs'),
  ...single('y', 'DstT', 'Cast'),
  ...single('out', 'Tout', 'Complex'),
  ...single('y', 'Tout', 'ComplexAbs'),
  ...single('output', 'dtype', 'Const'),
  ...single('crops', 1, 'CropAndResize'),
  ...single('filter_backprop', 'T', 'Dilation2DBackpropFilter'),
  ...single('in_backprop', 'T', 'Dilation2DBackpropInput'),
  ...single('backprops', 'T', 'EluGrad LeakyReluGrad'),
  ...single('product', 'T', 'MatMul'),
  ...single('selected_indices', 3, 'NonMaxSuppressionV3'),
  ...single('output', 'Tidx', 'Range'),
  ...single('resized_images', 1, 'ResizeBilinear'),
  ...single('resized_images', 'T', 'ResizeNearestNeighbor'),
  ...single('softmax', 'T', 'Softmax'),
  ...single('dense', 'T', 'SparseToDense'),
  several(
    'FusedBatchNorm',
    ['y', 'T'],
    ['batch_mean', 'T'],
    ['batch_variance', 'T'],
    ['reserve_space_1', 'T'],
    ['reserve_space_2', 'T'],
  ),
  several(
    'FusedBatchNormGrad',
    ['x_backprop', 'T'],
    ['scale_backprop', 'T'],
    ['offset_backprop', 'T'],
    ['reserve_space_3', 'T'],
    ['reserve_space_4', 'T'],
  ),
  several('TopKV2', ['values', 'T'], ['indices', 'index_type']),
  list('SplitV'),
  list('Unpack'),
]);

/** Output number `index` of a node, as a function's body names it, and its type; undefined for an operation that is not known. */
export function outputOf(node: GraphNode, index: number): { reference: string; dtype: number } | undefined {
  const known = outputs.get(node.op);
  if (!known) return undefined;
  const [first] = known;
  const output = first.list ? first : known[index];
  const attribute = typeof output.type === 'number' ? undefined : node.attributes[output.type];
  // TopKV2's type of indices alone may be left out, and is int32 then.
  const dtype =
    typeof output.type === 'number' ? output.type : attribute?.kind === 'type' ? attribute.value : 3;
  return { reference: `${node.name}:${output.name}:${first.list ? index : 0}`, dtype };
}
