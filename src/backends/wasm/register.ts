// Puts our kernels in the place of TensorFlow.js's, and a guard around every one of the backend's.
//
// What is wrong in TensorFlow.js's own (4.22), found by comparing every kernel with the cpu backend and with plain loops over random
// shapes, types, strides and paddings; the tests have a case for each:
// - BatchMatMul: several batch dimensions that broadcast give too few products; a factor read under a second shape uses the
//   weights packed for the first (they are kept by the data's number). _FusedMatMul, transposed or in batches: the bias is
//   added once for every 48 terms, past the first row its last element, and the activation is applied to partial sums.
// - Conv3DBackpropInputV2 (also conv3dTranspose forwards): its depth bound lacks the place's own offset.
//   Conv3DBackpropFilterV2: bounds rounded down lose the last place at strides above 1.
// - MaxPool3D, MaxPoolWithArgmax, MaxPoolGrad, MaxPool3DGrad, Dilation2D: maxima start at 1e-38; ties go to the last.
//   AvgPoolGrad, AvgPool3DGrad: padding is counted. All 3-D windows smaller than the stride, 'same': sampled off place.
// - Reverse: four bytes a bool (breaks the heap). StridedSlice: float32 whatever the type. GatherV2 with batch dimensions:
//   other places, also outside. OneHot of floats: integers. ClipByValue of integers: as if floats. Cast to bool: 0.5 and 256 are false.
//   Prelu: the slope's shape is ignored. Maximum, Minimum, Relu6: NaN is lost. Sin, Cos, Tan: far off for large numbers.
//   ResizeNearestNeighborGrad: wrong with half-pixel centres, and with aligned corners of one pixel (the cpu backend never ends).
//   DepthwiseConv2dNative: zeros in some windows narrower than the stride. Reductions of nothing: not written, or a division by zero.
// - Functions of floats take the bits of integers for floats: they refuse.
import { refuse } from '../refuse';
import { tf } from '../tf';
import { convolutions } from './convolutions';
import { depthwise } from './depthwise';
import { elementary } from './elementary';
import { fused } from './fused';
import { share, zeros, type Kernel, type TensorInfo } from './kernel';
import type { WasmBackend } from './module';
import { moving } from './moving';
import { pooling } from './pooling';
import { products } from './products';

const ours = { ...products, ...convolutions, ...depthwise, ...pooling, ...moving, ...elementary, ...fused };

/** Kernels that are float32 only: what they make of integers is not a number of any use. */
const floatsOnly = new Set(
  'Acos Acosh Asin Asinh Atan Atan2 Atanh Cosh Cos Elu Erf Exp Expm1 IsFinite IsInf IsNan Log Log1p Reciprocal Rsqrt Selu Sigmoid Sin Sinh Softplus Sqrt Tan Tanh Softmax'.split(
    ' ',
  ),
);

/** Kernels that are wrong and that no model here needs. */
const wrong: Record<string, string> = Object.fromEntries(
  ['Dilation2D', 'Dilation2DBackpropInput', 'Dilation2DBackpropFilter'].map((name) => [
    name,
    'its maximum starts from the smallest positive number, not from minus infinity',
  ]),
);

/** What a reduction gives over no elements; TensorFlow.js's own leaves its output unwritten, or divides by zero. */
const ofNothing: Record<string, number> = {
  Sum: 0,
  Prod: 1,
  Mean: NaN,
  Max: -Infinity,
  Min: Infinity,
  All: 1,
  Any: 0,
};

/** Register what is ours; every kernel of the backend fails, and leaves nothing behind, when the module reports an error. */
export function registerKernels(): void {
  const stock = new Map(tf.getKernelsForBackend('wasm').map((kernel) => [kernel.kernelName, kernel]));
  const replaced = new Map(Object.entries(ours).map(([name, kernel]) => [name, kernel as unknown as Kernel]));
  for (const kernelName of new Set([...stock.keys(), ...replaced.keys()])) {
    const [theirs, kernel] = [stock.get(kernelName), replaced.get(kernelName)];
    if (theirs) tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      kernelName,
      backendName: 'wasm',
      setupFunc: theirs?.setupFunc,
      kernelFunc: guarded(kernelName, (args) => {
        const inputs = args.inputs as Record<string, TensorInfo>;
        const backend = args.backend as WasmBackend;
        const [first] = Object.values(inputs);
        if (kernelName in wrong) throw refuse(kernelName, 'wasm', wrong[kernelName], ['tensorflow', 'cpu']);
        if (kernelName in ofNothing && inputs.x.shape.includes(0))
          return reduceNothing(backend, kernelName, inputs.x, args.attrs);
        if ((kernelName === 'Cumsum' || kernelName === 'Cumprod') && inputs.x.shape.includes(0))
          return zeros(backend, inputs.x.shape, inputs.x.dtype);
        if (floatsOnly.has(kernelName) && first.dtype !== 'float32')
          throw refuse(kernelName, 'wasm', `it is for float32, and was given ${first.dtype}: cast first`, [
            'tensorflow',
            'cpu',
          ]);
        // A sum of one tensor is that tensor, as on webgpu and in TensorFlow itself.
        if (kernelName === 'AddN' && Object.keys(inputs).length === 1) return share(backend, first);
        if (kernel && first?.dtype !== 'string') return kernel(inputs, args.attrs, backend);
        return theirs!.kernelFunc(args);
      }),
    });
  }
  for (const { kernelName } of tf.getKernelsForBackend('cpu'))
    if (!tf.getKernel(kernelName, 'wasm'))
      tf.registerKernel({
        kernelName,
        backendName: 'wasm',
        kernelFunc: () => {
          throw refuse(kernelName, 'wasm', 'it has no such kernel', ['tensorflow', 'cpu']);
        },
      });
}

/** A reduction of a tensor without elements. */
function reduceNothing(backend: WasmBackend, name: string, x: TensorInfo, attrs: unknown): TensorInfo {
  const { reductionIndices, axis, keepDims } = attrs as {
    reductionIndices?: number[];
    axis?: number | number[];
    keepDims: boolean;
  };
  const axes = tf.util.parseAxisParam((reductionIndices ?? axis)!, x.shape);
  const [kept] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
  const shape = keepDims ? tf.backend_util.expandShapeToKeepDim(kept, axes) : kept;
  const out = backend.makeOutput(shape, name === 'Mean' ? 'float32' : x.dtype);
  backend.typedArrayFromHeap(out).fill(ofNothing[name]);
  return out;
}

type KernelFunc = tf.KernelConfig['kernelFunc'];

function guarded(name: string, run: KernelFunc): KernelFunc {
  return (args) => {
    const backend = args.backend as WasmBackend;
    const newest = backend.newest;
    const inputs: (TensorInfo | undefined)[] = Object.values(args.inputs);
    const shares = inputs.map((x) => x && backend.refCount(x.dataId));
    try {
      const out = run(args);
      const [warning] = backend.takeWarnings();
      if (warning) throw new Error(warning);
      return out;
    } catch (error) {
      // A kernel that fails half-way leaves temporaries, and inputs that it shares with itself.
      inputs.forEach((x, i) => {
        while (x && backend.refCount(x.dataId) > shares[i]!) backend.disposeData(x.dataId);
      });
      backend.sweep(newest);
      throw error instanceof RuntimeError
        ? new Error(`${name} failed inside wasm: ${error.message}`, { cause: error })
        : error;
    }
  };
}

/** What the engine throws for a fault in WebAssembly code, an abort among them. */
const { RuntimeError } = (globalThis as unknown as { WebAssembly: { RuntimeError: ErrorConstructor } })
  .WebAssembly;
