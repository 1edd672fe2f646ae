"""Times PIL's and torch's bicubic resizing for test/bench/resize.mjs: one line per measurement asked for on stdin."""
import sys
import time

import numpy as np
import PIL
import torch
from PIL import Image

width, height, size = (int(n) for n in sys.argv[1:4])
picture = np.random.default_rng(1).random((height, width), dtype=np.float32)
image = Image.fromarray(picture)
tensor = torch.from_numpy(picture)[None, None]
into = torch.empty((1, 1, size, size))


def pil():
    image.resize((size, size), Image.Resampling.BICUBIC)


def pil_point():
    scale = (width / size, 0, 0, 0, height / size, 0)
    image.transform((size, size), Image.Transform.AFFINE, scale, Image.Resampling.BICUBIC)


def interpolate(antialias, threads):
    torch.set_num_threads(threads)
    torch.nn.functional.interpolate(
        tensor, size=(size, size), mode='bicubic', align_corners=False, antialias=antialias
    )


def interpolate_into():
    torch.set_num_threads(1)
    torch.ops.aten.upsample_bicubic2d.out(tensor, [size, size], False, out=into)


kinds = {
    'pil': pil,
    'pil-point': pil_point,
    'torch-into': interpolate_into,
    'torch': lambda: interpolate(False, 1),
    'torch-all': lambda: interpolate(False, all_threads),
    'torch-antialias': lambda: interpolate(True, 1),
    'torch-antialias-all': lambda: interpolate(True, all_threads),
}
all_threads = torch.get_num_threads()
print(f'Pillow {PIL.__version__}, torch {torch.__version__} ({all_threads} threads)', flush=True)
for line in sys.stdin:
    run = kinds[line.strip()]
    begin = time.perf_counter()
    run()
    print((time.perf_counter() - begin) * 1000, flush=True)
