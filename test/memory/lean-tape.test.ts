// The lean tape beside TensorFlow.js's own: the same gradients to the bit, with less kept.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { watchEngine } from '../../src/backends/engine-events';
import { drawInputs } from '../../src/backends/proof/case';
import { cases } from '../../src/backends/proof/cases';
import { tf } from '../../src/backends/tf';
import { track } from '../../src/backends/tracker';
import { leanly } from '../../src/memory/lean-tape';
import { reads } from '../../src/memory/reads';
import { withoutLeak } from '../setup/leaks';

let backend: Backend;
beforeAll(async () => {
  backend = await (await loadCandidate('cpu')).open();
  await tf.setBackend('cpu');
});

describe('every operation of the proof', () => {
  const ran = new Set<string>();
  let stop: () => void;
  beforeAll(() => (stop = watchEngine({ kernel: ({ name }) => ran.add(name) })));
  afterAll(() => stop());

  it.each(cases.map((opCase) => [opCase.name, opCase] as const))('%s', async (_, opCase) => {
    for (const check of opCase.checks) {
      const inputs = drawInputs(opCase, check).map(({ data, shape }, k) => {
        const { dtype } = check.inputs[k];
        return tf.tensor(dtype === 'float32' ? Float32Array.from(data) : Int32Array.from(data), shape, dtype);
      });
      const which = inputs.flatMap((_, k) => (check.inputs[k].differentiable ? [k] : []));
      // By all inputs at once, and by each alone, when most of what is saved is not read.
      const subsets = which.length > 1 ? [which, ...which.map((k) => [k])] : [which];
      for (const asked of subsets.filter(({ length }) => length > 0)) {
        const f = (...xs: tf.Tensor[]): tf.Tensor => {
          const own = inputs.map((x, k) => (asked.includes(k) ? xs[asked.indexOf(k)] : x));
          // Squares, so that no gradient comes in as a one.
          return tf.addN([check.run(tf, own)].flat().map((y) => tf.sum(tf.square(tf.cast(y, 'float32')))));
        };
        const gradients = (): tf.Tensor[] => tf.tidy(() => tf.grads(f)(asked.map((k) => inputs[k])));
        const expected = gradients();
        await withoutLeak(check.setting, async () => {
          const found = leanly(gradients);
          for (const [k, gradient] of expected.entries())
            expect(await found[k].data(), check.setting).toEqual(await gradient.data());
          return found;
        });
        tf.dispose(expected);
      }
      tf.dispose(inputs);
    }
  });

  it('is a test of every kernel that the table of reads names', () => {
    expect(Object.keys(reads).filter((kernel) => !ran.has(kernel))).toEqual([]);
  });
});

describe('what is held', () => {
  /** Bytes that are kept for the backward pass of a frozen product, ReLU, and a trained product. */
  async function kept(lean: boolean): Promise<number> {
    const given = { x: tf.ones([64, 32]), w: tf.ones([32, 256]), v: tf.ones([256, 8]) };
    const gradient = (): tf.Tensor =>
      tf.grad((v: tf.Tensor) =>
        tf.tidy(() => {
          const h = tf.tidy(() => tf.add(tf.relu(tf.matMul(given.x, given.w)), 1));
          return tf.sum(tf.add(tf.matMul(h, v as tf.Tensor2D), 1));
        }),
      )(given.v);
    const { returned, ledger } = await track(backend, 'a gradient', { inputs: Object.values(given) }, () =>
      lean ? leanly(gradient) : gradient(),
    );
    tf.dispose([returned, given]);
    const activations = ledger.allocations().filter(({ category }) => category === 'activations');
    return activations.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  it('is what is read, counted by hand', async () => {
    // The product by v reads h; ReLU and the frozen product lead to no gradient that is asked for. Four bytes are the result.
    const h = 4 * 64 * 256;
    const out = 4 * 64 * 8;
    expect(await kept(true)).toBe(h + 4);
    // Also what ReLU and both sums were given, and their ones.
    expect(await kept(false)).toBe(3 * h + 2 * out + 3 * 4);
  });

  it('leaves alone what belongs to others', () => {
    const [x, dy] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
    const dx = leanly(() => tf.grad((y: tf.Tensor) => tf.mul(tf.add(y, y), y))(x, dy));
    expect([...dx.dataSync()]).toEqual([12, 32]);
    expect([...x.dataSync(), ...dy.dataSync()]).toEqual([1, 2, 3, 4]);
    tf.dispose([x, dy, dx]);
  });

  it('a gradient by something between is right, too', () => {
    const x = tf.tensor1d([2, 3]);
    const [value, gradients] = tf.tidy(() => {
      const { value, grads } = leanly(() => {
        let between: tf.Tensor;
        return tf.valueAndGrads((...[a]: tf.Tensor[]) => {
          between = tf.square(a);
          return tf.sum(tf.mul(between, a));
        })([x]);
      });
      return [value.dataSync()[0], [...grads[0].dataSync()]];
    });
    expect(value).toBe(35);
    expect(gradients).toEqual([12, 27]);
    x.dispose();
  });
});

describe('refuses', () => {
  it('a gradient inside a gradient, and works afterwards', async () => {
    await withoutLeak('nested', () => {
      const x = tf.scalar(3);
      const inner = (y: tf.Tensor): tf.Tensor => tf.grad((z: tf.Tensor) => tf.mul(z, tf.square(z)))(y);
      expect(() => leanly(() => tf.grad(inner)(x))).toThrow(
        'cannot take a gradient with a lean tape: given a gradient inside a gradient',
      );
      expect(() => tf.grad((y: tf.Tensor) => leanly(() => inner(y)))(x)).toThrow(
        'a gradient inside a gradient',
      );
      const dx = leanly(() => tf.grad((y: tf.Tensor) => tf.square(y))(x));
      expect(dx.dataSync()[0]).toBe(6);
      tf.dispose([x, dx]);
    });
  });

  it('a gradient that reads what the table says it does not', () => {
    const { Multiply } = reads;
    const planted = reads as Record<string, unknown>;
    planted.Multiply = {};
    try {
      expect(() =>
        tf.tidy(() => leanly(() => tf.grad((x: tf.Tensor) => tf.mul(x, x))(tf.scalar(2)))),
      ).toThrow('the gradient of Multiply reads what a lean tape did not keep: mend memory/reads.ts');
    } finally {
      planted.Multiply = Multiply;
    }
  });
});
