"""Writes augment.json: small patches and what batchgeneratorsv2 makes of them with fixed parameters.

    python test/oracles/augment_cases.py NNUNET_FOLDER > test/oracles/augment.json

NNUNET_FOLDER holds nnunetv2 2.8.1 as unpacked from its wheel (pip download --no-deps nnunetv2==2.8.1). Of it two functions
of the trainer and compute_initial_patch_size.py are run, which want batchgenerators beside batchgeneratorsv2.
"""
import ast
import importlib
import importlib.util
import json
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from augment_peer import answer, pack
from batchgeneratorsv2.transforms.intensity.contrast import BGContrast

torch.set_num_threads(1)
rng = np.random.default_rng(20261122)


def patch(dims, channels=1):
    """Smooth images with some noise, and a mask of four labels with ragged edges."""
    grid = np.meshgrid(*[np.arange(d) for d in dims], indexing='ij')
    images = [sum(np.sin(g * rng.uniform(0.2, 0.9) + rng.uniform(0, 6)) for g in grid) + rng.normal(0, 0.2, dims)
              for _ in range(channels)]
    blob = sum(((g - d / 2) / d) ** 2 for g, d in zip(grid, dims)) + rng.normal(0, 0.03, dims)
    mask = np.digitize(-blob, [-0.35, -0.2, -0.08]) + (rng.uniform(size=dims) < 0.05)
    return images, np.clip(mask, 0, 3)


def case(name, dims, step, channels=1):
    images, mask = patch(dims, channels)
    given = {'dims': list(dims), 'channels': [pack(i, '<f4') for i in images], 'mask': pack(mask, '<i2'), 'step': step}
    return {'name': name, **given, 'expect': answer(given)}


def spatial(angles, scales=(1, 1, 1), size=None):
    return {'op': 'spatial', 'angles': list(angles), 'scales': list(scales), **({'size': list(size)} if size else {})}


cases = [
    case('rotation about axis 0', (9, 8, 7), spatial((25, 0, 0))),
    case('rotation about axis 1', (9, 8, 7), spatial((0, -30, 0))),
    case('rotation about axis 2', (9, 8, 7), spatial((0, 0, 17))),
    case('rotation about all axes, scaled down, border reached', (9, 8, 7), spatial((20, -13, 29), (1.4, 1.4, 1.4))),
    case('rotation about all axes, scaled up, smaller result', (13, 12, 11),
         spatial((-22, 9, 14), (0.7, 0.7, 0.7), (8, 8, 8))),
    case('rotation by any angle, two channels', (8, 9, 10), spatial((211, 97, 300), (0.9, 1.1, 1.3), (7, 9, 11)), 2),
    case('scaling with an odd difference of sizes', (10, 9, 9), spatial((0, 0, 0), (1.25, 1.25, 1.25), (7, 6, 8))),
    case('centre crop', (10, 9, 8), spatial((0, 0, 0), (1, 1, 1), (5, 6, 7))),
    case('centre crop beyond the border', (6, 7, 8), spatial((0, 0, 0), (1, 1, 1), (9, 9, 9))),
    *[case(f'mirror {axes}', (5, 6, 7), {'op': 'mirror', 'axes': axes}) for axes in ([0], [1], [2], [0, 1, 2], [])],
    case('brightness', (6, 5, 4), {'op': 'brightness', 'factors': [0.8, None, 1.2]}, 3),
    case('contrast below 1', (6, 5, 4), {'op': 'contrast', 'factors': [0.76]}),
    case('contrast above 1 cuts to the range', (6, 5, 4), {'op': 'contrast', 'factors': [None, 1.25]}, 2),
    *[case(f'gamma {g}, invert {invert}, keep {keep}', (7, 6, 5),
           {'op': 'gamma', 'exponents': [g], 'invert': invert, 'keepStatistics': keep})
      for g in (0.7, 1.5) for invert in (False, True) for keep in (False, True)],
    case('gamma of two channels of three', (5, 6, 5),
         {'op': 'gamma', 'exponents': [1.1, None, 0.9], 'invert': True, 'keepStatistics': True}, 3),
    *[case(f'blur {s}', (9, 8, 8), {'op': 'blur', 'sigmas': [s]})
      for s in ([0.5, 0.5, 0.5], [1, 1, 1], [0.55, 0.75, 0.95])],
    case('blur of one channel of two', (9, 8, 8), {'op': 'blur', 'sigmas': [None, [0.6, 0.8, 1]]}, 2),
    *[case(f'low resolution {s}', dims, {'op': 'low-resolution', 'scales': [[s] * 3]})
      for s, dims in ((0.5, (9, 8, 7)), (0.55, (10, 9, 8)), (0.65, (10, 11, 12)), (0.9, (12, 9, 6)), (1, (5, 6, 7)))],
    case('low resolution of one channel of two', (7, 8, 9),
         {'op': 'low-resolution', 'scales': [None, [0.7, 0.7, 0.7]]}, 2),
]

nnunet = Path(sys.argv[1]) / 'nnunetv2'
spec = importlib.util.spec_from_file_location(
    'patch_size', nnunet / 'training/data_augmentation/compute_initial_patch_size.py')
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
turn = (-np.pi / 6, np.pi / 6)
sizes = [[128, 128, 128], [160, 160, 160], [80, 192, 160], [40, 56, 40], [96, 160, 160], [20, 320, 256]]
loaded = [{'size': s, 'loaded': module.get_patch_size(s, turn, turn, turn, (0.85, 1.25)).tolist()} for s in sizes]


def from_trainer(names):
    """Functions of nnUNetTrainer without the rest of its file, which imports all of nnU-Net."""
    tree = ast.parse((nnunet / 'training/nnUNetTrainer/nnUNetTrainer.py').read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in names]
    space = {'np': np, 'ANISO_THRESHOLD': 3, 'get_patch_size': module.get_patch_size}
    for node in tree.body:
        # What a cascade alone uses is left out: it wants more packages.
        if (isinstance(node, ast.ImportFrom) and node.module.startswith('batchgeneratorsv2')
                and not node.module.startswith('batchgeneratorsv2.transforms.nnunet')):
            imported = importlib.import_module(node.module)
            space.update({alias.name: getattr(imported, alias.name) for alias in node.names})
    for node in found:
        # Types in the signature name things that are not imported here.
        node.decorator_list, node.returns = [], None
        for argument in node.args.args:
            argument.annotation = None
        exec(compile(ast.Module([node], []), node.name, 'exec'), space)
    return [space[name] for name in names]


def plain(x):
    """Settings of a transform as JSON; ranges that are split at 1 are marked."""
    if isinstance(x, BGContrast):
        return {'split': list(x.contrast_range)}
    return [plain(y) for y in x] if isinstance(x, (list, tuple)) else x


def pipeline():
    """nnU-Net's transforms for a patch of 128^3, in order, with every setting."""
    configure, transforms = from_trainer(
        ['configure_rotation_dummyDA_mirroring_and_inital_patch_size', 'get_training_transforms'])
    trainer = SimpleNamespace(configuration_manager=SimpleNamespace(patch_size=[128] * 3), print_to_log_file=lambda _: None)
    rotation, dummy, _, mirror = configure(trainer)
    out = []
    for transform in transforms([128] * 3, rotation, None, mirror, dummy).transforms:
        chance = getattr(transform, 'apply_probability', 1)
        transform = getattr(transform, 'transform', transform)
        settings = {k: plain(v) for k, v in vars(transform).items()
                    if not k.startswith('_') and k not in ('upmodes', 'patch_size', 'benchmark_use_fft')}
        out.append({'name': type(transform).__name__, 'chance': chance, 'settings': settings})
    return out


versions = {name: version(name) for name in ('batchgeneratorsv2', 'batchgenerators', 'torch', 'numpy', 'pandas')}
print(json.dumps({'versions': {**versions, 'nnunetv2': '2.8.1', 'python': sys.version.split()[0]},
                  'loaded': loaded, 'pipeline': pipeline(), 'cases': cases}, indent=None, separators=(',', ':')).replace('},{"name"', '},\n{"name"'))
