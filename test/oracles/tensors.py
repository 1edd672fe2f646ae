"""Writes test/oracles/tensors.json: small files made by safetensors, NumPy and PyTorch, with the values that they hold.

    python test/oracles/tensors.py > test/oracles/tensors.json

Each file stands in base64; `tensors` has name, type as safetensors calls it, shape, and the values as float32.
"""
import base64
import collections
import io
import json
import os
import tempfile

import numpy as np
import safetensors
import torch
from safetensors.torch import save

TYPES = {
    torch.bool: 'BOOL', torch.uint8: 'U8', torch.int8: 'I8', torch.int16: 'I16', torch.int32: 'I32', torch.int64: 'I64',
    torch.float16: 'F16', torch.bfloat16: 'BF16', torch.float32: 'F32', torch.float64: 'F64',
}


def encoded(data):
    return base64.b64encode(data).decode()


def told(name, tensor):
    """JSON has no NaN and no infinities: they are texts."""
    flat = tensor.detach().to(torch.float32).flatten().tolist()
    values = [v if np.isfinite(v) else str(v) for v in flat]
    return {'name': name, 'type': TYPES[tensor.dtype], 'shape': list(tensor.shape), 'values': values}


def numbers():
    halves = torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, 6.1e-5, 0.333, float('inf'), -float('inf'), float('nan')])
    return {
        'halves': halves.half(),
        'brains': torch.tensor([1.0, 3.14159, -1e38, 1e-40, 0.1]).bfloat16(),
        'floats': torch.tensor([[1.5, -2.25, 3e-39], [1e38, 0.1, -0.0]]),
        'doubles': torch.tensor([0.1, 1e-300, 16777217.0], dtype=torch.float64),
        'long': torch.tensor([-5, 2**24, 2**40], dtype=torch.int64),
        'int': torch.tensor([-(2**31), 7], dtype=torch.int32),
        'short': torch.tensor([-32768, 32767], dtype=torch.int16),
        'char': torch.tensor([-128, 127], dtype=torch.int8),
        'byte': torch.tensor([0, 255], dtype=torch.uint8),
        'truth': torch.tensor([True, False, True]),
        'scalar': torch.tensor(2.5),
        'nothing': torch.zeros(0, 3),
        'Größe "层"': torch.tensor([1.0]),
    }


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def layer():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def odd_strides():
    base = torch.arange(60.0).reshape(3, 4, 5)
    return {
        'whole': base,
        'turned': base.permute(2, 0, 1),
        'column': base[:, 1, 2],
        'every other': base[::2, ::3, 1::2],
        'last': base[2],
        'repeated': torch.tensor([1.0, 2.0]).expand(3, 2),
        'steps': base.as_strided((4, 3), (1, 2), 7),
    }


def checkpoints():
    state = layer().state_dict()
    parameter = collections.OrderedDict(weight=torch.nn.Parameter(torch.tensor([[1.0, 2.0]])))
    yield 'state dict', saved(state), None, state
    yield 'nested', saved({'model': state, 'epoch': 3, 'best': 0.5, 'note': 'a text', 'done': [True, None]}), None, state
    two = {'model': state, 'ema': {'w': torch.tensor([4.0])}}
    yield 'two inside', saved(two), 'ema', two['ema']
    yield 'deeper', saved({'a': {'b': state}}), 'a.b', state
    yield 'parameter', saved(parameter), None, parameter
    yield 'strides', saved(odd_strides()), None, odd_strides()
    yield 'types', saved(numbers()), None, numbers()


def npy():
    grid = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    yield 'float32', grid
    yield 'column order', np.asfortranarray(grid)
    yield 'big-endian doubles', grid.astype('>f8')
    yield 'halves', grid.astype(np.float16)
    yield 'bytes', grid.astype(np.uint8)
    yield 'truth', grid > 3
    yield 'big-endian long', grid.astype('>i8')
    yield 'scalar', np.float32(3)
    yield 'row', np.array([1, 2], np.uint16)
    yield 'nothing', np.zeros((0, 3), np.float32)


def array_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


files = {
    'versions': {'torch': torch.__version__, 'numpy': np.__version__, 'safetensors': safetensors.__version__},
    'safetensors': [
        {'name': 'every type', 'file': encoded(save(numbers(), {'format': 'pt', 'from': 'here'})),
         'metadata': {'format': 'pt', 'from': 'here'}, 'tensors': [told(*item) for item in numbers().items()]},
        {'name': 'empty', 'file': encoded(save({})), 'metadata': {}, 'tensors': []},
    ],
    'checkpoints': [
        {'name': name, 'file': encoded(data), 'key': key, 'tensors': [told(*item) for item in state.items()]}
        for name, data, key, state in checkpoints()
    ],
    'npy': [
        {'name': name, 'file': encoded(array_bytes(array)), 'shape': list(array.shape),
         'values': np.asarray(array).astype(float).flatten().tolist()}
        for name, array in npy()
    ],
}
print(json.dumps(files, indent=1, ensure_ascii=False))
