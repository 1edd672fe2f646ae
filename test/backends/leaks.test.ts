// After every public call of the room tensors are what they were before; and a leak that is planted is found.
import { beforeAll, describe, expect, it } from 'vitest';
import { type Backend, type BackendName, backendNames } from '../../src/backends/backend';
import { chooseBackend, loadCandidate } from '../../src/backends/choose';
import { recordKernels } from '../../src/backends/proof/record-kernels';
import { selfTest } from '../../src/backends/self-test';
import { tf } from '../../src/backends/tf';
import { InputError } from '../../src/base/errors';
import type { DataFrame, Series } from '../../src/kernel/frame';
import { swiftshader, useSwiftshader } from '../setup/swiftshader';
import { withoutLeak } from '../setup/leaks';

/** A gradient whose forward or backward pass fails half-way, with tensors saved on the tape by then. */
function failing(where: 'forward' | 'backward'): tf.Tensor {
  const plant = (): never => {
    throw new Error(`planted in the ${where} pass`);
  };
  const broken = tf.customGrad((x: tf.Tensor | tf.GradSaveFunc, save: tf.Tensor | tf.GradSaveFunc) => {
    (save as tf.GradSaveFunc)([x as tf.Tensor]);
    return {
      value: where === 'forward' ? plant() : tf.square(x as tf.Tensor),
      gradFunc: plant,
    };
  });
  return tf.grad((x: tf.Tensor) => broken(tf.mul(tf.exp(x), x)).sum())(tf.ones([8]));
}

describe('the helper', () => {
  beforeAll(() => tf.setBackend('cpu'));

  it('finds a planted leak, in a call that ends and in one that fails', async () => {
    let leaked: tf.Tensor | undefined;
    await expect(withoutLeak('the call', () => void (leaked = tf.zeros([2, 3])))).rejects.toThrow(
      'the call leaves 1 tensors, 1 buffers, 24 bytes behind',
    );
    tf.dispose(leaked);
    const call = (): never => {
      leaked = tf.zeros([2]);
      throw new Error('planted');
    };
    const failed: unknown = await withoutLeak('the call', call).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      message: 'the call, which failed, leaves 1 tensors, 1 buffers, 8 bytes behind',
      cause: { message: 'planted' },
    });
    tf.dispose(leaked);
  });

  it('finds one alias too many, which has no bytes of its own', async () => {
    const x = tf.ones([4]);
    const aliases: tf.Tensor[] = [];
    await expect(withoutLeak('the call', () => void aliases.push(x.reshape([2, 2])))).rejects.toThrow(
      '1 tensors',
    );
    tf.dispose([x, ...aliases]);
  });

  it('takes returned tensors as handed over, also in objects', async () => {
    const value = await withoutLeak('the call', () => ({
      loss: tf.scalar(1),
      all: [tf.ones([2])],
      name: 'x',
    }));
    expect(value.name).toBe('x');
  });
});

// A backend that cannot be had here is skipped by its name.
if (swiftshader()) useSwiftshader();
const opened = new Map<BackendName, Backend>();
for (const name of backendNames) {
  const found = await (await loadCandidate(name)).open({ asked: true }).catch((error: unknown) => {
    if (error instanceof InputError) return undefined;
    throw error;
  });
  if (found) opened.set(name, found);
}

describe.each(backendNames)('public calls on %s', (name) => {
  const backend = opened.get(name);
  const test = backend ? it : it.skip;
  beforeAll(async () => {
    if (backend) await tf.setBackend(name);
  });

  test('a step, and the memory it hands back', async () => {
    const call = (): Promise<tf.Tensor> =>
      backend!.step('a step', () => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])));
    await call().then((x) => x.dispose());
    await withoutLeak('step', call, backend);
  });

  test.each(['forward', 'backward'] as const)(
    'a step whose %s pass fails with the tape on',
    async (where) => {
      const step = (): Promise<unknown> =>
        withoutLeak('step', () => backend!.step('a step', () => failing(where)), backend);
      await step().catch(() => undefined);
      await expect(step()).rejects.toThrow(`a step: planted in the ${where} pass`);
      // And the next one is as any other.
      const next = await backend!.step('the next', () =>
        tf.grad((x: tf.Tensor) => tf.square(x).sum())(tf.scalar(3)),
      );
      expect([...(await next.data())]).toEqual([6]);
      next.dispose();
    },
  );

  test('the self-test', async () => {
    await withoutLeak('selfTest', () => selfTest(backend!), backend);
  });

  test('a training step, its optimiser freed', async () => {
    const train = async (): Promise<void> => {
      const weights = tf.tidy(() => tf.variable(tf.ones([4, 4])));
      const adam = tf.train.adam(0.1);
      for (let i = 0; i < 3; i++) {
        const loss = await backend!.step('train', () =>
          adam.minimize(() => tf.sum(tf.square(tf.matMul(weights as tf.Tensor2D, tf.eye(4)))), true, [
            weights,
          ]),
        );
        loss!.dispose();
      }
      adam.dispose();
      weights.dispose();
    };
    await train();
    await withoutLeak('training', train, backend);
  });

  test('chooseBackend', async () => {
    await withoutLeak('chooseBackend', () => chooseBackend({ backend: name }).then(() => undefined), backend);
  });
});

it('recordKernels', async () => {
  await tf.setBackend('cpu');
  await withoutLeak('recordKernels', async () => {
    const { value } = await recordKernels(() => tf.tidy(() => tf.add(1, 2)));
    return value;
  });
});

it('data frames beside a backend run nothing on it and leave no tensor', async () => {
  const danfo = await import('danfojs-node');
  const { kernels } = await recordKernels(() =>
    withoutLeak('a frame', () => {
      const made = new danfo.DataFrame(
        [
          [1, 2.5],
          [2, NaN],
          [2, 4],
        ],
        { columns: ['a', 'b'] },
      );
      const a = made.column('a') as unknown as Series;
      const numbers = [a.mean(), a.median(), a.std(), a.min(), a.max(), a.sum()];
      const shown = made as unknown as DataFrame;
      shown
        .loc({ rows: a.gt(1) })
        .sortValues('b')
        .groupby(['a'])
        .mean()
        .describe();
      return [...numbers, a.unique().values.length, shown.describe().values.length];
    }),
  );
  expect(kernels).toEqual([]);
});
