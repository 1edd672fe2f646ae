// The eager step: Adam against a hand-computed case, state written back, and no leak.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { eagerStep } from '../../src/backends/eager-step';
import { adam } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import { withoutLeak } from '../setup/leaks';

let backend: Backend;
beforeAll(async () => {
  backend = await (await loadCandidate('cpu')).open();
});

const numbers = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];
const definition = (w: tf.Tensor): Parameters<typeof eagerStep>[1] => ({
  name: 'a square',
  parameters: { trained: { w }, frozen: { k: w } },
  optimiser: adam({ learningRate: 0.1 }),
  scalars: { weight: 1 },
  loss: (p, inputs, scalars) => {
    const { w } = p.trained as { w: tf.Tensor };
    const d = tf.sub(w, (inputs as { x: tf.Tensor }).x);
    return tf.mul(tf.sum(tf.square(d)), scalars.weight);
  },
});

describe('the eager step', () => {
  it('moves every parameter by the learning rate in its first step of Adam, whatever the gradient', async () => {
    await withoutLeak('a step', async () => {
      const w = tf.tensor([1, -2]);
      const x = tf.tensor([0, 0]);
      const step = eagerStep(backend, definition(w));
      const { loss } = await step.run({ x });
      expect(numbers(loss)).toEqual([5]);
      const state = await step.read();
      numbers(state['trained/w']).forEach((value, k) => expect(value).toBeCloseTo([0.9, -1.9][k], 6));
      expect(numbers(state['optimiser/step'])).toEqual([1]);
      step.dispose();
      tf.dispose([w, x, loss, state]);
    });
  });

  it('refuses a scalar that it does not have, and is as it was', async () => {
    await withoutLeak('a wrong scalar', async () => {
      const [w, x] = [tf.tensor([1, -2]), tf.tensor([0, 0])];
      const step = eagerStep(backend, definition(w));
      await expect(step.run({ x }, { learningrate: 1 })).rejects.toThrow(
        /a square.*scalars that it does not have: learningrate.*learningRate, .*weight/s,
      );
      const state = await step.read();
      expect(numbers(state['trained/w'])).toEqual([1, -2]);
      step.dispose();
      tf.dispose([w, x, state]);
    });
  });

  it('goes on from a state that was read, with other scalars, and refuses another state by name', async () => {
    await withoutLeak('restoring', async () => {
      const [w, x] = [tf.tensor([1, -2]), tf.tensor([0.5, 0.25])];
      const [first, second] = [eagerStep(backend, definition(w)), eagerStep(backend, definition(x))];
      tf.dispose(await first.run({ x }));
      const state = await first.read();
      await second.write(state);
      const a = await first.run({ x }, { weight: 3, learningRate: 0.01 });
      const b = await second.run({ x }, { weight: 3, learningRate: 0.01 });
      expect(numbers(a.loss)).toEqual(numbers(b.loss));
      expect(() => second.write({ ...state, other: w })).toThrow('other is not part of this step');
      const less = { 'optimiser/step': state['optimiser/step'] };
      expect(() => second.write(less)).toThrow('trained/w is missing');
      first.dispose();
      second.dispose();
      tf.dispose([w, x, state, a, b]);
      await expect(first.run({ x })).rejects.toThrow('a step that was disposed of');
    });
  });
});
