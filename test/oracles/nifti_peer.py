"""What nibabel reads in NIfTI files: the peer that the tests of src/volume compare with.

Run with paths as lines on stdin; prints a JSON list, one entry a path. Also imported by nifti_cases.py.
"""
import hashlib
import json
import logging
import math
import sys
import warnings

import nibabel as nib
import numpy as np

logging.disable(logging.CRITICAL)
warnings.simplefilter('ignore')
np.seterr(all='ignore')


def number(x):
    """A float as JSON: NaN and infinities as text."""
    x = float(x)
    return x if math.isfinite(x) else str(x)


def as_float64(array):
    """Values in file order as little-endian float64; complex and colour components side by side."""
    if array.dtype.fields:
        parts = [array[name] for name in array.dtype.names]
        array = np.stack([p.astype('<f8') for p in parts])
    elif array.dtype.kind == 'c':
        # numpy multiplies complex numbers by complex slopes, which leaves other signs on zeros: + 0.0 takes them away.
        array = np.stack([array.real.astype('<f8'), array.imag.astype('<f8')]) + 0.0
    return np.asarray(array, dtype='<f8')


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def describe(path):
    """Everything that a reader must agree on, or the error that nibabel gives."""
    try:
        image = nib.load(path)
        proxy = image.dataobj
        header = image.nifti_header if hasattr(image, 'nifti_header') else image.header
        raw = np.asanyarray(proxy.get_unscaled())
        scaled = np.asanyarray(proxy)
        values = as_float64(scaled)
        codes = nib.aff2axcodes(header.get_best_affine()) if np.isfinite(header.get_best_affine()).all() else None
        finite = values[np.isfinite(values)]
        return {
            'shape': [int(d) for d in header.get_data_shape()],
            'dtype': str(scaled.dtype) if not scaled.dtype.fields else 'rgb',
            'affine': [[number(x) for x in row] for row in header.get_best_affine()],
            'axisCodes': codes and ''.join(c or '?' for c in codes),
            'spacing': [number(x) for x in nib.affines.voxel_sizes(header.get_best_affine())],
            'rawSha256': sha256(raw.tobytes('F')),
            'float64Sha256': sha256(values.tobytes('F')),
            'sum': number(math.fsum(finite.ravel()) if finite.size < 1e5 else finite.sum()),
            'nan': int(np.isnan(values).sum()),
            'infinite': int(np.isinf(values).sum()),
            'extensions': [[int(e.get_code()), sha256(e.content)] for e in header.extensions]
            if hasattr(header, 'extensions')
            else [],
        }
    except Exception as error:  # every refusal of the peer is a fact to compare with
        return {'error': f'{type(error).__name__}: {error}'.split('\n')[0][:200]}


def versions():
    return {'nibabel': nib.__version__, 'numpy': np.__version__, 'python': sys.version.split()[0]}


if __name__ == '__main__':
    json.dump([describe(line.rstrip('\n')) for line in sys.stdin], sys.stdout)
