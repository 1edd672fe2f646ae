"""Writes test/oracles/optimisers.json: parameters after each of six updates by PyTorch's optimisers, in double precision.

    python test/oracles/optimisers_peer.py > test/oracles/optimisers.json

The gradient of parameter p in step k is 2 (p - k / 4), so each update depends on those before. The learning rate is
halved after the third.
"""
import json

import torch

torch.set_default_dtype(torch.float64)
start = [1.0, -2.0, 0.25, 30.0]
cases = {
    'adam': (torch.optim.Adam, {'lr': 0.1}),
    'adam, other settings': (torch.optim.Adam, {'lr': 0.05, 'betas': (0.8, 0.95), 'eps': 1e-3}),
    'adamw': (torch.optim.AdamW, {'lr': 0.1, 'weight_decay': 0.1}),
    'sgd': (torch.optim.SGD, {'lr': 0.1}),
    'sgd with decay': (torch.optim.SGD, {'lr': 0.1, 'weight_decay': 0.2}),
    'momentum': (torch.optim.SGD, {'lr': 0.1, 'momentum': 0.9}),
    'momentum with decay': (torch.optim.SGD, {'lr': 0.1, 'momentum': 0.9, 'weight_decay': 0.2}),
    'nesterov': (torch.optim.SGD, {'lr': 0.1, 'momentum': 0.9, 'nesterov': True}),
}
written = {}
for name, (make, options) in cases.items():
    p = torch.tensor(start, requires_grad=True)
    optimiser = make([p], **options)
    steps = []
    for k in range(6):
        if k == 3:
            optimiser.param_groups[0]['lr'] /= 2
        p.grad = (2 * (p - k / 4)).detach()
        optimiser.step()
        steps.append([float(f'{value:.9g}') for value in p.tolist()])
    written[name] = {'options': options, 'steps': steps}
lines = [f'{json.dumps(name)}: {json.dumps(case)}' for name, case in written.items()]
head = f'"versions": {{"torch": "{torch.__version__}"}}, "start": {json.dumps(start)}'
print(f'{{{head},\n"cases": {{\n' + ',\n'.join(lines) + '\n}}')
