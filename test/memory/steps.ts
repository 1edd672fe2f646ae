// The study's step at the size of a test, and at that of a model by name: what the tests of memory policies open.
import type { Optimiser } from '../../src/backends/training-step';
import { flattenTree } from '../../src/backends/training-step';
import { tf } from '../../src/backends/tf';
import { Random } from '../../src/base/random';
import { intersectionLoss } from '../../src/losses/intersection';
import { segmentationLosses } from '../../src/losses/segmentation';
import type { PlaneNetwork } from '../../src/memory/network-parts';
import { planeNetworkSpec } from '../../src/memory/network-parts';
import type { Policy } from '../../src/memory/policy';
import { policyName } from '../../src/memory/policy';
import type { PlaneInputs, PlaneStep } from '../../src/memory/tri-siamese';
import { triSiameseStepBy } from '../../src/memory/tri-siamese';
import { models } from '../../src/models/registry';
import { samHead } from '../../src/models/sam-head';
import type { OfSomePlanes } from '../../src/models/tri-siamese';
import type { Parameter } from '../../src/nn/parameters';
import { filled } from '../../src/nn/parameters';
import { planeNames } from '../../src/sampling/plane';
import { smallEncoder } from '../models/encoder-cases';

const losses = {
  segmentation: segmentationLosses.dice,
  consistency: (logits: OfSomePlanes, lines: never) => intersectionLoss(logits, lines),
};

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

type Named = 'tiny-64' | 'tiny-128' | 'sam-vit-h';

/** A model by name, with adapters in all blocks. */
export function networkOf(name: Named): PlaneNetwork {
  const { encoder, ...rest } = models[name].config;
  return { encoder, lora: { rank: 4, alpha: 4, first: 0 }, head: samHead(rest), input: 'images' };
}

/** Shapes of what a step of `views` planes is given. @param counts  pictures of each plane */
function shapesOf({ encoder, input }: PlaneNetwork, views: number, counts: readonly number[]) {
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
export function stepOnShapes(network: PlaneNetwork, policy: Policy, views: number, optimiser: Optimiser) {
  const parameters = planeNetworkSpec(network);
  const given = { name: policyName(policy), network, losses, parameters, lambda: 0.5, optimiser };
  return { step: triSiameseStepBy(policy, given), inputs: shapesOf(network, views, [1, 1, 1]) };
}

/** A step with numbers. @param counts  pictures of each plane */
export function stepWithNumbers(
  network: PlaneNetwork,
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
  const given = { name: policyName(policy), network, losses, parameters, lambda: 0.5, optimiser };
  return {
    step: triSiameseStepBy(policy, given) as unknown as PlaneStep<never>,
    inputs,
    free: () => tf.dispose([flattenTree(parameters), flattenTree(inputs)]),
  };
}
