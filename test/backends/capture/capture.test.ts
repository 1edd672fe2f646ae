// Captured steps are the eager ones: values, state, shapes, checkpoints; and nothing is left behind.
import { beforeAll, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend';
import { captureStep } from '../../../src/backends/capture/capture';
import { loadCandidate } from '../../../src/backends/choose';
import { eagerStep } from '../../../src/backends/eager-step';
import { flattenTree } from '../../../src/backends/training-step';
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

  it('takes inputs of several shapes, over the same parameters', async () => {
    await withoutLeak('several shapes', async () => {
      const definition = twoLayers();
      const batches = [3, 5, 1].map(pair);
      const shapes = {
        x: { shape: [3, 4], dtype: 'float32' as const },
        y: { shape: [3, 2], dtype: 'float32' as const },
      };
      const [captured, eager] = [
        await captureStep(backend, definition, { inputs: shapes }),
        eagerStep(backend, definition),
      ];
      // What was given to begin with is not needed any more.
      tf.dispose(flattenTree(definition.parameters.trained));
      tf.dispose(flattenTree(definition.parameters.frozen));
      for (const k of [0, 1, 0, 2, 1]) {
        const [a, b] = [await captured.run(batches[k]), await eager.run(batches[k])];
        expect(largestDifference(a, b)).toBeLessThan(1e-5);
        tf.dispose([a, b]);
      }
      const [a, b] = [await captured.read(), await eager.read()];
      expect(largestDifference(a, b)).toBeLessThan(1e-5);
      expect(captured.provenance.shapes).toHaveLength(3);
      await expect(captured.run(batches[0], { rate: 1 })).rejects.toThrow(
        /scalars that it does not have: rate.*learningRate/s,
      );
      captured.dispose();
      eager.dispose();
      tf.dispose([a, b, batches] as never);
    });
  });

  it('is restored exactly: read, written into another, captured or eager, and on from there', async () => {
    await withoutLeak('a checkpoint', async () => {
      const definition = twoLayers();
      const inputs = pair(3);
      const first = await captureStep(backend, definition, { inputs });
      for (let k = 0; k < 3; k++) tf.dispose(await first.run(inputs));
      const checkpoint = await first.read();
      const going = await first.run(inputs);
      const others = [await captureStep(backend, definition, { inputs }), eagerStep(backend, definition)];
      for (const other of others) {
        await other.write(checkpoint);
        const again = await other.read();
        expect(largestDifference(again, checkpoint)).toBe(0);
        const next = await other.run(inputs);
        expect(largestDifference(next, going)).toBeLessThan(1e-5);
        tf.dispose([again, next]);
      }
      const less = { ...checkpoint };
      delete less['trained/second'];
      await expect(others[0].write(less)).rejects.toThrow('trained/second is missing');
      for (const step of [first, ...others]) step.dispose();
      await expect(first.read()).rejects.toThrow('a step that was disposed of');
      tf.dispose([checkpoint, going, inputs, flattenTree(definition.parameters.trained)] as never);
      tf.dispose(flattenTree(definition.parameters.frozen));
    });
  });

  it('passes on what the step itself has wrong, and leaves the binding as it was', async () => {
    const definition = twoLayers();
    const node = tf.backend() as unknown as { binding: object; recording?: boolean };
    const { binding } = node;
    const wrong = {
      ...definition,
      loss: (): tf.Tensor => {
        throw new TypeError('planted');
      },
    };
    await withoutLeak('a step that fails', async () => {
      await expect(
        captureStep(backend, wrong, { inputs: { x: { shape: [3, 4], dtype: 'float32' } } }),
      ).rejects.toThrow('planted');
    });
    expect(node.binding).toBe(binding);
    expect(Object.keys(node)).not.toContain('recording');
    tf.dispose(flattenTree(definition.parameters.trained));
    tf.dispose(flattenTree(definition.parameters.frozen));
  });

  // 20 in CI; COC_CAPTURES=200 for the long run.
  const captures = Number(process.env.COC_CAPTURES ?? 20);
  it(`${captures} captures give back what they took`, { timeout: 600_000 }, async () => {
    const { binding } = tf.backend() as unknown as {
      binding: { getNumOfTensors: () => number; getNumOfSavedModels: () => number };
    };
    const count = (): number[] => [
      tf.memory().numTensors,
      binding.getNumOfTensors(),
      binding.getNumOfSavedModels(),
    ];
    // About 4 MB of parameters, and twice that of state, in each.
    const definition = twoLayers(150_000);
    const inputs = pair(3);
    const capture = async (): Promise<void> => {
      const step = await captureStep(backend, definition, { inputs });
      tf.dispose(await step.run(inputs));
      step.dispose();
    };
    const resident: number[] = [];
    await capture();
    const before = count();
    for (let k = 0; k < captures; k++) {
      await capture();
      resident.push(process.memoryUsage.rss() / 1e6);
    }
    expect(count()).toEqual(before);
    // The least of each of the last two quarters, for rubbish that waits for its collector goes up and down: what one adds to
    // the other is far less than what as many captures hold.
    const quarter = Math.floor(captures / 4);
    const [third, last] = [resident.slice(2 * quarter, 3 * quarter), resident.slice(3 * quarter)];
    const grown = Math.min(...last) - Math.min(...third);
    console.log(`resident during ${captures} captures: ${resident.map((mb) => mb.toFixed(0)).join(' ')} MB`);
    expect(grown).toBeLessThan(0.5 * quarter * 12);
    tf.dispose([inputs, flattenTree(definition.parameters.trained)] as never);
    tf.dispose(flattenTree(definition.parameters.frozen));
  });
});
