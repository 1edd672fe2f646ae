// A SAM's weights from a file, whoever wrote it: the names tell. The image encoder and all else are loaded each by itself.
import { InputError } from '../../base/errors';
import type { Long } from '../../base/progress';
import type { TensorSource } from '../../nn/tensor-source';
import { loadWeights } from '../../nn/weights';
import type { ImageEncoderConfig } from './config';
import { decoderCopies, decoderNames } from './decoder-names';
import { encoderNames, type SamSource } from './encoder-names';
import { type ImageEncoder, imageEncoderSpec } from './image-encoder';
import type { Decoder, DecoderConfig } from './sam';
import { decoderSpec } from './sam';

type Part = 'encoder' | 'decoder';
/** What the names of the two parts begin with; they tell who wrote a file, and what a part's loading passes by. */
const beginnings: Readonly<Record<SamSource, Readonly<Record<Part, readonly string[]>>>> = {
  transformers: {
    encoder: ['vision_encoder.'],
    decoder: ['prompt_encoder.', 'mask_decoder.', 'shared_image_embedding.'],
  },
  original: { encoder: ['image_encoder.'], decoder: ['prompt_encoder.', 'mask_decoder.'] },
};

/** The names of a file that belong to a part. */
export function namesOfPart(weights: TensorSource, source: SamSource, part: Part): string[] {
  const begins = (name: string): boolean => beginnings[source][part].some((word) => name.startsWith(word));
  return weights.names().filter(begins);
}

/** Whose names a file of weights has. @throws InputError when it has no image encoder by either's names */
export function samSourceOf(weights: TensorSource): SamSource {
  const names = weights.names();
  const sources = Object.keys(beginnings) as SamSource[];
  const found = sources.filter((source) => namesOfPart(weights, source, 'encoder').length > 0);
  if (found.length === 1) return found[0];
  throw new InputError({
    what: `cannot load ${weights.file}`,
    given: `${names.length} tensors: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''}`,
    expected: `names that begin with ${sources.flatMap((source) => beginnings[source].encoder).join(' or ')}`,
    fix: 'give the weights of a SAM as transformers or the original repository name them (`coc weights convert` keeps their names)',
  });
}

/**
 * The image encoder's weights, tensor by tensor. The file may be a whole SAM's.
 * @throws InputError with every tensor of the encoder by name that is missing, too many or of another shape; Interrupted
 */
export async function loadImageEncoder(
  config: ImageEncoderConfig,
  weights: TensorSource,
  long: Long = {},
): Promise<ImageEncoder> {
  const source = samSourceOf(weights);
  const ignore = namesOfPart(weights, source, 'decoder');
  return loadWeights(imageEncoderSpec(config), weights, encoderNames(config, source), { ignore, ...long });
}

/**
 * Everything but the image encoder, tensor by tensor. The file is a whole SAM's.
 * @throws InputError with every tensor of the two by name that is missing, too many or of another shape; Interrupted
 */
export async function loadDecoder(
  config: DecoderConfig,
  weights: TensorSource,
  long: Long = {},
): Promise<Decoder> {
  const source = samSourceOf(weights);
  const ignore = [...decoderCopies, ...namesOfPart(weights, source, 'encoder')];
  return loadWeights(decoderSpec(config), weights, decoderNames(config, source), { ignore, ...long });
}
