// The self-test: it passes what is right, and finds a wrong value, a wrong gradient and a missing kernel.
import { describe, expect, it } from 'vitest';
import { chooseBackend } from '../../src/backends/choose';
import { refuse } from '../../src/backends/refuse';
import { selfTest } from '../../src/backends/self-test';
import type { SelfTestOp } from '../../src/backends/self-test-ops';
import { selfTestOps } from '../../src/backends/self-test-ops';
import * as plain from '../../src/backends/self-test-plain';
import { tf } from '../../src/backends/tf';
import { hasPeer } from '../setup/peers';

const here = ['cpu', 'wasm', ...(hasPeer('native-tensorflow') ? ['tensorflow'] : [])] as const;

describe.each(here)('on %s', (name) => {
  it('twenty ops are right, none is refused, and nothing is left', async () => {
    const backend = await chooseBackend({ backend: name as 'cpu' });
    const before = backend.memory();
    const { seconds, refused } = await selfTest(backend);
    expect(selfTestOps).toHaveLength(20);
    expect(refused).toEqual([]);
    expect(seconds).toBeGreaterThan(0);
    expect(backend.memory()).toEqual(before);
  });
});

describe('a fault', () => {
  const softmax = selfTestOps.find((op) => op.name === 'softmax')!;
  const problemWith = async (op: SelfTestOp): Promise<string> => {
    const backend = await chooseBackend({ backend: 'cpu' });
    const error = await selfTest(backend, {}, [op, softmax]).catch((thrown: Error) => thrown);
    expect(backend.memory()).toMatchObject({ tensors: 0 });
    return (error as Error).message;
  };

  it('of a value is found', async () => {
    const message = await problemWith({ ...softmax, name: 'planted', run: (x) => tf.softmax(x.mul(1.01)) });
    expect(message).toMatch(
      /^cannot use the backend cpu: given 1 of 2 ops of the self-test that are wrong on .*: planted: its value is off by \d/,
    );
    expect(message).toContain('What to do: choose another backend (`coc doctor` lists them)');
  });

  it('of a gradient alone is found', async () => {
    const half = tf.customGrad((x) => ({
      value: tf.softmax(x as tf.Tensor),
      gradFunc: (dy) => dy.mul(0.5),
    }));
    expect(
      await problemWith({ ...softmax, name: 'planted', run: (x) => tf.tidy('planted', () => half(x)) }),
    ).toContain('planted: its gradient by input 0 is off by');
  });

  it('that is a NaN is found', async () => {
    expect(await problemWith({ ...softmax, name: 'planted', run: (x) => tf.softmax(x).mul(NaN) })).toContain(
      'planted: its value is off by NaN',
    );
  });

  it('that is an error is told', async () => {
    const message = await problemWith({
      ...softmax,
      name: 'planted',
      run: () => {
        throw new Error('Kernel Planted is not registered');
      },
    });
    expect(message).toContain('planted: Kernel Planted is not registered');
  });
});

it('an op that is refused is no fault, and is told', async () => {
  const backend = await chooseBackend({ backend: 'cpu' });
  const op: SelfTestOp = {
    name: 'refused',
    shapes: [[1]],
    run: () => {
      throw refuse('Planted', 'cpu', 'its gradient is wrong', ['wasm', 'tensorflow']);
    },
    plain: (x) => [...x],
  };
  expect((await selfTest(backend, {}, [op])).refused).toEqual(['refused']);
  await expect(backend.step('a step', op.run)).rejects.toThrow(
    'a step: cannot run Planted on cpu: given its gradient is wrong, expected a backend that has it right (wasm, tensorflow). ' +
      "What to do: choose one: COC_BACKEND=wasm, or chooseBackend({ backend: 'wasm' })",
  );
});

describe('the plain ops, by hand', () => {
  it('multiply, convolve at stride 2, and enlarge', () => {
    expect(plain.matMul([1, 2, 2, 2], false, false)([1, 2, 3, 4], [5, 6, 7, 8])).toEqual([19, 22, 43, 50]);
    expect(plain.matMul([1, 2, 2, 2], true, true)([1, 2, 3, 4], [5, 6, 7, 8])).toEqual([23, 31, 34, 46]);
    // One dimension, window 3, stride 2 on four numbers: padded behind only.
    expect(plain.convolve([4], [3], 1, 1, 2)([1, 2, 3, 4], [1, 10, 100])).toEqual([321, 43]);
    expect(plain.upConvolve([1, 1], 2, 1, 1)([3], [1, 2, 3, 4])).toEqual([3, 6, 9, 12]);
    expect(plain.gelu([0, 1])[1]).toBeCloseTo(0.8413447460685429, 14);
  });

  it('differentiate', () => {
    const [a, b] = plain.gradient((x) => [x[0] * x[1]], [3, 4], [2]);
    expect(a).toBeCloseTo(8, 8);
    expect(b).toBeCloseTo(6, 8);
  });
});
