// A network of one view cut into parts (patches, every block, neck, head), whatever is trained of it: adapters, the head alone, or
// all. What a memory policy computes again, or frees, is one of them.
import type { Tensors, TensorTree } from '../backends/training-step';
import { unflattenTree } from '../backends/training-step';
import { InputError } from '../base/errors';
import type { MaskHead } from '../models/tri-siamese';
import type { Lora, LoraConfig } from '../nn/lora';
import { loraScale, loraSpec } from '../nn/lora';
import type { ParameterTree } from '../nn/parameters';
import type { EncoderConfig } from './encoder-stages';
import { encoderSpec, encoderStages, patchPaths } from './encoder-stages';
import type { Part } from './parts';
import { pathsUnder } from './parts';

/** An encoder of either family, with a head or without, and what is trained of both. */
export interface ViewNetwork {
  readonly encoder: EncoderConfig;
  /** Adapters in the encoder; null where it has none. */
  readonly lora: LoraConfig | null;
  /** Whether the encoder itself is trained (full fine-tuning); where left out, it is frozen. */
  readonly encoderTrained?: boolean;
  /** What makes masks of features; where left out, features come out: of SAM 3 the trunk alone is here. */
  readonly head?: MaskHead;
  /** What it is given: images, or the features before the first adapted block, which never change and may be kept. */
  readonly input: 'images' | 'features';
}

/** The study's network (`TriSiamese`), and beside it what else could be trained: masks come out. */
export interface PlaneNetwork extends ViewNetwork {
  readonly head: MaskHead;
}

/**
 * Its parameters: of the head some are trained and some frozen; adapters are trained; the encoder stands where it belongs.
 * Names: `adapters`, `encoder`, `head`.
 */
export type PlaneParameters = Readonly<Record<'trained' | 'frozen', Readonly<Record<string, TensorTree>>>>;

/**
 * What a network is made of, for `filled` or for a dry run. With features for input it has no parameters before the first
 * adapted block (`{}` in their places), as `triSiameseSpec`.
 * @throws InputError for adapters as `loraSpec`, for adapters in an encoder that is trained, and where nothing is trained
 */
export function planeNetworkSpec({ encoder, lora, encoderTrained, head, input }: ViewNetwork): {
  trained: Readonly<Record<string, ParameterTree>>;
  frozen: Readonly<Record<string, ParameterTree>>;
} {
  const refuse = (given: string, expected: string, fix: string): never => {
    throw new InputError({ what: 'cannot make the network', given, expected, fix });
  };
  if ((lora && encoderTrained) || (!lora && input === 'features'))
    refuse(
      `${lora ? 'adapters' : 'features for input'}, and an encoder that ${encoderTrained ? 'is trained itself' : 'has no adapters'}`,
      'adapters in a frozen encoder, and features before its first adapted block; or images and none',
      encoderTrained ? 'leave out one of both' : 'give images',
    );
  if (!lora && !encoderTrained && !head)
    refuse('a frozen encoder without adapters or a head', 'something to train', 'give it adapters or a head');
  const adapters = lora && loraSpec(encoder, lora);
  const whole = encoderSpec(encoder);
  const own = { encoder: input === 'features' ? fromBlock(encoder, whole, lora!.first) : whole };
  return {
    trained: {
      ...(adapters && { adapters }),
      ...(encoderTrained && own),
      ...(head && { head: head.trained }),
    },
    frozen: { ...(!encoderTrained && own), ...(head && { head: head.frozen }) },
  };
}

/** The encoder's parameters without those that are read before a block. */
function fromBlock(
  encoder: EncoderConfig,
  { blocks, ...others }: Readonly<Record<string, ParameterTree>>,
  first: number,
): Readonly<Record<string, ParameterTree>> {
  const patches = patchPaths(encoder);
  const read = Object.entries(others).filter(([name]) => !patches.includes(name));
  const own = (blocks as readonly ParameterTree[]).map((block, k) => (k < first ? {} : block));
  return { blocks: own, ...Object.fromEntries(read) };
}

/** The network in parts: patches, every block, neck, head. With features for input it begins with the first adapted block. */
export function planeParts(
  { encoder, lora, head, input }: ViewNetwork,
  { trained, frozen }: PlaneParameters,
): Part[] {
  let known: { tensors: Tensors; trees: PlaneParameters['trained'] } | undefined;
  /** The trained trees, with the tensors of a tape in their places; one part after another asks for the same. */
  const treesIn = (tensors: Tensors): PlaneParameters['trained'] => {
    if (known?.tensors !== tensors) known = { tensors, trees: unflattenTree(trained, tensors) };
    return known.trees;
  };
  const stages = encoderStages(encoder).slice(input === 'features' ? 1 + lora!.first : 0);
  const parts = stages.map(({ name, paths, block, run }): Part => {
    const adapters = block === undefined ? [] : [`adapters/${block}`];
    return {
      name,
      trained: pathsUnder(trained, ...adapters, ...paths.map((path) => `encoder/${path}`)),
      run: (tensors, x) => {
        const own = treesIn(tensors);
        const adapted = lora && { adapters: own.adapters as Lora, scale: loraScale(lora) };
        return run(own.encoder ?? frozen.encoder, x, adapted ?? {});
      },
    };
  });
  if (!head) return parts;
  const last: Part = {
    name: 'head',
    trained: pathsUnder(trained, 'head'),
    run: (tensors, x) => head.logits({ trained: treesIn(tensors).head, frozen: frozen.head }, x),
  };
  return [...parts, last];
}
