"""test/bench/engine-steps.cjs on PyTorch: `engine_steps.py THREADS [cuda]` times what it is told on stdin, a line each.

Answers with milliseconds and the value that came out. The same weights and data: sines of the index.
"""
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

threads = int(sys.argv[1])
device = sys.argv[2] if len(sys.argv) > 2 else 'cpu'
torch.set_num_threads(threads)
# Float32 as on every other engine here, where a card would round the factors of products.
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False


class Maker:
    """Deterministic tensors, each with a phase of its own."""

    def __init__(self):
        self.phase = 0
        self.trained = []

    def tensor(self, shape, deviation=1.0):
        self.phase += 1
        index = np.arange(1, np.prod(shape) + 1, dtype=np.float64)
        flat = np.sin(12.9898 * index + self.phase) * np.sqrt(2.0) * deviation
        return torch.from_numpy(flat.astype(np.float32).reshape(shape)).to(device)

    def variable(self, shape, deviation):
        return self.train(self.tensor(shape, deviation))

    def filled(self, shape, value):
        return self.train(torch.full(shape, float(value), device=device))

    def train(self, tensor):
        made = tensor.contiguous().requires_grad_()
        self.trained.append(made)
        return made


def product(n):
    make = Maker()
    a, b = make.tensor([n, n]), make.tensor([n, n])
    return lambda: a @ b


def batched():
    make = Maker()
    a, b = make.tensor([16, 1024, 64]), make.tensor([16, 1024, 64])
    return lambda: a @ b.transpose(1, 2)


def convolution():
    make = Maker()
    x = make.tensor([1, 32, 32, 32, 8]).permute(0, 4, 1, 2, 3).contiguous().requires_grad_()
    w = make.tensor([3, 3, 3, 8, 16], 0.1).permute(4, 3, 0, 1, 2).contiguous().requires_grad_()

    def run():
        y = F.conv3d(x, w, padding=1).square().sum()
        return sum(g.abs().sum() for g in torch.autograd.grad(y, [x, w]))

    return run


def training_step(loss, variables):
    adam = torch.optim.Adam(variables, 1e-3, eps=1e-7)

    def run():
        adam.zero_grad()
        value = loss()
        value.backward()
        adam.step()
        return value.detach()

    return run


def vit():
    make = Maker()
    image, patch, d, depth, heads, rank, neck = 64, 8, 192, 6, 3, 4, 256
    grid, per_head = image // patch, d // heads
    tokens = grid * grid
    embed = make.tensor([patch * patch * 3, d], 0.02)
    position = make.tensor([tokens, d], 0.02)
    blocks = []
    for _ in range(depth):
        blocks.append(
            {
                'qkv': make.tensor([d, 3 * d], d**-0.5),
                'proj': make.tensor([d, d], d**-0.5),
                'fc1': make.tensor([d, 4 * d], d**-0.5),
                'fc2': make.tensor([4 * d, d], (4 * d) ** -0.5),
                'qa': make.variable([d, rank], d**-0.5),
                'qb': make.variable([rank, d], 0.02),
                'va': make.variable([d, rank], d**-0.5),
                'vb': make.variable([rank, d], 0.02),
            }
        )
    neck_weight = make.variable([d, neck], d**-0.5)
    head_weight = make.variable([neck, patch * patch], neck**-0.5)
    head_bias = make.filled([patch * patch], 0)
    picture = make.tensor([image, image, 3])
    target = (make.tensor([image, image]) > 0.5).float()

    def split(x):
        return x.reshape(tokens, heads, per_head).transpose(0, 1)

    def mask():
        patches = picture.reshape(grid, patch, grid, patch * 3).permute(0, 2, 1, 3)
        x = patches.reshape(tokens, patch * patch * 3) @ embed + position
        for w in blocks:
            h = F.layer_norm(x, (d,), eps=1e-6)
            q, k, v = (h @ w['qkv']).split(d, 1)
            q = split(q + h @ w['qa'] @ w['qb']) * per_head**-0.5
            v = split(v + h @ w['va'] @ w['vb'])
            mixed = torch.softmax(q @ split(k).transpose(1, 2), -1) @ v
            x = x + mixed.transpose(0, 1).reshape(tokens, d) @ w['proj']
            x = x + F.gelu(F.layer_norm(x, (d,), eps=1e-6) @ w['fc1']) @ w['fc2']
        y = F.gelu(x @ neck_weight) @ head_weight + head_bias
        return y.reshape(grid, grid, patch, patch).permute(0, 2, 1, 3).reshape(image, image)

    def loss():
        logits = mask()
        p = logits.sigmoid()
        cross = (F.softplus(logits) - logits * target).mean()
        return cross + 1 - (2 * (p * target).sum() + 1) / (p.sum() + target.sum() + 1)

    return training_step(loss, make.trained)


def unet():
    make = Maker()
    side, channels, classes = 32, [8, 16, 32], 3

    def layer(start, end, stride=1):
        w = make.tensor([3, 3, 3, start, end], (2 / (27 * start)) ** 0.5).permute(4, 3, 0, 1, 2)
        w, scale, shift = make.train(w), make.filled([end], 1), make.filled([end], 0)

        def run(x):
            # TF.js pads `same` at stride 2 behind only; PyTorch pads both sides alike.
            y = F.conv3d(F.pad(x, [0, 1] * 3), w, stride=2) if stride == 2 else F.conv3d(x, w, padding=1)
            return F.leaky_relu(F.instance_norm(y, weight=scale, bias=shift, eps=1e-5), 0.01)

        return run

    def up(start, end):
        w = make.tensor([start, 8 * end], start**-0.5)
        w = make.train(w.reshape(start, 2, 2, 2, end).permute(0, 4, 1, 2, 3))
        return lambda x: F.conv_transpose3d(x, w, stride=2)

    downs = []
    for level, end in enumerate(channels):
        start = 1 if level == 0 else channels[level - 1]
        downs.append([layer(start, end, 1 if level == 0 else 2), layer(end, end)])
    ups = []
    for level in (1, 0):
        rise = up(channels[level + 1], channels[level])
        layers = [layer(2 * channels[level], channels[level]), layer(channels[level], channels[level])]
        ups.append((rise, layers, level))
    head = make.variable([channels[0], classes], channels[0] ** -0.5)
    volume = make.tensor([1, 1, side, side, side])
    labels = (torch.arange(side**3, device=device) * 7) % classes

    def loss():
        skips, x = [], volume
        for layers in downs:
            for run in layers:
                x = run(x)
            skips.append(x)
        for rise, layers, level in ups:
            x = torch.cat([rise(x), skips[level]], 1)
            for run in layers:
                x = run(x)
        logits = x[0].flatten(1).t() @ head
        return F.cross_entropy(logits, labels)

    return training_step(loss, make.trained)


steps = {
    'product 512': lambda: product(512),
    'product 1024': lambda: product(1024),
    'product 2048': lambda: product(2048),
    'transposed [16,1024,64]': batched,
    'conv3d 32^3 8 to 16 and gradients': convolution,
    'step of LoRA ViT': vit,
    'step of 3-D U-Net': unet,
}
place = torch.cuda.get_device_name() if device == 'cuda' else f'{threads} threads'
print(f'torch {torch.__version__}, {place}', flush=True)
made = {}
for line in sys.stdin:
    name = line.strip()
    if name not in made:
        made[name] = steps[name]()
    begin = time.perf_counter()
    value = made[name]().flatten()[0].item()
    print((time.perf_counter() - begin) * 1000, value, flush=True)
