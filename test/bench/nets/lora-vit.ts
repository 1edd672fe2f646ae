// A vision transformer for masks whose encoder is frozen but for adapters (LoRA) on queries and values, over one or more
// views of one thing. The real models take its place under the same row names.
import { adam } from '../../../src/backends/optimisers';
import { scope } from '../../../src/backends/scope';
import { tf } from '../../../src/backends/tf';
import { binaryCrossEntropy, diceLoss } from '../../../src/losses/segmentation';
import { gelu } from '../../../src/nn/activations';
import { multiHeadAttention } from '../../../src/nn/attention';
import type { Adapter } from '../../../src/nn/linear';
import { adapter, adapterSpec, linear, linearSpec, perceptron, perceptronSpec } from '../../../src/nn/linear';
import { layerNorm, normSpec } from '../../../src/nn/norm';
import type { TensorsOf } from '../../../src/nn/parameters';
import { normal, Parameter, uniform } from '../../../src/nn/parameters';
import { embedPatches, fromPatches } from '../../../src/nn/patches';
import type { Plan } from './workload';
import { plan } from './workload';

export interface LoraVitSize {
  /** Side of the square image, in pixels. */
  image: number;
  /** Side of a patch. */
  patch: number;
  width: number;
  depth: number;
  heads: number;
  /** Of the adapters. */
  rank: number;
  views: number;
}

/** Width of the neck, between encoder and mask. */
const neckWidth = 256;

function specs({ image, patch, width, depth, rank, views }: LoraVitSize) {
  const tokens = (image / patch) ** 2;
  const repeat = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  // From zero, as adapters start, the first step would have no gradient of `a`.
  const started = () => ({
    ...adapterSpec(width, width, rank),
    b: new Parameter([rank, width], normal(0.02)),
  });
  return {
    frozen: {
      embed: linearSpec(patch * patch * 3, width),
      position: new Parameter([tokens, width], normal(0.02)),
      blocks: repeat(depth, () => ({
        norm1: normSpec(width),
        qkv: linearSpec(width, 3 * width),
        projection: linearSpec(width, width),
        norm2: normSpec(width),
        perceptron: perceptronSpec(width, 4 * width),
      })),
    },
    trained: {
      adapters: repeat(depth, () => ({ q: started(), v: started() })),
      neck: linearSpec(width, neckWidth),
      head: linearSpec(neckWidth, patch * patch),
    },
    inputs: {
      images: repeat(views, () => new Parameter([image, image, 3], uniform(-1, 1))),
      /** The mask is where this is above 0.7. */
      targets: repeat(views, () => new Parameter([image, image], uniform(0, 1))),
    },
  };
}
type Specs = ReturnType<typeof specs>;
type Block = TensorsOf<Specs['frozen']['blocks'][number]>;

/** One block: [tokens, width] to [tokens, width]. */
function block(x: tf.Tensor, frozen: Block, adapters: { q: Adapter; v: Adapter }, heads: number): tf.Tensor {
  const h = layerNorm(x, frozen.norm1);
  const [q, k, v] = tf.split(linear(h, frozen.qkv), 3, 1);
  const mixed = multiHeadAttention(
    tf.add(q, adapter(h, adapters.q)),
    k,
    tf.add(v, adapter(h, adapters.v)),
    heads,
  );
  const y = tf.add(x, linear(mixed, frozen.projection));
  return tf.add(y, perceptron(layerNorm(y, frozen.norm2), frozen.perceptron));
}

interface Given {
  trained: TensorsOf<Specs['trained']>;
  frozen: TensorsOf<Specs['frozen']>;
}

/** The step: for each view Dice and cross-entropy of its mask, and between views agreement of their mean profiles. */
export function loraVit(size: LoraVitSize): Plan {
  const { image, patch, width, depth, heads, views } = size;
  const grid = image / patch;
  /** [image, image, 3] to logits [image, image]. */
  const mask = ({ trained, frozen }: Given, picture: tf.Tensor): tf.Tensor => {
    let x = scope('embed', () => tf.add(embedPatches(picture, frozen.embed, patch), frozen.position)); // [tokens, width]
    frozen.blocks.forEach((own, k) => {
      x = scope(`block ${k}`, () => block(x, own, trained.adapters[k], heads));
    });
    return scope('head', () => {
      const y = linear(gelu(linear(x, trained.neck)), trained.head); // [tokens, patch * patch]
      return tf.reshape(fromPatches(y, patch, [grid, grid]), [image, image]);
    });
  };
  const many = views === 1 ? '1 view' : `${views} views`;
  return plan({
    name: `LoRA-ViT ${image} px, width ${width}, ${depth} blocks, ${many}`,
    kind: 'loraVit',
    size: { ...size },
    ...specs(size),
    optimiser: adam({ learningRate: 1e-3 }),
    flop: views * flopOfView(size),
    loss: (parameters, { images, targets }) => {
      const logits = images.map((picture, k) => scope(`view ${k}`, () => mask(parameters, picture)));
      const probabilities = logits.map((each) => tf.sigmoid(each));
      const terms = targets.flatMap((values, k) => {
        const target = tf.cast(tf.greater(values, 0.7), 'float32');
        return [binaryCrossEntropy(logits[k], target), diceLoss(probabilities[k], target)];
      });
      if (views > 1)
        probabilities.forEach((p, k) => {
          const other = probabilities[(k + 1) % views];
          terms.push(tf.mean(tf.square(tf.sub(tf.mean(p, 0), tf.mean(other, 1)))));
        });
      return tf.addN(terms);
    },
  });
}

/** FLOP of products of one view, forward and backward: nothing below the first adapters has a gradient. */
function flopOfView({ image, patch, width: d, depth, rank }: LoraVitSize): number {
  const n = (image / patch) ** 2;
  const attention = 4 * n * n * d;
  const frozen = 2 * 12 * n * d * d;
  const adapters = 2 * 4 * n * d * rank;
  const ends = 2 * n * (d * neckWidth + neckWidth * patch * patch);
  const forward = 2 * n * patch * patch * 3 * d + depth * (frozen + attention + adapters) + ends;
  // By the data through frozen weights, by both factors elsewhere; of the first block's input no gradient is needed.
  const toInput = 2 * 3 * n * d * d + adapters / 2;
  return forward + depth * (frozen + 2 * attention + 2 * adapters) - toInput + 2 * ends;
}
