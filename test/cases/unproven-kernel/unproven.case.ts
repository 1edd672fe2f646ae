import { expect, it } from 'vitest';
import { tf } from '../../../src/backends/tf';

it('runs a kernel of its own', async () => {
  await tf.setBackend('cpu');
  const kernelFunc: tf.KernelFunc = ({ inputs }) => tf.exp(inputs.x as tf.Tensor);
  tf.registerKernel({ kernelName: 'Unheard', backendName: 'cpu', kernelFunc });
  const y = tf.engine().runKernel<tf.Tensor>('Unheard', { x: tf.scalar(0) });
  expect(y.dataSync()[0]).toBe(1);
});
