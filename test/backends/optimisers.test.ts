// Optimisers against PyTorch's (test/oracles/optimisers_peer.py), and against TensorFlow.js's own where they mean the same.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { adam, sgd } from '../../src/backends/optimisers';
import type { Optimiser, Tensors } from '../../src/backends/training-step';
import { tf } from '../../src/backends/tf';
import oracle from '../oracles/optimisers.json';

beforeAll(async () => {
  await (await loadCandidate('cpu')).open();
});

const made: Record<keyof typeof oracle.cases, Optimiser> = {
  adam: adam({ learningRate: 0.1 }),
  'adam, other settings': adam({ learningRate: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 1e-3 }),
  adamw: adam({ learningRate: 0.1, weightDecay: 0.1 }),
  sgd: sgd({ learningRate: 0.1 }),
  'sgd with decay': sgd({ learningRate: 0.1, weightDecay: 0.2 }),
  momentum: sgd({ learningRate: 0.1, momentum: 0.9 }),
  'momentum with decay': sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.2 }),
  nesterov: sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
};

/** Updates by the gradients of the oracle: 2 (p - k / 4). */
function updates(optimiser: Optimiser, rates: readonly number[]): number[][] {
  return tf.tidy(() => {
    let trained: Tensors = { p: tf.tensor(oracle.start) };
    let state = optimiser.start(trained);
    return rates.map((rate, k) => {
      const gradients = { p: tf.mul(tf.sub(trained.p, k / 4), 2) };
      const scalars = { learningRate: tf.scalar(rate) };
      ({ trained, state } = optimiser.update({ trained, gradients, state, scalars }));
      return [...trained.p.dataSync()];
    });
  });
}

describe('optimisers', () => {
  it.each(Object.keys(made) as (keyof typeof made)[])('%s as in PyTorch', (name) => {
    const { options, steps } = oracle.cases[name];
    const optimiser = made[name];
    expect(optimiser.scalars).toEqual({ learningRate: options.lr });
    const found = updates(
      optimiser,
      [1, 1, 1, 0.5, 0.5, 0.5].map((share) => share * options.lr),
    );
    found.forEach((values, k) =>
      values.forEach((x, i) =>
        expect(Math.abs(x - steps[k][i])).toBeLessThan(1e-5 * Math.abs(steps[k][i]) + 2e-6),
      ),
    );
  });

  it.each([
    ['sgd', tf.train.sgd(0.1)],
    ['momentum', tf.train.momentum(0.1, 0.9)],
    ['nesterov', tf.train.momentum(0.1, 0.9, true)],
    ['adam', tf.train.adam(0.1, 0.9, 0.999, 1e-8)],
  ] as const)('%s as in TensorFlow.js', (name, theirs) => {
    const found = updates(made[name], Array<number>(6).fill(0.1));
    const p = tf.variable(tf.tensor(oracle.start));
    found.forEach((values, k) => {
      theirs.minimize(() => tf.sum(tf.square(tf.sub(p, k / 4))));
      [...p.dataSync()].forEach((x, i) => expect(values[i]).toBeCloseTo(x, 4));
    });
    tf.dispose(p);
    theirs.dispose();
  });

  it('name themselves by what they do', () => {
    const names = Object.values(made).map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(['adam', 'adamw', 'sgd', 'momentum', 'nesterov']));
  });

  it('refuse a momentum that is none, and the look ahead without one', () => {
    expect(() => sgd({ momentum: 1 })).toThrow(
      'cannot make the optimiser sgd: given a momentum of 1, expected a momentum from 0',
    );
    expect(() => sgd({ nesterov: true })).toThrow('expected a momentum above 0');
  });
});
