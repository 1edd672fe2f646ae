"""Writes test/oracles/sam3.json: what the vision trunk of transformers' SAM 3 gives for small configurations, with its gradients.

    python test/oracles/sam3_cases.py > test/oracles/sam3.json

Every tensor has the values of test/bench/peers/values.py by its name, also those that start at zero or one. Double precision.
Gradients are those of sum(output * cotangent): by the images, and by adapters of low rank on q and v of some blocks.
"""
import json
import os
import sys

import torch
import transformers
from transformers import Sam3ViTConfig
from transformers.models.sam3.modeling_sam3 import Sam3ViTModel

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'bench', 'peers'))
from values import values_of

# Grids that windows fill and that they do not, positions repeated whole, cut, cut from a larger grid and as they are.
cases = {
    'as published, in small': dict(
        batch=2, first=1, rank=2,
        config=dict(hidden_size=16, intermediate_size=37, num_hidden_layers=3, num_attention_heads=2, image_size=12,
                    patch_size=2, window_size=2, global_attn_indexes=[1], pretrain_image_size=4)),
    'windows that stick out, positions cut': dict(
        batch=1, first=0, rank=1,
        config=dict(hidden_size=8, intermediate_size=10, num_hidden_layers=2, num_attention_heads=1, image_size=15,
                    patch_size=3, window_size=3, global_attn_indexes=[0], pretrain_image_size=6, num_channels=1,
                    layer_norm_eps=1e-3, rope_parameters={'rope_type': 'axial', 'rope_theta': 50.0})),
    'one window, positions as they are': dict(
        batch=3, first=0, rank=4,
        config=dict(hidden_size=12, intermediate_size=24, num_hidden_layers=1, num_attention_heads=3, image_size=4,
                    patch_size=1, window_size=4, global_attn_indexes=[], pretrain_image_size=4)),
    'window wider than the grid, positions of a larger one': dict(
        batch=2, first=0, rank=1,
        config=dict(hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2, image_size=6,
                    patch_size=2, window_size=5, global_attn_indexes=[1, 7], pretrain_image_size=10)),
}
scale = 1.5


def values(shape, name, low=-1.0, high=1.0):
    return torch.tensor(values_of(shape, {'kind': 'uniform', 'low': low, 'high': high}, name), dtype=torch.float64)


class Adapted(torch.nn.Module):
    """A linear layer with an adapter: what LoRA adds is scale (x a) b."""

    def __init__(self, layer, rank, name):
        super().__init__()
        width = layer.in_features
        self.layer = layer
        self.a = torch.nn.Parameter(values([width, rank], f'{name}/a'))
        self.b = torch.nn.Parameter(values([rank, width], f'{name}/b'))

    def forward(self, x):
        return self.layer(x) + scale * (x @ self.a @ self.b)


def listed(tensor):
    return [float(f'{value:.8g}') for value in tensor.detach().flatten().tolist()]


written = {}
for name, case in cases.items():
    config = Sam3ViTConfig(**case['config'])
    model = Sam3ViTModel(config).double().eval()
    shapes = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
    parameters = sum(tensor.numel() for tensor in model.parameters())
    gains = lambda key: 'norm' in key and key.endswith('weight')
    model.load_state_dict({
        key: values(shape, key, 0.5, 1.5) if gains(key) else values(shape, key, -0.5, 0.5) for key, shape in shapes.items()})
    batch, size = case['batch'], config.image_size
    images = values([batch, config.num_channels, size, size], 'images').requires_grad_()
    plain = model(images).last_hidden_state
    cotangent = values(plain.shape, 'cotangent')
    (by_images,) = torch.autograd.grad((plain * cotangent).sum(), images)

    adapters = {}
    for block in range(case['first'], config.num_hidden_layers):
        attention = model.layers[block].attention
        for kind in ('q', 'v'):
            layer = Adapted(getattr(attention, f'{kind}_proj'), case['rank'], f'adapters/{block}/{kind}')
            setattr(attention, f'{kind}_proj', layer)
            adapters[f'{block}/{kind}'] = layer
    adapted = model(images).last_hidden_state
    trained = {f'{key}/{part}': getattr(layer, part) for key, layer in adapters.items() for part in 'ab'}
    gradients = torch.autograd.grad((adapted * cotangent).sum(), [images, *trained.values()])
    written[name] = {
        **case,
        'scale': scale,
        'config': {**config.to_dict()},
        'shapes': shapes,
        'parameters': parameters,
        'output': listed(plain),
        'byImages': listed(by_images),
        'withAdapters': {
            'output': listed(adapted),
            'byImages': listed(gradients[0]),
            'byAdapters': {key: listed(g) for key, g in zip(trained, gradients[1:])},
        },
    }
versions = {'torch': torch.__version__, 'transformers': transformers.__version__}
lines = [f'{json.dumps(name)}: {json.dumps(case)}' for name, case in written.items()]
print(f'{{"versions": {json.dumps(versions)},\n"cases": {{\n' + ',\n'.join(lines) + '\n}}')
