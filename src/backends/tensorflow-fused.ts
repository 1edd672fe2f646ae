// Kernels of fused/ on TensorFlow, where it has an operation for the whole of one and for its gradient.
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from './tf';

interface Attribute {
  name: string;
  type: number;
  value: number | boolean | string;
}
/** What we use of tfjs-node's backend. */
interface NodeBackend {
  binding: Record<'TF_ATTR_FLOAT' | 'TF_ATTR_BOOL' | 'TF_ATTR_STRING' | 'TF_ATTR_TYPE' | 'TF_FLOAT', number>;
  executeMultipleOutputs(op: string, attributes: Attribute[], inputs: Tensor[], outputs: number): Tensor[];
}

/** Register them, once. */
export function registerFusedTensorflow(): void {
  if (tf.getKernel('CocInstanceNorm', 'tensorflow') as unknown) return;
  const register = (
    kernelName: string,
    compute: (inputs: Record<string, Tensor>, attrs: Record<string, number>, on: Operations) => Tensor[],
  ): void =>
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, attrs, backend }) =>
        tf.tidy(() =>
          compute(
            inputs as Record<string, Tensor>,
            attrs as Record<string, number>,
            operationsOf(backend as unknown as NodeBackend),
          ),
        ),
    });

  // A batch norm that learns, over one image, is its instance norm.
  register('CocInstanceNorm', ({ x, gain, bias }, { epsilon }, { run, norm }) => {
    const none = tf.zeros([0]);
    return run('FusedBatchNorm', norm(epsilon), [x, gain, bias, none, none], 5);
  });
  register('CocInstanceNormGrad', ({ dy, x, gain, mean, spread }, { epsilon }, { run, norm }) =>
    // The last two are of no use, and empty or not as the processor has it.
    run('FusedBatchNormGrad', norm(epsilon), [dy, x, gain, mean, spread], 5).slice(0, 3),
  );
  register('CocLeakyReluGrad', ({ dy, x }, { alpha }, { run, leak }) =>
    run('LeakyReluGrad', leak(alpha), [dy, x], 1),
  );
}

interface Operations {
  run: (op: string, attributes: Attribute[], inputs: Tensor[], outputs: number) => Tensor[];
  norm: (epsilon: number) => Attribute[];
  leak: (alpha: number) => Attribute[];
}

function operationsOf(backend: NodeBackend): Operations {
  const { binding } = backend;
  const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
  return {
    run: (op, attributes, inputs, outputs) => backend.executeMultipleOutputs(op, attributes, inputs, outputs),
    norm: (epsilon) => [
      type,
      { name: 'epsilon', type: binding.TF_ATTR_FLOAT, value: epsilon },
      { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
      { name: 'is_training', type: binding.TF_ATTR_BOOL, value: true },
    ],
    leak: (alpha) => [type, { name: 'alpha', type: binding.TF_ATTR_FLOAT, value: alpha }],
  };
}
