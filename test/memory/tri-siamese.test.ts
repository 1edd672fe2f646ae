// Memory policies of the study's step: the same gradient, whatever is trained, for one to three planes, on every backend, by both
// families of encoders.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { captureStep } from '../../src/backends/capture/capture';
import { eagerStep } from '../../src/backends/eager-step';
import { sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { ViewNetwork } from '../../src/memory/network-parts';
import { planeNetworkSpec } from '../../src/memory/network-parts';
import { parsePolicy, policies, policyName, tape } from '../../src/memory/policy';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';
import type { Changes } from './changes';
import { changes, expectSame } from './changes';
import { smallNetwork, smallTrunk, stepWithNumbers } from './steps';

/** What is trained, and how many planes. */
const trunkAlone: ViewNetwork = { ...smallTrunk, head: undefined };
const cases: [words: string, network: ViewNetwork, views: number][] = [
  ['three planes', smallNetwork, 3],
  ['two planes', smallNetwork, 2],
  ['one plane', smallNetwork, 1],
  ['features for input', { ...smallNetwork, input: 'features' }, 3],
  ['the head alone', { ...smallNetwork, lora: null }, 3],
  ['all weights', { ...smallNetwork, lora: null, encoderTrained: true }, 3],
  ['SAM 3, three planes', smallTrunk, 3],
  ['SAM 3, one plane', smallTrunk, 1],
  ['SAM 3, features for input', { ...smallTrunk, input: 'features' }, 2],
  ['SAM 3, the head alone', { ...smallTrunk, lora: null }, 2],
  ['SAM 3 without a decoder, all weights', { ...trunkAlone, lora: null, encoderTrained: true }, 2],
];
/** Each technique alone and all together; every combination where it is run for three planes, and of SAM 3 in float64.test.ts. */
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
    const ofTrunk = views === 2 ? some.slice(-1) : some.filter((policy) => policy !== 'chunked');
    const ofSam = words === 'three planes' ? policies.slice(1).map(policyName) : some;
    const tried = words.startsWith('SAM 3') ? ofTrunk : ofSam;
    // One plane is what one tape has in its batch: the same kernels in the same order on one thread.
    const exact = (policy: string): boolean =>
      views === 1 && name !== 'tensorflow' && !policy.includes('chunked');
    it.each(tried)('%s has the gradient of one tape', async (policy) => {
      await withoutLeak(
        policy,
        async () =>
          expectSame(await changes(backend, network, parsePolicy(policy), views), byTape, exact(policy)),
        backend,
      );
    });
  });
};
describe.each(['cpu', 'wasm'] as const)('policies on %s', onBackend);
describeWith('native-tensorflow', 'policies on tensorflow', () => onBackend('tensorflow'));

describeWith('native-tensorflow', 'a policy under capture', () => {
  const networks = { SAM: smallNetwork, 'SAM 3': smallTrunk };
  const names = Object.keys(networks) as (keyof typeof networks)[];
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate('tensorflow')).open();
    await tf.setBackend('tensorflow');
  });

  it.each(
    names.flatMap((model) =>
      ['per-plane', 'recompute', 'lean', 'chunked'].map((name) => [name, model] as const),
    ),
  )('%s of %s is refused, or runs eagerly where asked for', async (name, model) => {
    const { step, inputs, free } = stepWithNumbers(networks[model], parsePolicy(name), { optimiser: sgd() });
    await expect(captureStep(backend, step, { inputs })).rejects.toThrow(
      `cannot capture ${name}: given a memory policy other than one tape`,
    );
    const eager = await captureStep(backend, step, { inputs, onRefusal: 'eager' });
    tf.dispose(await eager.run(inputs));
    eager.dispose();
    free();
  });

  it("one tape of SAM 3's trunk is captured, and has the loss of the eager step", async () => {
    const { step, inputs, free } = stepWithNumbers(trunkAlone, tape, { optimiser: sgd() });
    const captured = await captureStep(backend, step, { inputs });
    expect(captured.provenance.refusal).toBeNull();
    const eager = eagerStep(backend, step);
    for (const running of [captured, eager]) tf.dispose(await running.run(inputs));
    // The second loss has the first update in it.
    const [a, b] = [await captured.run(inputs), await eager.run(inputs)];
    expect((await a.loss.data())[0]).toBeCloseTo((await b.loss.data())[0], 5);
    tf.dispose([a, b]);
    captured.dispose();
    eager.dispose();
    free();
  });
});

describe('a network that there is not', () => {
  it.each([
    [{ encoderTrained: true }, 'given adapters, and an encoder that is trained itself'],
    [{ lora: null, input: 'features' }, 'given features for input, and an encoder that has no adapters'],
    [{ lora: null, head: undefined }, 'given a frozen encoder without adapters or a head'],
  ] as [Partial<ViewNetwork>, string][])('%j', (other, message) => {
    for (const network of [smallNetwork, smallTrunk])
      expect(() => planeNetworkSpec({ ...network, ...other })).toThrow(message);
  });
});
