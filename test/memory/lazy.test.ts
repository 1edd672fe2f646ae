// Memory policies as a user of the library gets them: any gradient by a lean tape.
import { expect, it } from 'vitest';
import { chooseBackend, memoryPolicies } from '../../src/index';

it('gives the lean tape to any function, and policies by name', async () => {
  const { tf } = await chooseBackend({ backend: 'wasm' });
  const { leanly, parsePolicy, policyName } = await memoryPolicies();
  const x = tf.tensor1d([1, 2, 3]);
  const dx = leanly(() => tf.grad((y) => tf.sum(tf.mul(y, y)))(x));
  expect([...(await dx.data())]).toEqual([2, 4, 6]);
  tf.dispose([x, dx]);
  expect(policyName(parsePolicy('chunked+lean+per-plane'))).toBe('per-plane+lean+chunked');
  expect(policyName(parsePolicy('tape'))).toBe('tape');
  for (const bad of ['', 'lean+lean', 'tape+lean', 'fast'])
    expect(() => parsePolicy(bad)).toThrow(
      'expected tape, or one or several of per-plane, recompute, lean, chunked with + between, each once',
    );
});
