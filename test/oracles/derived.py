"""What PyTorch keeps and holds in the study's training step, for test/profilers/derived.test.ts.

    python test/oracles/derived.py > test/oracles/derived.json     every case below, on fake tensors
    python test/oracles/derived.py CASES                           these cases (JSON), really computed on the processor

The network is src/profilers/card-suite/torch_sam.py. Saved bytes are those of storages that autograd's hooks see in a forward pass,
each once, without parameters; casts of parameters stand by themselves. The peak is the most that lives at one time beside
parameters, images and labels, as torch_memory.py tracks it.
"""
import json
import sys
from collections import Counter
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.checkpoint import checkpoint
from torch_memory import CudaAutocast, Tracker, saved_bytes

sys.path.insert(0, str(Path(__file__).parents[2] / 'src' / 'profilers' / 'card-suite'))
import torch_sam  # noqa: E402
from torch_sam import Attention, Encoder, Form, Sam, prepare, sam3_form, sam_form, study_loss  # noqa: E402


class Trunk(nn.Module):
    """An encoder alone."""

    def __init__(self, form):
        super().__init__()
        self.image_encoder = Encoder(form)

    def forward(self, images):
        return self.image_encoder(images)


def network(model, size):
    if model == 'sam3':
        return Trunk(sam3_form(size))
    if model == 'tiny-128':
        return Sam(Form(size, 8, 384, 12, 6, 1536, 6, (2, 5, 8, 11), neck=64, decoder_heads=4, decoder_hidden=256))
    return Sam(sam_form(model.removeprefix('sam-').replace('-', '_'), size))


def by_card(self, q, k, v, rows, columns):
    """The kernels that scaled_dot_product_attention takes on a card; on a processor they have shapes only. The one with a bias
    wants rows of it that begin at multiples of eight numbers."""
    q, k, v = (each.unflatten(0, (-1, self.heads)) for each in (q, k, v))
    if rows is None:
        return torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, scale=self.scale)[0]
    tokens = q.shape[2]
    bias = (rows[..., None] + columns[:, :, None]).view(*q.shape[:3], tokens)
    if tokens % 8:
        bias = F.pad(bias, (0, 8 - tokens % 8))[..., :tokens]
    return torch.ops.aten._scaled_dot_product_efficient_attention(q, k, v, bias, True, scale=self.scale)[0]


AUTOCAST = {
    'fp32': nullcontext,
    'bf16': nullcontext,
    'amp': CudaAutocast,
    'amp on a processor': lambda: torch.autocast('cpu', torch.bfloat16),
}
KERNELS = {None: 'materialised', 'materialised': 'materialised', 'sdpa-dense-bias': 'sdpa', 'fused': 'sdpa'}


def again(numbers):
    """Checkpointing under the same casts; PyTorch does that for its own autocast, and is told of ours."""
    if numbers != 'amp':
        return checkpoint
    return partial(checkpoint, context_fn=lambda: (nullcontext(), CudaAutocast()))


def measure(model, size, trained, numbers='fp32', views=1, batch=1, policy=(), first=0, attention=None):
    autocast, torch_sam.checkpoint = AUTOCAST[numbers], again(numbers)
    kernel = 'chunked' if 'chunked' in policy else KERNELS[attention]
    torch.set_default_dtype(torch.bfloat16 if numbers == 'bf16' else torch.float32)
    sam = prepare(network(model, size), trained, 4, first, kernel, 'recompute' in policy)
    planes = [torch.rand(batch, 3, size, size) for _ in range(views)]
    grid = 4 * sam.image_encoder.form.grid
    labels = [torch.rand(batch, grid, grid, dtype=torch.float32).round() for _ in range(views)]
    turns = [each.attn.turns for each in sam.image_encoder.blocks if each.attn.turns is not None]
    tracker, kept = Tracker([*sam.parameters(), *sam.buffers(), *turns, *planes, *labels]), Counter()
    with tracker:
        if 'per-plane' in policy:
            with torch.no_grad(), autocast():
                masks = [sam(plane) for plane in planes]
            for mask in masks:
                mask.requires_grad_()
            with autocast():
                loss = study_loss(masks, labels)
            loss.backward()
            for plane, mask in zip(planes, masks):
                kept.clear()
                with autocast(), saved_bytes(tracker, kept):
                    made = sam(plane)
                made.backward(mask.grad)
                del made
        else:
            with autocast(), saved_bytes(tracker, kept):
                out = sam(torch.cat(planes))
                if model != 'sam3':
                    out = study_loss(out.split(batch), labels)
            out.backward(torch.ones_like(out))
    return {'saved': kept['activations'], 'copies': kept['copies'], 'peak': tracker.peak}


def cases():
    for size in (256, 384, 512, 1024):
        for trained in ('lora', 'all', 'decoder'):
            for numbers in ('fp32', 'amp on a processor'):
                yield {'model': 'sam-vit-b', 'size': size, 'trained': trained, 'numbers': numbers}
    for model, size in (('sam-vit-b', 512), ('sam-vit-h', 1024)):
        own = {'model': model, 'size': size}
        for trained in ('lora', 'all'):
            yield {**own, 'trained': trained, 'numbers': 'amp'}
            if model == 'sam-vit-h':
                yield {**own, 'trained': trained, 'numbers': 'fp32'}
            yield {**own, 'trained': trained, 'numbers': 'bf16', 'views': 2}
        for numbers in ('fp32', 'amp'):
            for trained in ('lora', 'all'):
                yield {**own, 'trained': trained, 'numbers': numbers, 'attention': 'sdpa-dense-bias'}
            yield {**own, 'trained': 'lora', 'numbers': numbers, 'first': 6}
        yield {**own, 'trained': 'lora', 'views': 3, 'batch': 2}
        for name in ('per-plane', 'recompute', 'chunked', 'per-plane+recompute', 'per-plane+recompute+chunked'):
            yield {**own, 'trained': 'lora', 'views': 3, 'policy': name.split('+')}
        for numbers in ('amp on a processor', 'amp'):
            yield {**own, 'trained': 'lora', 'views': 3, 'policy': ['recompute'], 'numbers': numbers}
    for trained in ('lora', 'all'):
        own = {'model': 'sam3', 'size': 1008, 'trained': trained, 'attention': 'fused'}
        yield own
        yield {**own, 'numbers': 'amp'}
        yield {**own, 'policy': ['recompute']}
        yield {**own, 'policy': ['recompute'], 'numbers': 'amp'}


def main():
    if len(sys.argv) > 1:
        torch.set_num_threads(1)
        print(json.dumps([measure(**case) for case in json.loads(sys.argv[1])]))
        return
    Attention.by_sdpa = by_card
    rows = []
    for case in cases():
        with FakeTensorMode(allow_non_fake_inputs=True):
            rows.append(json.dumps({**case, **measure(**case)}))
    print(f'{{"versions": {{"torch": "{torch.__version__}"}},\n"steps": [\n' + ',\n'.join(rows) + '\n]}')


if __name__ == '__main__':
    main()
