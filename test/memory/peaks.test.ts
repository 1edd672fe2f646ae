// What memory policies hold: by dry run at full size, and by the ledger of a real step where it can be run.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { dryRunStep } from '../../src/backends/meta/dry-run';
import { adam, sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import { trackStep } from '../../src/backends/tracker';
import type { Optimiser } from '../../src/backends/training-step';
import type { Policy } from '../../src/memory/policy';
import { parsePolicy } from '../../src/memory/policy';
import { unet3d } from '../bench/nets';
import { describeWith } from '../setup/peers';
import { networkOf, stepOnShapes, stepWithNumbers, unetBy } from './steps';

const GiB = 2 ** 30;
const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

describe('by dry run', () => {
  /** Bytes beyond parameters and inputs at the peak, and FLOPs of products. */
  function step(name: 'tiny-128' | 'sam-vit-h' | 'sam3', policy: string, views: number) {
    const parsed: Policy = parsePolicy(policy);
    const { step, inputs } = stepOnShapes(networkOf(name), parsed, views, adam());
    const { ledger, flops } = dryRunStep(step as never, inputs as never, { like: 'tensorflow' });
    return { peak: ledger.peak().beyondGiven, products: flops.total().products };
  }

  describe.each(['tiny-128', 'sam-vit-h'] as const)('%s', (name) => {
    it.each(['', '+lean', '+chunked', '+lean+chunked', '+recompute', '+recompute+lean+chunked'])(
      'three planes by per-plane%s hold what one plane does by the same without it',
      (more) => {
        const one = step(name, more === '' ? 'tape' : more.slice(1), 1);
        expect(step(name, `per-plane${more}`, 3).peak / one.peak).toBeLessThan(1.02);
      },
    );

    it('the price is in forward passes', () => {
      const plain = step(name, 'tape', 3);
      expect(plain.peak / step(name, 'tape', 1).peak).toBeGreaterThan(2.8);
      // Forward, and backward by inputs alone since weights are frozen: one more forward pass is half as much again.
      for (const [policy, passes] of [
        ['lean', 2],
        ['recompute', 3],
        ['per-plane', 3],
        ['per-plane+recompute', 4 - 1 / 3],
      ] as const) {
        const { peak, products } = step(name, policy, 3);
        expect(products / plain.products, policy).toBeCloseTo(passes / 2, 1);
        expect(peak, policy).toBeLessThan(0.5 * plain.peak);
      }
    });
  });

  // Of views that wait there is the gradient of their features, 21 MB each.
  it.each(['', '+lean', '+recompute'])(
    "SAM 3's trunk at 1008 px, three views by per-plane%s hold what one does by the same without it",
    (more) => {
      const one = step('sam3', more === '' ? 'tape' : more.slice(1), 1);
      expect(step('sam3', `per-plane${more}`, 3).peak / one.peak).toBeLessThan(1.02);
    },
  );

  it('a U-Net of 64 cubed holds less by every technique but one view at a time, for it has one', () => {
    const { trained, frozen, inputs, ...plan } = unet3d({ size: 64, base: 16, levels: 3, classes: 3 });
    const peakOf = (policy: string): number => {
      const definition = unetBy(parsePolicy(policy), { ...plan, parameters: { trained, frozen } as never });
      return dryRunStep(definition as never, inputs, { like: 'tensorflow' }).ledger.peak().beyondGiven;
    };
    const plain = peakOf('tape');
    expect(peakOf('per-plane') / plain).toBeCloseTo(1, 1);
    for (const policy of ['lean', 'recompute']) expect(peakOf(policy) / plain, policy).toBeLessThan(0.6);
    expect(peakOf('recompute+lean') / plain).toBeLessThan(0.4);
  });

  it('SAM ViT-H, three planes at 1024 px: the goal of 2.5 GiB beyond the weights', () => {
    expect(step('sam-vit-h', 'per-plane+recompute+lean+chunked', 3).peak).toBeLessThan(2.5 * GiB);
  });
});

describeWith('native-tensorflow', 'by the ledger of a real step (128 px, width 384, 12 blocks)', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate('tensorflow')).open();
    await tf.setBackend('tensorflow');
  });

  /** The peak of a step, its loss, and the gradients that its optimiser was given. */
  async function run(policy: string, views: number) {
    const gradients = new Map<string, tf.Tensor>();
    const plain = sgd();
    const optimiser: Optimiser = {
      ...plain,
      update(given) {
        for (const [path, tensor] of Object.entries(given.gradients))
          gradients.set(path, tf.keep(tensor.clone()));
        return plain.update(given);
      },
    };
    const { step, inputs, free } = stepWithNumbers(networkOf('tiny-128'), parsePolicy(policy), {
      views,
      counts: [1, 1, 1],
      optimiser,
    });
    const { returned, ledger } = await trackStep(backend, step, inputs);
    const values = new Map<string, Float32Array>();
    for (const [path, tensor] of gradients) values.set(path, Float32Array.from(await tensor.data()));
    const loss = (await returned.loss.data())[0];
    tf.dispose([returned, [...gradients.values()]]);
    free();
    return { peak: ledger.peak().beyondGiven, loss, gradients: values };
  }

  it('three planes by per-plane hold what one plane does, and have the gradient of one tape', async () => {
    const plain = await run('tape', 3);
    for (const more of ['', '+lean', '+recompute+lean+chunked']) {
      const one = await run(more === '' ? 'tape' : more.slice(1), 1);
      const three = await run(`per-plane${more}`, 3);
      expect(three.peak / one.peak, more).toBeLessThan(1.02);
      expect(plain.peak / three.peak, more).toBeGreaterThan(2.8);
      expect(three.loss).toBeCloseTo(plain.loss, 4);
      expect([...three.gradients.keys()].sort()).toEqual([...plain.gradients.keys()].sort());
      const largest = Math.max(...[...plain.gradients.values()].map(norm));
      for (const [path, expected] of plain.gradients) {
        const apart = norm(expected.map((x, k) => x - three.gradients.get(path)![k]));
        // Softmax does not see a bias of keys: its gradient is rounding alone.
        expect(apart, path).toBeLessThanOrEqual(1e-4 * norm(expected) + 1e-6 * largest);
      }
    }
  });
});
