"""Writes test/oracles/nn.json: what PyTorch gives for the layers of src/nn, values and gradients, in double precision.

    python test/oracles/nn_peer.py > test/oracles/nn.json

Tensors have the values of test/bench/peers/values.py, by their names; the gradients are those of sum(output * cotangent).
"""
import json
import os
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'bench', 'peers'))
from values import values_of

torch.set_default_dtype(torch.float64)


def linear(x, weight, bias):
    return x @ weight + bias


def attend(q, k, v, heads):
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(-3, -2) for t in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v).transpose(-3, -2).flatten(-2)


def same(x, filter, bias, stride):
    """TensorFlow's `same`: zeros on both sides, and where they are not even one more behind."""
    axes = x.dim() - 2
    pads = []
    for length in reversed(x.shape[1:-1]):
        total = max(0, ((length + stride - 1) // stride - 1) * stride + 3 - length)
        pads += [total // 2, total - total // 2]
    inner = F.pad(x.movedim(-1, 1), pads)
    convolve = F.conv2d if axes == 2 else F.conv3d
    order = (axes + 1, axes, *range(axes))
    return convolve(inner, filter.permute(order), bias, stride).movedim(1, -1)


def rise(x, weight):
    filter = weight.view(weight.shape[0], 2, 2, 2, -1).permute(0, 4, 1, 2, 3)
    return F.conv_transpose3d(x.movedim(-1, 1), filter, stride=2).movedim(1, -1)


def raised(x, weight, bias):
    y = F.conv_transpose2d(x.movedim(-1, 1), weight.permute(0, 3, 1, 2), bias, stride=weight.shape[1])
    return y.movedim(1, -1)


def instance_norm(x, gain, bias):
    return F.group_norm(x.movedim(-1, 1), x.shape[-1], gain, bias, 1e-5).movedim(1, -1)


def embed(image, weight, bias, size):
    down, across = image.shape[0] // size, image.shape[1] // size
    patches = image.view(down, size, across, -1).transpose(1, 2).reshape(down * across, -1)
    return linear(patches, weight, bias)


def dice(p, t):
    return 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)


def adapted(x, weight, bias, a, b):
    return linear(x, weight, bias) + 2 * (x @ a @ b)


def perceptron(x, weight, bias, weight2, bias2):
    return linear(F.gelu(linear(x, weight, bias)), weight2, bias2)


# Name: shapes of what is differentiated, the function, and what else it is given.
cases = {
    'linear': ([[2, 3, 4], [4, 5], [5]], linear),
    'adapted linear': ([[3, 4], [4, 5], [5], [4, 2], [2, 5]], adapted),
    'perceptron': ([[3, 4], [4, 8], [8], [8, 4], [4]], perceptron),
    'gelu': ([[4, 6]], lambda x: F.gelu(3 * x)),
    'leaky ReLU': ([[4, 6]], lambda x: F.leaky_relu(x, 0.1)),
    'layer norm': ([[2, 3, 8], [8], [8]], lambda x, g, b: F.layer_norm(x, (8,), g, b, 1e-6)),
    'instance norm': ([[2, 3, 2, 4, 3], [3], [3]], instance_norm),
    'instance norm of one': ([[1, 4, 5, 3], [3], [3]], instance_norm),
    'attention': ([[5, 8], [5, 8], [5, 8]], lambda q, k, v: attend(q, k, v, 2)),
    'attention in a batch': ([[2, 5, 6], [2, 5, 6], [2, 5, 6]], lambda q, k, v: attend(q, k, v, 3)),
    'patches': ([[4, 6, 3], [12, 5], [5]], lambda x, w, b: embed(x, w, b, 2)),
    'conv2d': ([[2, 5, 4, 2], [3, 3, 2, 3], [3]], lambda x, w, b: same(x, w, b, 1)),
    'conv2d, stride 2': ([[1, 6, 5, 2], [3, 3, 2, 3], [3]], lambda x, w, b: same(x, w, b, 2)),
    'conv3d': ([[1, 3, 4, 3, 2], [3, 3, 3, 2, 2], [2]], lambda x, w, b: same(x, w, b, 1)),
    'conv3d, stride 2': ([[1, 4, 4, 6, 2], [3, 3, 3, 2, 2], [2]], lambda x, w, b: same(x, w, b, 2)),
    'up-convolution': ([[1, 2, 3, 2, 4], [4, 16]], rise),
    'transposed convolution': ([[2, 3, 2, 4], [4, 2, 2, 3], [3]], raised),
    'transposed convolution, kernel 3': ([[1, 2, 3, 3], [3, 3, 3, 2], [2]], raised),
    'linear layers with ReLU between': (
        [[3, 4], [4, 6], [6], [6, 5], [5], [5, 2], [2]],
        lambda x, *p: linear(F.relu(linear(F.relu(linear(x, *p[:2])), *p[2:4])), *p[4:]),
    ),
    'binary cross-entropy': (
        [[4, 5]],
        lambda x: F.binary_cross_entropy_with_logits(3 * x, torch.tensor(target([4, 5]))),
    ),
    'Dice': ([[4, 5]], lambda x: dice(torch.sigmoid(x), torch.tensor(target([4, 5])))),
    'cross-entropy': ([[6, 3]], lambda x: F.cross_entropy(2 * x, torch.arange(6) * 2 % 3)),
}


def target(shape):
    return (values_of(shape, {'kind': 'uniform', 'low': 0, 'high': 1}, 'target') > 0.5).astype(float)


def tensor(shape, name):
    return torch.tensor(values_of(shape, {'kind': 'uniform', 'low': -1, 'high': 1}, name), dtype=torch.float64)


def listed(values):
    return [float(f'{value:.8g}') for value in values.detach().flatten().tolist()]


written = {}
for name, (shapes, function) in cases.items():
    inputs = [tensor(shape, f'{name}/{k}').requires_grad_() for k, shape in enumerate(shapes)]
    output = function(*inputs)
    gradients = torch.autograd.grad((output * tensor(output.shape, f'{name}/cotangent')).sum(), inputs)
    written[name] = {
        'shapes': shapes,
        'shape': list(output.shape),
        'output': listed(output),
        'gradients': [listed(g) for g in gradients],
    }
lines = [f'{json.dumps(name)}: {json.dumps(case)}' for name, case in written.items()]
print(f'{{"versions": {{"torch": "{torch.__version__}"}},\n"cases": {{\n' + ',\n'.join(lines) + '\n}}')
