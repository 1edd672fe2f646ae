// How gradients change parameters. Each is a pure function of tensors, checked against PyTorch's of the same name.
import { InputError } from '../base/errors';
import type { Optimiser, Tensors } from './training-step';
import { keptCopies } from './training-step';
import { tf } from './tf';

export interface AdamOptions {
  learningRate?: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  /** Decoupled from the gradient (AdamW); 0 is Adam. */
  weightDecay?: number;
}

/** Of one parameter: its new value, and its new state by the name of the slot. */
interface Updated {
  value: tf.Tensor;
  state: Tensors;
  /** No more than that; but tf.tidy takes only what may have any names. */
  [more: string]: tf.TensorContainer;
}

/** Update each parameter by itself: what one update makes on its way is freed before the next begins. */
function updateEach(
  trained: Tensors,
  f: (tensor: tf.Tensor, name: string) => Updated,
): { trained: Tensors; state: Tensors } {
  const [updated, state]: [Tensors, Tensors] = [{}, {}];
  for (const [name, tensor] of Object.entries(trained)) {
    const { value, state: own } = tf.tidy(() => f(tensor, name));
    updated[name] = value;
    for (const [slot, next] of Object.entries(own)) state[`${slot}/${name}`] = next;
  }
  return { trained: updated, state };
}

/** Adam (Kingma and Ba, 2015), with decoupled weight decay where asked (Loshchilov and Hutter, 2019); as in PyTorch. */
export function adam(options: AdamOptions = {}): Optimiser {
  const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  return {
    name: weightDecay === 0 ? 'adam' : 'adamw',
    scalars: { learningRate },
    start(trained) {
      const state: Tensors = { step: tf.scalar(0) };
      for (const [name, tensor] of Object.entries(trained)) {
        state[`m/${name}`] = tf.zeros(tensor.shape);
        state[`v/${name}`] = tf.zeros(tensor.shape);
      }
      return state;
    },
    update: ({ trained, gradients, state, scalars }) =>
      tf.tidy(() => {
        const step = tf.add(state.step, 1);
        // 1 - beta^step, which in float32 must not be a difference of two numbers close to 1.
        const bias = (beta: number): tf.Tensor => tf.neg(tf.expm1(tf.mul(step, Math.log(beta))));
        const correction1 = bias(beta1);
        const correction2 = tf.sqrt(bias(beta2));
        const rate = tf.div(scalars.learningRate, correction1);
        const kept = weightDecay === 0 ? undefined : tf.sub(1, tf.mul(scalars.learningRate, weightDecay));
        const next = updateEach(trained, (tensor, name) => {
          const g = gradients[name];
          const m = tf.tidy(() => tf.add(tf.mul(state[`m/${name}`], beta1), tf.mul(g, 1 - beta1)));
          const v = tf.tidy(() => tf.add(tf.mul(state[`v/${name}`], beta2), tf.mul(tf.square(g), 1 - beta2)));
          const size = tf.tidy(() => tf.add(tf.div(tf.sqrt(v), correction2), epsilon));
          const change = tf.tidy(() => tf.mul(tf.div(m, size), rate));
          const decayed = kept ? tf.mul(tensor, kept) : tensor;
          return { value: tf.sub(decayed, change), state: { m, v } };
        });
        return { trained: next.trained, state: { step, ...next.state } };
      }),
  };
}

export interface SgdOptions {
  learningRate?: number;
  /** Share of the last update that goes on; 0 is plain descent. */
  momentum?: number;
  /** Look ahead by the momentum (Nesterov). */
  nesterov?: boolean;
  /** Added to the gradient, as PyTorch's SGD does. */
  weightDecay?: number;
}

/**
 * Gradient descent, with momentum where asked. As in PyTorch and in TensorFlow.js the sum of gradients is kept without the
 * learning rate, so that a change of the rate acts at once.
 * @throws InputError for a momentum outside 0 .. 1, or Nesterov's without one
 */
export function sgd(options: SgdOptions = {}): Optimiser {
  const { learningRate = 1e-2, momentum = 0, nesterov = false, weightDecay = 0 } = options;
  if (!(momentum >= 0 && momentum < 1) || (nesterov && momentum === 0))
    throw new InputError({
      what: 'cannot make the optimiser sgd',
      given: `a momentum of ${momentum}${nesterov ? ' and nesterov' : ''}`,
      expected: nesterov ? 'a momentum above 0 and below 1' : 'a momentum from 0 to below 1',
      fix: 'for example 0.9',
    });
  return {
    name: momentum === 0 ? 'sgd' : nesterov ? 'nesterov' : 'momentum',
    scalars: { learningRate },
    start: (trained) =>
      momentum === 0
        ? {}
        : Object.fromEntries(
            Object.entries(trained).map(([name, { shape }]) => [`sum/${name}`, tf.zeros(shape)]),
          ),
    update: ({ trained, gradients, state, scalars }) =>
      updateEach(trained, (tensor, name): Updated => {
        const g = weightDecay === 0 ? gradients[name] : tf.add(gradients[name], tf.mul(tensor, weightDecay));
        if (momentum === 0) return { value: tf.sub(tensor, tf.mul(g, scalars.learningRate)), state: {} };
        const sum = tf.add(tf.mul(state[`sum/${name}`], momentum), g);
        const direction = nesterov ? tf.add(g, tf.mul(sum, momentum)) : sum;
        return { value: tf.sub(tensor, tf.mul(direction, scalars.learningRate)), state: { sum } };
      }),
  };
}

/** The same optimiser, which also puts copies of the gradients where they can be read: the caller's to free. */
export const keepingGradients = (optimiser: Optimiser, kept: Tensors): Optimiser => ({
  ...optimiser,
  update(given) {
    Object.assign(kept, keptCopies(given.gradients));
    return optimiser.update(given);
  },
});
