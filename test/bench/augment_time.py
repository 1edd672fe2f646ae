"""Times batchgeneratorsv2's operations for augment.mjs: reads one JSON request a line, answers with milliseconds.

{"load": file, "dims": [X, Y, Z], "name": name} reads float32 values and uint8 labels, x fastest;
{"name": name, "step": step, "threads": n} applies a step to it. What it works in place on is copied before the clock runs.
"""
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'oracles'))
import torch
from augment_peer import transform_of
from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform

print(f"batchgeneratorsv2 {version('batchgeneratorsv2')}, torch {version('torch')}", flush=True)
patches = {}
for line in sys.stdin:
    request = json.loads(line)
    if 'load' in request:
        dims, raw = request['dims'], np.fromfile(request['load'], np.uint8)
        n = int(np.prod(dims))
        image = raw[:4 * n].view('<f4').reshape(dims, order='F')
        mask = raw[4 * n:].reshape(dims, order='F').astype(np.int16)
        patches[request['name']] = [torch.from_numpy(np.ascontiguousarray(a)[None]) for a in (image, mask)]
        print('loaded', flush=True)
        continue
    torch.set_num_threads(request['threads'])
    image, mask = patches[request['name']]
    step = request['step']
    if step['op'] == 'noise':
        transform, params = GaussianNoiseTransform((step['sigma'],) * 2, 1, True), None
    else:
        transform, params = transform_of(step, image.shape[1:])
    data = {'image': image.clone(), 'segmentation': mask.clone()}
    begin = time.perf_counter()
    transform(**data) if params is None else transform.apply(data, **params)
    print((time.perf_counter() - begin) * 1000, flush=True)
