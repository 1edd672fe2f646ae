// Memory policies of the study's step: the same gradient, whatever is trained, for one to three planes, on every backend.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { captureStep } from '../../src/backends/capture/capture';
import { sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { PlaneNetwork } from '../../src/memory/network-parts';
import { planeNetworkSpec } from '../../src/memory/network-parts';
import { parsePolicy, policies, policyName, tape } from '../../src/memory/policy';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';
import type { Changes } from './changes';
import { changes, expectSame } from './changes';
import { smallNetwork, stepWithNumbers } from './steps';

/** What is trained, and how many planes. */
const cases: [words: string, network: PlaneNetwork, views: number][] = [
  ['three planes', smallNetwork, 3],
  ['two planes', smallNetwork, 2],
  ['one plane', smallNetwork, 1],
  ['features for input', { ...smallNetwork, input: 'features' }, 3],
  ['the head alone', { ...smallNetwork, lora: null }, 3],
  ['all weights', { ...smallNetwork, lora: null, encoderTrained: true }, 3],
];
/** Each technique alone and all together; every combination where it is run for three planes. */
const some = ['per-plane', 'recompute', 'lean', 'chunked', 'per-plane+recompute+lean+chunked'];

const onBackend = (name: 'cpu' | 'wasm' | 'tensorflow'): void => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate(name)).open();
    await tf.setBackend(name);
  });

  describe.each(cases)('%s', (words, network, views) => {
    let byTape: Changes;
    beforeAll(async () => (byTape = await changes(backend, network, tape, views)));
    const tried = words === 'three planes' ? policies.slice(1).map(policyName) : some;
    it.each(tried)('%s has the gradient of one tape', async (policy) => {
      await withoutLeak(
        policy,
        async () => expectSame(await changes(backend, network, parsePolicy(policy), views), byTape),
        backend,
      );
    });
  });
};
describe.each(['cpu', 'wasm'] as const)('policies on %s', onBackend);
describeWith('native-tensorflow', 'policies on tensorflow', () => onBackend('tensorflow'));

describeWith('native-tensorflow', 'a policy under capture', () => {
  it.each(['per-plane', 'lean', 'chunked'])(
    '%s is refused, or runs eagerly where asked for',
    async (name) => {
      const backend = await (await loadCandidate('tensorflow')).open();
      await tf.setBackend('tensorflow');
      const { step, inputs, free } = stepWithNumbers(smallNetwork, parsePolicy(name), { optimiser: sgd() });
      await expect(captureStep(backend, step, { inputs })).rejects.toThrow(
        `cannot capture ${name}: given a memory policy other than one tape`,
      );
      const eager = await captureStep(backend, step, { inputs, onRefusal: 'eager' });
      tf.dispose(await eager.run(inputs));
      eager.dispose();
      free();
    },
  );
});

describe('a network that there is not', () => {
  it.each([
    [{ encoderTrained: true }, 'given adapters, and an encoder that is trained itself'],
    [{ lora: null, input: 'features' }, 'given features for input, and an encoder that has no adapters'],
  ] as [Partial<PlaneNetwork>, string][])('%j', (other, message) => {
    expect(() => planeNetworkSpec({ ...smallNetwork, ...other })).toThrow(message);
  });
});
