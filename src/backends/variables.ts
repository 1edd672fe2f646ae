// Variables of TensorFlow.js under a computation that may be run on shapes alone, or again: it reads and assigns them as
// always, and they are as before when it ends.
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from './tf';

/** The parts of TensorFlow.js's engine that this leans on (4.22; some are private there, so a test watches them). */
interface Engine {
  state: {
    tensorInfo: WeakMap<object, { backend: tf.KernelBackend }>;
    registeredVariables: Record<string, tf.Variable>;
  };
}

const stateOf = (): Engine['state'] => (tf.engine() as unknown as Engine).state;

/** All variables that there are, in the order in which they were made. */
export const allVariables = (): tf.Variable[] => Object.values(stateOf().registeredVariables);

/** Whether a tensor's numbers are kept by the current backend. */
export const isHere = ({ dataId }: Tensor): boolean =>
  stateOf().tensorInfo.get(dataId)?.backend === tf.backend();

/**
 * Call a function while variables have the buffers of other tensors, of the same shapes. Afterwards they have their own again:
 * what was assigned to them is freed.
 * @throws what the function throws
 */
export function standingIn<T>(variables: readonly tf.Variable[], tensors: readonly Tensor[], f: () => T): T {
  const own = variables.map(({ dataId }) => dataId);
  variables.forEach((variable, k) => {
    const { dataId } = tensors[k];
    // A share of the variable's own, which it gives up when it is assigned.
    stateOf().tensorInfo.get(dataId)!.backend.incRef(dataId);
    variable.dataId = dataId;
  });
  try {
    return f();
  } finally {
    variables.forEach((variable, k) => {
      const { dataId, shape, dtype } = variable;
      const { backend } = stateOf().tensorInfo.get(dataId)!;
      // A tensor takes the share over, and frees it as tensors do.
      tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype }, backend).dispose();
      variable.dataId = own[k];
    });
  }
}
