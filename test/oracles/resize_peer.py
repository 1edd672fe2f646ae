"""What PIL and torch make of a picture: the peers that the tests of src/sampling/resize.ts compare with.

Run with JSON lines on stdin, {width, height, pixels, newWidth, newHeight, kernel, convention, antialias}; answers each
with a JSON line: the pixels of the resized picture, or {"error": ...}. Also imported by resize_cases.py.
"""
import json
import sys

import numpy as np
import PIL
import torch
from PIL import Image

PIL_KERNELS = {
    'nearest': Image.Resampling.NEAREST,
    'bilinear': Image.Resampling.BILINEAR,
    'bicubic': Image.Resampling.BICUBIC,
}


def resize_with_pil(picture, width, height, kernel, antialias):
    image = Image.fromarray(picture.astype(np.float32))
    if antialias or kernel == 'nearest':
        out = image.resize((width, height), PIL_KERNELS[kernel])
    else:
        scale = (image.width / width, 0, 0, 0, image.height / height, 0)
        out = image.transform((width, height), Image.Transform.AFFINE, scale, PIL_KERNELS[kernel])
    return np.asarray(out)


def resize_with_torch(picture, width, height, kernel, antialias):
    # torch 2.13.0 with antialiasing gives every row the answer of the first where the new width is 1 (seen here:
    # rows and columns disagree). The transposed picture is spared that.
    if antialias and width == 1 and height > 1:
        return resize_with_torch(np.ascontiguousarray(picture.T), height, width, kernel, antialias).T
    # Single precision for nearest, as a picture is: in double precision torch takes other samples on ties.
    kind = torch.float32 if kernel.startswith('nearest') else torch.float64
    tensor = torch.from_numpy(picture).to(kind)[None, None]
    options = {} if kernel.startswith('nearest') else {'align_corners': False}
    out = torch.nn.functional.interpolate(
        tensor, size=(height, width), mode=kernel, antialias=antialias, **options
    )
    return out[0, 0].numpy()


def resize(picture, width, height, kernel, convention, antialias):
    way = resize_with_pil if convention == 'pil' else resize_with_torch
    return way(picture, width, height, kernel, antialias)


def versions():
    return {'pillow': PIL.__version__, 'torch': torch.__version__, 'numpy': np.__version__}


if __name__ == '__main__':
    for line in sys.stdin:
        ask = json.loads(line)
        picture = np.array(ask['pixels'], dtype=np.float64).reshape(ask['height'], ask['width'])
        try:
            how = (ask['kernel'], ask['convention'], ask['antialias'])
            answer = resize(picture, ask['newWidth'], ask['newHeight'], *how).ravel().tolist()
        except (KeyError, ValueError, RuntimeError, NotImplementedError) as error:
            answer = {'error': str(error).split('\n')[0][:200]}
        print(json.dumps(answer), flush=True)
