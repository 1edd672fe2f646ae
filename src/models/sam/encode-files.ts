// The image encoder on files: configuration, weights and images in, features out.
import { chooseBackend } from '../../backends/choose';
import { tf } from '../../backends/tf';
import { flattenTree } from '../../backends/training-step';
import { requireFolderOf } from '../../base/files';
import type { Long } from '../../base/progress';
import { writeNpy } from '../../nn/npy';
import { countParameters } from '../../nn/parameters';
import { openSafetensors } from '../../nn/safetensors';
import type { SamSource } from './encoder-names';
import { imageEncoder, imageEncoderSpec } from './image-encoder';
import { imageByImage, ofImage, readConfig, readImages } from './image-files';
import { loadImageEncoder, samSourceOf } from './load';
import { encoderFromTransformers } from './transformers-config';

export interface EncodeFiles {
  /** A `config.json` of transformers. */
  config: string;
  /** Safetensors. */
  weights: string;
  /** Images, .npy: [batch, channels, size, size]. */
  input: string;
  /** Where the features go, .npy: [batch, neck, grid, grid]. */
  output: string;
  /** Images and features have their channels last. */
  channelsLast?: boolean;
}

export interface Encoded {
  output: string;
  /** Shape of the features. */
  features: number[];
  /** Whose names the weights have. */
  source: SamSource;
  /** Of the image encoder. */
  parameters: number;
  /** What computed. */
  backend: string;
  /** Of the encoder itself, all images. */
  seconds: number;
}

/**
 * Encode images, one after another.
 * @throws InputError for files that are missing, broken or do not fit each other, before anything is computed; Interrupted
 */
export async function encodeFiles(files: EncodeFiles, long: Long = {}): Promise<Encoded> {
  const config = encoderFromTransformers(readConfig(files.config));
  const { imageSize, channels } = config;
  const channelsLast = files.channelsLast ?? false;
  const images = await readImages(files.input, { side: imageSize, channels }, channelsLast);
  requireFolderOf(files.output);
  const weights = await openSafetensors(files.weights, long);
  try {
    const source = samSourceOf(weights);
    const backend = await chooseBackend(long);
    const encoder = await loadImageEncoder(config, weights, long);
    const began = performance.now();
    const encode = (k: number): { features: tf.Tensor } => {
      const image = ofImage(images, k);
      if (channelsLast) return { features: imageEncoder(encoder, image, config) };
      const features = imageEncoder(encoder, tf.transpose(image, [0, 2, 3, 1]), config);
      return { features: tf.transpose(features, [0, 3, 1, 2]) };
    };
    const { features } = await imageByImage(backend, images.shape[0], 'encode', encode, long).finally(() =>
      tf.dispose(Object.values(flattenTree(encoder))),
    );
    const seconds = (performance.now() - began) / 1000;
    await writeNpy(files.output, features);
    return {
      output: files.output,
      features: features.shape,
      source,
      parameters: countParameters(imageEncoderSpec(config)),
      backend: `${backend.name} on ${backend.device}`,
      seconds,
    };
  } finally {
    await weights.close();
  }
}
