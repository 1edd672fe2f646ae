// Kernels that TensorFlow.js's cpu backend has wrong.
import { mendAveragePools, mendBroadcastProducts, mendSameIn3d, wrapKernel } from './mended-kernels';
import { tf } from './tf';

/** Replace what is wrong, once. */
export function mendCpu(): void {
  mendSameIn3d('cpu');
  mendAveragePools('cpu');
  mendBroadcastProducts('cpu');
  // A sum of one tensor is that tensor, as on the other backends: this one would copy it.
  wrapKernel('cpu', 'AddN', (run, call) => {
    const terms = Object.values(call.inputs) as tf.Tensor[];
    return terms.length === 1 ? tf.clone(terms[0]) : run(call);
  });
  // It writes into the tensor that it is given.
  wrapKernel('cpu', 'TensorScatterUpdate', (run, call) => {
    const copy = tf.add(call.inputs.tensor as tf.Tensor, 0);
    return run({ ...call, inputs: { ...call.inputs, tensor: copy } });
  });
}
