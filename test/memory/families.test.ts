// A lean tape and attention in chunks under every net of the bench, and every policy under the U-Net, which is in parts, on every
// backend: the gradient of the plain tape.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { eagerStep } from '../../src/backends/eager-step';
import { sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { Policy } from '../../src/memory/policy';
import { parsePolicy, policies, policyName } from '../../src/memory/policy';
import { stepUnder } from '../../src/memory/under';
import { loraVit, open, type Plan, triSiamese, unet3d } from '../bench/nets';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';
import { unetBy } from './steps';

const small = { image: 24, patch: 4, width: 16, depth: 2, heads: 2, rank: 2 };
const plans: Plan[] = [
  loraVit({ ...small, views: 1 }),
  loraVit({ ...small, views: 3 }),
  triSiamese({ ...small, window: 4, globalBlocks: [1], neck: 16 }),
  unet3d({ size: 8, base: 4, levels: 2, classes: 2 }),
];
const unet = plans.at(-1)!;
const withoutParts: Policy[] = [['lean'], ['chunked'], ['lean', 'chunked']];

/** What a step gives back and leaves, by name. */
async function stepOf(backend: Backend, plan: Plan, policy: Policy): Promise<Map<string, Float32Array>> {
  const by = plan === unet ? unetBy : stepUnder;
  const workload = open(plan);
  const { inputs } = workload;
  // By plain descent at rate 1 a step changes each parameter by its gradient.
  const definition = { ...workload.definition, optimiser: sgd({ learningRate: 1 }) };
  const step = eagerStep(backend, by(policy, definition));
  const outputs = await step.run(inputs);
  const all = { ...outputs, ...(await step.read()) };
  const values = new Map<string, Float32Array>();
  for (const [name, tensor] of Object.entries(all)) values.set(name, Float32Array.from(await tensor.data()));
  tf.dispose(all);
  step.dispose();
  workload.dispose();
  return values;
}

const onBackend = (name: 'cpu' | 'wasm' | 'tensorflow'): void => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate(name)).open();
    await tf.setBackend(name);
  });
  describe.each(plans.map((plan) => [plan.name, plan] as const))('%s', (_, plan) => {
    const tried = plan === unet ? policies.slice(1) : withoutParts;
    it.each(tried.map((policy) => [policyName(policy), policy] as const))('%s', async (_, policy) => {
      await withoutLeak(
        plan.name,
        async () => {
          const expected = await stepOf(backend, plan, []);
          const found = await stepOf(backend, plan, policy);
          expect([...found.keys()]).toEqual([...expected.keys()]);
          for (const [key, values] of expected) {
            const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
            const apart = values.reduce((most, x, k) => Math.max(most, Math.abs(x - found.get(key)![k])), 0);
            // The same kernels in the same order on one thread (the U-Net has no attention); several sum in their own order.
            const inOrder = plan === unet || !policy.includes('chunked');
            const allowed = inOrder && name !== 'tensorflow' ? 0 : 1e-5;
            // A change is read off parameters, whose last bit is 1e-7 of them; what is near zero stays so.
            expect(apart, key).toBeLessThanOrEqual(allowed * Math.max(largest, 0.1));
          }
        },
        backend,
      );
    });
  });
};
describe.each(['cpu', 'wasm'] as const)('on %s', onBackend);
describeWith('native-tensorflow', 'on tensorflow', () => onBackend('tensorflow'));

it('a policy that needs parts is refused for a loss that is one function, and those that there are named', () => {
  const workload = open(plans[0], 'blank');
  const { definition } = workload;
  for (const policy of policies.filter((own) => own.includes('per-plane') || own.includes('recompute')))
    expect(() => stepUnder(parsePolicy(policyName(policy)), definition)).toThrow(
      `cannot run ${definition.name}: given the policy ${policyName(policy)}, expected tape, lean, chunked, lean+chunked. What to do: cut the model into parts`,
    );
  workload.dispose();
});
