"""Times nibabel on request: reads `array PATH` or `fdata PATH` lines on stdin, answers each with milliseconds."""
import sys
import time

import nibabel as nib
import numpy as np

print(f'nibabel {nib.__version__}, numpy {np.__version__}', flush=True)
for line in sys.stdin:
    kind, path = line.rstrip('\n').split(' ', 1)
    begin = time.perf_counter()
    image = nib.load(path)
    values = np.asanyarray(image.dataobj) if kind == 'array' else image.get_fdata()
    elapsed = time.perf_counter() - begin
    print(1000 * elapsed, flush=True)
    del image, values
