"""Parameters and saved activations of the published networks, for test/profilers. Writes encoders.json beside this file.

    python -m venv V && V/bin/pip install torch numpy && \
    V/bin/pip install --no-deps segment-anything==1.0 dynamic-network-architectures==0.4.4 && \
    V/bin/python test/oracles/encoders.py

The classes of the two packages are built on fake tensors: shapes and storages are real, memory is not, so that a whole
ViT-H step runs anywhere. What autograd keeps for the backward pass is caught by `saved_tensors_hooks`, each storage once.
Weights, and their copies in another number type, are left out. There is no card here: mixed precision is that of the
CPU (same list of products in 16 bits) with softmax in float32, as CUDA's has it.
"""
import importlib
import importlib.metadata as metadata
import json
import re
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import torch
import torch.nn as nn
from torch._subclasses.fake_tensor import FakeTensorMode

import original_sam  # noqa: F401

build_sam = importlib.import_module('segment_anything.build_sam')
from segment_anything.modeling import image_encoder as sam_encoder  # noqa: E402
from dynamic_network_architectures.architectures.unet import PlainConvUNet  # noqa: E402

count = lambda module: sum(p.numel() for p in module.parameters())
norms = lambda module: dict(Counter(type(m).__name__ for m in module.modules()
                                    if re.search(r'Norm(\dd)?$', type(m).__name__)))


def sam_parameters(build):
    with FakeTensorMode():
        sam = build()
    e, d, p = sam.image_encoder, sam.mask_decoder, sam.prompt_encoder
    windowed = next(b for b in e.blocks if b.window_size > 0)
    whole = next(b for b in e.blocks if b.window_size == 0)
    return {
        'patch': count(e.patch_embed), 'positions': e.pos_embed.numel(),
        'windowedBlock': count(windowed), 'globalBlock': count(whole), 'blocks': count(e.blocks), 'neck': count(e.neck),
        'encoder': count(e), 'prompt': count(p),
        'decoder': {
            'transformer': count(d.transformer), 'upscaling': count(d.output_upscaling),
            'hyperMlps': count(d.output_hypernetworks_mlps), 'iouHead': count(d.iou_prediction_head),
            'tokens': count(d.iou_token) + count(d.mask_tokens), 'total': count(d),
        },
        'total': count(sam), 'norms': norms(sam),
    }


class LoraQkv(nn.Module):
    """Adapters on q and v as SAMed has them, around the packed projection."""

    def __init__(self, qkv, rank):
        super().__init__()
        width = qkv.in_features
        self.qkv, self.width = qkv, width
        self.aq, self.bq = nn.Linear(width, rank, bias=False), nn.Linear(rank, width, bias=False)
        self.av, self.bv = nn.Linear(width, rank, bias=False), nn.Linear(rank, width, bias=False)

    def forward(self, x):
        qkv = self.qkv(x)
        q, v = self.bq(self.aq(x)), self.bv(self.av(x))
        qkv[..., : self.width] += q
        qkv[..., -self.width :] += v
        return qkv


def fused_forward(self, x):
    """SAM's attention without its position term, by a kernel that keeps no attention map."""
    b, h, w, _ = x.shape
    qkv = self.qkv(x).reshape(b, h * w, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
    q, k, v = qkv.unbind(0)
    out = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v)[0]
    return self.proj(out.transpose(1, 2).reshape(b, h, w, -1))


original, softmax = sam_encoder.Attention.forward, torch.Tensor.softmax


def saved(dtype, attention, trained, autocast, size=1024, rank=4):
    """Bytes that autograd keeps for one image in the blocks of ViT-H."""
    sam_encoder.Attention.forward = fused_forward if attention == 'fused' else original
    if autocast:
        torch.Tensor.softmax = lambda x, dim: softmax(x.float(), dim)
    torch.set_default_dtype(dtype)
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            encoder = sam_encoder.ImageEncoderViT(
                depth=32, embed_dim=1280, img_size=size, mlp_ratio=4, norm_layer=partial(nn.LayerNorm, eps=1e-6),
                num_heads=16, patch_size=16, qkv_bias=True, use_rel_pos=attention == 'naive',
                global_attn_indexes=[7, 15, 23, 31], window_size=14, out_chans=256)
            if trained == 'adapters':
                for p in encoder.parameters():
                    p.requires_grad = False
                for block in encoder.blocks:
                    block.attn.qkv = LoraQkv(block.attn.qkv, rank)
            image = torch.empty(1, 3, size, size, dtype=dtype)
            adapters = sum(p.numel() for p in encoder.parameters() if p.requires_grad)
            weights = {p.untyped_storage()._cdata for p in encoder.parameters()}
            matrices = {p.numel() for p in encoder.parameters() if p.dim() == 2}
            kept = {}

            def pack(t):
                storage = t.untyped_storage()
                if storage._cdata not in weights and t.numel() not in matrices:
                    kept[storage._cdata] = (storage.nbytes(), storage)
                return t

            # Only the blocks: the neck is a hundredth, and no model of ours counts it.
            x = encoder.patch_embed(image) + encoder.pos_embed
            mixed = torch.autocast('cpu', torch.float16, enabled=autocast)
            with mixed, torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
                for block in encoder.blocks:
                    x = block(x)
            return {'bytes': sum(n for n, _ in kept.values()), 'trainable': adapters}
    finally:
        torch.set_default_dtype(torch.float32)
        sam_encoder.Attention.forward, torch.Tensor.softmax = original, softmax


def unet_norms():
    """Norms of the network that nnU-Net plans for BraTS; volume_nets.py counts the rest of it."""
    with FakeTensorMode():
        return norms(PlainConvUNet(
            4, 6, [32, 64, 128, 256, 320, 320], nn.Conv3d, 3, [1] + [2] * 5, 2, 4, 2, conv_bias=True,
            norm_op=nn.InstanceNorm3d, norm_op_kwargs={'eps': 1e-5, 'affine': True}, nonlin=nn.LeakyReLU,
            deep_supervision=True))


def main():
    builds = {'sam-vit-b': build_sam.build_sam_vit_b, 'sam-vit-l': build_sam.build_sam_vit_l, 'sam-vit-h': build_sam.build_sam_vit_h}
    regimes = {'fp32': (torch.float32, False), 'amp': (torch.float32, True), 'half': (torch.float16, False)}
    result = {
        'made by': 'test/oracles/encoders.py',
        'versions': {name: metadata.version(name) for name in ('torch', 'segment-anything', 'dynamic-network-architectures')},
        'parameters': {name: sam_parameters(build) for name, build in builds.items()},
        'saved': [
            {'precision': p, 'attention': a, 'trained': t, **saved(dtype, a, t, autocast)}
            for p, (dtype, autocast) in regimes.items() for a in ('naive', 'fused') for t in ('adapters', 'all')
        ],
        'unetNorms': unet_norms(),
    }
    Path(__file__).with_suffix('.json').write_text(json.dumps(result, indent=1) + '\n')
    print(json.dumps(result, indent=1))


main()
