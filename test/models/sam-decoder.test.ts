// SAM's prompt encoder and mask decoder against transformers and the original segment_anything (test/oracles/sam_decoder.py):
// masks, quality, and gradients by the image's embedding and by every parameter, for every kind of prompt.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, BackendName } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { models } from '../../src/models/registry';
import { decoderNames } from '../../src/models/sam/decoder-names';
import { maskDecoderSpec } from '../../src/models/sam/mask-decoder';
import type { Masks } from '../../src/models/sam/mask-decoder';
import type { Prompts } from '../../src/models/sam/prompt-encoder';
import { positionsSpec, promptEncoderSpec } from '../../src/models/sam/prompt-encoder';
import type { Decoder } from '../../src/models/sam/sam';
import { decodeMasks, decoderSpec } from '../../src/models/sam/sam';
import type { ParameterTree } from '../../src/nn/parameters';
import { countParameters, filled, flattenParameters, uniform } from '../../src/nn/parameters';
import { leavesOf } from '../../src/backends/tree';
import { valuesOf } from '../bench/nets/values';
import oracle from '../oracles/sam-decoder.json';
import { hasPeer } from '../setup/peers';
import { withoutLeak } from '../setup/leaks';
import { between as drawn } from './encoder-cases';

const grid = 3;
const patch = 16;
const width = 32;
const config = {
  prompts: {
    imageSize: grid * patch,
    patchSize: patch,
    width,
    maskChannels: 16,
    frequencies: width / 2,
    epsilon: 1e-6,
  },
  decoder: {
    width,
    depth: 2,
    heads: 2,
    hidden: 40,
    downsample: 2,
    masks: 3,
    iouDepth: 4,
    iouHidden: 24,
    epsilon: 1e-6,
  },
};
const spec = decoderSpec(config);
/** The original has layer norm's own epsilon there. */
const epsilons = { transformers: 1e-6, original: 1e-5 };

/** The values that the reference has in this parameter, in our order. */
function valuesIn({ name, shape, axes }: ReturnType<typeof decoderNames>[string]): Float32Array {
  const gain = shape.length === 1 && name.endsWith('weight');
  const size = shape.reduce((a, b) => a * b, 1);
  const values = valuesOf(size, gain ? uniform(0.5, 1.5) : uniform(-0.4, 0.4), name);
  return tf.tidy(
    () => tf.transpose(tf.tensor(values, [...shape]), [...(axes ?? shape.keys())]).dataSync() as Float32Array,
  );
}

function promptsOf(kinds: string, sharedMask: boolean): Prompts {
  const size = grid * patch;
  const masks = drawn([2, 2, 4 * grid, 4 * grid], 'masks', -3, 3);
  return {
    ...(kinds.includes('points') && {
      points: drawn([2, 2, 3, 2], 'points', 0, size),
      labels: tf.tensor([1, 0, -1, 0, 1, 1, 1, 1, 1, -1, 0, 0], [2, 2, 3]),
    }),
    ...(kinds.includes('boxes') && { boxes: drawn([2, 2, 4], 'boxes', 0, size) }),
    ...(kinds.includes('masks') && {
      masks: sharedMask ? tf.slice(masks, [0, 0, 0, 0], [-1, 1, -1, -1]) : masks,
    }),
  };
}

/** The difference as a share of what is largest. */
function apart(found: ArrayLike<number>, expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, k) => Math.abs(found[k] - value))) / scale;
}

/** A gradient as the oracle sees it: its norm, and its products with two probes. */
function seen(gradient: tf.Tensor, name: string): number[] {
  const values = gradient.dataSync() as Float32Array;
  const dot = (other: Float32Array): number => values.reduce((sum, value, k) => sum + value * other[k], 0);
  const probes = [0, 1].map((k) => valuesOf(values.length, uniform(-1, 1), `${name}/probe ${k}`));
  return [Math.sqrt(dot(values)), ...probes.map(dot)];
}

const backends: BackendName[] = [
  'cpu',
  'wasm',
  ...(hasPeer('native-tensorflow') ? ['tensorflow' as const] : []),
];

describe.each(backends)('the decoder on %s', (backendName) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate(backendName)).open();
    await tf.setBackend(backendName);
  });

  describe.each(['transformers', 'original'] as const)('is that of %s', (reference) => {
    const names = decoderNames(config, reference);
    let parameters: Decoder;
    beforeAll(() => {
      parameters = filled(spec, (_, path) => valuesIn(names[path]));
    });
    afterAll(() => tf.dispose(parameters as unknown as tf.TensorContainer));

    const cases = Object.keys(oracle[reference]) as (keyof (typeof oracle)['original'])[];
    it.each(cases)('%s', async (name) => {
      const expected = oracle[reference][name];
      const decoder = { ...config.decoder, epsilon: epsilons[reference] };
      await withoutLeak(
        name,
        () =>
          tf.tidy(() => {
            const prompts = promptsOf(name, reference === 'transformers');
            const image = drawn([2, grid, grid, width], 'image', -1, 1);
            const run = (embedding: tf.Tensor): Masks => {
              const options = { several: name.endsWith('several') };
              return decodeMasks(parameters, embedding, prompts, { ...config, decoder }, options);
            };
            const { masks, quality } = run(image);
            expect(masks.shape).toEqual(expected.shape);
            const every = masks.dataSync().filter((_, k) => k % 5 === 0);
            expect(apart(every, expected.masks)).toBeLessThan(2e-5);
            expect(apart(quality.dataSync(), expected.quality)).toBeLessThan(2e-5);

            const leaves = leavesOf<tf.Tensor>(
              parameters,
              (node): node is tf.Tensor => node instanceof tf.Tensor,
            );
            const asked = Object.entries(leaves).filter(([path]) => names[path].name in expected.gradients);
            const loss = (): tf.Scalar => {
              const out = run(image);
              const weighed = (x: tf.Tensor, cotangent: string): tf.Tensor =>
                tf.sum(tf.mul(x, drawn(x.shape, `${cotangent} cotangent`, -1, 1)));
              return tf.add(weighed(out.masks, 'masks'), weighed(out.quality, 'quality'));
            };
            const xs = [image, ...asked.map(([, leaf]) => leaf)];
            const { grads } = tf.engine().gradients(loss, xs, undefined, true);
            // Some are zero but for rounding: a bias of keys changes no softmax.
            const largest = Math.max(
              ...[expected.image, ...Object.values(expected.gradients)].map(([norm]) => norm),
            );
            const near = (gradient: tf.Tensor, label: string, wanted: readonly number[]): void => {
              seen(gradient, label).forEach((value, k) => {
                // A product with a probe is as large as the norm by its own root mean square, 1 / sqrt(3).
                const difference = Math.abs(value - wanted[k]);
                expect(difference, label).toBeLessThan(1e-4 * wanted[0] + 1e-6 * largest);
              });
            };
            near(grads[0], 'image', expected.image);
            asked.forEach(([path], k) => {
              const { axes, name: label } = names[path];
              const back = axes ? axes.map((_, axis) => axes.indexOf(axis)) : [...grads[k + 1].shape.keys()];
              const gradient = grads[k + 1];
              near(
                tf.transpose(gradient, back),
                label,
                (expected.gradients as Record<string, number[]>)[label],
              );
            });
            if (Object.keys(expected.gradients).length > 0)
              expect(asked.length).toBe(Object.keys(expected.gradients).length);
          }),
        backend,
      );
    });
  });
});

describe('names and counts', () => {
  const published = models['sam-vit-h'].config;

  it('has as many parameters as the published model, part by part', () => {
    const decoder = maskDecoderSpec(published.decoder);
    const count = (tree: ParameterTree): number => countParameters(tree);
    expect(count(promptEncoderSpec(published.prompts))).toBe(6_220);
    expect(count(positionsSpec(published.prompts))).toBe(256);
    expect(count(decoder)).toBe(4_058_340);
    expect(count(decoder.transformer)).toBe(3_291_264);
    expect(count(decoder.upscaling)).toBe(73_952);
    expect(count(decoder.hypernetworks)).toBe(559_232);
    expect(count(decoder.quality)).toBe(132_612);
    expect(count(decoder.tokens)).toBe(1_280);
  });

  it('names every parameter once, and nothing else', () => {
    for (const reference of ['transformers', 'original'] as const) {
      const names = decoderNames(config, reference);
      expect(Object.keys(names).sort()).toEqual(Object.keys(flattenParameters(spec)).sort());
      expect(new Set(Object.values(names).map(({ name }) => name)).size).toBe(Object.keys(names).length);
    }
  });
});
