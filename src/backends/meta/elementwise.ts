// Shape rules of kernels that compute element by element.
import { tf } from '../tf';
import { type Info, type Infos, type Rule, type Rules, broadcast, each, listOf } from './rule';

const sameAs =
  (input: string): Rule =>
  (inputs) =>
    inputs[input];

/** Two tensors, broadcast; of the type of the first, which the operation has made that of both. */
const binary: Rule = ({ a, b }) => ({ shape: broadcast(a.shape, b.shape), dtype: a.dtype });
const typed =
  (dtype: Info['dtype']): Rule =>
  ({ a, b }) => ({ shape: broadcast(a.shape, b.shape), dtype });
const test: Rule = ({ x }) => ({ shape: x.shape, dtype: 'bool' });

const cast: Rule<{ dtype: Info['dtype'] }> = ({ x }, { dtype }) => ({ shape: x.shape, dtype });

const addN: Rule = (inputs: Infos) => {
  const [first, ...rest] = listOf(inputs);
  const dtype = rest.reduce((type, { dtype: other }) => tf.upcastType(type, other), first.dtype);
  return { shape: first.shape, dtype };
};

export const elementwise: Rules = {
  ...each(
    'Abs Acos Acosh Asin Asinh Atan Atanh Ceil ClipByValue Cos Cosh Elu Erf Exp Expm1 Floor LeakyRelu Log Log1p Neg OnesLike Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin Sinh Softplus Sqrt Square Step Tan Tanh ZerosLike',
    sameAs('x'),
  ),
  ...each('Add Atan2 Maximum Minimum Mod Multiply Pow RealDiv SquaredDifference Sub', binary),
  ...each(
    'Equal Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr LogicalXor NotEqual',
    typed('bool'),
  ),
  ...each('IsFinite IsInf IsNan LogicalNot', test),
  Identity: sameAs('x'),
  FloorDiv: typed('int32'),
  Prelu: ({ x, alpha }) => ({ shape: broadcast(x.shape, alpha.shape), dtype: x.dtype }),
  Cast: cast,
  EluGrad: sameAs('dy'),
  Select: sameAs('t'),
  Softmax: sameAs('logits'),
  LogSoftmax: sameAs('logits'),
  FusedBatchNorm: sameAs('x'),
  AddN: addN,
};
