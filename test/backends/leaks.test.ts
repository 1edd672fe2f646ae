// After every public call of the room tensors are what they were before; and a leak that is planted is found.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { candidate } from '../../src/backends/cpu';
import { recordKernels } from '../../src/backends/proof/record-kernels';
import { tf } from '../../src/backends/tf';
import { withoutLeak } from '../setup/leaks';

let backend: Backend;
beforeAll(async () => {
  backend = await candidate.open();
});

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
  it('finds a planted leak, in a call that ends and in one that fails', async () => {
    let leaked: tf.Tensor | undefined;
    await expect(withoutLeak('the call', () => void (leaked = tf.zeros([2, 3])), backend)).rejects.toThrow(
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

describe('public calls', () => {
  it('a step', async () => {
    await withoutLeak(
      'step',
      () => backend.step('a step', () => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2]))),
      backend,
    );
  });

  it.each(['forward', 'backward'] as const)('a step whose %s pass fails with the tape on', async (where) => {
    await expect(
      withoutLeak('step', () => backend.step('a step', () => failing(where)), backend),
    ).rejects.toThrow(`a step: planted in the ${where} pass`);
    // And the next one is as any other.
    const [dx] = await backend
      .step('the next', () => tf.grad((x: tf.Tensor) => tf.square(x).sum())(tf.scalar(3)))
      .then((x) => x.dataSync());
    expect(dx).toBe(6);
  });

  it('recordKernels', async () => {
    await withoutLeak('recordKernels', async () => {
      const { value } = await recordKernels(() => tf.tidy(() => tf.add(1, 2)));
      return value;
    });
  });
});
