// A whole SAM on files: configuration, weights, images (or their features) and prompts in, masks out.
import type { Backend } from '../../backends/backend';
import { chooseBackend } from '../../backends/choose';
import { tf } from '../../backends/tf';
import { flattenTree } from '../../backends/training-step';
import { InputError } from '../../base/errors';
import { requireFolderOf } from '../../base/files';
import type { Long } from '../../base/progress';
import { type NpyArray, readNpy, writeNpy } from '../../nn/npy';
import { openSafetensors } from '../../nn/safetensors';
import type { TensorSource } from '../../nn/tensor-source';
import { gridOf, type SamConfig } from './config';
import type { SamSource } from './encoder-names';
import { imageEncoder } from './image-encoder';
import { imageByImage, ofImage, readConfig, readImages } from './image-files';
import { loadDecoder, loadImageEncoder, samSourceOf } from './load';
import { pointLabels, type Prompts } from './prompt-encoder';
import { checkPromptShapes, shapesOf } from './prompt-shapes';
import { decodeMasks } from './sam';
import { fromTransformers } from './transformers-config';

export interface MaskFiles {
  /** A `config.json` of transformers. */
  config: string;
  /** Safetensors. */
  weights: string;
  /** Images, .npy: [batch, channels, size, size]. This or `features`. */
  input?: string;
  /** What the image encoder made of images, .npy: [batch, neck, grid, grid]. */
  features?: string;
  /** .npy: [batch, prompts, points, 2], x and y in pixels of the model's input. */
  points?: string;
  /** .npy: [batch, prompts, points], values of `pointLabels`. */
  labels?: string;
  /** .npy: [batch, prompts, 4]. */
  boxes?: string;
  /** .npy: [batch, prompts or 1, 4 grid, 4 grid], logits of earlier masks. */
  masks?: string;
  /** One mask for each prompt and not several. */
  one?: boolean;
  /** Where the masks go, .npy: [batch, prompts, masks, 4 grid, 4 grid]. */
  output: string;
  /** Where the expected intersection over union goes, .npy: [batch, prompts, masks]. */
  quality?: string;
  /** Images, features and masks have their channels last. */
  channelsLast?: boolean;
}

export interface Masked {
  output: string;
  quality: string | null;
  /** Shape of the masks. */
  masks: number[];
  /** Whose names the weights have. */
  source: SamSource;
  /** What computed. */
  backend: string;
  /** Of the model itself, all images. */
  seconds: number;
}

const promptNames = ['points', 'labels', 'boxes', 'masks'] as const;
type PromptArrays = Partial<Record<(typeof promptNames)[number], NpyArray>>;

/**
 * PyTorch's own default, which the original's layer norms between tokens and image have; transformers' configuration has 1e-6
 * for them, also where its weights are the original's.
 */
const originalEpsilon = 1e-5;

const cannot = (given: string, expected: string, fix: string): InputError =>
  new InputError({ what: 'cannot make masks', given, expected, fix });

/**
 * Masks of images, one image after another.
 * @throws InputError for files that are missing, broken or do not fit each other; Interrupted
 */
export async function maskFiles(files: MaskFiles, long: Long = {}): Promise<Masked> {
  const written = fromTransformers(readConfig(files.config));
  const given = await readInputs(files, written);
  for (const file of [files.output, files.quality]) if (file) requireFolderOf(file);
  const weights = await openSafetensors(files.weights, long);
  try {
    const source = samSourceOf(weights);
    const config =
      source === 'original'
        ? { ...written, decoder: { ...written.decoder, epsilon: originalEpsilon } }
        : written;
    const backend = await chooseBackend(long);
    const began = performance.now();
    const made = await masksOf(backend, given, files, config, weights, long);
    const seconds = (performance.now() - began) / 1000;
    await writeNpy(files.output, made.masks);
    if (files.quality) await writeNpy(files.quality, made.quality);
    return {
      output: files.output,
      quality: files.quality ?? null,
      masks: made.masks.shape,
      source,
      backend: `${backend.name} on ${backend.device}`,
      seconds,
    };
  } finally {
    await weights.close();
  }
}

interface Inputs {
  images: NpyArray;
  prompts: PromptArrays;
}

/** @throws InputError unless there is one kind of images, and all arrays fit the model and each other's batch */
async function readInputs(files: MaskFiles, config: SamConfig): Promise<Inputs> {
  const { input, features, channelsLast } = files;
  const file = input ?? features;
  if (file === undefined || (input !== undefined && features !== undefined))
    throw cannot(
      file === undefined ? 'neither images nor features' : 'images and features',
      'one of them',
      'give --input or --features',
    );
  const { imageSize, channels, neck } = config.encoder;
  const axes =
    input === undefined ? { side: gridOf(config.encoder), channels: neck } : { side: imageSize, channels };
  const images = await readImages(file, axes, channelsLast ?? false);
  const prompts: PromptArrays = {};
  for (const name of promptNames) {
    const from = files[name];
    if (from === undefined) continue;
    const array = await readNpy(from);
    if (array.shape[0] !== images.shape[0])
      throw cannot(
        `${name} of [${array.shape.join(', ')}] with ${images.shape[0]} images`,
        'as many on the first axis',
        'give every image its prompts: [batch, prompts, ...]',
      );
    const wild = array.values.find((value) => !Number.isFinite(value));
    if (wild !== undefined) throw cannot(`${wild} among the ${name}`, 'numbers', 'leave out what is none');
    prompts[name] = array;
  }
  const known: readonly number[] = Object.values(pointLabels);
  const other = prompts.labels?.values.find((label) => !known.includes(label));
  if (other !== undefined)
    throw cannot(
      `a label ${other}`,
      Object.entries(pointLabels).map(([name, label]) => `${label} (${name})`).join(', '), // prettier-ignore
      'label every point',
    );
  checkPromptShapes(shapesOf(prompts), images.shape[0], gridOf(config.prompts));
  return { images, prompts };
}

async function masksOf(
  backend: Backend,
  { images, prompts }: Inputs,
  { features, one, channelsLast }: MaskFiles,
  config: SamConfig,
  weights: TensorSource,
  long: Long,
): Promise<{ masks: NpyArray; quality: NpyArray }> {
  const decoder = await loadDecoder(config, weights, long);
  const held = Object.values(flattenTree(decoder));
  try {
    const encoder =
      features === undefined ? await loadImageEncoder(config.encoder, weights, long) : undefined;
    if (encoder) held.push(...Object.values(flattenTree(encoder)));
    const run = (k: number): { masks: tf.Tensor; quality: tf.Tensor } => {
      const given = ofImage(images, k);
      const image = channelsLast ? given : tf.transpose(given, [0, 2, 3, 1]);
      const embedding = encoder ? imageEncoder(encoder, image, config.encoder) : image;
      const own = Object.entries(prompts).map(([name, array]) => [name, ofImage(array, k)]);
      const asked = Object.fromEntries(own) as Prompts;
      const { masks, quality } = decodeMasks(decoder, embedding, asked, config, { several: !one });
      if (channelsLast) return { masks, quality };
      const [, count, height, width, each] = masks.shape;
      const turned = tf.transpose(tf.reshape(masks, [count, height, width, each]), [0, 3, 1, 2]);
      return { masks: tf.reshape(turned, [1, count, each, height, width]), quality };
    };
    return await imageByImage(backend, images.shape[0], 'masks', run, long);
  } finally {
    tf.dispose(held);
  }
}
