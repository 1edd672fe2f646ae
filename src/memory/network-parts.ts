// The study's network cut into parts (patches, every block, neck, head), whatever is trained of it: adapters, the head alone, or
// all. What a memory policy computes again, or frees, is one of them.
import type { Tensors, TensorTree } from '../backends/training-step';
import { flattenTree, unflattenTree } from '../backends/training-step';
import { InputError } from '../base/errors';
import { embedImages, encoderBlock, encoderNeck, imageEncoderSpec } from '../models/sam/image-encoder';
import type { ImageEncoder } from '../models/sam/image-encoder';
import type { TriSiamese } from '../models/tri-siamese';
import { triSiameseSpec } from '../models/tri-siamese';
import type { Lora, LoraConfig } from '../nn/lora';
import { loraScale } from '../nn/lora';
import type { ParameterTree } from '../nn/parameters';
import type { Part } from './parts';

/** The study's network, and beside it what else could be trained. */
export interface PlaneNetwork extends Omit<TriSiamese, 'lora'> {
  /** Adapters in the encoder; null where it has none. */
  readonly lora: LoraConfig | null;
  /** Whether the encoder itself is trained (full fine-tuning); where left out, it is frozen. */
  readonly encoderTrained?: boolean;
}

/**
 * Its parameters: of the head some are trained and some frozen; adapters are trained; the encoder stands where it belongs.
 * Names: `adapters`, `encoder`, `head`.
 */
export type PlaneParameters = Readonly<Record<'trained' | 'frozen', Readonly<Record<string, TensorTree>>>>;

/** What the network is made of, for `filled` or for a dry run. @throws InputError for adapters as `loraSpec`, and for adapters in an encoder that is trained */
export function planeNetworkSpec(network: PlaneNetwork): {
  trained: Readonly<Record<string, ParameterTree>>;
  frozen: Readonly<Record<string, ParameterTree>>;
} {
  const { encoder, lora, encoderTrained, head, input } = network;
  if (lora && !encoderTrained) return triSiameseSpec({ encoder, lora, head, input });
  if (lora || input === 'features')
    throw new InputError({
      what: 'cannot make the network',
      given: `${lora ? 'adapters' : 'features for input'}, and an encoder that ${encoderTrained ? 'is trained itself' : 'has no adapters'}`,
      expected:
        'adapters in a frozen encoder, and features before its first adapted block; or images and none',
      fix: encoderTrained ? 'leave out one of both' : 'give images',
    });
  const own = { encoder: imageEncoderSpec(encoder) };
  return {
    trained: { ...(encoderTrained && own), head: head.trained },
    frozen: { ...(!encoderTrained && own), head: head.frozen },
  };
}

/** The network in parts: patches, every block, neck, head. With features for input it begins with the first adapted block. */
export function planeParts(
  { encoder, lora, head, input }: PlaneNetwork,
  { trained, frozen }: PlaneParameters,
): Part[] {
  const paths = Object.keys(flattenTree(trained));
  const under = (...starts: string[]): string[] =>
    paths.filter((path) => starts.some((start) => path.startsWith(`${start}/`) || path === start));
  /** The own trees, with the tensors of a tape in the places of those that are trained. */
  const encoderIn = (tensors: Tensors): ImageEncoder =>
    (unflattenTree(trained, tensors).encoder ?? frozen.encoder) as ImageEncoder;
  const adaptersIn = (tensors: Tensors): Lora | undefined =>
    unflattenTree(trained, tensors).adapters as Lora | undefined;
  const embed: Part = {
    name: 'embed',
    trained: under('encoder/embed', 'encoder/position'),
    run: (tensors, x) => embedImages(encoderIn(tensors), x, encoder),
  };
  const blocks = Array.from({ length: encoder.depth }, (_, k): Part => ({
    name: `block ${k}`,
    trained: under(`adapters/${k}`, `encoder/blocks/${k}`),
    run: (tensors, x) => {
      const adapters = adaptersIn(tensors);
      return encoderBlock(encoderIn(tensors).blocks[k], x, encoder, k, {
        ...(lora && adapters && { adapters, scale: loraScale(lora) }),
      });
    },
  }));
  const neck: Part = {
    name: 'neck',
    trained: under('encoder/neck'),
    run: (tensors, x) => encoderNeck(encoderIn(tensors).neck, x),
  };
  const last: Part = {
    name: 'head',
    trained: under('head'),
    run: (tensors, x) =>
      head.logits({ trained: unflattenTree(trained, tensors).head, frozen: frozen.head }, x),
  };
  const first = input === 'features' ? lora!.first : 0;
  return [...(input === 'images' ? [embed] : []), ...blocks.slice(first), neck, last];
}
