// FLOPs of kernels, from shapes. FLOP = 2 MAC.
//
// Products and convolutions are exact, their gradients as well: they are such kernels themselves. A convolution counts every
// place of its window, also those that lie in the padding, as is usual. All else counts one for each element and arithmetic
// operation; a function (exp, erf, sqrt, ...) is one, a comparison, a choice and a move none.
import type { Phase } from '../ledger';
import { einsumSizes, turned } from './products';
import { givenOf, type Info, listOf, sizeOf } from './rule';

/** A kernel with its inputs and outputs. */
export interface FlopCall {
  inputs: Readonly<Record<string, Info | null | undefined>>;
  attrs: object;
  outputs: readonly Info[];
}

type Count = (inputs: Readonly<Record<string, Info>>, outputs: readonly Info[], attrs: never) => number;

const size = ({ shape }: Info): number => sizeOf(shape);

/** A bias is an addition, an activation a function. */
const finished = (inputs: Readonly<Record<string, Info | undefined>>, out: Info, attrs: object): number => {
  const { activation } = attrs as { activation?: string };
  return size(out) * (Number(inputs.bias !== undefined) + Number((activation ?? 'linear') !== 'linear'));
};

const product = (
  { a, ...rest }: Readonly<Record<string, Info>>,
  [out]: readonly Info[],
  attrs: { transposeA: boolean },
): number => 2 * size(out) * turned(a.shape, attrs.transposeA)[1] + finished(rest, out, attrs);

const einsum: Count = (inputs, _, { equation }: { equation: string }) => {
  const operands = listOf(inputs);
  const { sizes } = einsumSizes(equation, operands.map(({ shape }) => shape)); // prettier-ignore
  return operands.length * sizeOf(Object.values(sizes));
};

/** Each output element is a sum over the window and the input's channels. */
const convolution: Count = (inputs, [out], attrs) => {
  const { filter } = inputs;
  return 2 * size(out) * sizeOf(filter.shape.slice(0, -1)) + finished(inputs, out, attrs);
};
const depthwise: Count = (inputs, [out], attrs) =>
  2 * size(out) * sizeOf(inputs.filter.shape.slice(0, 2)) + finished(inputs, out, attrs);
/** The gradients of a convolution multiply what it multiplied, with `dy` in the place of the output. */
const byInput: Count = ({ dy, filter }) => 2 * size(dy) * sizeOf(filter.shape.slice(0, -1));
const byFilter: Count = ({ dy }, _, { filterShape }: { filterShape: number[] }) =>
  2 * size(dy) * sizeOf(filterShape.slice(0, -1));
const depthwiseByInput: Count = ({ dy, filter }) => 2 * size(dy) * sizeOf(filter.shape.slice(0, 2));
const depthwiseByFilter: Count = ({ dy }, _, { filterShape }: { filterShape: number[] }) =>
  2 * size(dy) * sizeOf(filterShape.slice(0, 2));

/** Multiplications and additions of attention that makes its map `times` products of queries and keys. */
const attention =
  (times: number): Count =>
  ({ q, k }) =>
    2 * times * size(q) * k.shape[1];

const products: Readonly<Record<string, Count>> = {
  CocAttention: attention(2),
  // The map and its gradient are made twice, by queries and by keys.
  CocAttentionGrad: attention(7),
  BatchMatMul: product,
  _FusedMatMul: product,
  Einsum: einsum,
  Conv2D: convolution,
  FusedConv2D: convolution,
  Conv3D: convolution,
  Conv2DBackpropInput: byInput,
  Conv3DBackpropInputV2: byInput,
  Conv2DBackpropFilter: byFilter,
  Conv3DBackpropFilterV2: byFilter,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2D: depthwise,
  DepthwiseConv2dNativeBackpropInput: depthwiseByInput,
  DepthwiseConv2dNativeBackpropFilter: depthwiseByFilter,
};

const perOutput =
  (operations: number): Count =>
  (_, [out]) =>
    operations * size(out);
const perInput: Count = (inputs) => size(Object.values(inputs)[0]);
const perWindow: Count = ({ x, dy }, [out], { filterSize }: { filterSize: number | number[] }) => {
  const space = (x ?? dy).shape.length - 2;
  const window = typeof filterSize === 'number' ? filterSize ** space : sizeOf(filterSize);
  return window * size(dy ?? out);
};

const counted = (names: string, count: Count): Record<string, Count> =>
  Object.fromEntries(names.split(' ').map((name) => [name, count]));

const elements: Readonly<Record<string, Count>> = {
  ...counted(
    'Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Elu Erf Exp Expm1 Floor Log Log1p Neg Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin Sinh Softplus Sqrt Square Tan Tanh Add Atan2 FloorDiv Maximum Minimum Mod Multiply Pow RealDiv Sub',
    perOutput(1),
  ),
  ...counted('SquaredDifference LeakyRelu Prelu ClipByValue EluGrad', perOutput(2)),
  // Less the mean, times the gain, by the deviation, plus the bias.
  FusedBatchNorm: perOutput(4),
  // Maximum, difference, exponential, sum, quotient or difference.
  ...counted('Softmax LogSoftmax', perOutput(5)),
  ...counted('Sum Prod Max Min ArgMax ArgMin Cumsum Cumprod UnsortedSegmentSum', perInput),
  Mean: (inputs, [out]) => size(inputs.x) + size(out),
  AddN: (inputs, [out]) => (listOf(inputs).length - 1) * size(out),
  ScatterNd: ({ updates }) => size(updates),
  ...counted(
    'MaxPool AvgPool MaxPool3D AvgPool3D MaxPoolGrad AvgPoolGrad MaxPool3DGrad AvgPool3DGrad',
    perWindow,
  ),
  // A number of the map: scaled, less the maximum, exp, added; with relative terms two more. Backward twice, and its gradient.
  CocAttention: ({ q, k, rows }) => (rows ? 6 : 4) * q.shape[0] * q.shape[1] * k.shape[1],
  CocAttentionGrad: ({ q, k, rows }) => (rows ? 14 : 10) * q.shape[0] * q.shape[1] * k.shape[1],
  ...counted('CocLayerNorm', perOutput(8)),
  ...counted('CocLayerNormGrad', perOutput(13)),
  CocLayerNormGainGrad: ({ x }) => 4 * size(x),
  // Less the mean, squared, summed, times the deviation and the gain, plus the bias; the mean.
  ...counted('CocInstanceNorm', perOutput(7)),
  ...counted('CocInstanceNormGrad', perOutput(9)),
  ...counted('CocLeakyReluGrad', perOutput(2)),
  ...counted('CocGelu', perOutput(20)),
  ...counted('CocGeluGrad', perOutput(26)),
  // Three blends of three operations each.
  ...counted('ResizeBilinear CropAndResize', perOutput(9)),
};

/** FLOPs of a kernel: of products and convolutions, and of all else. */
export function flopsOf(kernelName: string, { inputs, attrs, outputs }: FlopCall): Flops {
  const given = givenOf(inputs);
  const count = (table: Readonly<Record<string, Count>>): number =>
    Object.hasOwn(table, kernelName) ? table[kernelName](given, outputs, attrs as never) : 0;
  return { products: count(products), elements: count(elements) };
}

/** FLOPs of everything that ran. */
export interface Flops {
  /** Of products and convolutions: what peers' counts mean. */
  products: number;
  /** Of all else. */
  elements: number;
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = make()));
  return found;
}

/** Sums of FLOPs by kernel, part of the model and phase. */
export class FlopCounter {
  /** By part of the model, kernel and phase. */
  private readonly cells = new Map<string, Map<string, Map<Phase, Flops>>>();
  /** Kernels that ran. */
  kernels = 0;

  /** @returns the FLOPs of this one */
  add(call: FlopCall & { name: string; scope: string; phase: Phase }): Flops {
    const { name: kernel, scope, phase } = call;
    const flops = flopsOf(kernel, call);
    const byKernel = getOrMake(this.cells, scope, () => new Map<string, Map<Phase, Flops>>());
    const byPhase = getOrMake(byKernel, kernel, () => new Map<Phase, Flops>());
    const cell = getOrMake(byPhase, phase, () => ({ products: 0, elements: 0 }));
    cell.products += flops.products;
    cell.elements += flops.elements;
    this.kernels++;
    return flops;
  }

  total(): Flops {
    return this.sum(() => 'all').all ?? { products: 0, elements: 0 };
  }

  /** Sums by kernel, part of the model or phase, largest first. */
  by(what: 'kernel' | 'scope' | 'phase'): Record<string, Flops> {
    const sums = Object.entries(this.sum((cell) => cell[what]));
    const all = ({ products: p, elements: e }: Flops): number => p + e;
    return Object.fromEntries(sums.sort(([, a], [, b]) => all(b) - all(a)));
  }

  private sum(
    key: (cell: { kernel: string; scope: string; phase: string }) => string,
  ): Record<string, Flops> {
    const sums: Record<string, Flops> = {};
    for (const [scope, byKernel] of this.cells)
      for (const [kernel, byPhase] of byKernel)
        for (const [phase, { products, elements }] of byPhase) {
          const sum = (sums[key({ kernel, scope, phase })] ??= { products: 0, elements: 0 });
          sum.products += products;
          sum.elements += elements;
        }
    return sums;
  }
}
