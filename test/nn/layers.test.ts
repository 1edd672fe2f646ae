// Every layer of src/nn, values and gradients, against PyTorch in double precision (test/oracles/nn_peer.py).
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { binaryCrossEntropy, crossEntropy, diceLoss } from '../../src/losses/segmentation';
import { gelu, leakyRelu } from '../../src/nn/activations';
import { multiHeadAttention } from '../../src/nn/attention';
import { convolve2d, convolve3d, upConvolve3d } from '../../src/nn/convolution';
import { adaptedLinear, linear, perceptron } from '../../src/nn/linear';
import { instanceNorm, layerNorm } from '../../src/nn/norm';
import { uniform } from '../../src/nn/parameters';
import { embedPatches, fromPatches, toPatches } from '../../src/nn/patches';
import { rectified } from '../../src/nn/rectified';
import { transposedConvolution } from '../../src/nn/transposed-convolution';
import { valuesOf } from '../bench/nets/values';
import oracle from '../oracles/nn.json';
import { withoutLeak } from '../setup/leaks';

type Layer = (...inputs: tf.Tensor[]) => tf.Tensor;
const target = (): tf.Tensor =>
  tf.tensor(
    valuesOf(20, uniform(0, 1), 'target').map((x) => Number(x > 0.5)),
    [4, 5],
  );
const layers: Record<keyof typeof oracle.cases, Layer> = {
  linear: (x, weight, bias) => linear(x, { weight, bias }),
  'adapted linear': (x, weight, bias, a, b) => adaptedLinear(x, { weight, bias }, { a, b }, 2),
  perceptron: (x, w1, b1, w2, b2) =>
    perceptron(x, { up: { weight: w1, bias: b1 }, down: { weight: w2, bias: b2 } }),
  gelu: (x) => gelu(tf.mul(x, 3)),
  'leaky ReLU': (x) => leakyRelu(x, 0.1),
  'layer norm': (x, gain, bias) => layerNorm(x, { gain, bias }),
  'instance norm': (x, gain, bias) => instanceNorm(x, { gain, bias }),
  'instance norm of one': (x, gain, bias) => instanceNorm(x, { gain, bias }),
  attention: (q, k, v) => multiHeadAttention(q, k, v, 2),
  'attention in a batch': (q, k, v) => multiHeadAttention(q, k, v, 3),
  patches: (x, weight, bias) => embedPatches(x, { weight, bias }, 2),
  conv2d: (x, filter, bias) => convolve2d(x, { filter, bias }),
  'conv2d, stride 2': (x, filter, bias) => convolve2d(x, { filter, bias }, 2),
  conv3d: (x, filter, bias) => convolve3d(x, { filter, bias }),
  'conv3d, stride 2': (x, filter, bias) => convolve3d(x, { filter, bias }, 2),
  'up-convolution': (x, weight) => upConvolve3d(x, { weight }),
  'transposed convolution': (x, weight, bias) => transposedConvolution(x, { weight, bias }),
  'transposed convolution, kernel 3': (x, weight, bias) => transposedConvolution(x, { weight, bias }),
  'linear layers with ReLU between': (x, ...p) =>
    rectified(
      x,
      [0, 2, 4].map((k) => ({ weight: p[k], bias: p[k + 1] })),
    ),
  'binary cross-entropy': (x) => binaryCrossEntropy(tf.mul(x, 3), target()),
  Dice: (x) => diceLoss(tf.sigmoid(x), target()),
  'cross-entropy': (x) => crossEntropy(tf.mul(x, 2), tf.tensor1d([0, 2, 1, 0, 2, 1], 'int32')),
};

const tensorOf = (shape: number[], name: string): tf.Tensor =>
  tf.tensor(
    valuesOf(
      shape.reduce((a, b) => a * b, 1),
      uniform(-1, 1),
      name,
    ),
    shape,
  );
const near = (found: Iterable<number>, expected: number[]): void => {
  const scale = Math.max(1e-3, ...expected.map(Math.abs));
  [...found].forEach((x, k) => expect(Math.abs(x - expected[k]) / scale).toBeLessThan(1e-5));
};

describe.each(['cpu', 'wasm'] as const)('layers on %s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate(name)).open();
    await tf.setBackend(name);
  });

  it.each(Object.keys(layers) as (keyof typeof layers)[])('%s', async (layer) => {
    const { shapes, shape, output, gradients } = oracle.cases[layer];
    await withoutLeak(
      layer,
      () =>
        tf.tidy(() => {
          const inputs = shapes.map((shape, k) => tensorOf(shape, `${layer}/${k}`));
          const cotangent = tensorOf(shape, `${layer}/cotangent`);
          const y = layers[layer](...inputs);
          expect(y.shape).toEqual(shape);
          near(y.dataSync(), output);
          const grads = tf.grads((...all: tf.Tensor[]) => tf.sum(tf.mul(layers[layer](...all), cotangent)));
          grads(inputs).forEach((g, k) => {
            expect(g.shape).toEqual(shapes[k]);
            near(g.dataSync(), gradients[k]);
          });
        }),
      backend,
    );
  });
});

describe('patches', () => {
  it('are put together again as they were cut', () => {
    const side = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(side, side, side, side, (down, across, size, channels) => {
        tf.tidy(() => {
          const image = tensorOf([down * size, across * size, channels], 'image');
          const again = fromPatches(toPatches(image, size), size, [down, across]);
          expect(again.shape).toEqual(image.shape);
          expect([...again.dataSync()]).toEqual([...image.dataSync()]);
        });
      }),
      { numRuns: 30 },
    );
  });
});
