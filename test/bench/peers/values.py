"""The values of test/bench/nets/values.ts in NumPy: a hash of a tensor's name and an element's index."""
import numpy as np


def seed_of(name):
    """FNV-1a."""
    value = 0x811C9DC5
    for character in name:
        value = ((value ^ ord(character)) * 0x01000193) & 0xFFFFFFFF
    return value


def values_of(shape, start, name):
    size = int(np.prod(shape))
    if start['kind'] == 'constant':
        return np.full(shape, start['value'], np.float32)
    if start['kind'] == 'normal':
        reach = np.sqrt(3.0) * start['deviation']
        low, high = -reach, reach
    else:
        low, high = start['low'], start['high']
    x = np.arange(size, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed_of(name))
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    share = (x ^ (x >> np.uint32(16))).astype(np.float64) / 2.0**32
    return (low + (high - low) * share).astype(np.float32).reshape(shape)


def tensors_of(plan):
    """Arrays by group and path: `trained`, `frozen`, `inputs`."""
    groups = {'trained': {}, 'frozen': {}, 'inputs': {}}
    for tensor in plan['tensors']:
        group, path = tensor['group'], tensor['path']
        groups[group][path] = values_of(tensor['shape'], tensor['start'], f'{group}/{path}')
    return groups
