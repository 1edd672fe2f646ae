"""Writes test/oracles/losses.json: losses of segmentation by MONAI and PyTorch, Eq. 2 and InfoNCE by PyTorch, values and
gradients, in double precision.

    python test/oracles/losses_peer.py > test/oracles/losses.json

Tensors have the values of test/bench/peers/values.py, by their names.
"""
import json
import os
import sys

import monai
import torch
import torch.nn.functional as F
from monai.losses import DiceLoss, FocalLoss

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'bench', 'peers'))
from values import values_of

torch.set_default_dtype(torch.float64)


def tensor(shape, name, low=-2, high=2):
    return torch.tensor(values_of(shape, {'kind': 'uniform', 'low': low, 'high': high}, name), dtype=torch.float64)


def labels(shape, classes, name):
    return (tensor(shape, name, 0, 1) * classes).floor().long()


def one_hot(y, classes):
    """[batch, 1, ...] float for one class, [batch, classes, ...] else."""
    return y[:, None].double() if classes == 1 else F.one_hot(y, classes).movedim(-1, 1).double()


def monai_dice(classes, **options):
    def loss(x, y):
        act = {'sigmoid': True} if classes == 1 else {'softmax': True}
        return DiceLoss(**act, **options)(x, one_hot(y, classes))

    return loss


def entropy(x, y, classes):
    return F.binary_cross_entropy_with_logits(x[:, 0], y.double()) if classes == 1 else F.cross_entropy(x, y)


def samed(x, y):
    """0.2 cross-entropy + 0.8 Dice, each class over the whole batch with squares, as hitachinsk/SAMed at f3c4b44 defines it."""
    classes = x.shape[1]
    p = torch.sigmoid(x) if classes == 1 else torch.softmax(x, 1)
    t = one_hot(y, classes)
    dice = [1 - (2 * (p[:, c] * t[:, c]).sum() + 1e-5) / ((p[:, c] ** 2).sum() + (t[:, c] ** 2).sum() + 1e-5) for c in range(classes)]
    return 0.2 * entropy(x, y, classes) + 0.8 * sum(dice) / classes


def softmax_focal(x, y):
    """Mean over voxels: MONAI's unreduced loss is one number a class, zero for all but the true one."""
    return FocalLoss(use_softmax=True, gamma=2.0, reduction='none')(x, one_hot(y, x.shape[1])).sum(1).mean()


# Name: classes, the loss of [batch, classes, height, width] and labels.
segmentation = {
    'dice, one class': (1, monai_dice(1)),
    'dice, three classes': (3, monai_dice(3)),
    'dice over the batch': (3, monai_dice(3, batch=True)),
    'dice, squared': (3, monai_dice(3, squared_pred=True)),
    'dice, jaccard': (1, monai_dice(1, jaccard=True)),
    'dice, soft target': (1, monai_dice(1, soft_label=True)),
    'cross-entropy, one class': (1, lambda x, y: entropy(x, y, 1)),
    'cross-entropy, three classes': (3, lambda x, y: entropy(x, y, 3)),
    'focal, one class': (1, lambda x, y: FocalLoss(gamma=2.0)(x, one_hot(y, 1))),
    'focal, gamma 3, alpha': (1, lambda x, y: FocalLoss(gamma=3.0, alpha=0.25)(x, one_hot(y, 1))),
    'focal, three classes': (3, softmax_focal),
    'samed, one class': (1, samed),
    'samed, three classes': (3, samed),
}

# A volume of 5 x 6 x 4 voxels whose axes grow to R, A and S. Pictures grow to L, P and I: every axis is turned over.
X, Y, Z = 5, 6, 4
voxels = [[1, 4, 2], [3, 0, 1]]
sizes = {'axial': (Y, X), 'coronal': (Z, X), 'sagittal': (Z, Y)}


def rows_of(pictures, name, k, axis):
    """The voxels of plane k of a name at index `axis`, a row or column: {axis letter: index}."""
    (letter, index), = axis.items()
    at = {'x': X, 'y': Y, 'z': Z}[letter] - 1 - index
    down, across = {'axial': 'yx', 'coronal': 'zx', 'sagittal': 'zy'}[name]
    return pictures[name][k][at] if letter == down else pictures[name][k][:, at]


def eq2(pictures, k, pairs, mean):
    """pictures[name]: [k, height, width, classes] on the grid of the volume."""
    gaps = []
    for i in range(k):
        for j in range(k):
            x, y, z = voxels[j][0], voxels[j][1], voxels[i][2]
            gaps.append(rows_of(pictures, 'axial', i, {'y': y}) - rows_of(pictures, 'coronal', j, {'z': z}))
            gaps.append(rows_of(pictures, 'axial', i, {'x': x}) - rows_of(pictures, 'sagittal', j, {'z': z}))
            if pairs == 3:
                x, y = voxels[j][0], voxels[i][1]
                gaps.append(rows_of(pictures, 'coronal', i, {'x': x}) - rows_of(pictures, 'sagittal', j, {'y': y}))
    total = sum((gap**2).sum() for gap in gaps)
    return total / sum(gap.numel() for gap in gaps) if mean else total


def probabilities(x):
    return torch.sigmoid(x) if x.shape[-1] == 1 else torch.softmax(x, -1)


def bilinear(pictures, size_of):
    """Brought to the grid of the volume, as PyTorch resizes."""
    turn = lambda x, name: F.interpolate(x.movedim(-1, 1), size_of[name], mode='bilinear', align_corners=False).movedim(1, -1)
    return {name: turn(x, name) for name, x in pictures.items()}


def sampled(pictures, mode):
    """The value of a square at the place of each voxel of the grid."""
    out = {}
    for name, x in pictures.items():
        h, w = sizes[name]
        place = lambda n: (torch.arange(n) + 0.5) / n * 2 - 1
        grid = torch.stack(torch.meshgrid(place(h), place(w), indexing='ij')[::-1], -1).expand(x.shape[0], h, w, 2)
        out[name] = F.grid_sample(x.movedim(-1, 1), grid, mode=mode, padding_mode='border', align_corners=False).movedim(1, -1)
    return out


square = 7
cases = {
    'Eq. 2 as written': dict(k=1, classes=1),
    'mean': dict(k=1, classes=1, mean=True),
    'three classes': dict(k=1, classes=3),
    'all pairs': dict(k=1, classes=1, pairs=3),
    'two planes a name, four lines a pair': dict(k=2, classes=1, pairs=3, mean=True),
    'logits': dict(k=1, classes=2, logits=True),
    'nearest on the square': dict(k=2, classes=1, square='nearest'),
    'linear on the square': dict(k=1, classes=3, square='bilinear', pairs=3),
    'brought back from the square': dict(k=2, classes=1, square='back'),
}
names = list(sizes)


def intersection(name, k=1, classes=1, pairs=2, mean=False, logits=False, square_mode=None):
    shape = lambda n: [k, square, square, classes] if square_mode else [k, *sizes[n], classes]
    inputs = [tensor(shape(n), f'{name}/{n}').requires_grad_() for n in names]
    values = {n: x if logits else probabilities(x) for n, x in zip(names, inputs)}
    if square_mode == 'back':
        values = bilinear(values, sizes)
    elif square_mode:
        values = sampled(values, square_mode)
    return inputs, eq2(values, k, pairs, mean)


def contrast(a, b, temperature):
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    similar = a @ b.T / temperature
    own = torch.arange(len(a))
    return (F.cross_entropy(similar, own) + F.cross_entropy(similar.T, own)) / 2


def listed(values):
    return [float(f'{value:.8g}') for value in values.detach().flatten().tolist()]


def written(inputs, loss, **more):
    gradients = torch.autograd.grad(loss, inputs)
    return {**more, 'shapes': [list(x.shape) for x in inputs], 'loss': float(f'{loss.item():.10g}'), 'gradients': [listed(g) for g in gradients]}


result = {'segmentation': {}, 'intersection': {}, 'contrast': {}}
for name, (classes, loss) in segmentation.items():
    x = tensor([2, 4, 3, classes], f'{name}/logits').requires_grad_()
    y = labels([2, 4, 3], max(2, classes), f'{name}/labels')
    result['segmentation'][name] = written([x], loss(x.movedim(-1, 1), y), labels=y.flatten().tolist())
for name, options in cases.items():
    given = dict(options)
    mode = given.pop('square', None)
    inputs, loss = intersection(name, **given, square_mode=mode)
    result['intersection'][name] = written(inputs, loss, options=options)
for temperature in (0.1, 0.5):
    name = f'temperature {temperature}'
    inputs = [tensor([6, 4], f'{name}/{k}').requires_grad_() for k in 'ab']
    result['contrast'][name] = written(inputs, contrast(*inputs, temperature), temperature=temperature)

parts = []
for part, items in result.items():
    lines = ',\n'.join(f'{json.dumps(name)}: {json.dumps(case)}' for name, case in items.items())
    parts.append(f'{json.dumps(part)}: {{\n{lines}\n}}')
versions = json.dumps({'torch': torch.__version__, 'monai': monai.__version__})
grid = json.dumps({'dims': [X, Y, Z], 'voxels': voxels, 'square': square})
print(f'{{"versions": {versions},\n"grid": {grid},\n' + ',\n'.join(parts) + '\n}')
