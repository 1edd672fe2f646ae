// Training steps drawn at random under every memory policy: the study's network with its decoder, adapters and Eq. 2, whatever is
// trained of it; SAM 3's trunk over several views. Small, but of the form that the large ones have.
import { adam, sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { Optimiser, StepDefinition, TensorTree } from '../../src/backends/training-step';
import { Random } from '../../src/base/random';
import { allPairs, intersectionLoss } from '../../src/losses/intersection';
import { segmentationLosses } from '../../src/losses/segmentation';
import type { PlaneNetwork } from '../../src/memory/network-parts';
import { planeNetworkSpec } from '../../src/memory/network-parts';
import type { Policy } from '../../src/memory/policy';
import { policyName } from '../../src/memory/policy';
import { triSiameseStepBy } from '../../src/memory/tri-siamese';
import { stepUnder } from '../../src/memory/under';
import { models } from '../../src/models/registry';
import { samHead } from '../../src/models/sam-head';
import type { Sam3TrunkConfig } from '../../src/models/sam3/config';
import type { Sam3Trunk } from '../../src/models/sam3/trunk';
import { sam3Trunk, sam3TrunkSpec } from '../../src/models/sam3/trunk';
import type { OfSomePlanes } from '../../src/models/tri-siamese';
import { adapterSpec } from '../../src/nn/linear';
import type { ParameterTree, TensorsOf } from '../../src/nn/parameters';
import { filled } from '../../src/nn/parameters';
import type { PlaneName } from '../../src/sampling/plane';
import { planeNames } from '../../src/sampling/plane';
import type { NetPlan, RandomNet } from '../backends/ledger/random-nets';

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
/** What may be trained of the study's network, and what it may be given. */
const kinds = ['adapters', 'adapters of features', 'all', 'head'] as const;

/** A step of the study's network with so many planes. */
export function randomPlanes(policy: Policy, views: number, seed: number): NetPlan {
  const random = new Random(`planes ${seed}`);
  const heads = pick(random, 1, 2);
  const depth = 2 + random.below(2);
  const kind = kinds[seed % kinds.length];
  const optimiser = pick(random, ...Object.keys(optimisers));
  const loss = pick<'dice' | 'cross-entropy'>(random, 'dice', 'cross-entropy');
  const grid = 3 + random.below(2);
  const encoder = {
    imageSize: 4 * grid,
    patchSize: 4,
    channels: pick(random, 1, 3),
    width: heads * 4 * (1 + random.below(2)),
    depth,
    heads,
    hidden: pick(random, 12, 16),
    window: 2 + random.below(2),
    globalBlocks: pick(random, [], [1], [0, 1]),
    qkvBias: pick(random, true, false),
    absolutePositions: pick(random, true, false),
    relativePositions: pick(random, true, false),
    epsilon: 1e-6,
    neck: 16,
  };
  const { decoder, prompts } = models['tiny-64'].config;
  const head = samHead({
    prompts: { ...prompts, imageSize: 4 * grid, patchSize: 4, width: 16, frequencies: 8 },
    decoder: { ...decoder, width: 16, heads: 1, hidden: 16, iouHidden: 8 },
  });
  const rank = 1 + random.below(3);
  const first = random.below(depth);
  const network: PlaneNetwork = {
    encoder,
    head,
    lora: kind.startsWith('adapters') ? { rank, alpha: rank, first } : null,
    encoderTrained: kind === 'all',
    input: kind === 'adapters of features' ? 'features' : 'images',
  };
  const names = planeNames.slice(0, views);
  const counts = names.map(() => 1 + random.below(2));
  const side = 4 * grid;
  const said = { grid, depth, width: encoder.width, heads, rank, first, planes: counts.join(), optimiser, loss }; // prettier-ignore
  const words = Object.entries(said).map(([key, value]) => `${key} ${value}`);
  const name = `${policyName(policy)}, ${views} views: SAM, ${kind}, ${words.join(', ')}`;
  return {
    name,
    build(): RandomNet {
      const each = (of: (plane: PlaneName, count: number) => tf.Tensor): TensorTree =>
        Object.fromEntries(names.map((plane, k) => [plane, of(plane, counts[k])]));
      const axes = network.input === 'images' ? [side, side, encoder.channels] : [grid, grid, encoder.width];
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
      const definition = triSiameseStepBy(policy, {
        name,
        network,
        losses: {
          segmentation: segmentationLosses[loss],
          consistency: (logits: OfSomePlanes, lines: never) => intersectionLoss(logits as never, lines),
        },
        parameters: {
          trained: tensorsOf(trained, random.fork('trained')),
          frozen: tensorsOf(frozen, random.fork('frozen')),
        },
        optimiser: optimisers[optimiser](),
        lambda: 0.5,
      });
      return { definition: definition as unknown as StepDefinition, inputs: inputs };
    },
  };
}

/** SAM 3's trunk over some views that are asked to agree; it has no decoder here, so policies that need parts are not for it. */
export function randomTrunk(policy: readonly ('lean' | 'chunked')[], views: number, seed: number): NetPlan {
  const random = new Random(`trunk ${seed}`);
  const heads = 1 + random.below(2);
  const width = heads * 4;
  const window = 2 + random.below(2);
  const config: Sam3TrunkConfig = {
    imageSize: 4 * window * 2,
    patchSize: 4,
    channels: 3,
    width,
    depth: 2,
    heads,
    hidden: 12,
    window,
    globalBlocks: pick(random, [1], [0, 1]),
    pretrainedSize: 4 * window,
    rotaryBase: 10_000,
    epsilon: 1e-6,
  };
  const whole = seed % 2 === 0;
  const optimiser = pick(random, ...Object.keys(optimisers));
  const name = `${policyName(policy)}, ${views} views: SAM 3, ${whole ? 'all' : 'adapters'}, width ${width}, heads ${heads}, window ${window}, optimiser ${optimiser}`;
  return {
    name,
    build(): RandomNet {
      const low = adapterSpec(width, width, 2);
      const adapters = Array.from({ length: config.depth }, () => ({ q: low, v: low }));
      const trunk = sam3TrunkSpec(config) as unknown as ParameterTree;
      const spec: Record<'trained' | 'frozen', ParameterTree> = whole
        ? { trained: { trunk }, frozen: {} }
        : { trained: { adapters }, frozen: { trunk } };
      const shape = [1, config.imageSize, config.imageSize, 3];
      const definition: StepDefinition = {
        name,
        parameters: {
          trained: tensorsOf(spec.trained, random.fork('trained')),
          frozen: tensorsOf(spec.frozen, random.fork('frozen')),
        },
        optimiser: optimisers[optimiser](),
        loss(parameters, inputs) {
          const own = { ...(parameters.frozen as object), ...(parameters.trained as object) } as {
            trunk: Sam3Trunk;
            adapters?: never;
          };
          const features = Object.values(inputs as Record<string, tf.Tensor>).map((x) =>
            sam3Trunk(own.trunk, x, config, own.adapters && { adapters: own.adapters, scale: 1 }),
          );
          const sizes = features.map((f) => tf.mean(tf.square(f)));
          const apart = features.slice(1).map((f, k) => tf.mean(tf.square(tf.sub(f, features[k]))));
          return tf.addN([...sizes, ...apart]);
        },
      };
      const inputs = Object.fromEntries(
        planeNames.slice(0, views).map((plane) => [plane, values(shape, random.fork(plane))]),
      );
      return { definition: stepUnder(policy, definition), inputs };
    },
  };
}
