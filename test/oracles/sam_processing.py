"""Writes test/oracles/sam-processing.json: how segment_anything brings a picture to its input, and masks back.

    python test/oracles/sam_processing.py > test/oracles/sam-processing.json

The picture is resized as its `apply_image_torch` does, the one of its two ways that does not round to whole numbers, to
its `get_preprocess_shape`. That function itself takes the first two axes of a batch for height and width (version 1.0).
"""
import importlib.metadata
import json
import types

import torch
import torch.nn.functional as F

from sam_decoder import drawn, listed
from segment_anything.modeling import Sam
from segment_anything.utils.transforms import ResizeLongestSide

# height and width of the picture, size of the input: larger, smaller, one axis each way, and as it is.
CASES = [(7, 11, 16), (40, 23, 16), (9, 3, 32), (16, 12, 16)]


def case(height, width, size):
    name = f'{height} x {width} to {size}'
    transform = ResizeLongestSide(size)
    model = Sam(types.SimpleNamespace(img_size=size), None, None)
    picture = torch.from_numpy(drawn([height, width, 3], f'picture {name}', 0, 255))
    target = transform.get_preprocess_shape(height, width, size)
    resized = F.interpolate(
        picture.permute(2, 0, 1)[None], target, mode='bilinear', align_corners=False, antialias=True
    )
    prepared = model.preprocess(resized)[0].permute(1, 2, 0)
    points = drawn([4, 2], f'points {name}', 0, min(height, width))
    low = torch.from_numpy(drawn([2, size // 4, size // 4, 3], f'masks {name}')).requires_grad_()
    back = model.postprocess_masks(low.permute(0, 3, 1, 2), resized.shape[-2:], (height, width)).permute(0, 2, 3, 1)
    cotangent = torch.from_numpy(drawn(list(back.shape), f'cotangent {name}'))
    (gradient,) = torch.autograd.grad((back * cotangent).sum(), low)
    return {
        'picture': [height, width],
        'size': size,
        'prepared': listed(prepared),
        'points': [float(f'{x:.7g}') for x in transform.apply_coords(points, (height, width)).flatten().tolist()],
        'masks': listed(back),
        'gradient': listed(gradient),
    }


written = {f'{h} x {w} to {s}': case(h, w, s) for h, w, s in CASES}
body = ',\n'.join(f'{json.dumps(name)}: {json.dumps(value)}' for name, value in written.items())
versions = {name: importlib.metadata.version(name) for name in ('torch', 'segment_anything')}
print(f'{{"versions": {json.dumps(versions)},\n"cases": {{\n{body}\n}}}}')
