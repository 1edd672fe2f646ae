// Training steps drawn at random under every memory policy: the study's network of both families of encoders, with its decoder,
// adapters and Eq. 2, whatever is trained of it; SAM 3's trunk without a decoder; a U-Net. Small, but of the form that the
// large ones have.
import { adam, sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { Optimiser, StepDefinition, TensorTree } from '../../src/backends/training-step';
import { Random } from '../../src/base/random';
import { allPairs } from '../../src/losses/intersection';
import type { EncoderConfig } from '../../src/memory/encoder-stages';
import type { ViewNetwork } from '../../src/memory/network-parts';
import { planeNetworkSpec } from '../../src/memory/network-parts';
import type { Policy } from '../../src/memory/policy';
import { policyName } from '../../src/memory/policy';
import { models } from '../../src/models/registry';
import { samHead } from '../../src/models/sam-head';
import type { ParameterTree, TensorsOf } from '../../src/nn/parameters';
import { filled } from '../../src/nn/parameters';
import type { PlaneName } from '../../src/sampling/plane';
import { planeNames } from '../../src/sampling/plane';
import type { NetPlan, RandomNet } from '../backends/ledger/random-nets';
import { open, unet3d } from '../bench/nets';
import { stepBy, unetBy } from './steps';

const pick = <T>(random: Random, ...choices: T[]): T => choices[random.below(choices.length)];
const values = (shape: readonly number[], random: Random, scale = 0.3): tf.Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => scale * random.normal()),
    [...shape],
  );
};
// The type of a tree that is drawn is too deep for the compiler to follow.
const tensorsOf = filledNormal as (tree: ParameterTree, random: Random) => TensorTree;
function filledNormal<T extends ParameterTree>(tree: T, random: Random): TensorsOf<T> {
  return filled(tree, ({ size }, path) => {
    const stream = random.fork(path);
    return Float32Array.from({ length: size }, () => 0.3 * stream.normal());
  });
}

const optimisers: Record<string, () => Optimiser> = {
  sgd: () => sgd(),
  momentum: () => sgd({ momentum: 0.9 }),
  adam: () => adam(),
  adamw: () => adam({ weightDecay: 0.01 }),
};
/** What may be trained of a network, and what it may be given. */
const kinds = ['adapters', 'adapters of features', 'all', 'head'] as const;

/** SAM's image encoder. */
const samEncoder = (random: Random, heads: number, grid: number): EncoderConfig => ({
  imageSize: 4 * grid,
  patchSize: 4,
  channels: pick(random, 1, 3),
  width: heads * 4 * (1 + random.below(2)),
  depth: 2 + random.below(2),
  heads,
  hidden: pick(random, 12, 16),
  window: 2 + random.below(2),
  globalBlocks: pick(random, [], [1], [0, 1]),
  qkvBias: pick(random, true, false),
  absolutePositions: pick(random, true, false),
  relativePositions: pick(random, true, false),
  epsilon: 1e-6,
  neck: 16,
});

/** SAM 3's trunk; of the width that the decoder takes, for it has no neck. */
const trunk = (random: Random, heads: number, grid: number): EncoderConfig => ({
  imageSize: 4 * grid,
  patchSize: 4,
  channels: pick(random, 1, 3),
  width: 16,
  depth: 2 + random.below(2),
  heads,
  hidden: pick(random, 12, 16),
  window: 2 + random.below(2),
  globalBlocks: pick(random, [], [1], [0, 1]),
  pretrainedSize: 4 * (1 + random.below(4)),
  rotaryBase: pick(random, 100, 10_000),
  epsilon: 1e-6,
});
const families = { SAM: samEncoder, 'SAM 3': trunk };

/** A step of so many planes: the study's, or of SAM 3's trunk also without the decoder. */
export function randomPlanes(
  policy: Policy,
  views: number,
  seed: number,
  family: keyof typeof families = 'SAM',
): NetPlan {
  const random = new Random(`${family} ${seed}`);
  const heads = pick(random, 1, 2);
  const kind = kinds[seed % kinds.length];
  const optimiser = pick(random, ...Object.keys(optimisers));
  const loss = pick<'dice' | 'cross-entropy'>(random, 'dice', 'cross-entropy');
  const grid = 3 + random.below(2);
  const encoder = families[family](random, heads, grid);
  const { depth, channels, width } = encoder;
  const { decoder, prompts } = models['tiny-64'].config;
  const head = samHead({
    prompts: { ...prompts, imageSize: 4 * grid, patchSize: 4, width: 16, frequencies: 8 },
    decoder: { ...decoder, width: 16, heads: 1, hidden: 16, iouHidden: 8 },
  });
  const rank = 1 + random.below(3);
  const first = random.below(depth);
  const alone = family === 'SAM 3' && kind !== 'head' && pick(random, true, false);
  const network: ViewNetwork = {
    encoder,
    ...(!alone && { head }),
    lora: kind.startsWith('adapters') ? { rank, alpha: rank, first } : null,
    encoderTrained: kind === 'all',
    input: kind === 'adapters of features' ? 'features' : 'images',
  };
  const names = planeNames.slice(0, views);
  const counts = names.map(() => 1 + random.below(2));
  const side = 4 * grid;
  const said = { grid, depth, width, heads, rank, first, planes: counts.join(), optimiser, loss: alone ? 'features' : loss }; // prettier-ignore
  const words = Object.entries(said).map(([key, value]) => `${key} ${value}`);
  const name = `${policyName(policy)}, ${views} views: ${family}, ${kind}, ${words.join(', ')}`;
  return {
    name,
    build(): RandomNet {
      const each = (of: (plane: PlaneName, count: number) => tf.Tensor): TensorTree =>
        Object.fromEntries(names.map((plane, k) => [plane, of(plane, counts[k])]));
      const axes = network.input === 'images' ? [side, side, channels] : [grid, grid, width];
      const countOf = (plane: PlaneName): number => counts[names.indexOf(plane)];
      /** In each picture a line for every plane of the other. */
      const linesOf = (pair: PlaneName[]): TensorTree => {
        const reader = (own: PlaneName, other: PlaneName): TensorTree => ({
          across: values([countOf(other), side], random.fork(`${own} by ${other}`)),
        });
        return { first: reader(pair[0], pair[1]), second: reader(pair[1], pair[0]) };
      };
      const inputs = {
        planes: each((plane, n) => values([n, ...axes], random.fork(`plane ${plane}`))),
        labels: each((plane, n) =>
          tf.tidy(() =>
            tf.cast(tf.greater(values([n, side, side], random.fork(`labels ${plane}`)), 0), 'float32'),
          ),
        ),
        lines: Object.fromEntries(
          allPairs
            .filter((pair) => pair.split('-').every((plane) => names.includes(plane as PlaneName)))
            .map((pair) => [pair, linesOf(pair.split('-') as PlaneName[])]),
        ),
      };
      const { trained, frozen } = planeNetworkSpec(network);
      const parameters = {
        trained: tensorsOf(trained, random.fork('trained')),
        frozen: tensorsOf(frozen, random.fork('frozen')),
      };
      const definition = stepBy(policy, {
        name,
        network,
        parameters,
        optimiser: optimisers[optimiser](),
        loss,
      });
      return { definition: definition as unknown as StepDefinition, inputs };
    },
  };
}

/** A step of a U-Net, whose one view is a volume. */
export function randomUnet(policy: Policy, seed: number): NetPlan {
  const random = new Random(`U-Net ${seed}`);
  const levels = 1 + random.below(3);
  const size = { size: 2 ** (levels - 1) * (1 + random.below(2)), base: 2 + random.below(3), levels, classes: 2 + random.below(2) }; // prettier-ignore
  const optimiser = pick(random, ...Object.keys(optimisers));
  const words = Object.entries({ ...size, optimiser }).map(([key, value]) => `${key} ${value}`);
  const name = `${policyName(policy)}, 1 views: U-Net, ${words.join(', ')}`;
  return {
    name,
    build(): RandomNet {
      const { definition, inputs } = open(unet3d(size));
      const given = { ...definition, name, optimiser: optimisers[optimiser]() };
      return { definition: unetBy(policy, given), inputs };
    },
  };
}
