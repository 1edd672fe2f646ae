// What one step of a network changes by a policy, and that two policies change the same.
import { expect } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { eagerStep } from '../../src/backends/eager-step';
import { sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { Tensors } from '../../src/backends/training-step';
import type { ViewNetwork } from '../../src/memory/network-parts';
import type { Policy } from '../../src/memory/policy';
import { stepWithNumbers } from './steps';

type Values = Record<string, Float32Array>;
export interface Changes {
  gradients: Values;
  said: Values;
}

/** The loss and what one step changes, by path. By plain descent at rate 1 that is the gradient. */
export async function changes(
  backend: Backend,
  network: ViewNetwork,
  policy: Policy,
  views: number,
): Promise<Changes> {
  const { step, inputs, free } = stepWithNumbers(network, policy, {
    views,
    optimiser: sgd({ learningRate: 1 }),
  });
  const running = eagerStep(backend, step);
  const before = await running.read();
  const outputs = await running.run(inputs);
  const after = await running.read();
  const values = async (tensors: Tensors): Promise<Values> =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(tensors).map(async ([name, x]) => [name, Float32Array.from(await x.data())] as const),
      ),
    );
  const [a, b, said] = [await values(before), await values(after), await values(outputs)];
  running.dispose();
  tf.dispose([before, after, outputs]);
  free();
  const gradients = Object.fromEntries(
    Object.keys(a).map((path) => [path, a[path].map((x, k) => x - b[path][k])]),
  );
  return { gradients, said };
}

const most = (values: Float32Array): number => values.reduce((m, x) => Math.max(m, Math.abs(x)), 0);

/** @param exact  to the bit */
export function expectSame(found: Changes, expected: Changes, exact = false): void {
  expect(Object.keys(found.said).sort()).toEqual(Object.keys(expected.said).sort());
  expect(expected.said).toHaveProperty('loss');
  for (const [path, [value]] of Object.entries(expected.said))
    expect(Math.abs(found.said[path][0] - value), path).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
  expect(Object.keys(found.gradients)).toEqual(Object.keys(expected.gradients));
  const largest = Math.max(...Object.values(expected.gradients).map(most));
  expect(largest).toBeGreaterThan(1e-3);
  if (exact) expect(found).toEqual(expected);
  for (const [path, gradient] of Object.entries(expected.gradients)) {
    const apart = most(gradient.map((x, k) => x - found.gradients[path][k]));
    // A change is read off parameters near 1, whose last bit is 1e-7.
    expect(apart, path).toBeLessThan(1e-5 * most(gradient) + 3e-7 * Math.max(1, largest));
  }
}
