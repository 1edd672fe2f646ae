// The `config.json` that `transformers` writes beside a SAM's weights. Fields that it leaves out have its own defaults.
import { z } from 'zod';
import { InputError } from '../../base/errors';
import type { ImageEncoderConfig, SamConfig } from './config';

const count = z.int().min(1);
const epsilon = z.number().positive();
/** A field that has one value here. */
const only = <T extends string | number | boolean>(value: T): z.ZodDefault<z.ZodLiteral<T>> =>
  z.literal(value).default(value as never);

const visionSchema = z.looseObject({
  hidden_size: count.default(768),
  output_channels: count.default(256),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(12),
  num_channels: count.default(3),
  image_size: count.default(1024),
  patch_size: count.default(16),
  hidden_act: only('gelu'),
  layer_norm_eps: epsilon.default(1e-6),
  attention_dropout: only(0),
  qkv_bias: z.boolean().default(true),
  mlp_ratio: z.number().positive().default(4),
  use_abs_pos: z.boolean().default(true),
  use_rel_pos: z.boolean().default(true),
  window_size: z.int().min(0).default(14),
  global_attn_indexes: z.array(z.int().min(0)).default([2, 5, 8, 11]),
  num_pos_feats: count.default(128),
  mlp_dim: count.nullish(),
  quantization_config: z.null().optional(),
});
type Vision = z.infer<typeof visionSchema>;

const promptSchema = z.looseObject({
  hidden_size: count.default(256),
  image_size: count.default(1024),
  patch_size: count.default(16),
  mask_input_channels: count.default(16),
  num_point_embeddings: only(4),
  hidden_act: only('gelu'),
  layer_norm_eps: epsilon.default(1e-6),
});

const decoderSchema = z.looseObject({
  hidden_size: count.default(256),
  hidden_act: only('relu'),
  mlp_dim: count.default(2048),
  num_hidden_layers: count.default(2),
  num_attention_heads: count.default(8),
  attention_downsample_rate: count.default(2),
  num_multimask_outputs: count.default(3),
  iou_head_depth: z.int().min(2).default(3),
  iou_head_hidden_dim: count.default(256),
  layer_norm_eps: epsilon.default(1e-6),
});

const modelSchema = z.looseObject({
  model_type: z.literal('sam'),
  vision_config: visionSchema.default(visionSchema.parse({})),
  prompt_encoder_config: promptSchema.default(promptSchema.parse({})),
  mask_decoder_config: decoderSchema.default(decoderSchema.parse({})),
  quantization_config: z.null().optional(),
});

const wrong = (given: string, expected: string): InputError =>
  new InputError({
    what: 'cannot use this configuration of transformers',
    given,
    expected,
    fix: 'give the config.json of a SAM (model_type sam), as transformers wrote it',
  });

function parsed<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue.path.map(String).join('.') || 'the top level';
  const value = issue.path.reduce<unknown>((node, key) => (node as Record<PropertyKey, unknown>)[key], json);
  throw wrong(`${at} = ${JSON.stringify(value)?.slice(0, 80)}`, `${at}: ${issue.message}`);
}

const divides = (what: string, of: number, by: number): void => {
  if (of % by !== 0) throw wrong(`${what}: ${of} and ${by}`, 'the second to divide the first');
};

function encoderOf(vision: Vision): ImageEncoderConfig {
  const depth = vision.num_hidden_layers;
  divides('image_size and patch_size', vision.image_size, vision.patch_size);
  divides('hidden_size and num_attention_heads', vision.hidden_size, vision.num_attention_heads);
  return {
    imageSize: vision.image_size,
    patchSize: vision.patch_size,
    channels: vision.num_channels,
    width: vision.hidden_size,
    depth,
    heads: vision.num_attention_heads,
    hidden: vision.mlp_dim ?? Math.trunc(vision.hidden_size * vision.mlp_ratio),
    window: vision.window_size,
    globalBlocks: vision.global_attn_indexes.filter((block) => block < depth),
    qkvBias: vision.qkv_bias,
    absolutePositions: vision.use_abs_pos,
    relativePositions: vision.use_rel_pos,
    epsilon: vision.layer_norm_eps,
    neck: vision.output_channels,
  };
}

/**
 * The image encoder of a configuration: of a whole SAM's `config.json`, or of its vision model's alone.
 * @param json  what JSON.parse gives
 * @throws InputError naming the field that is wrong, or asks for what is not computed here
 */
export function encoderFromTransformers(json: unknown): ImageEncoderConfig {
  const alone = z.looseObject({ model_type: z.literal('sam_vision_model') }).safeParse(json);
  if (alone.success) return encoderOf(parsed(visionSchema, json));
  return encoderOf(parsed(modelSchema, json).vision_config);
}

/**
 * A whole SAM from the `config.json` of `transformers`.
 * @param json  what JSON.parse gives
 * @throws InputError naming the field that is wrong, or asks for what is not computed here, or when the parts do not fit
 */
export function fromTransformers(json: unknown): SamConfig {
  const { vision_config: vision, prompt_encoder_config: prompts, mask_decoder_config: decoder } =
    parsed(modelSchema, json); // prettier-ignore
  const same = (names: string, ...values: number[]): void => {
    if (new Set(values).size > 1) throw wrong(`${names}: ${values.join(', ')}`, 'the same number');
  };
  same('image_size of vision_config and prompt_encoder_config', vision.image_size, prompts.image_size);
  same('patch_size of vision_config and prompt_encoder_config', vision.patch_size, prompts.patch_size);
  same(
    'output_channels of vision_config, hidden_size of prompt_encoder_config and mask_decoder_config, twice num_pos_feats',
    vision.output_channels,
    prompts.hidden_size,
    decoder.hidden_size,
    2 * vision.num_pos_feats,
  );
  divides('mask_input_channels and 4', prompts.mask_input_channels, 4);
  divides('hidden_size of mask_decoder_config and 8', decoder.hidden_size, 8);
  const heads = decoder.num_attention_heads * decoder.attention_downsample_rate;
  divides('hidden_size and num_attention_heads x attention_downsample_rate', decoder.hidden_size, heads);
  return {
    encoder: encoderOf(vision),
    prompts: {
      imageSize: prompts.image_size,
      patchSize: prompts.patch_size,
      width: prompts.hidden_size,
      maskChannels: prompts.mask_input_channels,
      frequencies: vision.num_pos_feats,
      epsilon: prompts.layer_norm_eps,
    },
    decoder: {
      width: decoder.hidden_size,
      depth: decoder.num_hidden_layers,
      heads: decoder.num_attention_heads,
      hidden: decoder.mlp_dim,
      downsample: decoder.attention_downsample_rate,
      masks: decoder.num_multimask_outputs,
      iouDepth: decoder.iou_head_depth,
      iouHidden: decoder.iou_head_hidden_dim,
      epsilon: decoder.layer_norm_eps,
    },
  };
}
