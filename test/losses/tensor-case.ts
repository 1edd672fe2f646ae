// Values and gradients of a loss against those of an oracle case.
import { expect } from 'vitest';
import { tf } from '../../src/backends/tf';
import { uniform } from '../../src/nn/parameters';
import { valuesOf } from '../bench/nets/values';

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The tensor of this name, as test/oracles/losses_peer.py has it. */
export const tensorOf = (shape: number[], name: string, low = -2, high = 2): tf.Tensor =>
  tf.tensor(valuesOf(sizeOf(shape), uniform(low, high), name), shape);

/** Expect a loss and its gradients to be those of the oracle, to single precision. */
export function expectCase(
  loss: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  expected: { loss: number; gradients: number[][] },
): void {
  tf.tidy(() => {
    const { value, grads } = tf.valueAndGrads((...all: tf.Tensor[]) => loss(...all).asScalar())(inputs);
    expect(Math.abs(value.dataSync()[0] / expected.loss - 1)).toBeLessThan(1e-5);
    grads.forEach((gradient, k) => {
      const scale = Math.max(...expected.gradients[k].map(Math.abs));
      expect(gradient.shape).toEqual(inputs[k].shape);
      gradient.dataSync().forEach((x, i) => {
        expect(Math.abs(x - expected.gradients[k][i]) / scale).toBeLessThan(1e-5);
      });
    });
  });
}
