"""The card suite's times on PyTorch: `torch_card.py REQUEST`, a JSON text with `units`, `sampling`, `tf32`, `rehearse`, `peers`.

Answers on file 3, a line of JSON each: facts, then for each unit that it begins, and what came out. The same units, numbers and
way of sampling as in times.ts.
"""
import statistics
import sys
import time

from torch_suite import device, request, say, settle

import numpy as np
import torch
import torch.nn.functional as F


def numbers(shape, phase):
    index = np.arange(np.prod(shape), dtype=np.int64)
    values = ((index * 7919 + phase * 1009) % 2003) / 1001 - 1
    return torch.from_numpy(values.astype(np.float32).reshape(shape)).to(device)


def product(u):
    a = numbers([u['batch'], u['k'], u['m']] if u['transposeA'] else [u['batch'], u['m'], u['k']], 1)
    b = numbers([u['batch'], u['n'], u['k']] if u['transposeB'] else [u['batch'], u['k'], u['n']], 2)
    if u['batch'] == 1:
        a, b = a[0], b[0]
    a = a.transpose(-1, -2) if u['transposeA'] else a
    b = b.transpose(-1, -2) if u['transposeB'] else b
    return lambda: [a @ b]


def convolution(u):
    rank = len(u['extents'])
    # From channels last, as TensorFlow.js has them, to PyTorch's own layout.
    x = numbers([u['batch'], *u['extents'], u['from']], 1).movedim(-1, 1).contiguous()
    w = numbers([*[3] * rank, u['from'], u['to']], 2).permute(rank + 1, rank, *range(rank)).contiguous()
    conv = F.conv2d if rank == 2 else F.conv3d
    if not u['gradients']:
        return lambda: [conv(x, w, padding=1)]
    x.requires_grad_()
    w.requires_grad_()
    ones = torch.ones([u['batch'], u['to'], *u['extents']], device=device)
    return lambda: list(torch.autograd.grad(conv(x, w, padding=1), [x, w], ones))


def gather(u):
    """Three planes through a voxel of a cube, stacked as a batch: the layouts of gather.ts, by the same formula for the voxels."""
    n, edge, layout = u['size'], u['edge'], u['layout']
    bricks = n // edge
    cube = numbers([n, n, n], 1)  # z, y, x
    if layout == 'copies':
        held = [cube, cube.permute(1, 0, 2).contiguous(), cube.permute(2, 0, 1).contiguous()]
    elif layout == 'bricks':
        held = cube.reshape(bricks, edge, bricks, edge, bricks, edge).permute(0, 2, 4, 1, 3, 5).contiguous()
    calls = 0

    def run():
        nonlocal calls
        x, y, z = ((calls * 7919 + axis * 1009) % n for axis in range(3))
        calls += 1
        if layout == 'file':
            planes = [cube[z], cube[:, y], cube[:, :, x]]
        elif layout == 'copies':
            planes = [held[0][z], held[1][y], held[2][x]]
        else:
            planes = [
                held[z // edge, :, :, z % edge].permute(0, 2, 1, 3).reshape(n, n),
                held[:, y // edge, :, :, y % edge].permute(0, 2, 1, 3).reshape(n, n),
                held[:, :, x // edge, :, :, x % edge].permute(0, 2, 1, 3).reshape(n, n),
            ]
        return [torch.stack(planes)]

    return run


def sample(run, calls):
    begin = time.perf_counter()
    for _ in range(calls):
        run()
    settle()
    return (time.perf_counter() - begin) * 1000 / calls


def timed(unit):
    run = {'product': product, 'convolution': convolution, 'gather': gather}[unit['op']](unit)
    if not unit.get('gradients'):
        run = torch.no_grad()(run)
    value = [float(out.square().mean()) for out in run()]
    sample(run, 1)
    alone = statistics.median(sample(run, 1) for _ in range(3))
    plan = request['sampling']
    calls = max(1, min(plan['mostCalls'], round(plan['sampleMs'] / max(alone, 1e-3))))
    sample(run, calls)
    return {'samples': [sample(run, calls) for _ in range(plan['samples'])], 'calls': calls, 'aloneMs': alone, 'value': value}


def open_step(plan):
    """A training step of the bench's nets, by the bench's own peer, which is written for processors: here on the card."""
    if not open_step.found:
        sys.path.insert(0, request['peers'])
        import answer

        answer.answer = lambda said, own: open_step.found.append(own)
        load = torch.from_numpy
        torch.from_numpy = lambda array: load(array).to(device)
        sys.argv = ['torch_steps.py', '1', 'eager']
        import torch_steps  # noqa: F401
    step, _ = open_step.found[0](plan)
    return step


open_step.found = []


def stepped(unit):
    begin = time.perf_counter()
    step = open_step(unit['plan'])
    losses = [float(step())]
    first = (time.perf_counter() - begin) * 1000
    losses += [float(step()) for _ in range(unit['compared'] - 1)]
    samples = []
    for _ in range(unit['steps']):
        begin = time.perf_counter()
        float(step())
        samples.append((time.perf_counter() - begin) * 1000)
    return {'samples': samples, 'firstMs': first, 'losses': losses}


for unit in request['units']:
    say(begin=unit['id'])
    try:
        say(done=unit['id'], result=stepped(unit) if 'plan' in unit else timed(unit))
    except Exception as error:  # The other units are still to be timed.
        say(failed=unit['id'], message=f'{type(error).__name__}: {str(error).splitlines()[0]}')
    if device == 'cuda':
        torch.cuda.empty_cache()
