"""Fills a folder with what `coc sam masks` needs and what it must give, from transformers' SAM or the original's.

    python test/models/sam_masks_peer.py FOLDER

Random weights, noise in all that starts at zero; a grid that is no multiple of the window; a batch of 2, 2 prompts each.
Written: config.json, transformers.safetensors, original.safetensors, arrays of inputs and prompts (.npy), and for every case
SOURCE-CASE.masks.npy and SOURCE-CASE.quality.npy.
"""
import os
import sys

import numpy as np
import torch
from safetensors.torch import save_file

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'oracles'))
import original_sam  # noqa: E402,F401
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer  # noqa: E402
from transformers import SamConfig, SamModel  # noqa: E402

folder = sys.argv[1]
torch.manual_seed(7)
WIDTH, GRID, PATCH, WINDOW = 64, 5, 8, 3
SIZE = GRID * PATCH
HEADS, HIDDEN, DEPTH, BLOCKS = 4, 96, 2, 3
BATCH, PROMPTS, POINTS = 2, 2, 3
CASES = {
    'none': [],
    'points': ['points'],
    'boxes': ['boxes'],
    'points-boxes': ['points', 'boxes'],
    'masks': ['masks'],
    'all': ['points', 'boxes', 'masks'],
}

config = SamConfig(
    vision_config={
        'hidden_size': 48, 'output_channels': WIDTH, 'num_hidden_layers': BLOCKS, 'num_attention_heads': 3,
        'image_size': SIZE, 'patch_size': PATCH, 'window_size': WINDOW, 'global_attn_indexes': [1],
        'num_pos_feats': WIDTH // 2, 'mlp_dim': 80,
    },
    prompt_encoder_config={
        'hidden_size': WIDTH, 'image_size': SIZE, 'patch_size': PATCH, 'mask_input_channels': 16,
    },
    mask_decoder_config={
        'hidden_size': WIDTH, 'mlp_dim': HIDDEN, 'num_attention_heads': HEADS, 'num_hidden_layers': DEPTH,
        'num_multimask_outputs': 3, 'iou_head_depth': 3, 'iou_head_hidden_dim': 40, 'layer_norm_eps': 1e-5,
    },
)  # fmt: skip
hf = SamModel(config).eval()
original = Sam(
    image_encoder=ImageEncoderViT(
        depth=BLOCKS, embed_dim=48, img_size=SIZE, mlp_ratio=80 / 48, num_heads=3, patch_size=PATCH, out_chans=WIDTH,
        norm_layer=lambda width: torch.nn.LayerNorm(width, eps=1e-6), use_rel_pos=True, window_size=WINDOW,
        global_attn_indexes=(1,),
    ),
    prompt_encoder=PromptEncoder(WIDTH, (GRID, GRID), (SIZE, SIZE), 16),
    mask_decoder=MaskDecoder(
        transformer_dim=WIDTH, transformer=TwoWayTransformer(DEPTH, WIDTH, HEADS, HIDDEN), iou_head_hidden_dim=40
    ),
).eval()  # fmt: skip
for model in (hf, original):
    with torch.no_grad():
        for name, parameter in model.state_dict().items():
            frequencies = 'positional_e' in name  # of positions: of deviation 1, as published
            if frequencies:
                parameter.copy_(torch.randn(parameter.shape))
            else:
                parameter.add_(0.1 * torch.randn(parameter.shape))
save_file({k: v.contiguous().clone() for k, v in hf.state_dict().items()}, f'{folder}/transformers.safetensors')
save_file(
    {k: v.contiguous() for k, v in original.state_dict().items() if not k.startswith('pixel_')},
    f'{folder}/original.safetensors',
)
config.to_json_file(f'{folder}/config.json', use_diff=False)

given = {
    'images': torch.randn(BATCH, 3, SIZE, SIZE),
    'points': SIZE * torch.rand(BATCH, PROMPTS, POINTS, 2),
    'labels': torch.tensor([[[1, 0, -1], [0, 1, 1]], [[1, 1, 1], [-1, 0, 0]]]),
    'boxes': SIZE * torch.rand(BATCH, PROMPTS, 4),
    'masks': 3 * torch.randn(BATCH, PROMPTS, 4 * GRID, 4 * GRID),
}
given['shared'] = given['masks'][:, :1]
for name, value in given.items():
    np.save(f'{folder}/{name}.npy', value.numpy())


def of_transformers(kinds, several):
    prompts = {f'input_{kind}': given['shared' if kind == 'masks' else kind] for kind in kinds}
    if 'points' in kinds:
        prompts['input_labels'] = given['labels']
    out = hf(pixel_values=given['images'], multimask_output=several, **prompts)
    return out.pred_masks, out.iou_scores


def of_original(kinds, several):
    made = []
    features = original.image_encoder(given['images'])
    for k in range(BATCH):
        sparse, dense = original.prompt_encoder(
            points=(given['points'][k], given['labels'][k]) if 'points' in kinds else None,
            boxes=given['boxes'][k] if 'boxes' in kinds else None,
            masks=given['masks'][k][:, None] if 'masks' in kinds else None,
        )
        made.append(
            original.mask_decoder(
                image_embeddings=features[k : k + 1], image_pe=original.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=several,
            )  # fmt: skip
        )
    return torch.stack([masks for masks, _ in made]), torch.stack([quality for _, quality in made])


with torch.no_grad():
    np.save(f'{folder}/features.npy', hf.get_image_embeddings(given['images']).numpy())
    for source, answer in (('transformers', of_transformers), ('original', of_original)):
        for case, kinds in CASES.items():
            for several in (False, True):
                masks, quality = answer(kinds, several)
                stem = f'{folder}/{source}-{case}-{"several" if several else "one"}'
                np.save(f'{stem}.masks.npy', masks.numpy())
                np.save(f'{stem}.quality.npy', quality.numpy())
