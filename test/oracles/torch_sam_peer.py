"""src/profilers/card-suite/torch_sam.py against the original segment_anything on the same weights, and against itself: however
attention is computed and the gradient found, both are the same. Writes the largest relative differences as JSON.
"""
import json
import sys
from functools import partial
from pathlib import Path

import original_sam  # noqa: F401
import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, TwoWayTransformer
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / 'src' / 'profilers' / 'card-suite'))
from torch_sam import Form, Sam, prepare, train_step  # noqa: E402

torch.manual_seed(0)
torch.set_num_threads(1)
form = Form(96, 16, 48, 3, 4, 96, 4, (1,), neck=32, decoder_heads=4, decoder_hidden=64)
sam = Sam(form)
for parameter in sam.parameters():
    nn.init.normal_(parameter, std=0.2)


def original(images):
    """The masks of the original, one image after another, as it is made."""
    norm = partial(nn.LayerNorm, eps=1e-6)
    encoder = ImageEncoderViT(depth=3, embed_dim=48, img_size=96, mlp_ratio=2, norm_layer=norm, num_heads=4, patch_size=16, qkv_bias=True,
                              use_rel_pos=True, global_attn_indexes=[1], window_size=4, out_chans=32)
    encoder.load_state_dict(sam.image_encoder.state_dict())
    prompts = PromptEncoder(embed_dim=32, image_embedding_size=(6, 6), input_image_size=(96, 96), mask_in_chans=16)
    decoder = MaskDecoder(num_multimask_outputs=3, transformer_dim=32, iou_head_depth=3, iou_head_hidden_dim=32,
                          transformer=TwoWayTransformer(depth=2, embedding_dim=32, mlp_dim=64, num_heads=4))
    for theirs, own in ((prompts, sam.prompt_encoder), (decoder, sam.mask_decoder)):
        assert not theirs.load_state_dict(own.state_dict(), strict=False).unexpected_keys
    sparse, dense = prompts(points=None, boxes=None, masks=None)
    made = [
        decoder(image_embeddings=features[None], image_pe=prompts.get_dense_pe(), sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense,
                multimask_output=False)[0][:, 0]
        for features in encoder(images)
    ]
    return torch.cat(made)


def apart(a, b):
    return float((a - b).norm() / b.norm())


images = torch.randn(2, 3, 96, 96)
with torch.no_grad():
    found = {'masks of the original': apart(sam(images), original(images))}

# The original knows float32 alone; from here on rounding shall not matter.
torch.set_default_dtype(torch.float64)
sam.double()
planes = [torch.randn(1, 3, 96, 96) for _ in range(3)]
labels = [torch.rand(1, 24, 24).round() for _ in range(3)]
prepare(sam, 'lora', rank=2, first=1)
for block in sam.image_encoder.blocks[1:]:
    for parameter in block.attn.lora.values():
        nn.init.normal_(parameter, std=0.3)


def gradient(kernel='materialised', checkpointed=False, per_plane=False):
    sam.image_encoder.checkpointed = checkpointed
    for block in sam.image_encoder.blocks:
        block.attn.kernel = kernel
    sam.zero_grad()
    train_step(sam, planes, labels, per_plane)
    return torch.cat([p.grad.flatten() for p in sam.parameters() if p.grad is not None])


plain = gradient()
found['numbers of the gradient'] = plain.numel()
for name, options in {
    'sdpa': {'kernel': 'sdpa'},
    'chunked': {'kernel': 'chunked'},
    'checkpointed': {'checkpointed': True},
    'one plane at a time': {'per_plane': True},
    'all together': {'kernel': 'chunked', 'checkpointed': True, 'per_plane': True},
}.items():
    found[name] = apart(gradient(**options), plain)
print(json.dumps(found))
