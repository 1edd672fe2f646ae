// TensorFlow.js in WebAssembly: the backend that needs npm alone. One thread, with products and convolutions of our own.
import os from 'node:os';
import type { Backend, Candidate } from './backend';
import { runStep, tensorCounts } from './step';
import { tf } from './tf';
import type { WasmBackend } from './wasm/module';

let opened: Promise<string> | undefined;

/** Put our backend and kernels in the place of TensorFlow.js's own, once in a process. Gives the package's version. */
async function install(): Promise<string> {
  const [{ loadModule }, { registerKernels }] = await Promise.all([
    import('./wasm/module.js'),
    import('./wasm/register.js'),
  ]);
  const { backend, version } = await loadModule();
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', () => backend, 2);
  registerKernels();
  return version;
}

export const candidate: Candidate = {
  name: 'wasm',
  async open(): Promise<Backend> {
    opened ??= install();
    const version = await opened;
    await tf.setBackend('wasm');
    const backend = tf.backend() as WasmBackend;
    return {
      name: 'wasm',
      device: `${os.cpus()[0]?.model.trim() || process.arch}, 1 thread of WebAssembly with SIMD`,
      gpu: null,
      driver: null,
      versions: { tfjs: tf.version.tfjs, 'tfjs-backend-wasm': version },
      step: (what, f) => runStep(what, f),
      memory: () => ({ ...tensorCounts(), bufferBytes: backend.liveBytes }),
      flush: () => undefined,
    };
  },
};
