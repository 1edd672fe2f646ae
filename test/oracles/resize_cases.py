"""Writes test/oracles/resize.json: what PIL and torch make of small pictures and of long rows, in every way they have.

  python test/oracles/resize_cases.py > test/oracles/resize.json      (pillow and torch of test/peers/requirements.txt)
"""
import json

import numpy as np
from resize_peer import resize, versions

WAYS = [('pil', 'nearest', False)]
WAYS += [('torch', 'nearest', False), ('torch', 'nearest-exact', False)]
WAYS += [(c, k, a) for c in ('pil', 'torch') for k in ('bilinear', 'bicubic') for a in (False, True)]

# (width, height) to (width, height): both up, both down, mixed, single pixels, unchanged.
SMALL = [
    ((7, 5), (12, 9)),
    ((9, 8), (4, 3)),
    ((4, 9), (11, 4)),
    ((1, 1), (3, 2)),
    ((1, 6), (4, 1)),
    ((6, 6), (6, 6)),
    ((2, 3), (7, 7)),
]
# Along one axis: the sizes of the study, of SAM and of SAM 3, and back.
LONG = [(155, 1024), (240, 1024), (155, 1008), (240, 1008), (155, 661), (240, 64), (1024, 155), (1024, 240), (1000, 7)]

rng = np.random.default_rng(4)
pictures = {}


def picture(width, height):
    name = f'{width}x{height}'
    if name not in pictures:
        pictures[name] = np.round(rng.random((height, width)), 6)
    return name


def case(way, size, new, at=None):
    convention, kernel, antialias = way
    name = picture(*size)
    values = resize(pictures[name], *new, kernel, convention, antialias).ravel()
    return {
        'picture': name, 'width': new[0], 'height': new[1],
        'convention': convention, 'kernel': kernel, 'antialias': antialias,
        **({} if at is None else {'at': at}),
        'values': [round(float(v), 9) for v in (values if at is None else values[at])],
    }  # fmt: skip


cases = [case(way, size, new) for way in WAYS for size, new in SMALL]
for way in WAYS:
    for n, m in LONG:
        at = sorted({*range(min(m, 8)), *range(max(0, m - 8), m), *range(0, m, max(1, m // 24))})
        cases.append(case(way, (n, 1), (m, 1), at))
        cases.append(case(way, (1, n), (1, m), at))


def matrix(way, n, m):
    # Columns of the matrix are what the library makes of unit samples.
    convention, kernel, antialias = way
    return np.stack([resize(row[None], m, 1, kernel, convention, antialias)[0] for row in np.eye(n)], axis=1)


recovery = []
for way in WAYS:
    for n, m in [(155, 1024), (240, 1024), (155, 661), (240, 1008), (20, 33), (20, 20), (30, 20), (7, 1)]:
        values = np.linalg.svd(matrix(way, n, m).astype(np.float64), compute_uv=False)
        rank = int((values > 1e-5 * values[0]).sum())
        condition = round(float(values[0] / values[-1]), 6) if rank == n else None
        names = dict(zip(('convention', 'kernel', 'antialias'), way))
        recovery.append({'from': n, 'to': m, **names, 'rank': rank, 'condition': condition})

print('{"versions":' + json.dumps(versions()) + ',\n"pictures":{')
size_of = lambda p: {'width': p.shape[1], 'height': p.shape[0], 'pixels': p.ravel().tolist()}
print(',\n'.join(f'{json.dumps(n)}:' + json.dumps(size_of(p), separators=(',', ':')) for n, p in pictures.items()))
print('},\n"recovery":[')
print(',\n'.join(json.dumps(r, separators=(',', ':')) for r in recovery))
print('],\n"cases":[')
print(',\n'.join(json.dumps(c, separators=(',', ':')) for c in cases))
print(']}')
