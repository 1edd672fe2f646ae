// What transformers calls the parameters of SAM 3's vision trunk (Sam3ViTModel, 5.23).
import { convolutionAsProduct, joinedLinear, linear, namesOf, norm, tensor } from '../../nn/layer-names';
import type { WeightNames } from '../../nn/weight-names';
import type { Sam3TrunkConfig } from './config';
import { sam3TrunkSpec } from './trunk';

/**
 * Where each parameter of the trunk lies among those of transformers.
 * @param prefix  what goes before their names: nothing in a Sam3ViTModel, `backbone.` in a Sam3VisionModel,
 *   `vision_encoder.backbone.` in a Sam3Model, `detector_model.vision_encoder.backbone.` in a Sam3VideoModel, which is published
 */
export function sam3TrunkNames(config: Sam3TrunkConfig, prefix = ''): WeightNames {
  const { patchSize, channels, width, depth, pretrainedSize } = config;
  const embeddings = `${prefix}embeddings`;
  const patches = [width, channels, patchSize, patchSize];
  return namesOf(sam3TrunkSpec(config), [
    convolutionAsProduct('patch', `${embeddings}.patch_embeddings.projection`, patches),
    tensor('position', `${embeddings}.position_embeddings`, [1, (pretrainedSize / patchSize) ** 2, width]),
    norm('norm', `${prefix}layer_norm`),
    ...Array.from({ length: depth }, (_, k) => {
      const [ours, theirs] = [`blocks/${k}`, `${prefix}layers.${k}`];
      return [
        norm(`${ours}/norm1`, `${theirs}.layer_norm1`),
        joinedLinear(
          `${ours}/qkv`,
          ['q', 'k', 'v'].map((part) => `${theirs}.attention.${part}_proj`),
        ),
        linear(`${ours}/projection`, `${theirs}.attention.o_proj`),
        norm(`${ours}/norm2`, `${theirs}.layer_norm2`),
        linear(`${ours}/perceptron/up`, `${theirs}.mlp.fc1`),
        linear(`${ours}/perceptron/down`, `${theirs}.mlp.fc2`),
      ];
    }).flat(),
  ]);
}
