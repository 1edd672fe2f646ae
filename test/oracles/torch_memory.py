"""What PyTorch holds while it runs: bytes that autograd keeps for the backward pass, and the most that lives at one time.

Storages are counted, each once, as PyTorch makes them; what a kernel takes and gives back within itself is not seen. Fake
tensors have the storages of real ones without their memory, so that a step of any size can be counted anywhere.
"""
import weakref
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Tracker(TorchDispatchMode):
    """Counts storages that are made while it is on; those of `given` are not counted, and casts of them are known."""

    def __init__(self, given):
        super().__init__()
        self.given = {t.untyped_storage()._cdata for t in given}
        self.copies, self.sizes = set(), {}
        self.live = self.peak = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self.note(tensor, func, args)
        return out

    def note(self, tensor, func, args):
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self.given or key in self.sizes:
            return
        self.sizes[key] = storage.nbytes()
        if func is torch.ops.aten._to_copy.default and args[0].untyped_storage()._cdata in self.given:
            self.copies.add(key)
        self.live += storage.nbytes()
        weakref.finalize(storage, self.freed, key)
        self.peak = max(self.peak, self.live)

    def freed(self, key):
        self.live -= self.sizes.pop(key)
        self.copies.discard(key)


@contextmanager
def saved_bytes(tracker, found):
    """Adds to `found` what is kept: bytes of storages, of casts of parameters by themselves."""
    kept = set()

    def pack(tensor):
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in tracker.given and key not in kept:
            kept.add(key)  # alive as long as the graph is, so no other storage takes its place
            found['copies' if key in tracker.copies else 'activations'] += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        yield


class CudaAutocast(TorchFunctionMode):
    """Casts as torch.autocast does on a card, made explicitly, for processors: products in 16 bits; norms, softmax, powers and
    sums in 32 (documentation of torch.amp, "CUDA Ops that can autocast")."""

    LOW = {F.linear, F.conv2d, torch.conv2d, F.conv_transpose2d, torch.conv_transpose2d, torch.matmul, torch.Tensor.matmul,
           torch.Tensor.__matmul__, torch.bmm, torch.einsum, F.scaled_dot_product_attention}
    HIGH = {F.layer_norm, torch.softmax, torch.Tensor.softmax, F.softmax, torch.Tensor.square, torch.Tensor.pow, torch.Tensor.sum,
            F.binary_cross_entropy_with_logits}

    def __init__(self, low=torch.float16):
        super().__init__()
        self.low, self.cached = low, {}

    def __exit__(self, *left):
        self.cached.clear()
        return super().__exit__(*left)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        wanted = self.low if func in self.LOW else torch.float32 if func in self.HIGH else None
        if wanted is not None:
            args, kwargs = torch.utils._pytree.tree_map(lambda x: self.cast(x, wanted), (args, kwargs or {}))
        return func(*args, **(kwargs or {}))

    def cast(self, x, wanted):
        if not isinstance(x, torch.Tensor) or not x.is_floating_point() or x.dtype == wanted:
            return x
        # Weights that are trained are cast once a pass, all else at every use.
        if not (x.is_leaf and x.requires_grad):
            return x.to(wanted)
        if id(x) not in self.cached:
            self.cached[id(x)] = x.to(wanted)
        return self.cached[id(x)]
