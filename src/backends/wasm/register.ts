// Puts our kernels in the place of TensorFlow.js's, and a guard around every one of the backend's.
import { tf } from '../tf';
import { convolutions } from './convolutions';
import { elementary } from './elementary';
import type { Kernel, TensorInfo } from './kernel';
import type { WasmBackend } from './module';
import { pooling } from './pooling';
import { products } from './products';

const ours = { ...products, ...convolutions, ...pooling, ...elementary };

/** Register what is ours; every kernel of the backend fails, and leaves nothing behind, when the module reports an error. */
export function registerKernels(): void {
  for (const [kernelName, kernel] of Object.entries(ours)) {
    if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      kernelName,
      backendName: 'wasm',
      kernelFunc: ({ inputs, attrs, backend }) =>
        (kernel as unknown as Kernel)(inputs as Record<string, TensorInfo>, attrs, backend as WasmBackend),
    });
  }
  for (const kernel of tf.getKernelsForBackend('wasm')) {
    const { kernelName, kernelFunc } = kernel;
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({ ...kernel, kernelFunc: guarded(kernelName, kernelFunc) });
  }
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
