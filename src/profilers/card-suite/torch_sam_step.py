"""Training steps of SAM on PyTorch: `torch_sam_step.py REQUEST`, a JSON text with `units` and `steps` beside what torch_suite.py
takes. A process has one unit, since what an earlier one left would be read as this one's.

The network is torch_sam.py's; weights, pictures and labels are made by the formula of sam-numbers.ts, so that the losses of the
first step are those of every other stack. A limit of memory is PyTorch's share of the card, or, in a rehearsal on a processor, one of
address space beyond what Python and PyTorch have before there is a model. Only PyTorch's own word for it is out of memory.
"""
import re
import resource
import time

from torch_suite import device, request, say, settle

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint
from torch_sam import Form, Sam, prepare, train_step

LENGTH = 65537


def table():
    x = np.arange(1, LENGTH + 1, dtype=np.uint64)
    low = np.uint64(0xFFFFFFFF)
    for _ in range(2):
        x = ((x ^ (x >> np.uint64(16))) * np.uint64(0x45D9F3B)) & low
    return (x ^ (x >> np.uint64(16))).astype(np.float64) / 2.0**31 - 1


TABLE = table()


def numbers(shape, centre, half, nth):
    """As `spreadNumbers`: in double, then rounded."""
    count = int(np.prod(shape))
    places = (nth * 7919 + np.arange(min(count, LENGTH))) % LENGTH
    own = (centre + half * TABLE[places]).astype(np.float32)
    return torch.from_numpy(np.resize(own, count).reshape(shape))


def disc(side, nth):
    off = 2 * np.arange(side) + 1 - side
    return torch.from_numpy((25 * (off[:, None] ** 2 + off[None, :] ** 2) < ((nth + 2) * side) ** 2).astype(np.float32))[None]


def theirs(shape, centre, half, axes, nth):
    """A weight, of numbers that stand in the order of ours: that has its axes in the order `axes`."""
    if axes is None:
        return numbers(shape, centre, half, nth)
    made = numbers([shape[axis] for axis in axes], centre, half, nth)
    return made.permute([axes.index(axis) for axis in range(len(axes))]).contiguous()


def build(unit):
    with torch.device('meta'):
        form = Form(**{**unit['form'], 'whole': tuple(unit['form']['whole'])})
        sam = prepare(Sam(form), 'lora', unit['rank'], checkpointed=unit['checkpointed'])
    shapes = {name: tuple(tensor.shape) for name, tensor in [*sam.named_parameters(), *sam.named_buffers()]}
    # What nobody asks here (the head that judges masks) is in the list and not in the network.
    values = {
        name: theirs(shapes[name], centre, half, axes, nth).to(device)
        for nth, (name, centre, half, axes) in enumerate(unit['tensors'])
        if name in shapes
    }
    sam.load_state_dict(values, assign=True)
    for name, parameter in sam.named_parameters():
        parameter.requires_grad_(not name.startswith('image_encoder.') or '.lora.' in name)
    return sam


def run(unit):
    sam = build(unit)
    size, side = unit['form']['size'], 4 * (unit['form']['size'] // unit['form']['patch'])
    planes = [
        numbers([1, size, size, 3], 0, 3**0.5, unit['firstPicture'] + k).permute(0, 3, 1, 2).contiguous().to(device)
        for k in range(unit['planes'])
    ]
    labels = [disc(side, k).to(device) for k in range(unit['planes'])]
    optimiser = torch.optim.Adam([p for p in sam.parameters() if p.requires_grad], lr=unit['learningRate'])

    def step():
        settle()
        began = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        loss = train_step(sam, planes, labels)
        optimiser.step()
        losses.append(float(loss))
        settle()
        return time.perf_counter() - began

    losses = []
    first = step()
    seconds = [step() for _ in range(request['steps'] - 1)]
    peak = torch.cuda.max_memory_allocated() if device == 'cuda' else None
    return result('done', '', seconds=seconds, firstSeconds=first, losses=losses, peakBytes=peak)


def result(end, message, **more):
    none = {'seconds': [], 'firstSeconds': None, 'losses': [], 'dryBytes': None, 'peakBytes': None}
    return {'end': end, 'message': message, **none, **more}


def limit(wanted):
    if wanted is None:
        return
    if device == 'cuda':
        torch.cuda.set_per_process_memory_fraction(wanted / torch.cuda.get_device_properties(0).total_memory)
        return
    # Modules that PyTorch loads when they are first used belong to it, and must not meet the limit.
    weight = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.Adam([weight])
    checkpoint(torch.sigmoid, weight, use_reentrant=False).sum().backward()
    optimiser.step()
    with open('/proc/self/status') as file:
        base = 1024 * int(re.search(r'^VmSize:\s+(\d+) kB$', file.read(), re.M).group(1))
    resource.setrlimit(resource.RLIMIT_AS, (base + wanted,) * 2)


def too_large(wanted):
    """Why a limit is none here."""
    if wanted is None or device == 'cpu' or wanted <= (whole := torch.cuda.get_device_properties(0).total_memory):
        return None
    return f'a limit of {wanted / 2**30:.1f} GiB on a card that has {whole / 2**30:.1f}'


def is_exhausted(error):
    """PyTorch has a class for a card that is full, and on a processor words alone."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


for unit in request['units']:
    say(begin=unit['id'])
    try:
        if refusal := too_large(unit['limitBytes']):
            say(done=unit['id'], result=result('not run', refusal))
            continue
        limit(unit['limitBytes'])
        say(done=unit['id'], result=run(unit))
    except Exception as error:
        words = (str(error) or type(error).__name__).splitlines()[0][:1000]
        if is_exhausted(error):
            peak = torch.cuda.max_memory_allocated() if device == 'cuda' else None
            say(done=unit['id'], result=result('out of memory', words, peakBytes=peak))
        else:
            say(failed=unit['id'], message=f'{type(error).__name__}: {words}')
