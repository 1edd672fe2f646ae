// Functions without a training step: a model of tf.layers, a function of anybody's, and models of tf.layers that are trained.
import { beforeAll, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend';
import { captureStep } from '../../../src/backends/capture/capture';
import { captureFunction } from '../../../src/backends/capture/function';
import { loadCandidate } from '../../../src/backends/choose';
import { eagerStep } from '../../../src/backends/eager-step';
import { layersFunction } from '../../../src/backends/layers-function';
import { adam } from '../../../src/backends/optimisers';
import { tf } from '../../../src/backends/tf';
import type { StepDefinition, Tensors } from '../../../src/backends/training-step';
import { withoutLeak } from '../../setup/leaks';
import { describeWith } from '../../setup/peers';
import { largestDifference, normal, numbers } from './steps';

let backend: Backend;

/** A small image classifier with a batch normalisation, built. */
const classifier = (): tf.Sequential =>
  tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3, activation: 'relu' }),
      tf.layers.batchNormalization(),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 5, activation: 'softmax' }),
    ],
  });

describeWith('native-tensorflow', 'a captured function', () => {
  beforeAll(async () => {
    backend = await (await loadCandidate('tensorflow')).open();
  });

  it('predicts as a model of tf.layers, for batches of several sizes, with other weights too', async () => {
    await withoutLeak('a captured model', async () => {
      const model = classifier();
      const { parameters, apply } = layersFunction(model);
      const definition = {
        name: 'a classifier',
        parameters,
        compute: (given: typeof parameters, x: tf.Tensor) => apply(given, x),
      };
      const batches = [2, 5].map((n) => normal(`batch ${n}`, [n, 8, 8, 3]));
      const captured = await captureFunction(backend, definition, { inputs: batches[0] });
      const agree = async (batch: tf.Tensor): Promise<void> => {
        const { value } = await captured.run(batch);
        const expected = model.predict(batch) as tf.Tensor;
        expect(largestDifference({ value }, { value: expected })).toBeLessThan(1e-5);
        tf.dispose([value, expected]);
      };
      for (const batch of [...batches, batches[0]]) await agree(batch);
      expect(captured.provenance.shapes).toEqual(['inputs float32[2,8,8,3]', 'inputs float32[5,8,8,3]']);
      const other = model.getWeights().map((weight) => tf.mul(weight, 0.5));
      model.setWeights(other);
      const changed = layersFunction(model).parameters;
      const under = (group: string, tensors: Tensors): Tensors =>
        Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${group}/${name}`, tensor]));
      captured.write({ ...under('trained', changed.trained), ...under('frozen', changed.frozen) });
      await agree(batches[1]);
      captured.dispose();
      model.dispose();
      tf.dispose([batches, other]);
    });
  });

  it('trains a model of tf.layers as a pure function of its weights, as the eager step does', async () => {
    await withoutLeak('a trained model', async () => {
      const model = classifier();
      const { parameters, apply } = layersFunction(model);
      const definition: StepDefinition<
        typeof parameters,
        { [name: string]: tf.Tensor; x: tf.Tensor; y: tf.Tensor }
      > = {
        name: 'a classifier',
        parameters,
        optimiser: adam(),
        loss: (given, { x, y }) => tf.neg(tf.mean(tf.mul(y, tf.logSoftmax(apply(given, x))))),
      };
      const inputs = {
        x: normal('x', [4, 8, 8, 3]),
        y: tf.tidy(() => tf.cast(tf.oneHot([0, 1, 2, 4], 5), 'float32')),
      };
      const [captured, eager] = [
        await captureStep(backend, definition, { inputs }),
        eagerStep(backend, definition),
      ];
      expect(captured.provenance.recordedBy).toBe('shapes');
      for (let k = 0; k < 3; k++) {
        const [a, b] = [await captured.run(inputs), await eager.run(inputs)];
        expect(numbers(a.loss)[0]).toBeCloseTo(numbers(b.loss)[0], 5);
        tf.dispose([a, b]);
      }
      captured.dispose();
      eager.dispose();
      model.dispose();
      tf.dispose(inputs);
    });
  });

  it('refuses a batch normalisation that writes its moving means, and a model by its own weights', async () => {
    const model = classifier();
    const { parameters, apply } = layersFunction(model);
    const x = normal('x', [2, 8, 8, 3]);
    const training = {
      name: 'f',
      parameters,
      compute: (p: typeof parameters, y: tf.Tensor) => apply(p, y, { training: true }),
    };
    await expect(captureFunction(backend, training, { inputs: x })).rejects.toThrow('batch normalisation');
    const own = {
      name: 'f',
      parameters: {},
      compute: (_: object, y: tf.Tensor) => model.predict(y) as tf.Tensor,
    };
    await expect(captureFunction(backend, own, { inputs: x })).rejects.toThrow(
      /from outside .*function\.test\.ts/,
    );
    model.dispose();
    x.dispose();
  });

  it('takes scalars, gives several outputs, runs eagerly where it must, and refuses what is no tensor', async () => {
    await withoutLeak('functions', async () => {
      const x = tf.tensor([1, 2, 3]);
      const w = tf.tensor([2, 2, 2]);
      const definition = {
        name: 'f',
        parameters: { w },
        scalars: { power: 2 },
        compute: (p: { w: tf.Tensor }, y: tf.Tensor, { power }: Tensors) => ({
          same: y,
          weight: p.w,
          more: tf.pow(tf.mul(y, p.w), power),
        }),
      };
      const captured = await captureFunction(backend, definition, {
        inputs: { shape: [3], dtype: 'float32' },
      });
      const drawing = {
        ...definition,
        compute: (p: { w: tf.Tensor }, y: tf.Tensor) => {
          tf.mul(y, Math.random());
          return tf.mul(p.w, y);
        },
      };
      const eager = await captureFunction(backend, drawing, { inputs: x, onRefusal: 'eager' });
      expect(eager.provenance).toMatchObject({ runs: 'eager' });
      const [a, b, c] = [await captured.run(x), await captured.run(x, { power: 1 }), await eager.run(x)];
      expect([a.same, a.weight, a.more, b.more, c.value].map(numbers)).toEqual([
        [1, 2, 3],
        [2, 2, 2],
        [4, 16, 36],
        [2, 4, 6],
        [2, 4, 6],
      ]);
      eager.write({ w: x });
      const d = await eager.run(x);
      expect(numbers(d.value)).toEqual([1, 4, 9]);
      const nothing = { ...definition, compute: () => ({ n: 3 }) as unknown as Tensors };
      await expect(captureFunction(backend, nothing, { inputs: x })).rejects.toThrow(
        'returns something else than tensors',
      );
      const later = { ...definition, compute: () => Promise.resolve(tf.scalar(1)) as unknown as tf.Tensor };
      await expect(captureFunction(backend, later, { inputs: x })).rejects.toThrow(
        'a function that is async',
      );
      captured.dispose();
      eager.dispose();
      tf.dispose([a, b, c, d, x, w] as never);
    });
  });
});
