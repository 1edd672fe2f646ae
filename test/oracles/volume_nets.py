"""Parameters and FLOPs of 3-D networks, for test/profilers/volume-nets. Writes volume-nets.json beside this file.

    python -m venv V && V/bin/pip install torch numpy einops && \
    V/bin/pip install --no-deps dynamic-network-architectures==0.4.4 timm==1.0.31 && \
    V/bin/python test/oracles/volume_nets.py

The networks are built and run on fake tensors, and torch's own counter counts (FLOP = 2 MAC).
"""
import importlib.abc
import importlib.machinery
import importlib.metadata as metadata
import json
import sys
import types
from pathlib import Path

import torch
import torch.nn as nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode



class AnyName(type):
    """A class that has any name as well."""

    def __getattr__(cls, name):
        return stand_in(name)


def stand_in(name):
    if name.startswith('__'):
        raise AttributeError(name)
    return AnyName(name, (nn.Module,), {})


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """timm's models ask for torchvision, of which nothing here is used: any of its modules has any name."""

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.split('.')[0] == 'torchvision' else None

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = stand_in
        return module

    def exec_module(self, module):
        pass


sys.meta_path.append(StandIn())
from dynamic_network_architectures.architectures.primus import Primus  # noqa: E402
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet  # noqa: E402

FEATURES = [32, 64, 128, 256, 320, 320]


def u_net(kind, inputs, classes, depth, decoder, features=FEATURES):
    stages = len(features)
    depths = {'n_conv_per_stage' if kind is PlainConvUNet else 'n_blocks_per_stage': depth}
    return kind(inputs, stages, features, nn.Conv3d, 3, [1] + [2] * (stages - 1), num_classes=classes,
                n_conv_per_stage_decoder=[decoder] * (stages - 1), conv_bias=True, norm_op=nn.InstanceNorm3d,
                norm_op_kwargs={'eps': 1e-5, 'affine': True}, nonlin=nn.LeakyReLU, deep_supervision=True, **depths)


def counted(build, inputs, side):
    with FakeTensorMode():
        net = build()
        # The counter does not know the fused attention of the CPU.
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            net(torch.zeros(1, inputs, side, side, side))
        return {'parameters': sum(p.numel() for p in net.parameters()), 'side': side, 'flops': counter.get_total_flops()}


plain = lambda inputs, classes: lambda: u_net(PlainConvUNet, inputs, classes, [2] * 6, 2)
residual = lambda: u_net(ResidualEncoderUNet, 1, 1, [1, 3, 4, 6, 6, 6], 1)
# Rotary places have no parameters and are no product of matrices: left out, since they want another version of timm.
primus = lambda side: lambda: Primus(1, 864, (8, 8, 8), 1, eva_depth=16, eva_numheads=12, input_shape=(side,) * 3,
                                     init_values=0.1, scale_attn_inner=True, use_rot_pos_emb=False)

out = {
    'versions': {p: metadata.version(p) for p in ('torch', 'dynamic_network_architectures', 'timm')},
    'nnunet-brats': counted(plain(4, 4), 4, 128),
    'hippocampus': counted(lambda: u_net(PlainConvUNet, 1, 3, [2] * 4, 2, FEATURES[:4]), 1, 64),
    'resenc-l': [counted(residual, 1, side) for side in (128, 160)],
    'primus-m': [counted(primus(side), 1, side) for side in (96, 160)],
}
Path(__file__).with_name('volume-nets.json').write_text(json.dumps(out, indent=1) + '\n')
