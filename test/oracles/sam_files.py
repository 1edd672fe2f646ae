"""A folder with a small SAM as both references save it, images, and the features that they make of them.

    python test/oracles/sam_files.py FOLDER

config.json and model.safetensors are written by transformers, original.safetensors has the same weights under the names of the
original; x.npy are images, y.npy features by transformers, y-original.npy by segment_anything. Every parameter is drawn.
"""
import importlib
import os
import sys

import numpy as np
import torch

import original_sam  # noqa: F401
from safetensors.torch import save_file
from transformers import SamConfig, SamModel

SIZE, PATCH, WIDTH, HEADS, DEPTH, WINDOW, GLOBAL, NECK = 80, 8, 24, 3, 4, 4, [1, 3], 16

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
torch.manual_seed(8)
model = SamModel(SamConfig(
    vision_config=dict(hidden_size=WIDTH, num_attention_heads=HEADS, num_hidden_layers=DEPTH, image_size=SIZE, patch_size=PATCH,
                       window_size=WINDOW, global_attn_indexes=GLOBAL, output_channels=NECK, num_pos_feats=NECK // 2),
    prompt_encoder_config=dict(hidden_size=NECK, image_size=SIZE, patch_size=PATCH),
    mask_decoder_config=dict(hidden_size=NECK, num_attention_heads=2, mlp_dim=20))).eval()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.add_(0.2 * torch.randn_like(parameter))
model.save_pretrained(folder)

modeling = importlib.import_module('segment_anything.modeling')
original = modeling.ImageEncoderViT(
    img_size=SIZE, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, out_chans=NECK, use_rel_pos=True,
    norm_layer=lambda width: torch.nn.LayerNorm(width, eps=1e-6), window_size=WINDOW, global_attn_indexes=tuple(GLOBAL)).eval()
# Both register their parameters in the order of the computation, which pairs them without a table of names.
theirs = list(model.vision_encoder.parameters())
with torch.no_grad():
    for own, other in zip(original.parameters(), theirs, strict=True):
        own.copy_(other)
state = {f'image_encoder.{name}': tensor.contiguous() for name, tensor in original.state_dict().items()}
# What loading an encoder must pass by.
state['mask_decoder.iou_token.weight'] = torch.zeros(1, NECK)
save_file(state, os.path.join(folder, 'original.safetensors'))

images = torch.randn(2, 3, SIZE, SIZE)
with torch.no_grad():
    np.save(os.path.join(folder, 'x.npy'), images.numpy())
    np.save(os.path.join(folder, 'y.npy'), model.get_image_embeddings(images).numpy())
    np.save(os.path.join(folder, 'y-original.npy'), original(images).numpy())
