// The image encoders of both families, cut where a memory policy may cut them: patches, every block, and SAM's neck.
import type { tf } from '../backends/tf';
import type { TensorTree } from '../backends/training-step';
import type { ImageEncoderConfig } from '../models/sam/config';
import type { ImageEncoder } from '../models/sam/image-encoder';
import { embedImages, encoderBlock, encoderNeck, imageEncoderSpec } from '../models/sam/image-encoder';
import type { Sam3TrunkConfig } from '../models/sam3/config';
import type { Sam3Trunk } from '../models/sam3/trunk';
import { sam3TrunkSpec, trunkAngles, trunkBlock, trunkTokens } from '../models/sam3/trunk';
import type { Adapted } from '../models/vision-transformer';
import type { ParameterTree } from '../nn/parameters';

/** SAM's image encoder, or SAM 3's vision trunk. */
export type EncoderConfig = ImageEncoderConfig | Sam3TrunkConfig;

/** A piece of an encoder. */
export interface Stage {
  readonly name: string;
  /** Where its parameters stand in the encoder's tree. */
  readonly paths: readonly string[];
  /** The block that it is, which may have adapters. */
  readonly block?: number;
  readonly run: (encoder: TensorTree, x: tf.Tensor, adapted: Adapted) => tf.Tensor;
}

const isTrunk = (config: EncoderConfig): config is Sam3TrunkConfig => 'pretrainedSize' in config;

/** The parameters of an encoder. */
export const encoderSpec = (config: EncoderConfig): Readonly<Record<string, ParameterTree>> =>
  isTrunk(config) ? sam3TrunkSpec(config) : imageEncoderSpec(config);

/** Where the parameters of the patches stand: what is read before the first block. */
export const patchPaths = (config: EncoderConfig): string[] =>
  isTrunk(config) ? ['patch', 'position', 'norm'] : ['embed', 'position'];

/**
 * An encoder in pieces: patches, then every block, then what comes behind them. One after another they are `imageEncoder` or
 * `sam3Trunk`, to the bit.
 */
export const encoderStages = (config: EncoderConfig): Stage[] =>
  isTrunk(config) ? trunkStages(config) : samStages(config);

const blocksOf = ({ depth }: EncoderConfig, run: (block: number) => Stage['run']): Stage[] =>
  Array.from({ length: depth }, (_, k) => ({
    name: `block ${k}`,
    paths: [`blocks/${k}`],
    block: k,
    run: run(k),
  }));

const samStages = (config: ImageEncoderConfig): Stage[] => [
  {
    name: 'embed',
    paths: patchPaths(config),
    run: (own, x) => embedImages(own as ImageEncoder, x, config),
  },
  ...blocksOf(
    config,
    (k) => (own, x, adapted) => encoderBlock((own as ImageEncoder).blocks[k], x, config, k, adapted),
  ),
  { name: 'neck', paths: ['neck'], run: (own, x) => encoderNeck((own as ImageEncoder).neck, x) },
];

/** Angles are made once, for all blocks and views; the scope that asks for the pieces frees them. */
function trunkStages(config: Sam3TrunkConfig): Stage[] {
  const angles = trunkAngles(config);
  return [
    {
      name: 'embed',
      paths: patchPaths(config),
      run: (own, x) => trunkTokens(own as Sam3Trunk, x, config),
    },
    ...blocksOf(
      config,
      (k) => (own, x, adapted) => trunkBlock((own as Sam3Trunk).blocks[k], x, config, k, angles, adapted),
    ),
  ];
}
