"""What PyTorch makes of the proof's cases in float64: the peer of src/backends/proof, and what writes ops.json.

Run it with the cases as JSON on stdin: [{"key", "expression", "inputs": [{"shape", "values", "whole", "differentiable"}],
"weights": [[...], ...]}, ...]. It answers {"torch": version, "cases": {key: {"outputs": [[...]], "gradients": [[...]]}}}.
Outputs and gradients come as they are up to 48 numbers, else as their products with six directions, as in
src/backends/proof/finite-differences.ts. Gradients are those of the sum of all outputs times `weights`.
"""
import json
import math
import sys

import torch
import torch.nn.functional as F

FULL_BELOW, DIRECTIONS = 48, 6


def projected(x):
    x = x.detach().double().flatten()
    if len(x) <= FULL_BELOW:
        return x.tolist()
    i = torch.arange(len(x), dtype=torch.float64)
    return [float((torch.cos((0.71 + 0.37 * k) * (i + 1) + 0.5 * torch.sin(i)) * x).sum()) for k in range(DIRECTIONS)]


def channels_first(x):
    return x.movedim(-1, 1)


def channels_last(x):
    return x.movedim(1, -1)


def conv(x, w, dims, borders, stride, dilation, groups):
    """x [b, ...space, c], w [...kernel, in, out] or, by groups, [...kernel, c, m]."""
    x = channels_first(F.pad(x, [0, 0] + borders))
    if groups > 1:
        w = w.movedim(-1, -2).flatten(-2)  # [.., m, c] to PyTorch's order: channel by channel
        c = groups
        m = w.shape[-1] // c
        w = w.unflatten(-1, (m, c)).movedim(-1, 0).movedim(-1, 1).flatten(0, 1).unsqueeze(1)
    else:
        w = w.movedim(-1, 0).movedim(-1, 1)
    f = F.conv2d if dims == 2 else F.conv3d
    return channels_last(f(x, w, stride=stride, dilation=dilation, groups=groups))


def conv_transpose(x, w, dims, borders, stride):
    """w [...kernel, out, in]; the borders are cut off after."""
    f = F.conv_transpose2d if dims == 2 else F.conv_transpose3d
    y = channels_last(f(channels_first(x), w.movedim(-1, 0).movedim(-1, 1), stride=stride))
    for axis, (before, after) in enumerate(borders):
        y = y.narrow(axis + 1, before, y.shape[axis + 1] - before - after)
    return y


def max_pool(x, dims, borders, size, stride):
    f = F.max_pool2d if dims == 2 else F.max_pool3d
    return channels_last(f(channels_first(F.pad(x, [0, 0] + borders, value=-math.inf)), size, stride))


def avg_pool(x, dims, borders, size, stride):
    f = F.avg_pool2d if dims == 2 else F.avg_pool3d
    count = F.pad(torch.ones_like(x), [0, 0] + borders)
    mean = [channels_last(f(channels_first(y), size, stride)) for y in (F.pad(x, [0, 0] + borders), count)]
    return mean[0] / mean[1]


def interpolate(x, size, corners):
    mode = {4: "bilinear", 5: "trilinear"}[x.dim()]
    return channels_last(F.interpolate(channels_first(x), size=tuple(size), mode=mode, align_corners=corners))


def nearest_exact(x, size):
    return channels_last(F.interpolate(channels_first(x), size=tuple(size), mode="nearest-exact"))


def mirror_pad(x, widths, mode):
    for axis, (before, after) in enumerate(widths):
        n, edge = x.shape[axis], 0 if mode == "reflect" else 1
        places = [-i - edge for i in range(-before, 0)] + list(range(n)) + [n - 2 - i + edge for i in range(after)]
        x = x.index_select(axis, torch.tensor(places))
    return x


def depth_to_space(x, k):
    b, h, w, c = x.shape
    return x.reshape(b, h, w, k, k, c // k**2).permute(0, 1, 3, 2, 4, 5).reshape(b, h * k, w * k, c // k**2)


def gather(x, at, axis, batch):
    if batch == 0:
        axis %= x.dim()
        return x.index_select(axis, at.flatten()).unflatten(axis, at.shape)
    if batch == 1:
        return torch.stack([a[i] for a, i in zip(x, at)])
    return torch.stack([gather(a, i, axis - 1, batch - 1) for a, i in zip(x, at)])


def scatter(at, values, shape):
    return torch.zeros(shape, dtype=values.dtype).index_put(tuple(at.unbind(-1)), values, accumulate=True)


def attention(qkv, heads):
    n, width = qkv.shape[0], qkv.shape[1] // 3
    q, k, v = (t.reshape(n, heads, -1).transpose(0, 1) for t in qkv.split(width, 1))
    return F.scaled_dot_product_attention(q, k, v).transpose(0, 1).reshape(n, width)


def relative_attention(q, k, v, rows, columns, h, w):
    def table(t, n):
        i = torch.arange(n)
        return t[i[:, None] - i[None, :] + n - 1]

    grid = q.unflatten(1, (h, w))
    by_row = torch.einsum("bhwc,hkc->bhwk", grid, table(rows, h))
    by_column = torch.einsum("bhwc,wkc->bhwk", grid, table(columns, w))
    bias = (by_row[..., :, None] + by_column[..., None, :]).flatten(3).flatten(1, 2)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=0.5)


def rotary(x, angles):
    z = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * torch.polar(torch.ones_like(angles), angles)
    return torch.view_as_real(z).flatten(-2)


def focal(x, t):
    p = x.sigmoid()
    miss = torch.where(t > 0, 1 - p, p)
    entropy = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    return (torch.where(t > 0, 0.25, 0.75) * miss**2 * entropy).mean()


def nt_xent(x, n, temperature):
    x = F.normalize(x, dim=-1)
    likeness = (x @ x.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), -math.inf)
    return F.cross_entropy(likeness, torch.arange(2 * n).roll(n))


def train(kind, start, c, steps=3, **settings):
    p = torch.nn.Parameter(start.clone())
    optimiser = kind([p], **settings)
    for _ in range(steps):
        optimiser.zero_grad()
        ((p * p * c).sum() / 2).backward()
        optimiser.step()
    return p.detach()


def answer(case):
    inputs = [torch.tensor(x["values"], dtype=torch.float64).reshape(x["shape"]) for x in case["inputs"]]
    wanted = [x.requires_grad_() for x, given in zip(inputs, case["inputs"]) if given["differentiable"]]
    names = dict(zip("abcdefgh", inputs), inputs=inputs)
    outputs = eval(case["expression"], globals(), names)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    gradients = []
    if wanted:
        weights = [torch.tensor(w, dtype=torch.float64) for w in case["weights"]]
        total = sum((y.flatten() * w).sum() for y, w in zip(outputs, weights))
        gradients = [torch.zeros_like(x) for x in wanted]
        if total.requires_grad:
            found = torch.autograd.grad(total, wanted, allow_unused=True)
            gradients = [z if g is None else g for g, z in zip(found, gradients)]
    return {"outputs": [projected(y) for y in outputs], "gradients": [projected(g) for g in gradients]}


if __name__ == "__main__":
    torch.set_num_threads(1)
    cases = {}
    for case in json.load(sys.stdin):
        try:
            cases[case["key"]] = answer(case)
        except Exception as error:
            raise SystemExit(f"{case['key']}: {case['expression']}: {error}")
    json.dump({"torch": torch.__version__, "cases": cases}, sys.stdout)
