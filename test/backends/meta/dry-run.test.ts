// Dry runs: what they refuse and where, and that they leave everything as it was.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend';
import { candidate as cpu } from '../../../src/backends/cpu';
import { ledgerDifferences } from '../../../src/backends/ledger-difference';
import { dryRun, dryRunStep } from '../../../src/backends/meta/dry-run';
import { shapedKernels } from '../../../src/backends/meta/shapes';
import { scope } from '../../../src/backends/scope';
import { tf } from '../../../src/backends/tf';
import { trackStep } from '../../../src/backends/tracker';
import { flattenTree, type Parameters, type TensorTree } from '../../../src/backends/training-step';
import { candidate as wasm } from '../../../src/backends/wasm';
import { withoutLeak } from '../../setup/leaks';
import { smallInputs, smallNet } from './small-net';

let onCpu: Backend;
beforeAll(async () => {
  onCpu = await cpu.open();
});

const given = { inputs: { shape: [4, 3] }, weights: { shape: [3, 2] } };
/** The message of a dry run that fails, which leaves nothing behind. */
async function refusal(f: (x: tf.Tensor, w: tf.Tensor) => unknown): Promise<string> {
  let message = '';
  await withoutLeak('a refused dry run', () => {
    try {
      dryRun('the step', given, ({ inputs, weights }) => f(inputs as tf.Tensor, weights as tf.Tensor));
    } catch (error) {
      message = (error as Error).message;
    }
  });
  expect(tf.getBackend()).toBe('cpu');
  expect(tf.findBackendFactory('meta')).toBeNull();
  expect(tf.getKernelsForBackend('meta')).toEqual([]);
  const { gradientDepth, activeTape } = (tf.engine() as unknown as { state: Record<string, unknown> }).state;
  expect([gradientDepth, activeTape ?? null]).toEqual([0, null]);
  return message;
}

describe('a dry run', () => {
  it('is the step: the ledger of the same step on wasm, to the byte', async () => {
    const backend = await wasm.open();
    try {
      const blanks = (tree: object): TensorTree =>
        'shape' in tree
          ? tf.zeros(tree.shape as number[])
          : Object.fromEntries(Object.entries(tree).map(([k, value]) => [k, blanks(value as object)]));
      const parameters = blanks(smallNet.parameters) as unknown as Parameters & typeof smallNet.parameters;
      const inputs = blanks(smallInputs);
      const real = await trackStep(backend, { ...smallNet, parameters } as never, inputs);
      const dry = dryRunStep(smallNet, smallInputs);
      expect(ledgerDifferences(dry.ledger, real.ledger)).toEqual([]);
      expect(dry.ledger.peak().bytes).toBe(real.ledger.peak().bytes);
      // From tensors of a backend as from shapes.
      const again = dryRunStep({ ...smallNet, parameters }, inputs);
      expect(ledgerDifferences(dry.ledger, again.ledger)).toEqual([]);
      tf.dispose([real.returned, flattenTree({ ...parameters }), flattenTree(inputs)]);
    } finally {
      await tf.setBackend('cpu');
    }
  });

  it('tells parts, phases and categories', () => {
    const { ledger, flops } = dryRunStep(smallNet, smallInputs);
    const of = (by: 'category' | 'phase', name: string): number =>
      ledger.allocations().reduce((n, one) => n + (one[by] === name ? one.bytes : 0), 0);
    const adapters = 4 * (512 * 2 + 2 * 4);
    expect(ledger.given()).toBe(
      4 * (3 * 3 * 3 * 8 + 512 * 4) + adapters + (2 * adapters + 4) + 4 * (8 * 16 * 16 * 3 + 8 * 4),
    );
    expect(of('category', 'gradients')).toBe(adapters);
    // Before and after the step, and two moments.
    expect(of('category', 'adapters')).toBe(2 * adapters);
    expect(of('category', 'optimiser')).toBe(2 * (2 * adapters + 4));
    // What takes the place of adapters and state, and the loss.
    expect(ledger.left()).toBe(ledger.given() + adapters + (2 * adapters + 4) + 4);
    const parts = Object.keys(flops.by('scope'));
    expect(parts).toEqual(expect.arrayContaining(['encoder', 'head', 'head/adapter']));
    const backwards = ledger
      .allocations()
      .filter(({ phase, scope: part }) => phase === 'backward' && part === 'head/adapter');
    expect(backwards.length).toBeGreaterThan(0);
    // Convolution, three products forward; backward two for the adapter's factors and one between them.
    const products =
      2 * (8 * 8 * 8 * 8 * 27 + 8 * 512 * 4 + 8 * 512 * 2 + 8 * 2 * 4 + 8 * 2 * 4 + 8 * 2 * 4 + 8 * 512 * 2);
    expect(flops.total().products).toBe(products);
  });

  it.each(['dataSync', 'arraySync', 'data', 'array', 'print'] as const)(
    'refuses %s, with the line that reads',
    async (how) => {
      const message = await refusal((x, w) =>
        tf.valueAndGrads((v: tf.Tensor) => {
          void tf.matMul(x, v)[how]();
          return tf.sum(tf.matMul(x, v));
        })([w]),
      );
      expect(message).toMatch(
        /^the step: cannot read a tensor in a dry run: given .* at test\/backends\/meta\/dry-run\.test\.ts:\d+ \(void tf\.matMul\(x, v\)\[how\]\(\);\)/,
      );
    },
  );

  it('refuses kernels whose shapes the numbers decide, and those without a rule, by name', async () => {
    expect(await refusal((x) => tf.unique(tf.reshape(x, [12])))).toMatch(
      /^the step: no shape without numbers for Unique/,
    );
    expect(await refusal((x) => tf.spectral.fft(tf.complex(x, x)))).toMatch(
      /no shape without numbers for Complex: given a kernel without a rule/,
    );
    const all = tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName);
    expect(all.filter((name) => !shapedKernels.includes(name)).length).toBeLessThan(60);
  });

  it('passes on what the function throws, half-way through a gradient, and frees everything', async () => {
    const fails = (x: tf.Tensor, w: tf.Tensor): unknown =>
      tf.valueAndGrads((v: tf.Tensor) => {
        tf.keep(tf.square(v));
        tf.variable(tf.add(v, 1));
        tf.matMul(x, v);
        throw new Error('out of ideas');
      })([w]);
    expect(await refusal(fails)).toBe('the step: out of ideas');
    expect(await refusal((x, w) => tf.matMul(w, x))).toMatch(/^the step: .*inner|^the step: .*matMul/);
    expect(await refusal(() => Promise.resolve(1))).toMatch(/must not be asynchronous/);
  });

  it('frees what is kept, variables and what is returned; constants and tensors from outside may be used', async () => {
    const outside = tf.tensor2d([[1, 2]]);
    await withoutLeak('a dry run', () => {
      const { ledger } = dryRun('all sorts', given, ({ inputs, weights }) => {
        const w = tf.variable(weights as tf.Tensor2D);
        const y = tf.keep(tf.add(tf.matMul(inputs as tf.Tensor2D, w), tf.tensor2d([[1, 2]])));
        w.assign(tf.mul(w, 2));
        return { y, z: [tf.mul(y, outside), tf.keep(outside.clone())] };
      });
      expect(ledger.peak().bytes).toBeGreaterThan(ledger.given());
    });
    expect(Array.from(outside.dataSync())).toEqual([1, 2]);
    outside.dispose();
  });

  it('does not run inside another, nor inside a gradient', async () => {
    const inner = (): unknown => dryRun('inner', {}, () => undefined);
    expect(await refusal(inner)).toMatch(
      /^the step: cannot run inner on shapes: given a call inside another dry run/,
    );
    const x = tf.ones([2]);
    await withoutLeak('a dry run in a gradient', async () => {
      await expect(
        onCpu.step('step', () => tf.grads((v: tf.Tensor) => (inner(), tf.sum(v)))([x])),
      ).rejects.toThrow(/inside a gradient/);
    });
    x.dispose();
  });

  it('counts a bool as the backend does, and shares as it does', () => {
    const step = (like: 'wasm' | 'webgpu'): number =>
      dryRun('bools', given, ({ inputs }) => tf.cast(tf.greater(inputs as tf.Tensor, 0), 'float32'), {
        like,
      }).ledger.peak().beyondGiven;
    // 12 bools beside a zero of the host; webgpu reads them as numbers where they lie.
    expect(step('wasm')).toBe(12 + 12 * 4 + 4 - 4);
    expect(step('webgpu')).toBe(12 * 4 + 4);
  });

  it('costs a scope nothing where nobody asks, and knows the way out of one that throws', () => {
    expect(scope('a', () => 1)).toBe(1);
    const { ledger } = dryRun('scopes', given, ({ inputs }) => {
      const x = inputs as tf.Tensor;
      expect(() => scope('a', () => scope('b', () => { throw new Error('no'); }))).toThrow('no'); // prettier-ignore
      return [scope('c', () => tf.neg(x)), tf.exp(x)];
    });
    expect(ledger.allocations().map(({ op, scope: part }) => `${op} ${part}`)).toEqual([
      'given ',
      'given ',
      'Neg c',
      'Exp ',
    ]);
  });
});
