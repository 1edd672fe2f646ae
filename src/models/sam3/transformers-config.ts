// The `config.json` that `transformers` writes beside SAM 3's weights. Fields that it leaves out have its own defaults.
import { z } from 'zod';
import { InputError } from '../../base/errors';
import { type Sam3TrunkConfig, sam3Trunk1008 } from './config';

const published = sam3Trunk1008;
const count = (otherwise: number): z.ZodDefault<z.ZodInt> => z.int().min(1).default(otherwise);

/** Of rotations only those along the axes of a grid are computed. */
const rotarySchema = z.looseObject({
  rope_type: z.literal('axial').optional(),
  rope_theta: z.number().positive().optional(),
});

const trunkSchema = z.looseObject({
  model_type: z.literal('sam3_vit_model').optional(),
  hidden_size: count(published.width),
  intermediate_size: count(published.hidden),
  num_hidden_layers: count(published.depth),
  num_attention_heads: count(published.heads),
  num_channels: count(published.channels),
  image_size: count(published.imageSize),
  patch_size: count(published.patchSize),
  pretrain_image_size: count(published.pretrainedSize),
  window_size: count(published.window),
  global_attn_indexes: z.array(z.int()).nullish(),
  layer_norm_eps: z.number().positive().default(published.epsilon),
  hidden_act: z.literal('gelu').optional(),
  hidden_dropout: z.literal(0).optional(),
  attention_dropout: z.literal(0).optional(),
  layer_scale_init_value: z.null().optional(),
  quantization_config: z.null().optional(),
  rope_parameters: rotarySchema.nullish(),
  rope_theta: z.number().positive().optional(),
});

/** Where the trunk's part lies, by the kind of model that the file is of. */
const ways: Readonly<Record<string, readonly string[]>> = {
  sam3_vit_model: [],
  sam3_vision_model: ['backbone_config'],
  sam3: ['vision_config', 'backbone_config'],
  sam3_tracker: ['vision_config', 'backbone_config'],
  sam3_tracker_video: ['vision_config', 'backbone_config'],
  sam3_video: ['detector_config', 'vision_config', 'backbone_config'],
};

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? 'nothing';

const wrong = (given: string, expected: string): InputError =>
  new InputError({
    what: 'cannot use this configuration of transformers',
    given,
    expected,
    fix: 'give the config.json of a SAM 3, of its vision model or of its trunk, as transformers wrote it',
  });

function objectAt(json: unknown, where: string): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw wrong(`${where} = ${shown(json)}`, 'an object');
  return json as Record<string, unknown>;
}

/**
 * SAM 3's vision trunk from the `config.json` of `transformers`: of a whole model, of its vision model or of the trunk.
 * @param json  what JSON.parse gives
 * @throws InputError naming the field that is wrong, or asks for what is not computed here (dropout, rectangles, layer scale)
 */
export function sam3TrunkFromTransformers(json: unknown): Sam3TrunkConfig {
  let inner = objectAt(json, 'the file');
  const kind = inner.model_type;
  if (typeof kind !== 'string' || !Object.hasOwn(ways, kind))
    throw wrong(`model_type = ${shown(kind)}`, Object.keys(ways).join(', '));
  for (const field of ways[kind]) {
    if ((inner.quantization_config ?? null) !== null)
      throw wrong(
        `quantization_config = ${shown(inner.quantization_config)}`,
        'weights that are not quantized',
      );
    inner = objectAt(inner[field] ?? {}, field);
  }
  const read = trunkSchema.safeParse(inner);
  if (!read.success) {
    const [{ path, message }] = read.error.issues;
    const value = path.reduce<unknown>((node, key) => (node as Record<PropertyKey, unknown>)[key], inner);
    const field = [...ways[kind], ...path].map(String).join('.');
    throw wrong(`${field} = ${shown(value)}`, `${field}: ${message}`);
  }
  return checked(read.data);
}

function checked(trunk: z.infer<typeof trunkSchema>): Sam3TrunkConfig {
  const divides = (what: string, by: number, of: number): void => {
    if (of % by !== 0) throw wrong(`${what} ${of}`, `a multiple of ${by}`);
  };
  divides('image_size', trunk.patch_size, trunk.image_size);
  divides('pretrain_image_size', trunk.patch_size, trunk.pretrain_image_size);
  divides('hidden_size', 4 * trunk.num_attention_heads, trunk.hidden_size);
  // transformers lets a block that is not there pass.
  const globalBlocks = trunk.global_attn_indexes ?? published.globalBlocks;
  return {
    imageSize: trunk.image_size,
    patchSize: trunk.patch_size,
    channels: trunk.num_channels,
    width: trunk.hidden_size,
    depth: trunk.num_hidden_layers,
    heads: trunk.num_attention_heads,
    hidden: trunk.intermediate_size,
    window: trunk.window_size,
    globalBlocks: globalBlocks.filter((block) => block >= 0 && block < trunk.num_hidden_layers),
    pretrainedSize: trunk.pretrain_image_size,
    rotaryBase: trunk.rope_parameters?.rope_theta ?? trunk.rope_theta ?? published.rotaryBase,
    epsilon: trunk.layer_norm_eps,
  };
}
