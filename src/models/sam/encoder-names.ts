// What the image encoder's tensors are called in `transformers` (SamModel, SamVisionModel) and in the original checkpoints.
import type { Names } from '../../nn/layer-names';
import { convolution, convolutionAsProduct, linear, namesOf, norm, tensor } from '../../nn/layer-names';
import type { Theirs } from '../../nn/weight-names';
import type { ImageEncoderConfig } from './config';
import { gridOf } from './config';
import { imageEncoderSpec } from './image-encoder';

/** Whose names. */
export type SamSource = 'transformers' | 'original';

/** The one of two names that a source has. */
export type Either = (transformers: string, original: string) => string;
export const eitherOf =
  (source: SamSource): Either =>
  (transformers, original) =>
    source === 'transformers' ? transformers : original;

function blockNames(ours: string, theirs: string, either: Either): Names[] {
  const normOf = (k: number): string => `${theirs}.${either('layer_norm', 'norm')}${k}`;
  return [
    norm(`${ours}/norm1`, normOf(1)),
    linear(`${ours}/qkv`, `${theirs}.attn.qkv`),
    tensor(`${ours}/relative/rows`, `${theirs}.attn.rel_pos_h`),
    tensor(`${ours}/relative/columns`, `${theirs}.attn.rel_pos_w`),
    linear(`${ours}/projection`, `${theirs}.attn.proj`),
    norm(`${ours}/norm2`, normOf(2)),
    linear(`${ours}/perceptron/up`, `${theirs}.mlp.lin1`),
    linear(`${ours}/perceptron/down`, `${theirs}.mlp.lin2`),
  ];
}

/** Where every parameter of `imageEncoderSpec` lies among the tensors of a source, by our path. @param source  whose names */
export function encoderNames(config: ImageEncoderConfig, source: SamSource): Record<string, Theirs> {
  const { patchSize, channels, width, depth, neck } = config;
  const either = eitherOf(source);
  const grid = gridOf(config);
  const theirs = either('vision_encoder', 'image_encoder');
  const blocks = `${theirs}.${either('layers', 'blocks')}`;
  return namesOf(imageEncoderSpec(config), [
    convolutionAsProduct('embed', `${theirs}.patch_embed.${either('projection', 'proj')}`, [
      width,
      channels,
      patchSize,
      patchSize,
    ]),
    tensor('position', `${theirs}.pos_embed`, [1, grid, grid, width]),
    ...Array.from({ length: depth }, (_, k) => blockNames(`blocks/${k}`, `${blocks}.${k}`, either)).flat(),
    convolutionAsProduct('neck/project', `${theirs}.neck.${either('conv1', '0')}`, [neck, width, 1, 1]),
    norm('neck/norm1', `${theirs}.neck.${either('layer_norm1', '1')}`),
    convolution('neck/convolve', `${theirs}.neck.${either('conv2', '2')}`),
    norm('neck/norm2', `${theirs}.neck.${either('layer_norm2', '3')}`),
  ]);
}
