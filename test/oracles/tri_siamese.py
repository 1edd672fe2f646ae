"""Writes test/oracles/tri-siamese.json: the study's step on transformers' SAM with low-rank adapters written by hand: three planes
through one model, a segmentation loss and Eq. 2; losses, and gradients of the adapters and of the mask decoder by PyTorch.

    python test/oracles/tri_siamese.py > test/oracles/tri-siamese.json

Every tensor, also those that start at zero, has the values of test/bench/peers/values.py by the reference's own name and shape.
Of the adapters the whole gradients are written; of the decoder's parameters the norm and two products with probes.
"""
import importlib.metadata
import json
import os
import sys

import torch
import torch.nn.functional as F
from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'bench', 'peers'))
from values import values_of  # noqa: E402

torch.set_default_dtype(torch.float64)
WIDTH, NECK, SIZE, PATCH = 16, 16, 20, 4
SIDE = 4 * SIZE // PATCH
LAMBDA = 0.3
# Rank, alpha and first adapted block. Windows of 3 stick out of the grid of 5.
CASES = {'rank 1': (1, 2.0, 0), 'rank 4': (4, 4.0, 0), 'rank 4 from block 1': (4, 6.0, 1)}
VIEWS = ('axial', 'coronal', 'sagittal')


def drawn(shape, name, low=-1.0, high=1.0):
    start = {'kind': 'uniform', 'low': low, 'high': high}
    return torch.tensor(values_of(list(shape), start, name), dtype=torch.float64)


def weight(name, shape):
    """Gains around 1, everything else around 0, smaller where many are summed."""
    if len(shape) == 1 and name.endswith('weight'):
        return drawn(shape, name, 0.5, 1.5)
    reach = 0.4 if len(shape) == 1 else min(0.4, 2 / torch.Size(shape[1:]).numel() ** 0.5)
    return drawn(shape, name, -reach, reach)


class WithAdapters(torch.nn.Module):
    """A joint projection to queries, keys and values, and what adapters add to the first and the last of them."""

    def __init__(self, frozen, q, v, scale):
        super().__init__()
        self.frozen, self.q, self.v, self.scale = frozen, q, v, scale

    def forward(self, x):
        q, k, v = self.frozen(x).chunk(3, -1)
        (qa, qb), (va, vb) = self.q, self.v
        return torch.cat([q + self.scale * ((x @ qa) @ qb), k, v + self.scale * ((x @ va) @ vb)], -1)


def model():
    vision = SamVisionConfig(hidden_size=WIDTH, output_channels=NECK, num_hidden_layers=3, num_attention_heads=2, image_size=SIZE,
                             patch_size=PATCH, window_size=3, global_attn_indexes=[1], mlp_ratio=2.0, num_pos_feats=NECK // 2)
    prompts = SamPromptEncoderConfig(hidden_size=NECK, image_size=SIZE, patch_size=PATCH, mask_input_channels=8)
    decoder = SamMaskDecoderConfig(hidden_size=NECK, mlp_dim=24, num_attention_heads=2, iou_head_hidden_dim=NECK)
    config = SamConfig(vision_config=vision.to_dict(), prompt_encoder_config=prompts.to_dict(),
                       mask_decoder_config=decoder.to_dict(), attn_implementation='eager')
    made = SamModel(config).double().eval()
    shared = 'shared_image_embedding.positional_embedding'
    with torch.no_grad():
        for name, tensor in made.state_dict().items():
            own = shared if name == 'prompt_encoder.shared_embedding.positional_embedding' else name
            tensor.copy_(weight(own, tensor.shape))
    for name, parameter in made.named_parameters():
        parameter.requires_grad_(not name.startswith('vision_encoder'))
    return made


def run(rank, alpha, first):
    sam = model()
    adapters = {}
    for k, layer in enumerate(sam.vision_encoder.layers):
        if k < first:
            continue
        low = {}
        for part in 'qv':
            for side, shape in (('a', [WIDTH, rank]), ('b', [rank, WIDTH])):
                low[part + side] = adapters[f'{k}/{part}/{side}'] = drawn(shape, f'lora/{k}/{part}/{side}', -0.3, 0.3).requires_grad_()
        layer.attn.qkv = WithAdapters(layer.attn.qkv, (low['qa'], low['qb']), (low['va'], low['vb']), alpha / rank)
    # One plane after another, as Eq. 1 is written.
    logits = {}
    for view in VIEWS:
        image = drawn([1, SIZE, SIZE, 3], f'planes/{view}', -2, 2).permute(0, 3, 1, 2)
        logits[view] = sam(pixel_values=image, multimask_output=False).pred_masks.reshape(SIDE, SIDE)
    segmentation = 0
    for view in VIEWS:
        target = (drawn([SIDE, SIDE], f'labels/{view}') > 0.3).double()
        p = logits[view].sigmoid()
        dice = 1 - (2 * (p * target).sum() + 1e-5) / (p.square().sum() + target.square().sum() + 1e-5)
        segmentation = segmentation + (0.2 * F.binary_cross_entropy_with_logits(logits[view], target) + 0.8 * dice) / 3
    # The voxel is in column 7 and row 4 of the axial plane, and in row 11 of both others.
    p = {view: each.sigmoid() for view, each in logits.items()}
    consistency = (p['axial'][4] - p['coronal'][11]).square().sum() + (p['axial'][:, 7] - p['sagittal'][11]).square().sum()
    decoder = {name: t for name, t in sam.named_parameters() if name.startswith('mask_decoder') or name == 'prompt_encoder.no_mask_embed.weight'}
    unused = [name for name in decoder if 'iou_prediction_head' in name or any(f'mlps.{k}.' in name for k in (1, 2, 3))]
    for name in unused:
        del decoder[name]
    written = {'rank': rank, 'alpha': alpha, 'first': first, 'terms': {}}
    losses = {'segmentation': segmentation, 'consistency': consistency, 'loss': segmentation + LAMBDA * consistency}
    for name, loss in losses.items():
        leaves = list(adapters.values()) + list(decoder.values())
        gradients = torch.autograd.grad(loss, leaves, retain_graph=True)
        written['terms'][name] = {
            'value': rounded(loss),
            'adapters': {path: [rounded(value) for value in g.flatten().tolist()] for path, g in zip(adapters, gradients)},
            'decoder': {path: summary(path, g) for path, g in zip(decoder, gradients[len(adapters):])},
        }
    return sam.config.to_dict(), written


def summary(name, gradient):
    probes = [drawn(gradient.shape, f'{name}/probe {k}') for k in (1, 2)]
    return [rounded(gradient.norm()), *(rounded((gradient * probe).sum()) for probe in probes)]


def rounded(value):
    return float(f'{float(torch.as_tensor(value).detach()):.7g}')


written = {}
for name, case in CASES.items():
    config, written[name] = run(*case)
versions = {name: importlib.metadata.version(name) for name in ('torch', 'transformers')}
kept = ('model_type', 'vision_config', 'prompt_encoder_config', 'mask_decoder_config')
config = {name: config[name] for name in kept}
lines = [f'{json.dumps(name)}: {json.dumps(case)}' for name, case in written.items()]
print(f'{{"versions": {json.dumps(versions)},\n"config": {json.dumps(config)},\n"lambda": {LAMBDA},\n"cases": {{\n' + ',\n'.join(lines) + '\n}}')
