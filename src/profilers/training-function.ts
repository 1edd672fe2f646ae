// What a loss function reads besides its arguments: variables that are trained, variables that are not, tensors of its
// surroundings. It is found by running the function once, on shapes.
import type { BlankTree } from '../backends/meta/dry-run';
import { dryRun } from '../backends/meta/dry-run';
import { watchEngine } from '../backends/engine-events';
import { tf } from '../backends/tf';
import type { TensorTree } from '../backends/training-step';
import { allVariables, isHere, standingIn } from '../backends/variables';
import { InputError } from '../base/errors';

/** A loss as users of TensorFlow.js write it: of inputs, and of whatever variables and tensors it knows of. */
export type TrainingFunction<I extends TensorTree = TensorTree> = (inputs: I) => tf.Tensor;

export interface WhatIsRead {
  /** Trainable variables that the loss depends on. */
  trained: tf.Variable[];
  /** All other variables that are read. */
  frozen: tf.Variable[];
  /** Tensors from outside that are neither inputs nor variables, each buffer once. */
  captured: tf.Tensor[];
}

/** The parts of TensorFlow.js's engine that this leans on (4.22). */
interface Engine {
  gradients(
    f: () => tf.Tensor,
    xs: readonly tf.Tensor[],
    dy: null,
    allowNoGradients: boolean,
  ): { grads: (tf.Tensor | null | undefined)[] };
}

const wrong = (what: string, given: string, expected: string, fix: string): InputError =>
  new InputError({ what: `cannot profile the training of ${what}`, given, expected, fix });

/** @throws InputError when a function gave something else than a scalar of float32 */
export function checkLoss(what: string, loss: unknown): tf.Tensor {
  const expected = 'a function that returns its loss, a scalar tensor of float32';
  if (loss instanceof Promise)
    throw wrong(what, 'a function that is async', expected, 'return the tensor itself, and wait for nothing');
  if (!(loss instanceof tf.Tensor))
    throw wrong(what, 'a function that returns no tensor', expected, 'return the loss');
  const scalar = loss as tf.Tensor;
  if (scalar.rank !== 0 || scalar.dtype !== 'float32')
    throw wrong(
      what,
      `a loss of shape [${scalar.shape.join(', ')}], ${scalar.dtype}`,
      expected,
      'take its mean or sum',
    );
  return scalar;
}

/**
 * Run a loss and its gradient once on shapes, and note what they read. Nothing of the caller's is changed.
 * @param what  the function, in words, for errors
 * @throws InputError when it returns no loss, depends on no trainable variable, or makes variables of its own; as `dryRun`
 */
export function whatIsRead<I extends TensorTree>(
  what: string,
  f: TrainingFunction<I>,
  inputs: BlankTree,
): WhatIsRead {
  const variables = allVariables();
  const read = new Map<object, tf.Tensor>();
  const known = new Set<number>();
  let depended: tf.Variable[] = [];
  dryRun(what, { inputs, weights: variables }, ({ inputs: given, weights }) =>
    standingIn(variables, weights as tf.Tensor[], () => {
      const stop = watchEngine({
        kernel({ inputs: tensors }) {
          // Inputs that a kernel may have, such as a bias, are not always there.
          for (const tensor of Object.values(tensors).flat()) {
            if (tensor === undefined || tensor === null) continue;
            if (tensor instanceof tf.Variable) known.add(tensor.id);
            else if (!isHere(tensor)) read.set(tensor.dataId, read.get(tensor.dataId) ?? tensor);
          }
        },
      });
      try {
        const trainable = variables.filter((variable) => variable.trainable);
        const loss = (): tf.Tensor => checkLoss(what, f(given as I));
        const { grads } = (tf.engine() as unknown as Engine).gradients(loss, trainable, null, true);
        depended = trainable.filter((_, k) => grads[k]);
      } finally {
        stop();
      }
      const made = allVariables().length - variables.length;
      if (made > 0)
        throw wrong(
          what,
          `a function that makes ${made === 1 ? 'a variable' : `${made} variables`}`,
          'a function that finds its variables made',
          'make them before, and build a model before it is profiled',
        );
    }),
  );
  if (depended.length === 0)
    throw wrong(
      what,
      'a function whose loss depends on no trainable variable',
      'parameters that are variables of TensorFlow.js: tf.variable, or weights of a layer',
      'make what is to be trained a variable, or see `dryRunStep` for a loss that is a pure function of its parameters',
    );
  const trained = new Set(depended);
  return {
    trained: depended,
    frozen: variables.filter((variable) => known.has(variable.id) && !trained.has(variable)),
    captured: [...read.values()],
  };
}
