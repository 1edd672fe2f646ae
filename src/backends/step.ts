// What every backend does the same way: run a step, and count tensors.
import { InputError, messageOf } from '../base/errors';
import type { BackendMemory } from './backend';
import { freeingSaved } from './saved-tensors';
import { tf } from './tf';

/**
 * Run a step in a scope of its own: tensors that `f` returns are the caller's, all others are freed, when it fails too.
 * @param what    the step, in words: its errors begin with it
 * @param finish  waits until the device is done, and throws what it reports
 * @throws InputError as `f` throws it, or Error with the device's message; both begin with `what`
 */
export async function runStep<T>(what: string, f: () => T, finish?: () => void | Promise<void>): Promise<T> {
  let returned: T | undefined;
  try {
    // What a step returns is for its caller to know: tidy finds the tensors in it.
    returned = freeingSaved(() => tf.tidy<tf.TensorContainer>(f as () => tf.TensorContainer) as T);
    await finish?.();
    return returned;
  } catch (error) {
    if (returned !== undefined) tf.dispose(returned as unknown as tf.TensorContainer);
    throw stepError(what, error);
  }
}

/** An error of a step, with the step's name in front. */
export function stepError(what: string, error: unknown): Error {
  if (error instanceof InputError)
    return new InputError({ ...error.problem, what: `${what}: ${error.problem.what}` }, { cause: error });
  // As tfjs-node words TensorFlow's errors.
  const message = messageOf(error).replace(/^Invalid TF_Status: \d+\s+Message: /, 'TensorFlow: ');
  return new Error(`${what}: ${message}`, { cause: error });
}

/** Live tensors and their bytes, as TensorFlow.js counts them. */
export function tensorCounts(): Pick<BackendMemory, 'tensors' | 'tensorBytes'> {
  const { numTensors, numBytes } = tf.memory();
  return { tensors: numTensors, tensorBytes: numBytes };
}
