"""Writes test/oracles/training.json: what PyTorch does with gradients and learning rates, in double precision.

    python test/oracles/training_peer.py > test/oracles/training.json

Two parameters; their gradients in step k are 2 (p - k / 4) and 3 (q + k / 2). `clipped`: AdamW after clip_grad_norm_ over both.
`accumulated`: AdamW by the mean gradient of three steps at a time. `rates`: PolynomialLR, the learning rate of every step.
"""
import json

import torch

torch.set_default_dtype(torch.float64)
start = {'p': [1.0, -2.0, 0.25, 30.0], 'q': [[0.5, -0.5]]}
options = {'lr': 0.1, 'weight_decay': 0.1}


def numbers(tensor):
    return [float(f'{value:.9g}') for value in tensor.detach().reshape(-1).tolist()]


def run(steps, every=1, longest=None):
    p, q = (torch.tensor(start[name], requires_grad=True) for name in 'pq')
    optimiser = torch.optim.AdamW([p, q], **options)
    found = []
    for k in range(steps):
        for parameter, gradient in ((p, 2 * (p - k / 4)), (q, 3 * (q + k / 2))):
            own = gradient.detach() / every
            parameter.grad = own if parameter.grad is None else parameter.grad + own
        if longest is not None:
            torch.nn.utils.clip_grad_norm_([p, q], longest)
        if (k + 1) % every == 0:
            optimiser.step()
            optimiser.zero_grad()
        found.append({'p': numbers(p), 'q': numbers(q)})
    return found


def rates(peak, steps, power):
    parameter = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.SGD([parameter], lr=peak)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimiser, total_iters=steps, power=power)
    found = []
    for _ in range(steps):
        found.append(float(f"{optimiser.param_groups[0]['lr']:.9g}"))
        optimiser.step()
        schedule.step()
    return found


written = {
    'versions': {'torch': torch.__version__},
    'start': start,
    'options': options,
    'clipped': {'longest': 5.0, 'steps': run(5, longest=5.0)},
    'accumulated': {'every': 3, 'steps': run(7, every=3)},
    'rates': {'peak': 0.02, 'steps': 12, 'power': 0.9, 'values': rates(0.02, 12, 0.9)},
}
print('{\n' + ',\n'.join(f'{json.dumps(key)}: {json.dumps(value)}' for key, value in written.items()) + '\n}')
