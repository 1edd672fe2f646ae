"""Makes test/oracles/nifti.json: small NIfTI files of every kind, and what nibabel reads in each.

    python test/oracles/nifti_cases.py                      write the committed file
    python test/oracles/nifti_cases.py --random N --seed S  print N odd ones as the same JSON (live tests, fuzzing)

A case's `files` hold the bytes of each file (zlib, base64); `open` names the one to read; `expect` is nifti_peer.py's
description, or the peer's error. Needs nibabel and numpy; the versions used are recorded.
"""
import argparse
import base64
import gzip
import json
import pathlib
import random
import struct
import sys
import tempfile
import zlib

import numpy as np

from nifti_peer import describe, sha256, versions

TYPES = {
    'uint8': (2, 'u1'), 'int16': (4, 'i2'), 'int32': (8, 'i4'), 'float32': (16, 'f4'), 'complex64': (32, 'c8'),
    'float64': (64, 'f8'), 'rgb24': (128, None), 'int8': (256, 'i1'), 'uint16': (512, 'u2'), 'uint32': (768, 'u4'),
    'int64': (1024, 'i8'), 'uint64': (1280, 'u8'), 'complex128': (1792, 'c16'), 'rgba32': (2304, None),
}
# field: (offset, struct code) in NIfTI-1 and NIfTI-2
FIELDS = {
    'sizeof_hdr': [(0, 'i'), (0, 'i')], 'dim': [(40, '8h'), (16, '8q')], 'datatype': [(70, 'h'), (12, 'h')],
    'bitpix': [(72, 'h'), (14, 'h')], 'pixdim': [(76, '8f'), (104, '8d')], 'vox_offset': [(108, 'f'), (168, 'q')],
    'scl_slope': [(112, 'f'), (176, 'd')], 'scl_inter': [(116, 'f'), (184, 'd')], 'glmin': [(144, 'i'), None],
    'xyzt_units': [(123, 'B'), (500, 'i')], 'qform_code': [(252, 'h'), (344, 'i')],
    'sform_code': [(254, 'h'), (348, 'i')], 'quatern': [(256, '3f'), (352, '3d')], 'qoffset': [(268, '3f'), (376, '3d')],
    'srow': [(280, '12f'), (400, '12d')], 'magic': [(344, '4s'), (4, '8s')], 'intent_code': [(68, 'h'), (504, 'i')],
    'descrip': [(148, '80s'), (240, '80s')], 'eol': [None, (8, '4s')],
}
SROW = [-2, 0, 0, 10, 0, 3, 0, -20, 0, 0, 4, 5.5]
NAN, INF = float('nan'), float('inf')


def header(version=1, endian='<', **fields):
    size = (348, 540)[version - 1]
    out = bytearray(size)
    values = {
        'sizeof_hdr': size, 'pixdim': [1] + [1.5, 2.5, 3.5, 1, 1, 1, 1], 'vox_offset': size + 4, 'scl_slope': 1,
        'sform_code': 1, 'srow': SROW, 'magic': (b'n+1\0', b'n+2\0\r\n\x1a\n')[version - 1], 'descrip': b'oracle',
    }
    values.update(fields)
    for name, value in values.items():
        place = FIELDS[name][version - 1]
        if place is None:
            continue
        value = value if isinstance(value, (list, tuple)) else [value]
        if name == 'dim':
            value = [len(value), *value] + [1] * (7 - len(value)) if len(value) < 8 else value
        if name == 'pixdim' and len(value) < 8:
            value = list(value) + [1] * (8 - len(value))
        struct.pack_into(endian + place[1], out, place[0], *value)
    return bytes(out)


def voxels(dtype, count, endian):
    """Values that show a wrong order, sign or width: the extremes of the type, then a ramp."""
    if dtype in ('rgb24', 'rgba32'):
        return bytes((37 * i + 11) % 256 for i in range(count * (3 if dtype == 'rgb24' else 4)))
    kind = np.dtype(TYPES[dtype][1])
    if kind.kind in 'iu':
        info = np.iinfo(kind)
        ramp = [info.min, info.max, info.max // 3] + [(7 * i * i) % 100 for i in range(count)]
    elif kind.kind == 'f':
        info = np.finfo(kind)
        ramp = [info.max, -info.tiny, 0.1, -0.0] + [i / 7 - 1 for i in range(count)]
    else:
        ramp = [complex(i / 3, -i * i) for i in range(count)]
    return np.array(ramp[:count], dtype=kind).astype(kind.newbyteorder(endian)).tobytes()


def nii(dtype='int16', dim=(2, 3, 4), version=1, endian='<', data=None, between=b'\0\0\0\0', **fields):
    count = int(np.prod(np.abs(dim))) if len(dim) < 8 else 24
    data = voxels(dtype, count, endian) if data is None else data
    head = header(version, endian, dim=dim, datatype=fields.pop('code', TYPES[dtype][0]), **fields)
    return head + between + data


def gz(data, **options):
    return gzip.compress(data, mtime=0, **options)


def extension(code, content, endian='<', size=None):
    whole = -(-(len(content) + 8) // 16) * 16
    return struct.pack(endian + 'ii', size or whole, code) + content.ljust(whole - 8, b'\0')


def cases():
    """Yields (name, files, file to open, extra facts)."""
    def one(name, data, suffix='.nii', **facts):
        return name, {f'x{suffix}': data}, f'x{suffix}', facts

    # every type, version and byte order; every other one gzipped
    for n, dtype in enumerate(TYPES):
        for version in (1, 2):
            for endian in '<>':
                data = nii(dtype, version=version, endian=endian)
                zipped = (n + version + (endian == '<')) % 2
                label = f'{dtype}, NIfTI-{version}, {"little" if endian == "<" else "big"}-endian'
                yield one(label, gz(data) if zipped else data, '.nii.gz' if zipped else '.nii')

    # slope and intercept
    for slope, inter in [(0, 5), (NAN, 5), (INF, 5), (0, NAN), (1, 0), (1, -3.5), (2, 0), (-0.25, 100), (3e-5, 1e6),
                         (1, NAN), (2, INF), (2.3283064365386963e-10, 0.5), (1e-30, 0), (-INF, 1)]:
        for dtype in ('int16', 'float32'):
            yield one(f'slope {slope}, inter {inter}, {dtype}', nii(dtype, scl_slope=slope, scl_inter=inter))
    for dtype in ('uint8', 'int64', 'uint64', 'float64', 'complex64', 'uint32', 'int8'):
        yield one(f'slope 0.5, inter 7, {dtype}', nii(dtype, scl_slope=0.5, scl_inter=7))
        yield one(f'slope 0.1 as float64, {dtype}', nii(dtype, version=2, scl_slope=0.1, scl_inter=1 / 3))

    # affines
    half, near = np.sqrt(0.5), np.float32(1) - np.float32(2 ** -24)
    shear = [1, 0.4, 0, 1, 0, 1, 0.2, 2, 0, 0.3, 2, 3]
    oblique = [0.6, -1.6, 0, 4, 0.8, 1.2, 0, 5, 0, 0, -3, 6]
    tie = [half, -half, 0, 0, half, half, 0, 0, 0, 0, 1, 0]
    corner = [1.02, 1, -1, 0, 1, -1.01, 1, 0, -1, 1, 1, 0]  # exact ties are decided by rounding
    for name, fields in {
        'sform only': dict(qform_code=0, sform_code=2),
        'qform only': dict(qform_code=1, sform_code=0, quatern=[0.1, 0.2, 0.3], qoffset=[1, 2, 3]),
        'both, different': dict(qform_code=3, sform_code=1, quatern=[0.1, 0.2, 0.3], qoffset=[1, 2, 3]),
        'neither': dict(sform_code=0, qform_code=0),
        'qfac -1': dict(qform_code=1, sform_code=0, quatern=[0, 0.5, 0], pixdim=[-1, 2, 3, 4]),
        'qfac 0': dict(qform_code=1, sform_code=0, quatern=[0, 0.5, 0], pixdim=[0, 2, 3, 4]),
        'qfac NaN': dict(qform_code=1, sform_code=0, quatern=[0.5, 0.5, 0.5], pixdim=[NAN, 2, 3, 4]),
        'qfac 7': dict(qform_code=1, sform_code=0, quatern=[0.5, -0.5, 0.5], pixdim=[7, 2, 3, 4]),
        'negative pixdim, qform': dict(qform_code=1, sform_code=0, quatern=[0, 0, 0.5], pixdim=[1, -2, 3, -4]),
        'negative pixdim, no form': dict(qform_code=0, sform_code=0, pixdim=[1, -2, 3, -4]),
        'zero pixdim, qform': dict(qform_code=2, sform_code=0, quatern=[0, 0, 0.5], pixdim=[1, 0, 3, 4]),
        'zero and negative pixdim, no form': dict(qform_code=0, sform_code=0, pixdim=[1, 0, -3, 4]),
        'sform code 6': dict(sform_code=6, qform_code=1, quatern=[0, 0, 1]),
        'sform code -1': dict(sform_code=-1, qform_code=0),
        'sform code 5': dict(sform_code=5, qform_code=1),
        'qform code 9': dict(sform_code=0, qform_code=9),
        'half turn x': dict(sform_code=0, qform_code=1, quatern=[1, 0, 0]),
        'half turn y, rounded down': dict(sform_code=0, qform_code=1, quatern=[0, float(near), 0]),
        'half turn, rounded up': dict(sform_code=0, qform_code=1, quatern=[0, 1 + 2 ** -23, 0]),
        'half turn, oblique': dict(sform_code=0, qform_code=1, quatern=[0.6, 0.8, 0]),
        'half turn, oblique 2': dict(sform_code=0, qform_code=1, quatern=[0.5, 0.6, float(np.sqrt(0.39))]),
        'quaternion beyond rounding': dict(sform_code=0, qform_code=1, quatern=[1.0001, 0, 0]),
        'quaternion far too long': dict(sform_code=0, qform_code=1, quatern=[3, 4, 5]),
        'quaternion NaN': dict(sform_code=0, qform_code=1, quatern=[NAN, 0, 0]),
        'quaternion small': dict(sform_code=0, qform_code=1, quatern=[1e-9, 1e-9, 0]),
        'sheared': dict(srow=shear),
        'oblique': dict(srow=oblique),
        'turned by 45 degrees': dict(srow=tie),
        'axes to the corners': dict(srow=corner),
        'left-handed': dict(srow=[0, -1, 0, 0, 0, 0, 2, 0, -3, 0, 0, 0]),
        'zero column': dict(srow=[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
        'two equal columns': dict(srow=[1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0]),
        'zero sform': dict(srow=[0] * 12),
        'NaN in sform': dict(srow=[NAN] + SROW[1:]),
        'infinite offset': dict(srow=[1, 0, 0, INF, 0, 1, 0, 0, 0, 0, 1, 0]),
        'micrometres': dict(xyzt_units=3),
        'nearly singular': dict(srow=[1, 1, 0, 0, 1, 1 + 1e-6, 0, 0, 0, 0, 1, 0]),
    }.items():
        for version in (1, 2):
            yield one(f'affine: {name}, NIfTI-{version}', nii('uint8', version=version, **fields))
    dice = random.Random(1)
    for n in range(40):
        kind = dice.choice(['q', 's'])
        q = np.array([dice.gauss(0, 1) for _ in range(4)])
        q = q / np.linalg.norm(q) * (1 if q[0] > 0 else -1)
        fields = dict(quatern=[float(x) for x in q[1:]], qoffset=[dice.uniform(-90, 90) for _ in range(3)],
                      pixdim=[dice.choice([-1, 1])] + [dice.uniform(0.2, 6) for _ in range(3)],
                      srow=[dice.gauss(0, 2) for _ in range(12)])
        fields |= dict(qform_code=2, sform_code=0) if kind == 'q' else dict(qform_code=0, sform_code=2)
        yield one(f'affine: random {kind}form {n}', nii('uint8', version=1 + n % 2, endian='<>'[n // 2 % 2], **fields))

    # dims
    for dim in [(5,), (5, 4), (5, 4, 1), (4, 3, 2, 1), (4, 3, 2, 1, 1), (3, 2, 2, 4), (2, 2, 2, 2, 3), (1, 2, 3, 1, 2, 2),
                (2, 1, 2, 1, 2, 1, 3), (1, 1, 1)]:
        for version in (1, 2):
            yield one(f'dims {dim}, NIfTI-{version}', nii('int16', dim, version))
            yield one(f'dims {dim}, no form, NIfTI-{version}', nii('int16', dim, version, sform_code=0))
    yield one('FreeSurfer vector', nii('uint8', (-1, 1, 1), glmin=40000, data=bytes(range(250)) * 160))
    yield one('FreeSurfer vector, no form', nii('uint8', (-1, 1, 1), glmin=40000, sform_code=0, data=b'\1' * 40000))
    yield one('FreeSurfer vector without its length', nii('uint8', (-1, 1, 1), glmin=0, data=b'\1' * 10))
    yield one('FreeSurfer icosahedron', nii('uint8', (27307, 1, 6), data=b'\7' * 163842))
    yield one('FreeSurfer icosahedron, NIfTI-2', nii('uint8', (27307, 1, 6), 2, data=b'\7' * 163842))
    for name, dim in {'dim[0] = 0': [0, 2, 3, 4, 1, 1, 1, 1], 'dim[0] = 8': [8, 2, 3, 4, 1, 1, 1, 1],
                      'negative dim': [3, 2, -3, 4, 1, 1, 1, 1], 'zero dim': [3, 2, 0, 4, 1, 1, 1, 1],
                      'rest of dim is junk': [3, 2, 3, 4, 0, -5, 99, 7]}.items():
        for version in (1, 2):
            yield one(f'{name}, NIfTI-{version}', nii('uint8', dim, version))
    yield one('dim beyond 2^53', nii('uint8', (2 ** 31, 2 ** 31, 4), 2, data=b'\0' * 100))
    yield one('dim negative 64-bit, big-endian', nii('uint8', (2 ** 33, 3, 4), 2, '>', data=b'\0' * 100))

    # where the voxels begin, and what stands before them
    for version, first in ((1, 352), (2, 544)):
        yield one(f'voxels later, NIfTI-{version}', nii(version=version, vox_offset=first + 48, between=b'\0' * 52))
        yield one(f'odd offset, NIfTI-{version}', nii('float64', version=version, vox_offset=first + 3, between=b'\0' * 7))
        yield one(f'odd offset, gzip, NIfTI-{version}',
                  gz(nii('int32', version=version, vox_offset=first + 1, between=b'\0' * 5)), '.nii.gz')
        yield one(f'vox_offset 0, NIfTI-{version}', nii(version=version, vox_offset=0))
        yield one(f'vox_offset too low, NIfTI-{version}', nii(version=version, vox_offset=first - 8))
        yield one(f'vox_offset negative, NIfTI-{version}', nii(version=version, vox_offset=-16))
        for endian in '<>':
            blocks = extension(6, b'a comment', endian) + extension(44, b'{"x": 1}', endian)
            yield one(f'extensions, NIfTI-{version} {endian}',
                      nii(version=version, endian=endian, vox_offset=first + len(blocks), between=b'\1\0\0\0' + blocks))
        block = extension(2, b'x' * 5)
        yield one(f'extension and padding, NIfTI-{version}',
                  nii(version=version, vox_offset=first + len(block) + 12, between=b'\1\0\0\0' + block + b'\0' * 12))
        yield one(f'extension flagged, none there, NIfTI-{version}', nii(version=version, between=b'\1\0\0\0'))
        for name, size in {'too long': 4000, 'too short': 4, 'negative': -16}.items():
            block = extension(6, b'damaged', size=size)
            yield one(f'extension {name}, NIfTI-{version}',
                      nii(version=version, vox_offset=first + len(block), between=b'\1\0\0\0' + block))
    yield one('vox_offset with a fraction', nii(vox_offset=360.75, between=b'\0' * 12))
    yield one('vox_offset NaN', nii(vox_offset=NAN))
    yield one('vox_offset huge', nii(vox_offset=1e30))
    yield one('junk after the voxels', nii() + b'junk' * 9)
    yield one('junk after the voxels, gzip', gz(nii() + b'junk' * 9), '.nii.gz')

    # pairs
    for version, magic in ((1, b'ni1\0'), (2, b'ni2\0\r\n\x1a\n')):
        whole = nii('int32', version=version, magic=magic, vox_offset=0)
        head, data = whole[:-96], whole[-96:]
        bare = head[:-4]
        for name, files, opened in [
            ('pair', {'x.hdr': head, 'x.img': data}, 'x.hdr'),
            ('pair, by its image', {'x.hdr': head, 'x.img': data}, 'x.img'),
            ('pair, header without flags', {'x.hdr': bare, 'x.img': data}, 'x.hdr'),
            ('pair, gzipped', {'x.hdr.gz': gz(head), 'x.img.gz': gz(data)}, 'x.hdr.gz'),
            ('pair, upper case', {'X.HDR': head, 'X.IMG': data}, 'X.IMG'),
            ('pair without image', {'x.hdr': head}, 'x.hdr'),
            ('pair without header', {'x.img': data}, 'x.img'),
            ('pair, short image', {'x.hdr': head, 'x.img': data[:50]}, 'x.hdr'),
            ('pair with extension', {'x.hdr': bare + b'\1\0\0\0' + extension(6, b'hello'), 'x.img': data}, 'x.hdr'),
        ]:
            yield f'{name}, NIfTI-{version}', files, opened, {}
        late = nii('int32', version=version, magic=magic, vox_offset=32)[:-96]
        yield f'pair, image with offset, NIfTI-{version}', {'x.hdr': late, 'x.img': b'\xff' * 32 + data}, 'x.hdr', {}
        yield one(f'magic of a pair in one file, NIfTI-{version}', nii('int32', version=version, magic=magic))
        single = nii('int32', version=version)
        yield (f'magic of one file in a pair, NIfTI-{version}',
               {'x.hdr': single[:-96], 'x.img': b'\0' * (352, 544)[version - 1] + data}, 'x.hdr', {})

    # gzip
    plain = nii('int32', (4, 5, 6))
    zipped = gz(plain)
    yield one('two members', gz(plain[:352]) + gz(plain[352:]), '.nii.gz')
    yield one('members of 100 bytes', b''.join(gz(plain[i:i + 100]) for i in range(0, len(plain), 100)), '.nii.gz')
    yield one('an empty member first', gz(b'') + zipped, '.nii.gz')
    yield one('zeros between members', gz(plain[:400]) + b'\0' * 7 + gz(plain[400:]), '.nii.gz')
    yield one('zeros after the stream', zipped + b'\0' * 100, '.nii.gz')
    yield one('junk after the stream', zipped + b'junk after the stream', '.nii.gz')
    yield one('half a magic after the stream', zipped + b'\x1f\x8b\xff\xff', '.nii.gz')
    yield one('stored, not compressed', gz(plain, compresslevel=0), '.nii.gz')
    name = b'\x1f\x8b\x08\x08' + zipped[4:10] + b'n' * 5000 + b'\0' + zipped[10:]
    yield one('gzip with a long name', name, '.nii.gz')
    yield one('gzip cut in the voxels', zipped[:-40], '.nii.gz')
    yield one('gzip cut in the checksum', zipped[:-5], '.nii.gz')
    yield one('gzip cut in the header', zipped[:30], '.nii.gz')
    yield one('gzip, checksum wrong', zipped[:-8] + b'\0\0\0\0' + zipped[-4:], '.nii.gz')
    yield one('gzip, length wrong', zipped[:-4] + b'\1\0\0\0', '.nii.gz')
    yield one('gzip, damaged', zipped[:len(zipped) // 2] + b'\xff\xff\xff\xff' + zipped[len(zipped) // 2 + 4:], '.nii.gz')
    yield one('gzip, fewer voxels', gz(plain[:-8]), '.nii.gz')
    yield one('gzip that claims 60 GB', gz(nii('float64', (2000, 2000, 2000), data=b'\0' * 64)), '.nii.gz')
    yield one('not gzipped, named so', plain, '.nii.gz')
    yield one('gzipped, not named so', zipped)

    # not images
    yield one('empty file', b'')
    yield one('text', b'this is not an image, but it is longer than a header: ' * 10)
    yield one('cut in the header', nii()[:200])
    yield one('cut in the header, NIfTI-2', nii(version=2)[:500])
    yield one('header alone', nii()[:352])
    yield one('one byte short', nii()[:-1])
    yield one('one byte short, NIfTI-2 big-endian', nii(version=2, endian='>')[:-1])
    yield one('no magic (ANALYZE)', nii(magic=b'\0\0\0\0'))
    yield one('wrong magic', nii(magic=b'n+9\0'))
    yield one('wrong magic, NIfTI-2', nii(version=2, magic=b'n+7\0\r\n\x1a\n'))
    yield one('end-of-line damage, NIfTI-2', nii(version=2, magic=b'n+2\0\n\n\x1a\n'))
    yield one('no end-of-line mark, NIfTI-2', nii(version=2, magic=b'n+2\0\0\0\0\0'))
    yield one('sizeof_hdr wrong', nii(sizeof_hdr=0))
    yield one('sizeof_hdr wrong, big-endian', nii(sizeof_hdr=7, endian='>'))
    yield one('bitpix wrong', nii(bitpix=99))
    for code in (0, 1, 3, 255, 4096, -5):
        yield one(f'datatype {code}', nii(code=code))
    yield one('asks for 64 GB', nii('float64', (2000, 2000, 2000), data=b'\0' * 64))
    yield one('asks for 8 * 10^15 bytes', nii('float64', (10 ** 5, 10 ** 5, 10 ** 5), 2, data=b'\0' * 64))
    special = struct.pack('<24f', *([NAN, INF, -INF, NAN] + list(range(20))))
    yield one('NaN and infinities', nii('float32', data=special))
    yield one('NaN and infinities, scaled', nii('float32', data=special, scl_slope=2, scl_inter=1))

    # 128-bit floats: nibabel refuses them on this machine, so the values are given here
    def quad(sign, exponent, fraction):
        return (sign << 127 | exponent << 112 | fraction).to_bytes(16, 'little')
    quads = [quad(0, 16383, 0), quad(1, 16384, 1 << 111), quad(0, 0, 0), quad(0, 0x7FFF, 0), quad(1, 0x7FFF, 0),
             quad(0, 16383, 1), quad(0, 16383, 1 << 60), quad(0, 20000, 0), quad(0, 15000, 0), quad(0, 16383 - 1074, 0)]
    values = [1, -3, 0, INF, -INF, 1, 1 + 2 ** -52, INF, 0, 5e-324]
    for endian in '<>':
        data = b''.join(q if endian == '<' else q[::-1] for q in quads)
        yield one(f'float128 {endian}', nii(code=1536, dim=(10, 1, 1), endian=endian, data=data),
                  values=[str(v) for v in values])
    yield one('complex256', nii(code=2048, dim=(5, 1, 1), data=b''.join(quads)), values=[str(v) for v in values])


def oddities(count, seed):
    """Random headers, each field now and then one that a careless or hostile writer would give."""
    dice = random.Random(seed)
    odd = [0, -1, 1, 2, 7, 8, 255, 32767, -32768, NAN, INF, -INF, 1e-30, 1e30, 0.5, -2]

    def fit(value, code):
        if code in 'fd':
            return value
        value = 0 if value != value or abs(value) == INF else int(max(-32768, min(32767, value)))
        return value % 256 if code == 'B' else value
    for n in range(count):
        version, endian = dice.choice([1, 1, 2]), dice.choice('<<>')
        dtype = dice.choice(list(TYPES))
        rank = dice.choice([3, 3, 3, 1, 2, 4, 5, 6, 7])
        dim = [dice.randint(1, 3 if rank > 4 else 5) for _ in range(rank)]
        q = [dice.gauss(0, 0.4) for _ in range(3)]
        fields = dict(
            quatern=q, qoffset=[dice.gauss(0, 50) for _ in range(3)], srow=[dice.gauss(0, 2) for _ in range(12)],
            pixdim=[dice.choice([1, -1, 0])] + [dice.uniform(0.1, 5) for _ in range(3)],
            qform_code=dice.choice([0, 1, 2, 6]), sform_code=dice.choice([0, 0, 1, 4, -1]),
            scl_slope=dice.choice([1, 0, NAN, 2.5, -0.1]), scl_inter=dice.choice([0, 0, 3, -1000.5]),
            xyzt_units=dice.choice([0, 2, 10]),
        )
        data = nii(dtype, dim, version, endian, **fields)
        blob = bytearray(data)
        for _ in range(dice.choice([0, 0, 1, 1, 2, 3])):
            name = dice.choice([k for k, v in FIELDS.items() if v[version - 1] and k not in ('magic', 'eol', 'descrip')])
            offset, code = FIELDS[name][version - 1]
            element = code[-1]
            slot = dice.randrange(int(code[:-1] or 1))
            struct.pack_into(endian + element, blob, offset + slot * struct.calcsize(element), fit(dice.choice(odd), element))
        yield f'odd {seed}/{n}', {'x.nii': bytes(blob)}, 'x.nii', {}


def record(generator):
    out = []
    with tempfile.TemporaryDirectory() as folder:
        for n, (name, files, opened, facts) in enumerate(generator):
            home = pathlib.Path(folder, str(n))
            home.mkdir()
            for file, data in files.items():
                (home / file).write_bytes(data)
            packed = {f: base64.b64encode(zlib.compress(d, 9)).decode() for f, d in files.items()}
            expect = describe(str(home / opened))
            if 'error' in expect:
                expect['error'] = expect['error'].replace(str(home) + '/', '')
            out.append({'name': name, 'files': packed, 'open': opened, 'expect': expect, **facts})
    return {'versions': versions(), 'cases': out}


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--random', type=int)
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    if args.random:
        json.dump(record(oddities(args.random, args.seed)), sys.stdout)
    else:
        target = pathlib.Path(__file__).with_name('nifti.json')
        made = record(cases())
        rows = ',\n'.join(json.dumps(c) for c in made['cases'])
        target.write_text(f'{{"versions": {json.dumps(made["versions"])},\n"cases": [\n{rows}\n]}}\n')
        print(f'{target}: {len(made["cases"])} cases', file=sys.stderr)
