// The study's step at the size of a test, and at that of a model by name, for every family of encoders; and a U-Net's: what the
// tests of memory policies open.
import type { Optimiser, Parameters, StepDefinition } from '../../src/backends/training-step';
import { flattenTree } from '../../src/backends/training-step';
import { tf } from '../../src/backends/tf';
import { Random } from '../../src/base/random';
import { intersectionLoss } from '../../src/losses/intersection';
import { segmentationLosses } from '../../src/losses/segmentation';
import type { PlaneNetwork, PlaneParameters, ViewNetwork } from '../../src/memory/network-parts';
import { planeNetworkSpec, planeParts } from '../../src/memory/network-parts';
import type { Policy } from '../../src/memory/policy';
import { policyName } from '../../src/memory/policy';
import type { PlaneInputs, PlaneStep } from '../../src/memory/tri-siamese';
import { triSiameseStepBy, viewsOf } from '../../src/memory/tri-siamese';
import { viewsStepBy } from '../../src/memory/views-step';
import { models } from '../../src/models/registry';
import { samHead } from '../../src/models/sam-head';
import type { OfSomePlanes } from '../../src/models/tri-siamese';
import type { Parameter } from '../../src/nn/parameters';
import { filled } from '../../src/nn/parameters';
import { planeNames } from '../../src/sampling/plane';
import { unetLoss, unetParts } from '../bench/nets/unet3d';
import { smallEncoder } from '../models/encoder-cases';

const { decoder, prompts } = models['tiny-64'].config;
/** Of 5 x 5 patches, with windows that stick out. */
export const smallNetwork: PlaneNetwork = {
  encoder: { ...smallEncoder, imageSize: 20, neck: 16 },
  lora: { rank: 2, alpha: 3, first: 1 },
  head: samHead({
    prompts: { ...prompts, imageSize: 20, patchSize: 4, width: 16, frequencies: 8 },
    decoder: { ...decoder, width: 16, heads: 1, hidden: 16, iouHidden: 8 },
  }),
  input: 'images',
};

/** SAM 3's trunk of as many patches, with windows that stick out and positions that are cut, and the same decoder. */
export const smallTrunk: PlaneNetwork = {
  ...smallNetwork,
  encoder: {
    imageSize: 20,
    patchSize: 4,
    channels: 3,
    width: 16,
    depth: 3,
    heads: 2,
    hidden: 12,
    window: 2,
    globalBlocks: [1],
    pretrainedSize: 12,
    rotaryBase: 100,
    epsilon: 1e-6,
  },
};

/** A model by name, with adapters in all blocks; SAM 3's trunk without a decoder. */
export function networkOf(name: 'tiny-64' | 'tiny-128' | 'sam-vit-h' | 'sam3'): ViewNetwork {
  const adapted = { lora: { rank: 4, alpha: 4, first: 0 }, input: 'images' } as const;
  if (name === 'sam3') return { ...adapted, encoder: models.sam3.config };
  const { encoder, ...rest } = models[name].config;
  return { ...adapted, encoder, head: samHead(rest) };
}

/** What a step of a network is made of. */
interface StepGiven<G> {
  name: string;
  network: ViewNetwork;
  parameters: G;
  optimiser: Optimiser;
  loss?: 'dice' | 'cross-entropy';
}

/** The study's step of a network; where no masks come out, views are asked for features that are small and alike. */
export function stepBy<G>(
  policy: Policy,
  { name, network, parameters, optimiser, loss = 'dice' }: StepGiven<G>,
): PlaneStep<G> {
  const { head } = network;
  const given = { name, parameters, optimiser };
  if (!head)
    return viewsStepBy<PlaneParameters, PlaneInputs, G>(policy, {
      ...given,
      parts: (own) => planeParts(network, own),
      views: ({ planes }) => viewsOf(planes),
      loss: (features) => ({ loss: featuresLoss(features) }),
    });
  const losses = {
    segmentation: segmentationLosses[loss],
    consistency: (logits: OfSomePlanes, lines: never) => intersectionLoss(logits, lines),
  };
  return triSiameseStepBy(policy, { ...given, network: { ...network, head }, losses, lambda: 0.5 });
}

function featuresLoss(features: readonly tf.Tensor[]): tf.Tensor {
  const [first, ...others] = features.map((each) => tf.mean(each, 0));
  return tf.addN([
    ...features.map((each) => tf.mean(tf.square(each))),
    ...others.map((other) => tf.mean(tf.square(tf.sub(other, first)))),
  ]);
}

/** The U-Net's step by any policy, of a step of the bench: its one view is the volume. */
export const unetBy = (
  policy: Policy,
  { name, parameters, optimiser }: Pick<StepDefinition, 'name' | 'parameters' | 'optimiser'>,
): StepDefinition =>
  viewsStepBy<Parameters, Record<'volume' | 'labels', tf.Tensor>>(policy, {
    name,
    parameters,
    optimiser,
    parts: (own) => unetParts(own as never),
    views: ({ volume }) => [volume],
    loss: ([logits], { labels }) => ({ loss: unetLoss(logits, labels) }),
  }) as unknown as StepDefinition;

/** Shapes of what a step of `views` planes is given. @param counts  pictures of each plane */
function shapesOf({ encoder, input }: ViewNetwork, views: number, counts: readonly number[]) {
  const { imageSize, patchSize, channels, width } = encoder;
  const grid = imageSize / patchSize;
  const side = 4 * grid;
  const axes = input === 'images' ? [imageSize, imageSize, channels] : [grid, grid, width];
  const each = (...shape: number[]): Record<string, { shape: number[] }> =>
    Object.fromEntries(planeNames.slice(0, views).map((name, k) => [name, { shape: [counts[k], ...shape] }]));
  const reader = (lines: number) => ({ across: { shape: [lines, side] } });
  const [a, b, c] = counts;
  return {
    planes: each(...axes),
    labels: each(side, side),
    lines: {
      ...(views > 1 && { 'axial-coronal': { first: reader(b), second: reader(a) } }),
      ...(views > 2 && { 'axial-sagittal': { first: reader(c), second: reader(a) } }),
    },
  };
}

type ShapeTree = { shape: number[] } | { [name: string]: ShapeTree };

/** A step on shapes alone, for a dry run. */
export function stepOnShapes(network: ViewNetwork, policy: Policy, views: number, optimiser: Optimiser) {
  const given = { name: policyName(policy), network, parameters: planeNetworkSpec(network), optimiser };
  return { step: stepBy(policy, given), inputs: shapesOf(network, views, [1, 1, 1]) };
}

/** A step with numbers. @param counts  pictures of each plane */
export function stepWithNumbers(
  network: ViewNetwork,
  policy: Policy,
  { views = 3, counts = [2, 1, 1], optimiser }: { views?: number; counts?: number[]; optimiser: Optimiser },
): { step: PlaneStep<never>; inputs: PlaneInputs; free: () => void } {
  const random = new Random(7);
  const noise = (size: number, path: string): Float32Array => {
    const stream = random.fork(path);
    return Float32Array.from({ length: size }, () => 0.3 * stream.normal());
  };
  const draw = (tree: ShapeTree, path: string): unknown => {
    if (!Array.isArray(tree.shape))
      return Object.fromEntries(
        Object.entries(tree).map(([name, child]) => [name, draw(child as ShapeTree, `${path}/${name}`)]),
      );
    const shape = tree.shape;
    const numbers = noise(
      shape.reduce((a, b) => a * b, 1),
      path,
    );
    if (path.startsWith('inputs/labels')) return tf.tensor(numbers.map((x) => Number(x > 0)), shape); // prettier-ignore
    return tf.tensor(path.startsWith('inputs/lines') ? numbers.map(Math.abs) : numbers, shape);
  };
  const parameters = filled(planeNetworkSpec(network), ({ size }: Parameter, path) => noise(size, path));
  const inputs = draw(shapesOf(network, views, counts), 'inputs') as PlaneInputs;
  const given = { name: policyName(policy), network, parameters, optimiser };
  return {
    step: stepBy(policy, given) as unknown as PlaneStep<never>,
    inputs,
    free: () => tf.dispose([flattenTree(parameters), flattenTree(inputs)]),
  };
}
