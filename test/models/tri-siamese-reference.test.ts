// The study's step against PyTorch: transformers' SAM with adapters written by hand (test/oracles/tri_siamese.py). Losses, and
// gradients by every adapter and every trained parameter of the decoder: of L_seg, of the term of Eq. 2, and of their sum.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import { flattenTree, unflattenTree } from '../../src/backends/training-step';
import { under } from '../../src/backends/tree';
import { triSiameseNames } from '../../src/models/load-tri-siamese';
import { samHead } from '../../src/models/sam-head';
import { triSiameseStep } from '../../src/models/tri-siamese';
import { uniform } from '../../src/nn/parameters';
import type { Theirs } from '../../src/nn/weight-names';
import { intoTheirs } from '../../src/nn/weight-names';
import { valuesOf } from '../bench/nets/values';
import oracle from '../oracles/tri-siamese.json';
import { withoutLeak } from '../setup/leaks';
import { config, loaded, losses, referenceInputs } from './tri-siamese-reference';

describe.each(['cpu', 'wasm'] as const)('the step of three planes on %s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate(name)).open();
    await tf.setBackend(name);
  });

  it.each(Object.keys(oracle.cases) as (keyof typeof oracle.cases)[])(
    'has the losses and gradients of PyTorch, %s',
    async (key) => {
      const { rank, alpha, first, terms } = oracle.cases[key];
      const network = { encoder: config.encoder, lora: { rank, alpha, first }, head: samHead(config), input: 'images' } as const; // prettier-ignore
      await withoutLeak(
        key,
        async () => {
          const parameters = await loaded(network);
          const names = triSiameseNames(network, 'transformers');
          tf.tidy(() => {
            const { loss } = triSiameseStep({ name: key, network, losses, parameters, optimiser: sgd(), lambda: oracle.lambda }); // prettier-ignore
            const inputs = referenceInputs();
            const trained = flattenTree(parameters.trained);
            const paths = Object.keys(trained);
            for (const term of ['segmentation', 'consistency', 'loss'] as const) {
              const expected = terms[term];
              const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
                const byPath = Object.fromEntries(paths.map((path, k) => [path, tensors[k]]));
                const own = { trained: unflattenTree(parameters.trained, byPath), frozen: parameters.frozen };
                const scalars = { lambda: tf.scalar(oracle.lambda) };
                return (loss(own, inputs, scalars) as Record<typeof term, tf.Scalar>)[term];
              })(Object.values(trained));
              expect(Math.abs(value.dataSync()[0] / expected.value - 1)).toBeLessThan(1e-5);
              const gradients = grads.map((gradient) => gradient.dataSync<'float32'>());
              const byPath = Object.fromEntries(paths.map((path, k) => [path, gradients[k]]));
              checkAdapters(under('adapters', byPath), expected.adapters);
              checkDecoder(byPath, under('trained', names), expected.decoder);
            }
          });
          tf.dispose([parameters.trained, parameters.frozen].map((tree) => Object.values(flattenTree(tree))));
        },
        backend,
      );
    },
  );
});

function checkAdapters(
  found: Readonly<Record<string, Float32Array>>,
  expected: Readonly<Record<string, number[]>>,
): void {
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  for (const [path, values] of Object.entries(expected)) {
    const largest = Math.max(...values.map(Math.abs));
    const worst = Math.max(...values.map((value, k) => Math.abs(found[path][k] - value)));
    expect(found[path].length).toBe(values.length);
    expect(worst / largest, `gradient by ${path}`).toBeLessThan(1e-4);
  }
}

function checkDecoder(
  found: Readonly<Record<string, Float32Array>>,
  names: Readonly<Record<string, Theirs>>,
  expected: Readonly<Record<string, number[]>>,
): void {
  const largest = Math.max(...Object.values(expected).map(([norm]) => norm));
  const seen: string[] = [];
  for (const [path, gradient] of Object.entries(found)) {
    if (!(path in names)) continue;
    const place = names[path];
    const theirs = new Float32Array(gradient.length);
    intoTheirs(gradient, [place], [theirs]);
    const products = [1, 2].map((k) =>
      valuesOf(theirs.length, uniform(-1, 1), `${place.name}/probe ${k}`).reduce(
        (sum, probe, j) => sum + probe * theirs[j],
        0,
      ),
    );
    const [norm, ...others] = expected[place.name];
    seen.push(place.name);
    // Keys have biases that no softmax sees: their gradient is zero but for rounding.
    const scale = Math.max(norm, 1e-3 * largest);
    expect(Math.abs(Math.hypot(...theirs) - norm) / scale, `norm of ${place.name}`).toBeLessThan(1e-4);
    others.forEach((product, k) => {
      const off = Math.abs(products[k] - product) / Math.max(scale, Math.abs(product));
      expect(off, `gradient by ${place.name}`).toBeLessThan(1e-4);
    });
  }
  expect(seen.sort()).toEqual(Object.keys(expected).sort());
}
