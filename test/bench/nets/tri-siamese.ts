// The study's network as the bench times it: three planes through SAM's encoder with adapters and its mask decoder, all of
// Eq. 2 as the loss. In the proportions of SAM ViT-B: heads of 64 channels, a neck of a third of the width.
import { adam } from '../../../src/backends/optimisers';
import { tf } from '../../../src/backends/tf';
import { mapLeaves } from '../../../src/backends/tree';
import type { IntersectionPlan } from '../../../src/losses/intersection';
import { intersectionLoss } from '../../../src/losses/intersection';
import { segmentationLosses } from '../../../src/losses/segmentation';
import type { ImageEncoderConfig, MaskDecoderConfig } from '../../../src/models/sam/config';
import { gridOf, spanOf } from '../../../src/models/sam/config';
import { samHead } from '../../../src/models/sam-head';
import type { OfPlanes, TriSiamese, TriSiameseInputs } from '../../../src/models/tri-siamese';
import { triSiameseSpec, triSiameseTerms } from '../../../src/models/tri-siamese';
import type { ParameterTree } from '../../../src/nn/parameters';
import { normal, Parameter, uniform } from '../../../src/nn/parameters';
import { planeNames } from '../../../src/sampling/plane';
import type { Plan } from './workload';
import { plan } from './workload';

export interface TriSiameseSize {
  /** Side of the square images, in pixels. */
  image: number;
  /** Side of a patch. */
  patch: number;
  width: number;
  depth: number;
  heads: number;
  /** Tokens along each side of a window. */
  window: number;
  /** Blocks that see the whole grid. */
  globalBlocks: readonly number[];
  /** Width of the neck and the mask decoder. */
  neck: number;
  /** Of the adapters. */
  rank: number;
}

const lambda = 0.1;
const eightTimes = 8;

function networkOf(size: TriSiameseSize): TriSiamese & { decoder: MaskDecoderConfig } {
  const { image: imageSize, patch: patchSize, width, depth, heads, window, globalBlocks, neck, rank } = size;
  const encoder: ImageEncoderConfig = {
    imageSize,
    patchSize,
    channels: 3,
    width,
    depth,
    heads,
    hidden: 4 * width,
    window,
    globalBlocks,
    qkvBias: true,
    absolutePositions: true,
    relativePositions: true,
    epsilon: 1e-6,
    neck,
  };
  const prompts = {
    imageSize,
    patchSize,
    width: neck,
    maskChannels: 16,
    frequencies: neck / 2,
    epsilon: 1e-6,
  };
  const decoder = {
    width: neck,
    depth: 2,
    heads: 8,
    hidden: eightTimes * neck,
    downsample: 2,
    masks: 3,
    iouDepth: 3,
    iouHidden: neck,
    epsilon: 1e-6,
  };
  return {
    encoder,
    lora: { rank, alpha: rank, first: 0 },
    head: samHead({ prompts, decoder }),
    input: 'images',
    decoder,
  };
}

/** Noise in what starts at zero and in training does not stay so: positions and the second factor of adapters. */
const started = <T extends ParameterTree>(tree: T): T =>
  mapLeaves<Parameter, Parameter>(
    tree,
    (node): node is Parameter => node instanceof Parameter,
    (leaf, path) =>
      /(position|relative\/(rows|columns)|adapters\/.*\/b)$/.test(path)
        ? new Parameter(leaf.shape, normal(0.02))
        : leaf,
  ) as T;

const ofPlanes = (of: () => Parameter): OfPlanes<Parameter> => ({
  axial: of(),
  coronal: of(),
  sagittal: of(),
});

/** The step: SAMed's loss of each plane, and Eq. 2 between them. */
export function triSiamese(size: TriSiameseSize): Plan {
  const { image, width, depth } = size;
  const network = networkOf(size);
  const side = 4 * gridOf(network.encoder);
  const spec = triSiameseSpec(network);
  const reader = () => ({ across: new Parameter([1, side], uniform(0, 2 / side)) });
  const losses = {
    segmentation: segmentationLosses.samed,
    consistency: (logits: OfPlanes, lines: IntersectionPlan) => intersectionLoss(logits, lines),
  };
  return plan({
    name: `tri-siamese ${image} px, width ${width}, ${depth} blocks`,
    kind: 'triSiamese',
    size: { ...size, lambda, side, decoderDepth: 2, decoderHeads: 8 },
    trained: started(spec.trained),
    frozen: started(spec.frozen),
    inputs: {
      planes: ofPlanes(() => new Parameter([1, image, image, 3], uniform(-1, 1))),
      /** The mask is where this is above 0.7. */
      labels: ofPlanes(() => new Parameter([1, side, side], uniform(0, 1))),
      /** Weights of the rows or columns that a line mixes. */
      lines: {
        'axial-coronal': { first: reader(), second: reader() },
        'axial-sagittal': { first: reader(), second: reader() },
      },
    },
    optimiser: adam({ learningRate: 1e-3 }),
    flop: flopOf(network, network.decoder),
    loss: (parameters, { labels, ...inputs }) => {
      const masks = Object.fromEntries(
        planeNames.map((name) => [name, tf.cast(tf.greater(labels[name], 0.7), 'int32')]),
      ) as TriSiameseInputs['labels'];
      const own = parameters;
      const { segmentation, consistency } = triSiameseTerms(network, losses, own, {
        ...inputs,
        labels: masks,
      });
      return tf.add(segmentation, tf.mul(consistency, lambda));
    },
  });
}

/** FLOP of products of a step: those of each picture, and of what is made once. */
export function flopOf(
  { encoder, lora }: Pick<TriSiamese, 'encoder' | 'lora'>,
  decoder: MaskDecoderConfig,
): number {
  const tokens = gridOf(encoder) ** 2;
  const side = 4 * gridOf(encoder);
  // Positions of the grid from their frequencies; four lines, forward and by the masks.
  const once = 2 * tokens * decoder.width + 4 * 2 * 2 * side * side;
  return 3 * (flopOfEncoder(encoder, lora) + flopOfDecoder(decoder, tokens)) + once;
}

/** Frozen weights have gradients by their data alone; below the adapters of the first adapted block there are none. */
function flopOfEncoder(encoder: ImageEncoderConfig, { rank, first }: TriSiamese['lora']): number {
  const { width: d, hidden, heads, depth, patchSize, channels, neck } = encoder;
  const tokens = gridOf(encoder) ** 2;
  let flop = 2 * tokens * patchSize ** 2 * channels * d;
  for (let block = 0; block < depth; block++) {
    const span = spanOf(encoder, block);
    const seen = (Math.ceil(gridOf(encoder) / span) * span) ** 2;
    // What fills windows up takes part in attention alone.
    const qkv = 2 * tokens * 3 * d * d;
    const others = 2 * tokens * d * d + 2 * tokens * 2 * d * hidden;
    const relative = 2 * seen * d * 2 * span;
    // The relative terms are further columns of queries and keys.
    const product = 2 * seen * span ** 2 * d;
    const widened = 2 * seen * span ** 2 * (d + heads * 2 * span);
    const adapters = block < first ? 0 : 2 * 4 * tokens * d * rank;
    flop += qkv + others + relative + product + widened + adapters;
    if (block < first) continue;
    flop += others + relative + 3 * product + widened + 2 * adapters;
    flop += block === first ? -adapters / 2 : qkv;
  }
  return flop + 2 * 2 * tokens * (d * neck + 9 * neck * neck);
}

/** All of it is trained but the head that judges masks, which runs forward alone. */
function flopOfDecoder(decoder: MaskDecoderConfig, image: number): number {
  const { width: c, hidden, depth, downsample, masks, iouDepth, iouHidden } = decoder;
  const tokens = masks + 2;
  /** Of `a` tokens to `b`: four projections, and the two products that are five in the backward pass minus one. */
  const attention = (a: number, b: number, inner: number): number =>
    3 * (2 * 2 * a * c * inner + 2 * 2 * b * c * inner) + 3 * 4 * a * b * inner;
  const trained = (multiplications: number): number => 3 * 2 * multiplications;
  const block =
    attention(tokens, tokens, c) +
    attention(tokens, image, c / 2) +
    attention(image, tokens, c / 2) +
    trained(2 * tokens * c * hidden);
  const upscaling = trained(image * c * c + 4 * image * (c / 4) * (c / 2));
  const kernel = trained(2 * c * c + (c * c) / 8);
  const mask = trained(16 * image * (c / 8));
  const quality = 2 * (c * iouHidden + (iouDepth - 2) * iouHidden ** 2 + iouHidden * (masks + 1));
  return depth * block + attention(tokens, image, c / downsample) + upscaling + kernel + mask + quality;
}
