// The config.json of transformers: what it leaves out, what it may not ask for, and parts that do not fit.
import { describe, expect, it } from 'vitest';
import { models } from '../../src/models/registry';
import { encoderFromTransformers, fromTransformers } from '../../src/models/sam/transformers-config';

/** facebook/sam-vit-huge, the fields that decide; `dropout` and `projection_dim` are of no use to transformers either. */
const huge = {
  model_type: 'sam',
  architectures: ['SamModel'],
  vision_config: {
    hidden_size: 1280,
    num_hidden_layers: 32,
    num_attention_heads: 16,
    global_attn_indexes: [7, 15, 23, 31],
    mlp_dim: 5120,
    dropout: 0,
    projection_dim: 512,
  },
};
const vision = (own: object): object => ({ model_type: 'sam_vision_model', ...own });
const inVision = (own: object): object => ({ model_type: 'sam', vision_config: own });

describe("transformers' config.json", () => {
  it('of ViT-H is the row of the registry, but for the decoder’s norms, which transformers changed', () => {
    const { config } = models['sam-vit-h'];
    expect(fromTransformers(huge)).toEqual({ ...config, decoder: { ...config.decoder, epsilon: 1e-6 } });
  });

  it('leaves out what is its default, which is ViT-B', () => {
    expect(fromTransformers({ model_type: 'sam' }).encoder).toEqual(models['sam-vit-b'].config.encoder);
    expect(encoderFromTransformers(vision({}))).toEqual(models['sam-vit-b'].config.encoder);
  });

  it('gives the width of perceptrons as a number or as a ratio', () => {
    expect(encoderFromTransformers(vision({ hidden_size: 24, mlp_ratio: 2.3 })).hidden).toBe(55);
    expect(encoderFromTransformers(vision({ mlp_dim: 100 })).hidden).toBe(100);
    expect(encoderFromTransformers(vision({ mlp_dim: null })).hidden).toBe(3072);
  });

  it.each([
    ['another model', { model_type: 'sam_hq' }, /model_type = "sam_hq"/],
    ['no object', 3, /the top level = 3/],
    [
      'another activation',
      inVision({ hidden_act: 'quick_gelu' }),
      /vision_config\.hidden_act = "quick_gelu"/,
    ],
    ['dropout', inVision({ attention_dropout: 0.1 }), /vision_config\.attention_dropout = 0\.1/],
    ['oblong images', inVision({ image_size: [1024, 512] }), /vision_config\.image_size = \[1024,512\]/],
    ['heads that do not divide', inVision({ num_attention_heads: 7 }), /num_attention_heads: 768 and 7/],
    ['numbers of fewer bits', { model_type: 'sam', quantization_config: {} }, /quantization_config = \{\}/],
    ['parts of two sizes', inVision({ image_size: 512 }), /image_size of vision_config.*: 512, 1024/],
    ['a neck of another width', inVision({ output_channels: 128 }), /output_channels.*: 128, 256/],
  ])('with %s is refused by name', (_, json, message) => {
    expect(() => fromTransformers(json)).toThrow(message);
  });

  it('of an encoder alone is held to the same', () => {
    const read = (own: object) => (): unknown => encoderFromTransformers(vision(own));
    expect(read({ image_size: 1000 })).toThrow(/image_size and patch_size: 1000 and 16/);
    expect(read({ hidden_act: 'relu' })).toThrow(/hidden_act = "relu"/);
    expect(() => encoderFromTransformers({})).toThrow(/model_type = undefined/);
  });
});
