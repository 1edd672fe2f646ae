// The proof finds what is planted: a wrong value, a wrong gradient, a leak, a changed input, a refusal without a way out.
import { afterEach, beforeAll, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors';
import type { Backend } from '../../src/backends/backend';
import { candidate } from '../../src/backends/cpu';
import { refuse } from '../../src/backends/refuse';
import { cases } from '../../src/backends/proof/cases';
import { prove, type ProofRow } from '../../src/backends/proof/prove';
import { statusText } from '../../src/backends/proof/table';
import { tf } from '../../src/backends/tf';

let backend: Backend;
const undo: (() => void)[] = [];

beforeAll(async () => {
  backend = await candidate.open();
});
afterEach(() => {
  for (const restore of undo.splice(0)) restore();
});

type Kernel = tf.KernelConfig['kernelFunc'];

/** Puts `change(own)` in the place of a kernel of the cpu backend until the test ends. */
function plant(kernelName: string, change: (own: Kernel) => Kernel): void {
  const own = tf.getKernel(kernelName, 'cpu');
  const put = (kernelFunc: Kernel): void => {
    tf.unregisterKernel(kernelName, 'cpu');
    tf.registerKernel({ ...own, kernelFunc });
  };
  put(change(own.kernelFunc));
  undo.push(() => put(own.kernelFunc));
}

async function rowOf(name: string): Promise<ProofRow> {
  const found = cases.filter((one) => one.name === name);
  expect(found).toHaveLength(1);
  expect(tf.memory().numTensors).toBe(0);
  return (await prove(backend, found))[0];
}

/** The numbers of a tensor on the cpu backend, to write into. */
const dataOf = (info: unknown): Float32Array =>
  (tf.backend() as unknown as { readSync(id: object): Float32Array }).readSync((info as tf.Tensor).dataId);

it('nothing planted: right', async () => {
  expect(await rowOf('conv3d')).toMatchObject({ status: 'right', message: '' });
});

it('one wrong element of one gradient of one kernel, by one thousandth', async () => {
  plant('Conv3DBackpropFilterV2', (own) => (call) => {
    const out = own(call);
    const data = dataOf(out);
    data[data.length - 1] += Math.max(...data.map(Math.abs)) / 1000;
    return out;
  });
  const row = await rowOf('conv3d');
  expect(row.status).toBe('wrong');
  expect(row.outcomes.filter(({ status }) => status === 'wrong').map(({ part }) => part)).toEqual(
    row.outcomes.filter(({ part }) => part === 'gradient').map(({ part }) => part),
  );
  expect(row.message).toContain('gradient of [1, 4, 5, 3, 2] [3, 3, 3, 2, 3] stride 1 same wrong: error');
  expect(statusText(row)).toBe('WRONG');
});

it('a wrong value', async () => {
  plant('Erf', (own) => (call) => {
    const out = own(call);
    dataOf(out)[0] += 1e-4;
    return out;
  });
  const row = await rowOf('erf');
  expect(row.status).toBe('wrong');
  expect(row.outcomes.filter(({ status }) => status === 'wrong').every(({ part }) => part === 'value')).toBe(
    true,
  );
});

it('a number that is not one', async () => {
  plant('Sin', (own) => (call) => {
    const out = own(call);
    dataOf(out)[3] = NaN;
    return out;
  });
  expect((await rowOf('sin')).message).toContain('error Infinity');
});

it('a leak of one tensor, and of a buffer without a tensor', async () => {
  const kept: tf.Tensor[] = [];
  plant('Cos', (own) => (call) => {
    kept.push(tf.keep(tf.zeros([5])));
    return own(call);
  });
  expect((await rowOf('cos')).message).toContain('leaves 1 tensors, 20 bytes and 1 buffers behind');
  tf.dispose(kept);
});

it('an input that is written into', async () => {
  plant('Neg', (own) => (call) => {
    const out = own(call);
    dataOf(call.inputs.x)[0] = 7;
    return out;
  });
  expect((await rowOf('neg')).message).toContain('input 0 was changed');
});

it('a refusal is no fault, and names the backend to use', async () => {
  plant('Tanh', () => () => {
    throw refuse('Tanh', 'cpu', 'planted', ['wasm']);
  });
  const row = await rowOf('tanh');
  expect(row).toMatchObject({ status: 'refused', valueError: null });
  expect(statusText(row)).toBe('refused: use wasm');
});

it('a refusal without a way out shows', async () => {
  plant('Tanh', () => () => {
    throw new InputError({ what: 'cannot run', given: 'planted', expected: 'anything', fix: 'nothing' });
  });
  expect(statusText(await rowOf('tanh'))).toBe('refused: use NOTHING');
});

it('any other error is wrong', async () => {
  plant('Tanh', () => () => {
    throw new Error('planted');
  });
  expect(await rowOf('tanh')).toMatchObject({ status: 'wrong' });
});

it('a gradient that there is none of says of which kernel', () => {
  const boxes = tf.tensor2d([[0, 0, 1, 1]]);
  const owners = tf.tensor1d([0], 'int32');
  const x = tf.ones<tf.Rank.R4>([1, 4, 4, 1]);
  const crop = (image: tf.Tensor): tf.Tensor =>
    tf.image.cropAndResize(image as tf.Tensor4D, boxes, owners, [2, 2]);
  expect(() => tf.grad(crop)(x)).toThrow('gradient function not found for CropAndResize');
  tf.dispose([boxes, owners, x]);
});
