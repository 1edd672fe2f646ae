// A published SAM's weights in the study's network: the encoder and what the head needs of the decoder come from its file,
// adapters start as nothing added.
import type { Long } from '../base/progress';
import { Random } from '../base/random';
import { drawn, flattenParameters } from '../nn/parameters';
import type { TensorSource } from '../nn/tensor-source';
import type { Theirs } from '../nn/weight-names';
import { loadWeights } from '../nn/weights';
import { decoderCopies, decoderNames } from './sam/decoder-names';
import type { SamSource } from './sam/encoder-names';
import { encoderNames } from './sam/encoder-names';
import { namesOfPart, samSourceOf } from './sam/load';
import type { TriSiamese, TriSiameseParameters } from './tri-siamese';
import { triSiameseSpec } from './tri-siamese';

/** What of the network a SAM's file has: all but adapters, and all but the head where that is not made of SAM's. */
function publishedSpec(network: TriSiamese) {
  const { trained, frozen } = triSiameseSpec(network);
  const { inSam } = network.head;
  return {
    trained: { head: inSam ? trained.head : {} },
    frozen: { encoder: frozen.encoder, head: inSam ? frozen.head : {} },
  };
}

/**
 * Where the network's parameters lie in a SAM's file, by their paths in `triSiameseSpec`. Adapters lie nowhere, nor does a head
 * that is not made of SAM's.
 * @param source  whose names
 */
export function triSiameseNames(network: TriSiamese, source: SamSource): Record<string, Theirs> {
  const { inSam } = network.head;
  const encoder = encoderNames(network.encoder, source);
  const decoder = inSam && decoderNames(inSam.config, source);
  const ofEncoder = 'frozen/encoder/';
  const entries = Object.entries(flattenParameters(publishedSpec(network)));
  return Object.fromEntries(
    entries.map(([path, parameter]) => [
      path,
      path.startsWith(ofEncoder)
        ? encoder[path.slice(ofEncoder.length)]
        : decoder![inSam!.paths.get(parameter)!],
    ]),
  );
}

export interface LoadTriSiameseOptions extends Long {
  /** What adapters are drawn from, and a head that is not made of SAM's: one seed gives the same on every machine. */
  seed: number | string;
}

/**
 * The network with the weights of a SAM, as training starts: the encoder and the head from the file, adapters drawn so that
 * they add nothing (a normal, b zero). What is not used is not read: prompts, masks that are not made, and with features for
 * input all before the first adapted block. The decoder's epsilon is the head's configuration's: 1e-5 in the original.
 * @param weights  a whole SAM's, by the names of transformers or of the original
 * @returns tensors that are the caller's to free, kept by every scope
 * @throws InputError with every tensor by name that is missing, of no SAM of this form or of another shape, and nothing has been
 *   read then; Interrupted. No tensor stays behind.
 */
export async function loadTriSiamese(
  network: TriSiamese,
  weights: TensorSource,
  { seed, ...long }: LoadTriSiameseOptions,
): Promise<TriSiameseParameters> {
  const source = samSourceOf(weights);
  const { trained, frozen } = triSiameseSpec(network);
  const { inSam } = network.head;
  const ofDecoder = inSam
    ? [...Object.values(decoderNames(inSam.config, source)).map(({ name }) => name), ...decoderCopies]
    : namesOfPart(weights, source, 'decoder');
  const ofEncoder = Object.values(encoderNames(network.encoder, source)).map(({ name }) => name);
  const ignore = [...ofEncoder, ...ofDecoder];
  const names = triSiameseNames(network, source);
  const loaded = await loadWeights(publishedSpec(network), weights, names, { ignore, ...long });
  const random = new Random(seed);
  const head = inSam
    ? { trained: loaded.trained.head, frozen: loaded.frozen.head }
    : drawn({ trained: trained.head, frozen: frozen.head }, random.fork('head'));
  const adapters = drawn(trained.adapters, random.fork('adapters'));
  return {
    trained: { adapters, head: head.trained },
    frozen: { encoder: loaded.frozen.encoder, head: head.frozen },
  };
}
