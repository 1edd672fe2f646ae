// What is done with gradients and learning rates, against PyTorch (test/oracles/training_peer.py).
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { adam } from '../../src/backends/optimisers';
import type { Optimiser, Tensors } from '../../src/backends/training-step';
import { tf } from '../../src/backends/tf';
import { accumulated, clipped } from '../../src/training/optimisers';
import { rateAt } from '../../src/training/schedule';
import oracle from '../oracles/training.json';

beforeAll(async () => {
  await (await loadCandidate('cpu')).open();
});

const { lr, weight_decay: weightDecay } = oracle.options;
const adamw = adam({ learningRate: lr, weightDecay });

/** Parameters after each step, by the gradients of the oracle. */
function updates(optimiser: Optimiser, steps: number): Record<'p' | 'q', number[]>[] {
  let trained: Tensors = { p: tf.tensor(oracle.start.p), q: tf.tensor(oracle.start.q) };
  let state = optimiser.start(trained);
  const before = tf.memory().numTensors;
  const found = Array.from({ length: steps }, (_, k) => {
    const gradients = {
      p: tf.tidy(() => tf.mul(tf.sub(trained.p, k / 4), 2)),
      q: tf.tidy(() => tf.mul(tf.add(trained.q, k / 2), 3)),
    };
    const next = optimiser.update({ trained, gradients, state, scalars: { learningRate: tf.scalar(lr) } });
    tf.dispose([trained, state, gradients]);
    ({ trained, state } = next);
    return { p: [...trained.p.dataSync()], q: [...trained.q.dataSync()] };
  });
  // One learning rate a step is the test's own.
  expect(tf.memory().numTensors).toBe(before + steps);
  return found;
}

function expectSame(found: ReturnType<typeof updates>, wanted: ReturnType<typeof updates>): void {
  found.forEach(({ p, q }, k) => {
    const both = [...wanted[k].p, ...wanted[k].q];
    [...p, ...q].forEach((x, i) =>
      expect(Math.abs(x - both[i])).toBeLessThan(1e-5 * Math.abs(both[i]) + 2e-6),
    );
  });
}

describe('gradients', () => {
  it('are clipped all together, as in PyTorch', () => {
    const { longest, steps } = oracle.clipped;
    expectSame(updates(clipped(adamw, longest), steps.length), steps);
  });

  it('shorter than the limit stay as they are', () => {
    expectSame(updates(clipped(adamw, 1e6), 4), updates(adamw, 4));
  });

  it('of several steps make one update, as in PyTorch; between them nothing moves', () => {
    const { every, steps } = oracle.accumulated;
    const found = updates(accumulated(adamw, every), steps.length);
    expectSame(found, steps);
    expect(found[3]).toEqual(found[2]);
    expect(found[1].p).toEqual(oracle.start.p);
    expect(accumulated(adamw, 1)).toBe(adamw);
  });

  it('are refused a limit or a count that is none', () => {
    expect(() => clipped(adamw, 0)).toThrow(
      'cannot clip gradients: given a length of 0, expected a number above 0',
    );
    expect(() => accumulated(adamw, 1.5)).toThrow('given over 1.5 steps, expected a whole number');
  });
});

describe('the learning rate', () => {
  it('falls as PyTorch’s PolynomialLR', () => {
    const { peak, steps, power, values } = oracle.rates;
    values.forEach((rate, k) => expect(rateAt({ peak, warmUp: 0, steps, power }, k)).toBeCloseTo(rate, 10));
    // The same fall after a rise.
    values.forEach((rate, k) =>
      expect(rateAt({ peak, warmUp: 4, steps: steps + 4, power }, k + 4)).toBeCloseTo(rate, 10),
    );
  });

  it('rises in equal steps', () => {
    const schedule = { peak: 0.8, warmUp: 4, steps: 10, power: 1 };
    expect([0, 1, 2, 3, 4].map((step) => rateAt(schedule, step))).toEqual([
      0.2, 0.4, 0.6000000000000001, 0.8, 0.8,
    ]);
    expect(rateAt(schedule, 10)).toBe(0);
  });
});
