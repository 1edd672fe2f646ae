// Captured steps are the eager ones: values, state, shapes, checkpoints; and nothing is left behind.
import { beforeAll, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend';
import { captureStep } from '../../../src/backends/capture/capture';
import { loadCandidate } from '../../../src/backends/choose';
import { eagerStep } from '../../../src/backends/eager-step';
import { tf } from '../../../src/backends/tf';
import { withoutLeak } from '../../setup/leaks';
import { describeWith } from '../../setup/peers';
import { largestDifference, numbers, pair, twoLayers } from './steps';

let backend: Backend;

describeWith('native-tensorflow', 'a captured step', () => {
  beforeAll(async () => {
    backend = await (await loadCandidate('tensorflow')).open();
  });

  it.each(['shapes', 'execution'] as const)(
    'recorded by %s: gives the losses, outputs and states of the eager step, and leaves nothing behind',
    async (recordBy) => {
      await withoutLeak('capturing', async () => {
        const definition = twoLayers();
        const inputs = pair(3);
        const eager = eagerStep(backend, definition);
        const captured = await captureStep(backend, definition, { inputs, recordBy });
        for (let k = 0; k < 5; k++) {
          const scalars = { learningRate: 0.1 / (k + 1), weight: 2 };
          const [a, b] = [await captured.run(inputs, scalars), await eager.run(inputs, scalars)];
          expect(largestDifference(a, b)).toBeLessThan(1e-5);
          tf.dispose([a, b]);
        }
        const [a, b] = [await captured.read(), await eager.read()];
        expect(largestDifference(a, b)).toBeLessThan(1e-5);
        expect(numbers(a['optimiser/step'])).toEqual([5]);
        tf.dispose([a, b]);
        captured.dispose();
        eager.dispose();
        tf.dispose([definition.parameters as never, inputs]);
      });
    },
  );
});
