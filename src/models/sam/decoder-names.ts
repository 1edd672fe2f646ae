// What the tensors of the prompt encoder and the mask decoder are called in `transformers` and in the original checkpoints.
import type { Names } from '../../nn/layer-names';
import { convolution, linear, namesOf, norm, tensor, transposedConvolution } from '../../nn/layer-names';
import type { Theirs } from '../../nn/weight-names';
import type { MaskDecoderConfig } from './config';
import type { Either, SamSource } from './encoder-names';
import { eitherOf } from './encoder-names';
import type { DecoderConfig } from './sam';
import { decoderSpec } from './sam';

/** The frequencies of the positions, and the prompt encoder. */
function promptNames(either: Either): Names[] {
  const [ours, theirs] = ['promptEncoder', 'prompt_encoder'];
  const frequencies = either(
    'shared_image_embedding.positional_embedding',
    'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix',
  );
  const points = `${theirs}.${either('point_embed', 'point_embeddings')}`;
  const mask = (there: string, original: number): string =>
    `${theirs}.${either(`mask_embed.${there}`, `mask_downscaling.${original}`)}`;
  return [
    tensor('positions', frequencies),
    ...['background', 'foreground', 'topLeft', 'bottomRight'].map((point, k) =>
      tensor(`${ours}/points/${point}`, `${points}.${k}.weight`),
    ),
    tensor(`${ours}/notAPoint`, `${theirs}.not_a_point_embed.weight`),
    tensor(`${ours}/noMask`, `${theirs}.no_mask_embed.weight`),
    ...[0, 1, 2].map((k) => convolution(`${ours}/mask/convolutions/${k}`, mask(`conv${k + 1}`, 3 * k))),
    ...[0, 1].map((k) => norm(`${ours}/mask/norms/${k}`, mask(`layer_norm${k + 1}`, 3 * k + 1))),
  ];
}

const attention = (ours: string, theirs: string): Names[] => [
  linear(`${ours}/query`, `${theirs}.q_proj`),
  linear(`${ours}/key`, `${theirs}.k_proj`),
  linear(`${ours}/value`, `${theirs}.v_proj`),
  linear(`${ours}/out`, `${theirs}.out_proj`),
];

function blockNames(ours: string, theirs: string, either: Either): Names[] {
  const normOf = (k: number): string => `${theirs}.${either('layer_norm', 'norm')}${k}`;
  return [
    ...attention(`${ours}/among`, `${theirs}.self_attn`),
    ...attention(`${ours}/toImage`, `${theirs}.cross_attn_token_to_image`),
    ...attention(`${ours}/toTokens`, `${theirs}.cross_attn_image_to_token`),
    linear(`${ours}/perceptron/0`, `${theirs}.mlp.lin1`),
    linear(`${ours}/perceptron/1`, `${theirs}.mlp.lin2`),
    norm(`${ours}/norms/among`, normOf(1)),
    norm(`${ours}/norms/toImage`, normOf(2)),
    norm(`${ours}/norms/perceptron`, normOf(3)),
    norm(`${ours}/norms/toTokens`, normOf(4)),
  ];
}

/** A perceptron of `depth` layers: the original counts all, `transformers` those between the first and the last. */
const perceptron = (ours: string, theirs: string, depth: number, either: Either): Names[] =>
  Array.from({ length: depth }, (_, k) => {
    const there = k === 0 ? 'proj_in' : k === depth - 1 ? 'proj_out' : `layers.${k - 1}`;
    return linear(`${ours}/${k}`, `${theirs}.${either(there, `layers.${k}`)}`);
  });

function maskDecoderNames({ depth, masks, iouDepth }: MaskDecoderConfig, either: Either): Names[] {
  const [ours, theirs] = ['maskDecoder', 'mask_decoder'];
  const [transformer, theirTransformer] = [`${ours}/transformer`, `${theirs}.transformer`];
  const upscaling = (there: string, original: number): string =>
    `${theirs}.${either(there, `output_upscaling.${original}`)}`;
  return [
    tensor(`${ours}/tokens/quality`, `${theirs}.iou_token.weight`),
    tensor(`${ours}/tokens/masks`, `${theirs}.mask_tokens.weight`),
    ...Array.from({ length: depth }, (_, k) =>
      blockNames(`${transformer}/blocks/${k}`, `${theirTransformer}.layers.${k}`, either),
    ).flat(),
    ...attention(`${transformer}/toImage`, `${theirTransformer}.final_attn_token_to_image`),
    norm(`${transformer}/norm`, `${theirTransformer}.${either('layer_norm', 'norm')}_final_attn`),
    transposedConvolution(`${ours}/upscaling/first`, upscaling('upscale_conv1', 0)),
    norm(`${ours}/upscaling/norm`, upscaling('upscale_layer_norm', 1)),
    transposedConvolution(`${ours}/upscaling/second`, upscaling('upscale_conv2', 3)),
    ...Array.from({ length: masks + 1 }, (_, k) =>
      perceptron(`${ours}/hypernetworks/${k}`, `${theirs}.output_hypernetworks_mlps.${k}`, 3, either),
    ).flat(),
    ...perceptron(`${ours}/quality`, `${theirs}.iou_prediction_head`, iouDepth, either),
  ];
}

/** Second copies that `transformers` may write: `prompt_encoder` has the frequencies, too. */
export const decoderCopies: readonly string[] = ['prompt_encoder.shared_embedding.positional_embedding'];

/** Where every parameter of `decoderSpec` lies among the tensors of a source, by our path. @param source  whose names */
export function decoderNames(config: DecoderConfig, source: SamSource): Record<string, Theirs> {
  const either = eitherOf(source);
  return namesOf(decoderSpec(config), [...promptNames(either), ...maskDecoderNames(config.decoder, either)]);
}
