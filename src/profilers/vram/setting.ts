// What decides how much memory a training step of the study's network needs: its model and pictures, its numbers, what is
// trained, and how the gradient is found.
import { InputError } from '../../base/errors';
import type { Policy } from '../../memory/policy';
import type { ModelName } from '../../models/registry';
import { models } from '../../models/registry';

/** How numbers are stored: `amp` computes products in 16 bits and keeps the rest in 32, `bf16` keeps all in 16. */
export const settingPrecisions = ['fp32', 'amp', 'bf16'] as const;
/**
 * PyTorch's attention: the map of N x N numbers made and kept; `scaled_dot_product_attention` with SAM's positions as a dense
 * bias, which keeps the bias; positions added inside a kernel, which keeps neither.
 */
export const settingAttentions = ['materialised', 'sdpa-dense-bias', 'fused'] as const;
export const settingOptimisers = ['adam', 'sgd'] as const;

/** What is trained: adapters from a block on and the decoder; everything; the decoder alone. */
export type Trained =
  | { readonly kind: 'lora'; readonly rank: number; readonly first: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'decoder' };

/** One training step. */
export interface Setting {
  readonly model: ModelName;
  /** Pixels along each side of the square pictures. */
  readonly size: number;
  /** Planes through one voxel. */
  readonly views: 1 | 2 | 3;
  /** Samples of so many planes each. */
  readonly batch: number;
  readonly precision: (typeof settingPrecisions)[number];
  readonly trained: Trained;
  readonly optimiser: (typeof settingOptimisers)[number];
  readonly policy: Policy;
  /** PyTorch only; where left out, what the model's own code has: materialised for SAM, fused for SAM 3. */
  readonly attention?: (typeof settingAttentions)[number];
}

/**
 * The study's step as it is where nothing else is asked for: three planes of one voxel, of the size that the model was made for, float32,
 * adapters of rank 4 in all blocks and the decoder, Adam, the plain tape.
 */
export const studySetting = (model: ModelName): Setting => ({
  model,
  size: encoderOf(model).imageSize,
  views: 3,
  batch: 1,
  precision: 'fp32',
  trained: { kind: 'lora', rank: 4, first: 0 },
  optimiser: 'adam',
  policy: [],
});

function encoderOf(
  model: ModelName,
): Readonly<Record<'imageSize' | 'patchSize' | 'width' | 'depth', number>> {
  const { config } = models[model];
  return 'encoder' in config ? config.encoder : config;
}

/** A setting of any batch. */
export type BatchlessSetting = Omit<Setting, 'batch'>;

const wrong = (what: string, given: string, expected: string, fix: string): InputError =>
  new InputError({ what: `cannot count the memory of ${what}`, given, expected, fix });

/** @throws InputError for a size, views, batch, rank, block or decoder that there is not */
export function checkSetting({ model, size, views, batch, trained }: Setting): void {
  if (!Object.hasOwn(models, model))
    throw wrong('a step', `the model ${model}`, Object.keys(models).join(', '), 'name one of these');
  const { title } = models[model];
  const { imageSize, patchSize, width, depth } = encoderOf(model);
  const whole = (value: number, least: number, most = Infinity): boolean =>
    Number.isInteger(value) && value >= least && value <= most;
  if (!whole(size, patchSize) || size % patchSize !== 0)
    throw wrong(
      title,
      `pictures of ${size} pixels`,
      `a multiple of ${patchSize}, the size of its patches`,
      `for example ${imageSize}`,
    );
  if (!whole(views, 1, 3)) throw wrong(title, `${views} views`, '1, 2 or 3', 'name one of these');
  if (!whole(batch, 1)) throw wrong(title, `a batch of ${batch}`, 'a whole number from 1 on', 'begin with 1');
  if (trained.kind === 'decoder' && models[model].family === 'sam3')
    throw wrong(
      title,
      'the decoder alone to train',
      'adapters or all weights: it has none',
      'train adapters',
    );
  if (trained.kind !== 'lora') return;
  if (!whole(trained.rank, 1, width))
    throw wrong(
      title,
      `adapters of rank ${trained.rank}`,
      `a whole number from 1 to ${width}`,
      'SAMed has rank 4',
    );
  if (!whole(trained.first, 0, depth - 1))
    throw wrong(
      title,
      `adapters from block ${trained.first} on`,
      `a block from 0 to ${depth - 1}`,
      'to adapt no block, train the decoder alone',
    );
}

/** @throws InputError for what TensorFlow.js or our code on it does not have, saying why */
export function checkTfjsSetting({ precision, attention }: BatchlessSetting): void {
  const refuse = (given: string, expected: string, fix: string): never => {
    throw new InputError({ what: 'cannot run the step on TensorFlow.js', given, expected, fix });
  };
  if (precision !== 'fp32')
    refuse(
      `the precision ${precision}`,
      'fp32: TensorFlow.js has no tensors of 16 bits, so neither mixed precision nor bf16',
      'take fp32, or the stack pytorch for this precision',
    );
  if (attention !== undefined)
    refuse(
      `the attention kernel ${attention}`,
      "none: these are PyTorch's",
      'leave it out; the policy `chunked` keeps no map of attention',
    );
}

/** What a reader of a setting's memory must know of its model. */
export const modelNotes = (model: ModelName): string[] =>
  models[model].family === 'sam3' ? ['the vision trunk alone, with a gradient for each feature'] : [];
