// Dry run and real run agree to the byte, allocation by allocation, whatever the memory policy: the whole step of networks drawn at
// random, for one to three views, with the update; and what is planted is found.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import type { Backend, BackendName } from '../../src/backends/backend';
import { tf } from '../../src/backends/tf';
import type { WasmBackend } from '../../src/backends/wasm/module';
import type { Policy } from '../../src/memory/policy';
import { policies, policyName } from '../../src/memory/policy';
import { stepUnder } from '../../src/memory/under';
import { bothLedgers, differencesOf } from '../backends/ledger/both-ledgers';
import type { NetPlan } from '../backends/ledger/random-nets';
import { plant } from '../backends/ledger/planted-kernels';
import { randomConvNet, randomVit } from '../backends/ledger/random-nets';
import { hasPeer } from '../setup/peers';
import { randomPlanes, randomUnet } from './random-steps';

const open = async (name: BackendName): Promise<Backend> => {
  const backend = await (await loadCandidate(name)).open({ asked: true });
  await tf.setBackend(name);
  return backend;
};

const views = [1, 2, 3];
const withoutParts: Policy[] = [[], ['lean'], ['chunked'], ['lean', 'chunked']];
const under = (policy: Policy, plan: NetPlan): NetPlan => ({
  name: `${policyName(policy)}, ${plan.name}`,
  build() {
    const net = plan.build();
    return { ...net, definition: stepUnder(policy, net.definition) };
  },
});

/** Every policy and number of views of each family; what else there is to choose is drawn. */
const plans: NetPlan[] = [
  ...policies.flatMap((policy, p) => views.map((n) => randomPlanes(policy, n, 5 * p + n))),
  ...policies.flatMap((policy, p) => views.map((n) => randomPlanes(policy, n, 5 * p + n, 'SAM 3'))),
  ...policies.map((policy, p) => randomUnet(policy, p)),
  ...withoutParts.flatMap((policy, p) => [under(policy, randomVit(p)), under(policy, randomConvNet(p))]),
];

it('the settings differ, and hold every policy with one, two and three views, and every choice', () => {
  const names = plans.map(({ name }) => name);
  expect(new Set(names).size).toBe(plans.length);
  expect(names.length).toBeGreaterThanOrEqual(60);
  for (const policy of policies)
    for (const [family, each] of [['SAM', views], ['SAM 3', views], ['U-Net', [1]]] as const) // prettier-ignore
      for (const n of each)
        expect(names.filter((name) => name.startsWith(`${policyName(policy)}, ${n} views: ${family},`))).toHaveLength(1); // prettier-ignore
  const kinds = ['adapters,', 'adapters of features', 'all', 'head'];
  for (const family of ['SAM', 'SAM 3'])
    for (const kind of kinds) expect(names.join('\n')).toContain(`${family}, ${kind}`);
  const words = 'loss features|ViT:|conv net:|sgd|momentum|adam,|adamw|dice|cross-entropy'; // prettier-ignore
  for (const word of words.split('|')) expect(names.join('\n')).toContain(word);
});

/** On wasm all of them; on the others some, and not the same. */
const backends = [
  ['wasm', plans],
  ['tensorflow', plans.filter((_, k) => k % 6 === 1)],
  ['cpu', plans.filter((_, k) => k % 15 === 6)],
] as const;

describe.each(backends)('a dry run like %s, and the run', (name, some) => {
  const here = name !== 'tensorflow' || hasPeer('native-tensorflow');
  const test = here ? it : it.skip;
  let backend: Backend;
  beforeAll(async () => {
    if (here) backend = await open(name);
  });

  test.each(some.map((plan) => [plan.name, plan] as const))('%s', async (_, plan) => {
    const { dry, real } = await bothLedgers(backend, plan);
    expect(differencesOf(dry, real)).toEqual([]);
    expect(real.peak().bytes).toBe(dry.peak().bytes);
    expect(real.length).toBeGreaterThan(50);
  });
});

describe('planted under every technique at once, and found', () => {
  const plan = randomPlanes(['per-plane', 'recompute', 'lean', 'chunked'], 3, 2);
  let backend: Backend;
  beforeAll(async () => {
    backend = await open('wasm');
  });
  const found = async (): Promise<string[]> => {
    const { dry, real } = await bothLedgers(backend, plan);
    return differencesOf(dry, real).map((message) => message.replace(/allocation \d+, /, ''));
  };

  it('four bytes too many, in a kernel that the loss runs', async () => {
    plant('Sigmoid', 'wasm', () => ({ inputs, backend: kernels }) => {
      const { shape, dtype } = inputs.x!;
      const size = tf.util.sizeFromShape(shape) + 1;
      return { ...(kernels as WasmBackend).makeOutput([size], dtype), shape };
    });
    const messages = await found();
    expect(messages.length).toBeGreaterThan(0);
    for (const message of messages)
      expect(message).toMatch(/^Sigmoid \[.*\(forward\): \d+ bytes, and \d+ in the second ledger \(\+4\)$/);
  });

  it('a buffer that is kept for ever', async () => {
    const kept: object[] = [];
    plant('Sigmoid', 'wasm', (kernel) => (call) => {
      if (kept.length === 0) kept.push((call.backend as WasmBackend).makeOutput([7], 'float32').dataId);
      return kernel(call);
    });
    expect(await found()).toEqual([
      expect.stringMatching(/^Sigmoid \[7\] .*28 bytes: not in the first ledger$/),
    ]);
    for (const id of kept) (tf.backend() as WasmBackend).disposeData(id, true);
  });
});
