// Other kernels in the place of a backend's own, until a test ends.
import { afterEach } from 'vitest';
import { tf } from '../../../src/backends/tf';

const undo: (() => void)[] = [];
afterEach(() => undo.splice(0).forEach((f) => f()));

/** Put another kernel in the place of one, until the test ends. */
export function plant(
  kernelName: string,
  backendName: string,
  wrap: (kernel: tf.KernelFunc) => tf.KernelFunc,
): void {
  const kernel = tf.getKernel(kernelName, backendName);
  const put = (kernelFunc: tf.KernelFunc): void => {
    tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel({ ...kernel, kernelFunc });
  };
  put(wrap(kernel.kernelFunc));
  undo.push(() => put(kernel.kernelFunc));
}
