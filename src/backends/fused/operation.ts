// An operation with a gradient of its own. TensorFlow.js's customGrad takes the gradients by all inputs at once, those of
// frozen parameters too; here each is a function that is called only where somebody asks for it.
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tf';

/** The part of TensorFlow.js's engine that this leans on (4.22): what `tf.customGrad` itself calls. */
interface Engine {
  runKernelFunc(call: {
    forwardFunc: (backend: unknown, save: (tensors: Tensor[]) => void) => Tensor;
    backwardsFunc: (dy: Tensor, saved: Tensor[]) => Record<string, () => Tensor>;
    inputs: Record<string, Tensor>;
  }): Tensor;
}

/**
 * Compute `forward` as one operation of the tape.
 * @param name      what traces and the proof call its gradient: `custom NAME by INPUT`
 * @param inputs    the tensors that have gradients
 * @param forward   computes the value; what it saves is all that the tape keeps
 * @param backward  gradients by the names of the inputs, each computed by itself when it is asked for
 */
export function operation<Name extends string>(
  name: string,
  inputs: Record<Name, Tensor>,
  forward: (save: (tensors: Tensor[]) => void) => Tensor,
  backward: (dy: Tensor, saved: Tensor[]) => Record<Name, () => Tensor>,
): Tensor {
  const engine = tf.engine() as unknown as Engine;
  return tf.tidy(name, () =>
    engine.runKernelFunc({
      forwardFunc: (_, save) => forward(save),
      backwardsFunc: backward,
      inputs,
    }),
  );
}
