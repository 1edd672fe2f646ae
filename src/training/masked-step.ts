// The step that teaches an encoder to fill in what is hidden: its features of every patch, through one linear layer, are to be the
// patch's grey values. After training the layer is thrown away.
import { tf } from '../backends/tf';
import type { Optimiser, StepDefinition } from '../backends/training-step';
import type { ImageEncoderConfig } from '../models/sam/config';
import type { ImageEncoder } from '../models/sam/image-encoder';
import { imageEncoder, imageEncoderSpec } from '../models/sam/image-encoder';
import { linear, linearSpec } from '../nn/linear';
import type { TensorsOf } from '../nn/parameters';

type MaskedSpec = Record<'encoder', ReturnType<typeof imageEncoderSpec>> &
  Record<'head', ReturnType<typeof linearSpec>>;

/** Everything is trained. */
export const maskedSpec = (encoder: ImageEncoderConfig): MaskedSpec => ({
  encoder: imageEncoderSpec(encoder),
  head: linearSpec(encoder.neck, encoder.patchSize ** 2),
});
export interface MaskedParameters {
  trained: { encoder: ImageEncoder; head: TensorsOf<MaskedSpec['head']> };
  frozen: Record<string, never>;
}
/** As `maskedForm` has them. */
export type MaskedInputs = Readonly<Record<'seen' | 'patches' | 'hidden', tf.Tensor>>;

/** The loss is the mean squared error over the pixels of hidden patches; pictures have mean 0 and deviation 1. */
export const maskedStep = (
  name: string,
  config: ImageEncoderConfig,
  parameters: MaskedParameters,
  optimiser: Optimiser,
): StepDefinition<MaskedParameters, MaskedInputs> => ({
  name,
  parameters,
  optimiser,
  loss({ trained: { encoder, head } }, { seen, patches, hidden }) {
    const features = imageEncoder(encoder, seen, config); // [n, grid, grid, neck]
    const guess = linear(features, head); // [n, grid, grid, patch²]
    const error = tf.mean(tf.squaredDifference(guess, patches), -1); // [n, grid, grid]
    return tf.div(tf.sum(tf.mul(error, hidden)), tf.sum(hidden));
  },
});
