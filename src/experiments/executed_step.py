"""One training step of the study's network on PyTorch, really run: `executed_step.py REQUEST`, a JSON text with `form`, `rank`,
`planes`, `checkpointed`, `limitBytes` (or null), `blocks`, `folder`, `sam`.

Weights, planes and labels are files of safetensors, so that every stack computes with the same numbers. A limit is one of address
space, beyond what Python and PyTorch had before the model. Answers on file 3, a line of JSON each.
"""
import base64
import json
import os
import re
import resource
import sys
import time

request = json.loads(sys.argv[1])
answers = os.fdopen(3, 'w', buffering=1)


def say(**message):
    answers.write(json.dumps(message) + '\n')


def status(name):
    """Bytes of a line of this process's status."""
    with open('/proc/self/status') as file:
        return 1024 * int(re.search(rf'^{name}:\s+(\d+) kB$', file.read(), re.M).group(1))


sys.path.insert(0, request['sam'])
try:
    import torch
    from safetensors import safe_open
    from torch_sam import Form, Sam, prepare, study_loss
except ImportError as error:
    say(failed=f'{error}: name a Python that has torch and safetensors in COC_PYTHON', after=0.0)
    sys.exit()

base = status('VmSize')


def load(name):
    with safe_open(os.path.join(request['folder'], name), 'pt') as file:
        return {key: file.get_tensor(key) for key in file.keys()}


def build():
    """The network with the weights and adapters of the files."""
    with torch.device('meta'):
        sam = prepare(Sam(Form(**{**request['form'], 'whole': tuple(request['form']['whole'])})), 'lora', request['rank'])
    sam.image_encoder.checkpointed = request['checkpointed']
    with safe_open(os.path.join(request['folder'], 'sam.safetensors'), 'pt') as file:
        # What nobody asks here (the head that judges masks) is in the file and not in the network.
        names = [name for name, _ in sam.named_parameters() if '.lora.' not in name]
        names += [name for name, _ in sam.named_buffers()]
        # Copies: a tensor of the file would keep the whole of it in the address space.
        values = {name: file.get_tensor(name).clone() for name in names}
    for path, tensor in load('lora.safetensors').items():
        block, part, side = path.split('/')
        values[f'image_encoder.blocks.{block}.attn.lora.{part}_{side}'] = tensor.clone()
    sam.load_state_dict(values, assign=True)
    for name, parameter in sam.named_parameters():
        encoder = name.startswith('image_encoder.') and '.lora.' not in name
        parameter.requires_grad_(not encoder)
    return sam


def run():
    sam = build()
    given = load('inputs.safetensors')
    names = ['axial', 'coronal', 'sagittal'][: request['planes']]
    planes = [given[f'planes/{name}'].permute(0, 3, 1, 2).contiguous() for name in names]
    labels = [given[f'labels/{name}'] for name in names]
    say(stage='forward')
    began = time.perf_counter()
    masks = [sam(plane) for plane in planes]
    loss = study_loss(masks, labels)
    say(stage='backward')
    loss.backward()
    seconds = time.perf_counter() - began
    gradients = {}
    for block in request['blocks']:
        for key, parameter in sam.image_encoder.blocks[block].attn.lora.items():
            data = parameter.grad.contiguous().numpy().astype('<f4').tobytes()
            gradients[f'{block}/{key.replace("_", "/")}'] = base64.b64encode(data).decode()
    counted = [p.grad for p in sam.parameters() if p.requires_grad]
    say(
        done={
            'loss': loss.item(),
            'seconds': seconds,
            'gradients': gradients,
            'withGradient': sum(g is not None for g in counted),
            'trained': len(counted),
        }
    )


def peaks():
    return {'residentBytes': status('VmHWM'), 'addressBytes': status('VmPeak') - base, 'baseBytes': base}


say(opened={'versions': {'torch': torch.__version__, 'python': sys.version.split()[0]}, 'threads': torch.get_num_threads()})
if request['limitBytes'] is not None:
    resource.setrlimit(resource.RLIMIT_AS, (base + request['limitBytes'],) * 2)
began = time.perf_counter()
try:
    run()
except (RuntimeError, MemoryError) as error:
    text = str(error) or type(error).__name__
    exhausted = isinstance(error, MemoryError) or "can't allocate memory" in text
    say(**{'exhausted' if exhausted else 'failed': text.splitlines()[0][:1000]}, after=time.perf_counter() - began)
say(peaks=peaks())
