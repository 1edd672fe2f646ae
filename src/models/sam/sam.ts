// A whole Segment Anything Model (Kirillov et al. 2023, arXiv 2304.02643): images and prompts to masks.
import { scope } from '../../backends/scope';
import type { tf } from '../../backends/tf';
import type { Parameter, TensorsOf } from '../../nn/parameters';
import type { SamConfig } from './config';
import { gridOf } from './config';
import { imageEncoder, imageEncoderSpec } from './image-encoder';
import type { EncoderOptions } from '../vision-transformer';
import type { MaskDecoderSpec, Masks } from './mask-decoder';
import { maskDecoder, maskDecoderSpec } from './mask-decoder';
import type { PromptEncoderSpec, Prompts } from './prompt-encoder';
import { gridPositions, positionsSpec, promptEncoder, promptEncoderSpec } from './prompt-encoder';
import { checkPromptShapes, shapesOf } from './prompt-shapes';

/** All that decides what happens to an image's embedding. */
export type DecoderConfig = Pick<SamConfig, 'prompts' | 'decoder'>;

/** Everything but the image encoder. */
export type DecoderSpec = Readonly<{
  /** The frequencies of positions, which stay as they were drawn. */
  positions: Parameter;
  promptEncoder: PromptEncoderSpec;
  maskDecoder: MaskDecoderSpec;
}>;
export type Decoder = TensorsOf<DecoderSpec>;

export type SamSpec = DecoderSpec &
  Readonly<{
    imageEncoder: ReturnType<typeof imageEncoderSpec>;
  }>;
export type Sam = TensorsOf<SamSpec>;

/** The parameters of everything but the image encoder. */
export function decoderSpec({ prompts, decoder }: DecoderConfig): DecoderSpec {
  return {
    positions: positionsSpec(prompts),
    promptEncoder: promptEncoderSpec(prompts),
    maskDecoder: maskDecoderSpec(decoder),
  };
}

/** The parameters of everything. */
export function samSpec(config: SamConfig): SamSpec {
  return { imageEncoder: imageEncoderSpec(config.encoder), ...decoderSpec(config) };
}

export interface DecodeOptions {
  /**
   * Several masks for each prompt, for what an unclear one may mean (3 in every published SAM), or the one of a clear prompt.
   * Those that are not asked for are not computed: their own parameters have no gradient.
   */
  several?: boolean;
}

/**
 * Masks of images whose embeddings are there.
 * @param embedding  of the image encoder, [batch, rows, columns, width]
 * @param prompts    none of them: the decoder makes one guess at what is to be seen
 * @returns masks [batch, prompts, 4 rows, 4 columns, masks] as logits, quality [batch, prompts, masks]
 * @throws InputError for prompts whose shapes do not fit
 */
export function decodeMasks(
  { positions, promptEncoder: encoder, maskDecoder: decoder }: Decoder,
  embedding: tf.Tensor,
  prompts: Prompts,
  config: DecoderConfig,
  { several = true }: DecodeOptions = {},
): Masks {
  const [batch, rows, columns] = embedding.shape;
  checkPromptShapes(shapesOf(prompts), batch, gridOf(config.prompts));
  const tokens = scope('prompt encoder', () => promptEncoder(encoder, positions, prompts, config.prompts));
  const at = gridPositions(positions, rows, columns);
  return scope('mask decoder', () =>
    maskDecoder(decoder, { image: embedding, positions: at, ...tokens }, config.decoder, several),
  );
}

/**
 * Masks of images.
 * @param images  [batch, imageSize, imageSize, channels], as `prepareImage` makes them
 * @param options  of the image encoder too: adapters, and features in the place of images
 * @returns as `decodeMasks`
 * @throws InputError for images, prompts and options that do not fit
 */
export function sam(
  parameters: Sam,
  images: tf.Tensor,
  prompts: Prompts,
  config: SamConfig,
  { several, ...encoding }: DecodeOptions & EncoderOptions = {},
): Masks {
  const embedding = scope('image encoder', () =>
    imageEncoder(parameters.imageEncoder, images, config.encoder, encoding),
  );
  return decodeMasks(parameters, embedding, prompts, config, { several });
}
