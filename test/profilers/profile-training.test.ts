// The profiler of any TF.js function: by hand, against the tracker on every backend, on models of tf.layers; and that nothing
// of the caller's is changed.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { bytesText } from '../../src/backends/ledger-table';
import { scope } from '../../src/backends/scope';
import { tf } from '../../src/backends/tf';
import { profileText } from '../../src/profilers/profile-text';
import { checkProfile, profileTraining } from '../../src/profilers/profile-training';
import { withoutLeak } from '../setup/leaks';
import { hasPeer } from '../setup/peers';

const open = async (name: 'cpu' | 'wasm' | 'tensorflow'): Promise<Backend> =>
  (await loadCandidate(name)).open({ asked: true });

/** A variable of ones. */
const variable = (shape: number[], trainable = true): tf.Variable =>
  tf.tidy(() => tf.variable(tf.ones(shape), trainable));

/** The worked example: an image classifier of tf.layers and a batch of pictures, as any user of TensorFlow.js has them. */
function classifier() {
  const model = tf.sequential({
    name: 'classifier',
    layers: [
      tf.layers.conv2d({
        inputShape: [12, 12, 3],
        filters: 8,
        kernelSize: 3,
        activation: 'relu',
        name: 'conv',
      }),
      tf.layers.batchNormalization({ name: 'norm' }),
      tf.layers.maxPooling2d({ poolSize: 2, name: 'pool' }),
      tf.layers.flatten({ name: 'flat' }),
      tf.layers.dense({ units: 32, activation: 'tanh', name: 'hidden' }),
      tf.layers.dense({ units: 5, name: 'out' }),
    ],
  });
  const x = tf.tidy(() => tf.keep(tf.randomNormal([4, 12, 12, 3], 0, 1, 'float32', 1)));
  const y = tf.tidy(() => tf.keep(tf.cast(tf.oneHot([0, 1, 2, 4], 5), 'float32')));
  return {
    model,
    loss: () => {
      const logits = model.apply(x, { training: true }) as tf.Tensor;
      return tf.neg(tf.mean(tf.mul(y, tf.logSoftmax(logits))));
    },
    free: () => {
      model.dispose();
      tf.dispose([x, y]);
    },
  };
}

describe('on shapes', () => {
  beforeAll(async () => {
    await open('wasm');
  });

  it('a product is what it is by hand', async () => {
    await withoutLeak('profileTraining', () => {
      const w = variable([3, 5]);
      const x = tf.ones([2, 3]);
      const f = (): tf.Tensor => scope('net', () => tf.sum(tf.square(tf.matMul(x, w))));
      const profile = profileTraining(f, { name: 'by hand', optimiser: 'sgd', policies: [[]] });
      const [{ byCategory, weightsBytes, savedBytes, flops, peakBytes }] = profile.policies;
      expect(profile.parameters).toEqual({ trained: 15, frozen: 0 });
      expect(weightsBytes).toBe(60);
      // The product, its square and the sum.
      expect(savedBytes).toBe(40 + 40 + 4);
      // Forward and the gradient by w.
      expect(flops.products).toBe(2 * (2 * 2 * 3 * 5));
      expect(byCategory.weights).toBe(60);
      expect(byCategory.inputs).toBeGreaterThanOrEqual(24);
      expect(Object.values(byCategory).reduce((a, b) => a + b, 0)).toBe(peakBytes);
      tf.dispose([w, x]);
    });
  });

  it('a lean tape keeps less, and each layer has its own', async () => {
    await withoutLeak('profileTraining', () => {
      const { loss, free } = classifier();
      const { policies, parameters } = profileTraining(loss, { name: 'a classifier' });
      // Convolution, norm (and its two moving means), dense, dense.
      expect(parameters).toEqual({ trained: 27 * 8 + 8 + 16 + 200 * 32 + 32 + 32 * 5 + 5, frozen: 16 });
      const [tape, lean] = policies;
      expect(lean.savedBytes).toBeLessThan(tape.savedBytes);
      expect(lean.peakBytes).toBeLessThan(tape.peakBytes);
      expect(lean.flops).toEqual(tape.flops);
      const layers = tape.byLayer.map(({ name }) => name);
      for (const layer of ['conv', 'norm', 'pool', 'hidden', 'out'])
        expect(layers).toContain(`classifier/${layer}`);
      // Adam has two moments of each number that is trained, and counts its steps.
      const moments = 2 * 4 * parameters.trained;
      expect(tape.byCategory.optimiser).toBeGreaterThanOrEqual(moments);
      free();
    });
  });

  it('says so, a line a policy', () => {
    const { loss, free } = classifier();
    const profile = profileTraining(loss, { name: 'a classifier' });
    const lines = profileText(profile).split('\n');
    expect(lines[0]).toBe('a classifier: 6,837 numbers trained, 16 frozen');
    profile.policies.forEach(({ peakBytes, savedBytes }, k) => {
      expect(lines[2 + k]).toMatch([/^tape /, /^lean /][k]);
      expect(lines[2 + k]).toContain(bytesText(peakBytes));
      expect(lines[2 + k]).toContain(bytesText(savedBytes));
    });
    expect(lines.join('\n')).toMatch(/ {2}classifier\/conv +[\d.]+ \w+ +[\d.]+ %/);
    free();
  });

  it('takes inputs as shapes: what has no room here can be asked for', () => {
    const w = variable([3, 5]);
    const f = ({ x }: { [name: string]: tf.Tensor; x: tf.Tensor }): tf.Tensor => tf.mean(tf.square(tf.matMul(x, w))); // prettier-ignore
    const { policies } = profileTraining(f, { inputs: { x: { shape: [2 ** 32, 3] } } });
    expect(policies[0].byCategory.inputs).toBeGreaterThanOrEqual(2 ** 32 * 12);
    w.dispose();
  });

  it('counts a frozen variable as weights, and keeps nothing of it', () => {
    const [w, v] = [variable([4, 4]), variable([4, 4], false)];
    const x = tf.ones([2, 4]);
    const f = (): tf.Tensor => tf.sum(tf.matMul(tf.matMul(x, v), w));
    const [{ byCategory, weightsBytes }] = profileTraining(f, { optimiser: 'sgd' }).policies;
    expect(weightsBytes).toBe(128);
    expect(byCategory.weights).toBe(64);
    // What is trained beside what is not; at the end its new numbers are there as well.
    expect(byCategory.adapters).toBe(128);
    tf.dispose([w, v, x]);
  });

  it('changes nothing, though the layers write while they train', async () => {
    const { model, loss, free } = classifier();
    const numbers = (): number[][] => model.getWeights().map((weight) => [...weight.dataSync()]);
    const before = numbers();
    await withoutLeak('profileTraining', () => void profileTraining(loss));
    expect(numbers()).toEqual(before);
    free();
  });

  it.each([
    ['async', async () => Promise.resolve(tf.scalar(1)), 'a function that is async'],
    ['no tensor', () => 3, 'a function that returns no tensor'],
    ['no scalar', () => tf.ones([2]), 'a loss of shape [2], float32'],
    ['nothing trained', () => tf.sum(tf.ones([2])), 'depends on no trainable variable'],
    ['made inside', () => tf.sum(tf.variable(tf.ones([2]))), 'a function that makes a variable'],
    ['reads numbers', () => tf.scalar(tf.ones([1]).dataSync()[0]), 'cannot read a tensor in a dry run'],
  ])('refuses %s', async (_, f, message) => {
    await withoutLeak('a refusal', () => {
      const w = variable([2]);
      expect(() => profileTraining(f as () => tf.Tensor)).toThrow(message);
      w.dispose();
    });
  });

  it('refuses a policy that needs parts', () => {
    const f = (): tf.Tensor => tf.scalar(1);
    expect(() => profileTraining(f, { name: 'f', policies: [['recompute']] })).toThrow(
      'cannot profile the training of f: given the policy recompute, expected tape, lean',
    );
  });
});

describe.each(['cpu', 'wasm', 'tensorflow'] as const)('really run on %s', (name) => {
  const test = name !== 'tensorflow' || hasPeer('native-tensorflow') ? it : it.skip;

  test('is to the byte what the profile says, and changes nothing', async () => {
    const backend = await open(name);
    const { model, loss, free } = classifier();
    const numbers = (): number[][] => model.getWeights().map((weight) => [...weight.dataSync()]);
    const before = numbers();
    await withoutLeak(
      'checkProfile',
      async () => {
        const profile = profileTraining(loss, { like: name });
        const checked = await checkProfile(backend, loss);
        expect(checked.map(({ differences }) => differences)).toEqual([[], []]);
        for (const [k, { real, policy }] of checked.entries()) {
          expect(real.peak().bytes).toBe(profile.policies[k].peakBytes);
          expect(real.length).toBeGreaterThan(50);
          expect(policy).toBe(profile.policies[k].policy);
        }
      },
      backend,
    );
    expect(numbers()).toEqual(before);
    free();
  });
});
