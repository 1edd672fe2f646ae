// Memory policies beside PyTorch in float64 (test/oracles/tri_siamese.py): none is further from it than three times what the plain
// tape is.
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { eagerStep } from '../../src/backends/eager-step';
import { sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { Optimiser } from '../../src/backends/training-step';
import { flattenTree } from '../../src/backends/training-step';
import { policies, policyName } from '../../src/memory/policy';
import type { Policy } from '../../src/memory/policy';
import { triSiameseStepBy } from '../../src/memory/tri-siamese';
import { samHead } from '../../src/models/sam-head';
import { config, loaded, losses, referenceInputs } from '../models/tri-siamese-reference';
import oracle from '../oracles/tri-siamese.json';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';

const { rank, alpha, first, terms } = oracle.cases['rank 4'];
const network = {
  encoder: config.encoder,
  lora: { rank, alpha, first },
  head: samHead(config),
  input: 'images',
} as const;
const expected = terms.loss.adapters as Readonly<Record<string, number[]>>;

/** How far the gradients by all adapters are from those in float64, over their length. */
async function error(backend: Backend, policy: Policy): Promise<number> {
  const parameters = await loaded(network);
  const inputs = tf.tidy(referenceInputs);
  const gradients: Record<string, tf.Tensor> = {};
  const plain = sgd();
  const optimiser: Optimiser = {
    ...plain,
    update(given) {
      for (const path of Object.keys(expected))
        gradients[path] = tf.keep(given.gradients[`adapters/${path}`].clone());
      return plain.update(given);
    },
  };
  const given = { name: policyName(policy), network, losses, parameters, optimiser, lambda: oracle.lambda };
  const step = eagerStep(backend, triSiameseStepBy(policy, given) as never);
  tf.dispose(await step.run(inputs));
  let [apart, length] = [0, 0];
  for (const [path, values] of Object.entries(expected)) {
    const found = await gradients[path].data();
    expect(found.length).toBe(values.length);
    values.forEach((value, k) => {
      apart += (found[k] - value) ** 2;
      length += value ** 2;
    });
  }
  step.dispose();
  tf.dispose([
    gradients,
    flattenTree(parameters.trained),
    flattenTree(parameters.frozen),
    flattenTree(inputs),
  ]);
  return Math.sqrt(apart / length);
}

const onBackend = (name: 'cpu' | 'wasm' | 'tensorflow'): void => {
  it('every policy is as near as the plain tape', async () => {
    const backend = await (await loadCandidate(name)).open();
    await tf.setBackend(name);
    await withoutLeak(
      'policies',
      async () => {
        const [plain, ...others] = policies;
        const own = await error(backend, plain);
        expect(own).toBeLessThan(1e-5);
        for (const policy of others)
          expect(await error(backend, policy), policyName(policy)).toBeLessThan(3 * own);
      },
      backend,
    );
  });
};
describe.each(['cpu', 'wasm'] as const)('on %s', onBackend);
describeWith('native-tensorflow', 'on tensorflow', () => onBackend('tensorflow'));
