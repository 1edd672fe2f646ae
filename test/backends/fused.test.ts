// Layer norm, GELU and attention with gradients by hand: the same on every backend as the plain operations on cpu, nothing
// left behind, nothing computed that nobody asked for, and less kept for the backward pass. (The proof compares each with
// PyTorch and with finite differences.)
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random';
import type { Backend, BackendName } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { attention, gelu, imitating, layerNorm, softmax } from '../../src/backends/fused';
import { has } from '../../src/backends/fused/kernels';
import { recordKernels } from '../../src/backends/proof/record-kernels';
import { tf } from '../../src/backends/tf';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';

type F = (...x: tf.Tensor[]) => tf.Tensor;

const plainLayerNorm: F = (x, gain, bias) => {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-6));
  return tf.add(tf.mul(tf.mul(centred, scale), gain), bias);
};
const plainGelu: F = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
const plainAttention: F = (q, k, v, rows, columns) => {
  let logits = tf.mul(tf.matMul(q, k, false, true), 0.3);
  if (rows !== undefined) {
    const bias = tf.add(tf.expandDims(rows, -1), tf.expandDims(columns, -2));
    logits = tf.add(logits, tf.reshape(bias, logits.shape));
  }
  return tf.matMul(tf.softmax(logits), v);
};
const ours: Record<string, [F, F]> = {
  'layer norm': [(x, gain, bias) => layerNorm(x, { gain, bias }), plainLayerNorm],
  gelu: [gelu, plainGelu],
  softmax: [softmax, (x) => tf.softmax(x)],
  attention: [
    (q, k, v, rows, columns) =>
      attention(q, k, v, { scale: 0.3, relative: rows === undefined ? undefined : { rows, columns } }),
    plainAttention,
  ],
};

/** Shapes by operation, drawn anew for each round. */
function shapesOf(name: string, random: Random): number[][] {
  const upTo = (n: number): number => 1 + random.below(n);
  if (name === 'attention') {
    const [batch, queries, width] = [upTo(3), upTo(40), upTo(20)];
    const [rows, columns] = [upTo(5), upTo(9)];
    const shapes = [queries, rows * columns, rows * columns].map((n) => [batch, n, width]);
    return random.below(2) === 0 ? shapes : [...shapes, [batch, queries, rows], [batch, queries, columns]];
  }
  const x = [upTo(5), upTo(30), 1 + upTo(200)];
  return name === 'layer norm' ? [x, [x[2]], [x[2]]] : [x];
}

async function numbersOn(
  name: BackendName,
  f: F,
  inputs: Float32Array[],
  shapes: number[][],
): Promise<number[][]> {
  const backend = await (await loadCandidate(name)).open({ asked: true });
  return withoutLeak(`${name}`, async () => {
    const tensors = inputs.map((values, i) => tf.tensor(values, shapes[i]));
    const found = await backend.step('both passes', () => {
      const [weights, ...given] = tensors;
      const { value, grads } = tf.valueAndGrads(f)(given, weights);
      return [value, ...grads];
    });
    const numbers = await Promise.all(found.map(async (tensor) => [...(await tensor.data())]));
    tf.dispose([tensors, found]);
    return numbers;
  });
}

async function agrees(name: BackendName): Promise<void> {
  const random = new Random(`fused on ${name}`);
  for (const [operation, [mine, plain]] of Object.entries(ours))
    for (let round = 0; round < 4; round++) {
      const shapes = shapesOf(operation, random);
      const all = [shapes[0], ...shapes];
      const inputs = all.map((shape) =>
        Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal()),
      );
      const expected = await numbersOn('cpu', plain, inputs, all);
      const found = await numbersOn(name, mine, inputs, all);
      found.forEach((values, k) => {
        const scale = Math.max(1, ...expected[k].map(Math.abs));
        const worst = Math.max(...values.map((value, i) => Math.abs(value - expected[k][i]))) / scale;
        expect(worst, `${operation} of ${JSON.stringify(shapes)}, part ${k}`).toBeLessThan(2e-5);
      });
    }
}

describe('on every backend the numbers of the plain operations', () => {
  it('cpu', () => agrees('cpu'), 60_000);
  it('wasm', () => agrees('wasm'), 60_000);
});
describeWith('native-tensorflow', 'on TensorFlow', () => {
  it('the numbers of the plain operations', () => agrees('tensorflow'), 60_000);
});

/** Bytes that the tape holds when the forward pass of f has ended and its value is all that is in use. */
async function tapeBytes(backend: Backend, f: F, x: tf.Tensor): Promise<number> {
  let bytes = 0;
  const before = backend.memory().bufferBytes!;
  const grad = await backend.step('tape', () =>
    tf.grad((given: tf.Tensor) => {
      const y = tf.tidy(() => f(given));
      bytes = backend.memory().bufferBytes! - before;
      return y;
    })(x),
  );
  grad.dispose();
  return bytes;
}

it('keeps less for the backward pass than the plain tape', async () => {
  const backend = await (await loadCandidate('wasm')).open({ asked: true });
  const [x, gain, bias] = [tf.ones([64, 96]), tf.ones([96]), tf.zeros([96])];
  const one = 4 * x.size;
  const statistics = 4 * 2 * 64;
  expect(await tapeBytes(backend, (x) => layerNorm(x, { gain, bias }), x)).toBe(one + statistics);
  expect(await tapeBytes(backend, (x) => plainLayerNorm(x, gain, bias), x)).toBeGreaterThan(3 * one);
  expect(await tapeBytes(backend, gelu, x)).toBe(one);
  expect(await tapeBytes(backend, plainGelu, x)).toBeGreaterThan(3 * one);
  const map = 4 * 64 * 64;
  const q = tf.ones([1, 64, 8]);
  const [own, plain] = [ours.attention[0], plainAttention];
  expect(await tapeBytes(backend, (q) => own(q, q, q), q)).toBeLessThan(map + 4 * 4 * q.size);
  expect(await tapeBytes(backend, (q) => plain(q, q, q), q)).toBeGreaterThan(2 * map);
  tf.dispose([x, gain, bias, q]);
});

it('computes no gradient of what is frozen', async () => {
  const backend = await (await loadCandidate('cpu')).open();
  const [x, gain, bias] = [tf.ones([3, 8]), tf.ones([8]), tf.zeros([8])];
  const { gradients } = await recordKernels(async () => {
    const f = (x: tf.Tensor): tf.Tensor => layerNorm(x, { gain, bias });
    (await backend.step('frozen', () => tf.grad(f)(x))).dispose();
  });
  expect(gradients).toEqual(['custom layerNorm by x']);
  tf.dispose([x, gain, bias]);
});

it('stands for another backend on meta only, and only while it is told to', async () => {
  await (await loadCandidate('wasm')).open({ asked: true });
  expect([has('CocGelu'), has('CocAttention')]).toEqual([true, false]);
  expect(imitating('webgpu', () => has('CocAttention'))).toBe(false);
  await (await loadCandidate('cpu')).open();
  expect(has('CocGelu')).toBe(false);
});

describe('refuses', () => {
  const refused = (f: (t: (...shape: number[]) => tf.Tensor) => tf.Tensor, message: string): void =>
    it(message, async () => {
      await (await loadCandidate('cpu')).open();
      await withoutLeak('a refusal', () => {
        expect(() => tf.tidy(() => f((...shape) => tf.zeros(shape)))).toThrow(message);
      });
    });
  refused(
    (t) => layerNorm(t(2, 4), { gain: t(3), bias: t(4) }),
    'layerNorm: given x [2, 4], gain [3], expected gain as long as the last axis of x',
  );
  refused((t) => layerNorm(t(), { gain: t(1), bias: t(1) }), 'layerNorm: given x [], gain [1]');
  refused((t) => layerNorm(t(2, 4), { gain: t(4), bias: t(4), epsilon: -1 }), 'layerNorm: given epsilon -1');
  refused(() => gelu(tf.zeros([2], 'int32')), 'gelu: given x [2] of int32, expected tensors of float32');
  refused(
    (t) => attention(t(2, 5, 4), t(2, 6, 3), t(2, 6, 3), { scale: 1 }),
    'attention: given q [2, 5, 4], k [2, 6, 3], v [2, 6, 3], expected k and v of one shape, and q as wide as they are',
  );
  refused(
    (t) => attention(t(2, 5, 4), t(3, 5, 4), t(3, 5, 4), { scale: 1 }),
    'expected the same axes before the last two',
  );
  refused(
    (t) =>
      attention(t(1, 6, 4), t(1, 6, 4), t(1, 6, 4), {
        scale: 1,
        relative: { rows: t(1, 6, 2), columns: t(1, 6, 2) },
      }),
    'expected relative terms for every query, whose rows x columns are the keys',
  );
  refused((t) => attention(t(4), t(4), t(4), { scale: 1 }), 'expected at least two axes');
  refused((t) => attention(t(2, 4), t(2, 4), t(2, 4), { scale: NaN }), 'attention: given scale NaN');
});
