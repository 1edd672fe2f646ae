// Memory policies beside PyTorch in float64 (test/oracles/tri_siamese.py and sam3_cases.py): none is further from it than three
// times what the plain tape is.
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { eagerStep } from '../../src/backends/eager-step';
import { sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { Optimiser, StepDefinition, TensorTree } from '../../src/backends/training-step';
import { flattenTree } from '../../src/backends/training-step';
import type { PlaneParameters } from '../../src/memory/network-parts';
import { planeParts } from '../../src/memory/network-parts';
import { policies, policyName } from '../../src/memory/policy';
import type { Policy } from '../../src/memory/policy';
import { triSiameseStepBy } from '../../src/memory/tri-siamese';
import { viewsStepBy } from '../../src/memory/views-step';
import { sam3TrunkFromTransformers } from '../../src/models/sam3/transformers-config';
import { samHead } from '../../src/models/sam-head';
import {
  adaptersOf,
  byBlock,
  cases as sam3Cases,
  lastOf,
  load,
  tensorOf,
  theirsOf,
} from '../models/sam3-cases';
import { config, loaded, losses, referenceInputs } from '../models/tri-siamese-reference';
import oracle from '../oracles/tri-siamese.json';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';

/** A step of some policy, and what its gradients are in float64. */
interface Case {
  expected: Readonly<Record<string, readonly number[]>>;
  open(policy: Policy, optimiser: Optimiser): Promise<{ definition: StepDefinition; inputs: TensorTree }>;
}

const { rank, alpha, first, terms } = oracle.cases['rank 4'];
const network = {
  encoder: config.encoder,
  lora: { rank, alpha, first },
  head: samHead(config),
  input: 'images',
} as const;
const study: Case = {
  expected: terms.loss.adapters,
  async open(policy, optimiser) {
    const parameters = await loaded(network);
    const given = { name: policyName(policy), network, losses, parameters, optimiser, lambda: oracle.lambda };
    return { definition: triSiameseStepBy(policy, given) as never, inputs: tf.tidy(referenceInputs) };
  },
};

/** The images of the case are views, and the loss is that of test/oracles/sam3_cases.py: the sum of features times a cotangent. */
const [, trunkCase] = sam3Cases[0];
const sam3: Case = {
  expected: trunkCase.withAdapters.byAdapters,
  async open(policy, optimiser) {
    const encoder = sam3TrunkFromTransformers(trunkCase.config);
    const { imageSize: size, channels, patchSize, width, depth } = encoder;
    const lora = { rank: trunkCase.rank, alpha: trunkCase.scale * trunkCase.rank, first: trunkCase.first };
    const flat = adaptersOf(trunkCase, encoder);
    const parameters = {
      trained: { adapters: byBlock(flat, depth) as TensorTree },
      frozen: { encoder: (await load(encoder, theirsOf(trunkCase))) as TensorTree },
    };
    const { batch } = trunkCase;
    const side = size / patchSize;
    const split = (x: tf.Tensor): tf.Tensor[] => tf.split(x, batch, 0);
    const inputs = tf.tidy(() => ({
      views: split(lastOf(tensorOf([batch, channels, size, size], 'images'))),
      cotangents: split(
        tf.reshape(tensorOf([batch, side * side, width], 'cotangent'), [batch, side, side, width]),
      ),
    }));
    const definition = viewsStepBy<PlaneParameters, typeof inputs>(policy, {
      name: policyName(policy),
      parameters,
      optimiser,
      parts: (own) => planeParts({ encoder, lora, input: 'images' }, own),
      views: ({ views }) => views,
      loss: (features, { cotangents }) => ({
        loss: tf.addN(features.map((each, k) => tf.sum(tf.mul(each, cotangents[k])))),
      }),
    });
    return { definition: definition as never, inputs };
  },
};
const cases: [string, Case][] = [
  ["the study's network", study],
  ["SAM 3's trunk", sam3],
];

/** How far the gradients by all adapters are from those in float64, over their length. */
async function error(backend: Backend, one: Case, policy: Policy): Promise<number> {
  const { expected } = one;
  const gradients: Record<string, tf.Tensor> = {};
  const plain = sgd();
  const { definition, inputs } = await one.open(policy, {
    ...plain,
    update(given) {
      for (const path of Object.keys(expected))
        gradients[path] = tf.keep(given.gradients[`adapters/${path}`].clone());
      return plain.update(given);
    },
  });
  const step = eagerStep(backend, definition);
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
  const { trained, frozen } = definition.parameters;
  tf.dispose([gradients, flattenTree(trained), flattenTree(frozen), flattenTree(inputs)]);
  return Math.sqrt(apart / length);
}

const onBackend = (name: 'cpu' | 'wasm' | 'tensorflow'): void => {
  it.each(cases)('every policy is as near as the plain tape: %s', async (_, one) => {
    const backend = await (await loadCandidate(name)).open();
    await tf.setBackend(name);
    await withoutLeak(
      'policies',
      async () => {
        const [plain, ...others] = policies;
        const own = await error(backend, one, plain);
        expect(own).toBeLessThan(1e-5);
        for (const policy of others)
          expect(await error(backend, one, policy), policyName(policy)).toBeLessThan(3 * own);
      },
      backend,
    );
  });
};
describe.each(['cpu', 'wasm'] as const)('on %s', onBackend);
describeWith('native-tensorflow', 'on tensorflow', () => onBackend('tensorflow'));
