"""Writes test/oracles/sam-encoder.json: what the image encoders of transformers' SAM and of the original segment_anything give,
in tiny configurations: features, and gradients by the image, by every parameter and by adapters, in double precision.

    python test/oracles/sam_encoder.py > test/oracles/sam-encoder.json
    python test/oracles/sam_encoder.py CASES.json     the same of other cases, to stdout

Every tensor, also those that start at zero, has the values of test/bench/peers/values.py by the reference's own name and shape,
so a test can fill ours with the same through the names that we say it has. Of the features some values are written, spread
over all; of a gradient its norm and its products with two probes. Adapters are added to the weights of q and v.
"""
import importlib
import importlib.metadata
import json
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'bench', 'peers'))
from values import values_of  # noqa: E402

import original_sam  # noqa: E402,F401

torch.set_default_dtype(torch.float64)

base = dict(num_channels=3, hidden_size=16, num_attention_heads=2, num_hidden_layers=3, image_size=40, patch_size=4,
            window_size=4, global_attn_indexes=[1], output_channels=8, mlp_ratio=2.5)
# Batch, adapters (rank, first adapted block; none where left out), and what differs from `base`.
CASES = {
    'windows that stick out': {'batch': 2, 'rank': 4, 'first': 0, 'config': {}},
    'a window wider than the grid': {'batch': 1, 'rank': 1, 'first': 1, 'config': {'image_size': 20, 'window_size': 7}},
    'windows that fit': {'batch': 2, 'config': {'image_size': 24, 'window_size': 3, 'num_attention_heads': 4}},
    'no windows': {'batch': 1, 'config': {'image_size': 20, 'window_size': 0, 'num_hidden_layers': 2}},
    'no biases, no positions': {
        'batch': 1, 'config': {'image_size': 28, 'qkv_bias': False, 'use_abs_pos': False, 'use_rel_pos': False, 'layer_norm_eps': 1e-3}},
}


def drawn(shape, name, low, high):
    return torch.tensor(values_of(list(shape), {'kind': 'uniform', 'low': low, 'high': high}, name), dtype=torch.float64)


def weight(name, shape):
    """Gains around 1, everything else around 0, smaller where many are summed."""
    if len(shape) == 1 and name.endswith('weight'):
        return drawn(shape, name, 0.5, 1.5)
    reach = 0.4 if len(shape) == 1 else min(0.4, 2 / torch.Size(shape[1:]).numel() ** 0.5)
    return drawn(shape, name, -reach, reach)


def transformers_encoder(config):
    from transformers import SamVisionConfig, SamVisionModel
    model = SamVisionModel(SamVisionConfig(**config, attn_implementation='eager'))
    return model, model.config.to_dict(), lambda x, state: torch.func.functional_call(model, state, (x,)).last_hidden_state


def original_encoder(config):
    from functools import partial
    modeling = importlib.import_module('segment_anything.modeling')
    epsilon = config.get('layer_norm_eps', 1e-6)
    encoder = modeling.ImageEncoderViT(
        img_size=config['image_size'], patch_size=config['patch_size'], in_chans=config['num_channels'],
        embed_dim=config['hidden_size'], depth=config['num_hidden_layers'], num_heads=config['num_attention_heads'],
        mlp_ratio=config['mlp_ratio'], out_chans=config['output_channels'], qkv_bias=config.get('qkv_bias', True),
        norm_layer=partial(torch.nn.LayerNorm, eps=epsilon), use_abs_pos=config.get('use_abs_pos', True),
        use_rel_pos=config.get('use_rel_pos', True), window_size=config['window_size'],
        global_attn_indexes=tuple(config['global_attn_indexes']))
    model = torch.nn.Module()
    model.image_encoder = encoder
    model.forward = encoder.forward
    return model, None, lambda x, state: torch.func.functional_call(model, state, (x,))


ENCODERS = {'transformers': transformers_encoder, 'original': original_encoder}


def adapters_of(case, config):
    if 'rank' not in case:
        return {}
    width, rank = config['hidden_size'], case['rank']
    shapes = {'a': [width, rank], 'b': [rank, width]}
    return {f'{block}/{part}/{side}': drawn(shapes[side], f'lora/{block}/{part}/{side}', -0.3, 0.3).requires_grad_()
            for block in range(case['first'], config['num_hidden_layers']) for part in 'qv' for side in 'ab'}


def adapted(state, adapters, width, scale):
    state = dict(state)
    for name in state:
        parts = name.split('.')
        if parts[-2:] != ['qkv', 'weight'] or f'{parts[2]}/q/a' not in adapters:
            continue
        added = [scale * (adapters[f'{parts[2]}/{part}/a'] @ adapters[f'{parts[2]}/{part}/b']).T for part in 'qv']
        state[name] = state[name] + torch.cat([added[0], torch.zeros(width, width), added[1]])
    return state


def summary(name, gradient):
    probes = [drawn(gradient.shape, f'{name}/probe {k}', -1, 1) for k in (1, 2)]
    return [rounded(gradient.norm()), *(rounded((gradient * probe).sum()) for probe in probes)]


def rounded(value):
    return float(f'{float(value):.9g}')


def run(case, kind):
    config = {**base, **case['config']}
    model, written, forward = ENCODERS[kind](config)
    model.eval()
    state = {name: weight(name, p.shape).requires_grad_() for name, p in model.named_parameters()}
    size, channels = config['image_size'], config['num_channels']
    images = drawn([case['batch'], size, size, channels], 'images', -2, 2).requires_grad_()
    adapters = adapters_of(case, config)
    given = adapted(state, adapters, config['hidden_size'], 2.0)
    features = forward(images.permute(0, 3, 1, 2), given).permute(0, 2, 3, 1)
    loss = (features * drawn(features.shape, 'cotangent', -1, 1)).sum()
    leaves = {'images': images, **state, **{f'lora/{name}': t for name, t in adapters.items()}}
    gradients = torch.autograd.grad(loss, list(leaves.values()))
    return written, {
        'shape': list(features.shape),
        'every': (every := max(1, features.numel() // 200) | 1),
        'features': [rounded(value) for value in features.detach().flatten()[::every].tolist()],
        'gradients': {name: summary(name, g) for name, g in zip(leaves, gradients)},
    }


def main():
    cases = CASES if len(sys.argv) == 1 else json.load(open(sys.argv[1]))
    written = {}
    for name, case in cases.items():
        one = {'batch': case['batch'], 'scale': 2.0, 'rank': case.get('rank'), 'first': case.get('first')}
        for kind in ENCODERS:
            config, found = run(case, kind)
            if config:
                one['config'] = config
            one[kind] = found
        written[name] = one
    versions = {name: importlib.metadata.version(name) for name in ('torch', 'transformers', 'segment-anything')}
    lines = [f'{json.dumps(name)}: {json.dumps(one)}' for name, one in written.items()]
    print(f'{{"versions": {json.dumps(versions)},\n"cases": {{\n' + ',\n'.join(lines) + '\n}}')


main()
