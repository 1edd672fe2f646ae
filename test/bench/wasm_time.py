"""Times torch on one thread on the workloads of wasm.mjs; prints one line of JSON: the least time of each, in ms."""
import json
import math
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(1)
rounds = int(sys.argv[1])


def randn(*shape):
    return torch.randn(*shape) * 0.05


def least(run):
    best = math.inf
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return 1000 * best


def conv(x, w, stride=1):
    return F.conv3d(x, w, stride=stride, padding=1)


def conv_gradients():
    y = conv(x, w).square().sum()
    return torch.autograd.grad(y, [x, w])


def vit_step():
    side, patch, dim, blocks, heads, rank = 64, 8, 192, 6, 3, 4
    tokens = (side // patch) ** 2
    trained = []

    def weight(*shape):
        return torch.randn(*shape) / math.sqrt(shape[0])

    def train(*shape):
        trained.append(weight(*shape).requires_grad_())
        return trained[-1]

    layers = [
        dict(qkv=weight(dim, 3 * dim), out=weight(dim, dim), up=weight(dim, 4 * dim), down=weight(4 * dim, dim),
             q=(train(dim, rank), train(rank, dim)), v=(train(dim, rank), train(rank, dim)))
        for _ in range(blocks)
    ]
    inputs, target, head = weight(tokens, dim), weight(tokens, 64), train(dim, 64)
    adam = torch.optim.Adam(trained, 1e-3)

    def split(h):
        return h.reshape(tokens, heads, dim // heads).transpose(0, 1)

    def step():
        adam.zero_grad()
        h = inputs
        for layer in layers:
            n = F.layer_norm(h, [dim], eps=1e-6)
            q, k, v = (n @ layer['qkv']).chunk(3, 1)
            q, v = q + n @ layer['q'][0] @ layer['q'][1], v + n @ layer['v'][0] @ layer['v'][1]
            scores = torch.softmax(split(q) @ split(k).transpose(1, 2) * math.sqrt(heads / dim), -1)
            h = h + (scores @ split(v)).transpose(0, 1).reshape(tokens, dim) @ layer['out']
            h = h + F.gelu(F.layer_norm(h, [dim], eps=1e-6) @ layer['up']) @ layer['down']
        (h @ head - target).square().mean().backward()
        adam.step()

    return step


def unet_step():
    side, base = 32, 8
    trained = []

    def train(*shape):
        trained.append((torch.randn(*shape) * math.sqrt(2 / math.prod(shape[1:]))).requires_grad_())
        return trained[-1]

    def pair(ci, co):
        return train(co, ci, 3, 3, 3), train(co, co, 3, 3, 3)

    def norm(x):
        return F.leaky_relu(F.instance_norm(x), 0.01)

    def apply(x, weights, stride=1):
        return norm(conv(norm(conv(x, weights[0], stride)), weights[1]))

    down = [pair(1, base), pair(base, 2 * base), pair(2 * base, 4 * base)]
    up = [train(4 * base, 2 * base, 2, 2, 2), train(2 * base, base, 2, 2, 2)]
    joined = [pair(4 * base, 2 * base), pair(2 * base, base)]
    head = train(3, base, 1, 1, 1)
    inputs = torch.randn(1, 1, side, side, side)
    labels = (torch.arange(side**3) % 3).reshape(1, side, side, side)
    adam = torch.optim.Adam(trained, 1e-3)

    def step():
        adam.zero_grad()
        a = apply(inputs, down[0])
        b = apply(a, down[1], 2)
        c = apply(b, down[2], 2)
        d = apply(torch.cat([F.conv_transpose3d(c, up[0], stride=2), b], 1), joined[0])
        e = apply(torch.cat([F.conv_transpose3d(d, up[1], stride=2), a], 1), joined[1])
        F.cross_entropy(F.conv3d(e, head), labels).backward()
        adam.step()

    return step


s, t = randn(512, 512), randn(512, 512)
q, k, a = randn(16, 1024, 64), randn(16, 1024, 64), randn(16, 1024, 1024)
x, w = randn(1, 8, 32, 32, 32).requires_grad_(), randn(16, 8, 3, 3, 3).requires_grad_()
print(json.dumps({
    'product 512 x 512 x 512': least(lambda: s @ t),
    'product, second turned': least(lambda: s @ t.T),
    'product, first turned': least(lambda: s.T @ t),
    'product, both turned': least(lambda: s.T @ t.T),
    'q k^T, 16 heads, 1024 x 64': least(lambda: q @ k.transpose(1, 2)),
    'a v, 16 heads, 1024 x 64': least(lambda: a @ k),
    'conv3d 32^3, 8 to 16': least(lambda: conv(x.detach(), w.detach())),
    'conv3d 32^3, 8 to 16, with gradients': least(conv_gradients),
    'ViT step': least(vit_step()),
    '3-D U-Net step': least(unet_step()),
}))
