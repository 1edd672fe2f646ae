// What is done with gradients before an optimiser sees them. Each is an optimiser around another one: a pure function of tensors,
// so that it runs eagerly and in a captured step alike.
import { InputError } from '../base/errors';
import { tf } from '../backends/tf';
import { prefixed, under } from '../backends/tree';
import type { Optimiser, Tensors } from '../backends/training-step';

const mapped = (tensors: Tensors, f: (tensor: tf.Tensor, name: string) => tf.Tensor): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, f(tensor, name)]));

/** The length of all gradients together. @returns a scalar */
const lengthOf = (gradients: Tensors): tf.Tensor =>
  tf.sqrt(tf.addN(Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)))));

/**
 * Gradients that are longer than `longest`, all of them together, are cut to that length; as PyTorch's `clip_grad_norm_`.
 * @throws InputError for a length that is not above 0
 */
export function clipped(optimiser: Optimiser, longest: number): Optimiser {
  if (!(longest > 0))
    throw new InputError({
      what: 'cannot clip gradients',
      given: `a length of ${longest}`,
      expected: 'a number above 0',
      fix: 'for example 1, or leave clipping out',
    });
  return {
    ...optimiser,
    name: `${optimiser.name}, gradients clipped to ${longest}`,
    update: (given) =>
      tf.tidy(() => {
        // PyTorch adds 1e-6 to the length as well.
        const share = tf.minimum(1, tf.div(longest, tf.add(lengthOf(given.gradients), 1e-6)));
        return optimiser.update({
          ...given,
          gradients: mapped(given.gradients, (gradient) => tf.mul(gradient, share)),
        });
      }),
  };
}

/**
 * One update of every `count` steps, by the mean of their gradients: the update of a batch `count` times as large, where the loss is
 * a mean over samples. Between updates parameters stay as they are, and so does the optimiser's own state. The learning rate is that of
 * the step which updates.
 * @throws InputError for a count that is no whole number from 1 on
 */
export function accumulated(optimiser: Optimiser, count: number): Optimiser {
  if (!(Number.isSafeInteger(count) && count >= 1))
    throw new InputError({
      what: 'cannot accumulate gradients',
      given: `over ${count} steps`,
      expected: 'a whole number of at least 1',
      fix: 'for example 4, or leave accumulation out',
    });
  if (count === 1) return optimiser;
  return {
    ...optimiser,
    name: `${optimiser.name}, gradients of ${count} steps together`,
    start: (trained) => ({
      ...prefixed('own', optimiser.start(trained)),
      ...prefixed(
        'sum',
        mapped(trained, ({ shape }) => tf.zeros(shape)),
      ),
      taken: tf.scalar(0),
    }),
    update: ({ trained, gradients, state, scalars }) =>
      tf.tidy(() => {
        const taken = tf.add(state.taken, 1);
        const due = tf.greaterEqual(taken, count);
        const before = under('sum', state);
        const sum = mapped(gradients, (gradient, name) => tf.add(before[name], gradient));
        const own = under('own', state);
        const mean = mapped(sum, (gradient) => tf.div(gradient, count));
        const next = optimiser.update({ trained, gradients: mean, state: own, scalars });
        const chosen = (after: Tensors, now: Tensors): Tensors =>
          mapped(after, (tensor, name) => tf.where(due, tensor, now[name]));
        return {
          trained: chosen(next.trained, trained),
          state: {
            ...prefixed('own', chosen(next.state, own)),
            ...prefixed(
              'sum',
              mapped(sum, (tensor) => tf.where(due, tf.zerosLike(tensor), tensor)),
            ),
            taken: tf.where(due, tf.zerosLike(taken), taken),
          },
        };
      }),
  };
}
