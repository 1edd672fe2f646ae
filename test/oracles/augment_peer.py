"""What batchgeneratorsv2 makes of patches: the peer that the tests of src/sampling/augment compare with.

Run it and write cases as JSON lines on stdin; it answers each with a line of JSON. Also imported by augment_cases.py.
A case: {"dims": [X, Y, Z], "channels": [base64 float32, ...], "mask": base64 int16 or null, "step": {...}}; arrays are in
file order (x fastest), steps as in src/sampling/augment. An answer: {"dims", "channels", "mask"} likewise.
"""
import base64
import json
import sys
import types

import numpy as np

try:
    import skimage.data
except ImportError:
    # The blur's file imports a picture of scikit-image for a demonstration that is not run here.
    sys.modules['skimage'] = types.ModuleType('skimage')
    sys.modules['skimage.data'] = types.SimpleNamespace(camera=None)

import torch
from batchgeneratorsv2.transforms.intensity.brightness import MultiplicativeBrightnessTransform
from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.remove_label import RemoveLabelTansform


def pack(array, dtype):
    return base64.b64encode(np.asarray(array).astype(dtype).tobytes(order='F')).decode()


def unpack(text, dtype, dims):
    return np.frombuffer(base64.b64decode(text), dtype).reshape(dims, order='F').copy()


def spatial(step, dims):
    """nnU-Net's settings (nnunetv2 2.8.1, get_training_transforms) with the angles and scales given."""
    return SpatialTransform(
        tuple(step.get('size', dims)), patch_center_dist_from_border=0, random_crop=False, p_elastic_deform=0,
        p_rotation=float(any(step['angles'])),
        rotation=lambda image, dim: float(np.deg2rad(step['angles'][dim])),
        p_scaling=float(any(s != 1 for s in step['scales'])),
        scaling=lambda image, dim: step['scales'][dim],
        p_synchronize_scaling_across_axes=-1,
        bg_style_seg_sampling=False, border_mode_seg='constant', padding_value_seg=-1)


def transform_of(step, dims):
    """The transform and its parameters for one step; spatial draws its own, from ranges of one value."""
    def chosen(settings):
        return [c for c, s in enumerate(settings) if s is not None], [s for s in settings if s is not None]
    op = step['op']
    if op == 'spatial':
        return spatial(step, dims), None
    if op == 'mirror':
        return MirrorTransform((0, 1, 2)), {'axes': step['axes']}
    if op in ('brightness', 'contrast'):
        idx, factors = chosen(step['factors'])
        params = {'apply_to_channel': torch.tensor(idx), 'multipliers': torch.tensor(factors)}
        if op == 'brightness':
            return MultiplicativeBrightnessTransform(1, False, 1), params
        return ContrastTransform(1, preserve_range=True, synchronize_channels=False), params
    if op == 'gamma':
        idx, exponents = chosen(step['exponents'])
        return GammaTransform(1, 0, False, 1, 1), {
            'apply_to_channel': torch.tensor(idx), 'gamma': torch.tensor(exponents),
            'retain_stats': torch.tensor([step['keepStatistics']] * len(idx)),
            'invert_image': torch.tensor([step['invert']] * len(idx))}
    if op == 'blur':
        return GaussianBlurTransform(1, False, False, 1, benchmark=False), {
            'apply_to_channel': torch.tensor([s is not None for s in step['sigmas']]),
            'sigmas': chosen(step['sigmas'])[1]}
    if op == 'low-resolution':
        idx, scales = chosen(step['scales'])
        return SimulateLowResolutionTransform(1, False, True, None), {
            'apply_to_channel': idx, 'scales': torch.tensor(scales)}
    raise ValueError(op)


def run(image, mask, step):
    """image: float32 (C, X, Y, Z); mask: int16 (X, Y, Z) or None. Both are left as they are."""
    transform, params = transform_of(step, image.shape[1:])
    data = {'image': torch.from_numpy(np.ascontiguousarray(image).copy())}
    if mask is not None:
        data['segmentation'] = torch.from_numpy(np.ascontiguousarray(mask)[None].copy())
    out = transform(**data) if params is None else transform.apply(data, **params)
    if mask is not None:
        out = RemoveLabelTansform(-1, 0)(**out)
    return out['image'].numpy(), out['segmentation'].numpy()[0] if mask is not None else None


def answer(case):
    image = np.stack([unpack(c, '<f4', case['dims']) for c in case['channels']])
    mask = unpack(case['mask'], '<i2', case['dims']) if case['mask'] else None
    image, mask = run(image, mask, case['step'])
    return {'dims': list(image.shape[1:]), 'channels': [pack(c, '<f4') for c in image],
            'mask': None if mask is None else pack(mask, '<i2')}


if __name__ == '__main__':
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
