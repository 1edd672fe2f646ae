// Parameters of the study's network of three planes with SAM ViT-H, read off the trees that it computes with: nothing is
// allocated, but TensorFlow.js is loaded with them, so import this file lazily.
import { models } from '../models/registry';
import { imageEncoderSpec } from '../models/sam/image-encoder';
import { samSpec } from '../models/sam/sam';
import { samHead } from '../models/sam-head';
import { triSiameseSpec } from '../models/tri-siamese';
import { countParameters } from '../nn/parameters';

/** What the network of three planes has: everything, and what of it is trained. */
export interface NetworkParts {
  all: number;
  trained: number;
  adapters: number;
  /** What SAM has and the network does not: nobody prompts it, and it makes one mask. */
  leftOut: number;
}

/** Count it. @param rank  of the adapters, on every block. Frequencies of positions are not trained and left out. */
export function networkParts(rank: number): NetworkParts {
  const { config } = models['sam-vit-h'];
  const head = samHead(config);
  const lora = { rank, alpha: rank, first: 0 };
  const { trained, frozen } = triSiameseSpec({ encoder: config.encoder, lora, head, input: 'images' });
  const { imageEncoder, positions, ...others } = samSpec(config);
  const ofHead = countParameters(head.trained) + countParameters(head.frozen) - countParameters(positions);
  const whole = countParameters({ ...others, imageEncoder });
  return {
    all: countParameters(trained) + countParameters(frozen) - countParameters(positions),
    trained: countParameters(trained),
    adapters: countParameters(trained.adapters),
    leftOut: whole - countParameters(imageEncoderSpec(config.encoder)) - ofHead,
  };
}
