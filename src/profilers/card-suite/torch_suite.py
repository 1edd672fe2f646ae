"""What every program of the card suite on PyTorch begins with: the request, a JSON text in its first argument with `tf32` and
`rehearse` among others; the file that answers go to, a line of JSON each; and the first of them, what computes.

A program that has no PyTorch, or sees no card and does not rehearse, says so and ends here.
"""
import json
import os
import sys

request = json.loads(sys.argv[1])
answers = os.fdopen(3, 'w', buffering=1)


def say(**message):
    answers.write(json.dumps(message) + '\n')


try:
    import numpy  # noqa: F401
    import torch
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
