"""Times numpy on request: planes of a volume gathered into buffers made beforehand, in three layouts.

Reads JSON lines on stdin. The first says where the volume is: {"file", "dtype", "dims", "planes", "brick"}; `file` holds the raw
samples in file order, `planes` the three planes as {"normal", "columns": [axis, sign], "rows": [axis, sign]}. Every other
line, {"way", "voxels"}, is answered with the nanoseconds that the three planes of each voxel took. `check` answers with
the bytes of one voxel's planes instead, in hexadecimal digits of their hash.
"""
import hashlib
import json
import sys
import time

import numpy as np
from numpy.lib.stride_tricks import as_strided

setup = json.loads(sys.stdin.readline())
dims, planes, edge = setup['dims'], setup['planes'], setup['brick']
volume = np.fromfile(setup['file'], dtype=setup['dtype']).reshape(dims, order='F').copy(order='F')
size = volume.itemsize


def picture(plane, cube=volume):
    """The volume with axes (normal, rows, columns), turned as the picture is: a view."""
    (columns, right), (rows, down) = plane['columns'], plane['rows']
    return cube.transpose(plane['normal'], rows, columns)[:, ::down, ::right]


out = [np.empty((dims[p['rows'][0]], dims[p['columns'][0]]), volume.dtype) for p in planes]
views = [picture(p) for p in planes]
copies = [np.ascontiguousarray(v) for v in views]

# Bricks: axis 0 counts them along z, then y, x; the last three are z, y, x in a brick.
count = [-(-d // edge) for d in dims]
padded = np.zeros([c * edge for c in count[::-1]], volume.dtype)
padded[: dims[2], : dims[1], : dims[0]] = volume.transpose(2, 1, 0)
bricks = np.ascontiguousarray(
    padded.reshape(count[2], edge, count[1], edge, count[0], edge).transpose(0, 2, 4, 1, 3, 5)
)


def brick_parts(plane, into):
    """A plane in bricks as at most four copies: whole bricks, and those that the border cuts. Views are made once."""
    (columns, right), (rows, down) = plane['columns'], plane['rows']
    normal = plane['normal']
    ascending = into[::down, ::right]
    # Block and inner axes of (normal, rows, columns) in the 6-D array.
    turned = bricks.transpose(2 - normal, 5 - normal, 2 - rows, 5 - rows, 2 - columns, 5 - columns)
    parts = []
    for r0, rn, rk in spans(dims[rows]):
        for c0, cn, ck in spans(dims[columns]):
            s0, s1 = ascending.strides
            target = as_strided(
                ascending[r0:, c0:], (rn, rk, cn, ck), (s0 * edge, s0, s1 * edge, s1)
            )
            source = turned[:, :, r0 // edge :, :rk, c0 // edge :, :ck][:, :, :rn, :, :cn]
            parts.append((target, source))
    return parts


def spans(n):
    """(first sample, bricks, samples of each) of the whole bricks along an axis, and of the cut one."""
    whole, rest = divmod(n, edge)
    return [s for s in [(0, whole, edge), (whole * edge, 1, rest)] if s[1] * s[2] > 0]


parts = [brick_parts(p, into) for p, into in zip(planes, out)]
flat = bricks.reshape(-1)
within = [1, edge, edge * edge]
between = [edge**3, edge**3 * count[0], edge**3 * count[0] * count[1]]


def places(axis, sign=1):
    i = np.arange(dims[axis])[::sign]
    return i // edge * between[axis] + i % edge * within[axis]


offsets = [np.add.outer(places(*p['rows']), places(*p['columns'])) for p in planes]
starts = [places(p['normal']) for p in planes]


def by_file(k, i):
    np.copyto(out[k], views[k][i])


def by_copies(k, i):
    np.copyto(out[k], copies[k][i])


def by_bricks(k, i):
    for target, source in parts[k]:
        np.copyto(target, source[i // edge, i % edge])


def by_take(k, i):
    # 'clip' writes into the buffer directly; 'raise' would go through another one.
    np.take(flat[starts[k][i] :], offsets[k], out=out[k], mode='clip')


ways = {'file': by_file, 'copies': by_copies, 'bricks': by_bricks, 'take': by_take}
normals = [p['normal'] for p in planes]
print(f'numpy {np.__version__}', flush=True)
for line in sys.stdin:
    request = json.loads(line)
    gather = ways[request['way']]
    if 'check' in request:
        for k, n in enumerate(normals):
            gather(k, request['check'][n])
        print(json.dumps(hashlib.sha256(b''.join(o.tobytes() for o in out)).hexdigest()), flush=True)
        continue
    times = []
    for voxel in request['voxels']:
        begin = time.perf_counter_ns()
        for k in 0, 1, 2:
            gather(k, voxel[normals[k]])
        times.append(time.perf_counter_ns() - begin)
    print(json.dumps(times), flush=True)
