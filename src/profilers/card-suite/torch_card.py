"""The card suite's times on PyTorch: `torch_card.py REQUEST`, a JSON text with `units`, `sampling`, `tf32`, `rehearse`, `peers`.

Answers on file 3, a line of JSON each: facts, then for each unit that it begins, and what came out. The same units, numbers and
way of sampling as in times.ts.
"""
import json
import os
import statistics
import sys
import time

request = json.loads(sys.argv[1])
answers = os.fdopen(3, 'w', buffering=1)


def say(**message):
    answers.write(json.dumps(message) + '\n')


try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as error:
    say(refused={'reason': f'{sys.executable} has no PyTorch ({error})', 'fix': 'name one that has it in COC_PYTHON'})
    sys.exit()
if not torch.cuda.is_available() and not request['rehearse']:
    say(refused={'reason': f'torch {torch.__version__} in {sys.executable} sees no card', 'fix': 'install its form for CUDA'})
    sys.exit()
device = 'cuda' if torch.cuda.is_available() else 'cpu'
if request['rehearse']:
    # Nothing is measured, and others may be at work here.
    torch.set_num_threads(1)
# Float32 is float32, unless this process measures TF32.
torch.backends.cuda.matmul.allow_tf32 = request['tf32']
torch.backends.cudnn.allow_tf32 = request['tf32']
# What is timed here has one shape for all calls, as in training: cuDNN may look for its fastest way.
torch.backends.cudnn.benchmark = True
versions = {'torch': torch.__version__, 'python': sys.version.split()[0]}
if torch.version.cuda:
    versions['cuda of torch'] = torch.version.cuda
if device == 'cuda' and torch.backends.cudnn.version():
    versions['cudnn of torch'] = str(torch.backends.cudnn.version())
name = torch.cuda.get_device_name() if device == 'cuda' else f'{torch.get_num_threads()} threads'
say(facts={'device': name, 'gpu': name if device == 'cuda' else None, 'versions': versions, 'notes': []})


def settle():
    if device == 'cuda':
        torch.cuda.synchronize()


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


def sample(run, calls):
    begin = time.perf_counter()
    for _ in range(calls):
        run()
    settle()
    return (time.perf_counter() - begin) * 1000 / calls


def timed(unit):
    run = product(unit) if unit['op'] == 'product' else convolution(unit)
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
