"""Writes test/oracles/sam-decoder.json: what transformers' SAM and the original segment_anything make of an image's embedding
and prompts, in a tiny configuration: masks, their quality, and gradients.

    python test/oracles/sam_decoder.py > test/oracles/sam-decoder.json

Every tensor has the values of test/bench/peers/values.py by the reference's own name and shape, so a test can fill ours with
the same through the names that we say it has. Of the masks every fifth value is written, of a gradient its norm and its
products with two probes.
"""
import importlib.metadata
import json
import os
import sys

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'bench', 'peers'))
from values import values_of

import original_sam  # noqa: E402,F401
from segment_anything.modeling import MaskDecoder, PromptEncoder, TwoWayTransformer  # noqa: E402
from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig  # noqa: E402

WIDTH, HIDDEN, HEADS, GRID, PATCH = 32, 40, 2, 3, 16
SIZE = GRID * PATCH
BATCH, PROMPTS, POINTS = 2, 2, 3
# The original has no choice here: layer norm's own default.
EPSILON = {'transformers': 1e-6, 'original': 1e-5}


def drawn(shape, name, low=-1.0, high=1.0):
    return values_of(list(shape), {'kind': 'uniform', 'low': low, 'high': high}, name)


def weight(name, shape):
    """Gains around 1, everything else around 0."""
    if len(shape) == 1 and name.endswith('weight'):
        return drawn(shape, name, 0.5, 1.5)
    return drawn(shape, name, -0.4, 0.4)


# transformers has the frequencies under two names; this is the one that it writes first.
SHARED = {'prompt_encoder.shared_embedding.positional_embedding': 'shared_image_embedding.positional_embedding'}


def fill(module):
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            tensor.copy_(torch.from_numpy(weight(SHARED.get(name, name), tensor.shape)))


def inputs():
    return {
        'image': drawn([BATCH, GRID, GRID, WIDTH], 'image'),
        'points': drawn([BATCH, PROMPTS, POINTS, 2], 'points', 0, SIZE),
        'labels': np.array([[[1, 0, -1], [0, 1, 1]], [[1, 1, 1], [-1, 0, 0]]], np.float32),
        'boxes': drawn([BATCH, PROMPTS, 4], 'boxes', 0, SIZE),
        'masks': drawn([BATCH, PROMPTS, 4 * GRID, 4 * GRID], 'masks', -3, 3),
    }


CASES = {
    'none': [],
    'points': ['points'],
    'boxes': ['boxes'],
    'points and boxes': ['points', 'boxes'],
    'masks': ['masks'],
    'points, boxes and masks': ['points', 'boxes', 'masks'],
}


class Transformers:
    def __init__(self):
        common = {'hidden_size': WIDTH, 'layer_norm_eps': EPSILON['transformers']}
        self.model = SamModel(
            SamConfig(
                vision_config=SamVisionConfig(
                    hidden_size=16, output_channels=WIDTH, num_hidden_layers=1, num_attention_heads=2, image_size=SIZE,
                    patch_size=PATCH, window_size=2, global_attn_indexes=[0], num_pos_feats=WIDTH // 2,
                ),
                prompt_encoder_config=SamPromptEncoderConfig(
                    **common, image_size=SIZE, patch_size=PATCH, mask_input_channels=16
                ),
                mask_decoder_config=SamMaskDecoderConfig(
                    **common, mlp_dim=HIDDEN, num_attention_heads=HEADS, iou_head_depth=4, iou_head_hidden_dim=24,
                    num_multimask_outputs=3,
                ),
            )
        ).double()
        fill(self.model)

    def parameters(self):
        return {
            name: parameter
            for name, parameter in self.model.named_parameters()
            if not name.startswith('vision_encoder.')
        }

    def __call__(self, image, prompts, several):
        given = {f'input_{name}': torch.from_numpy(value).double() for name, value in prompts.items()}
        if 'input_labels' in given:
            given['input_labels'] = given['input_labels'].long()
        if 'input_masks' in given:  # one for all prompts of an image
            given['input_masks'] = given['input_masks'][:, :1]
        out = self.model(image_embeddings=image.permute(0, 3, 1, 2), multimask_output=several, **given)
        return out.pred_masks, out.iou_scores

    dtype = torch.float64


class Original:
    """Single precision: it rounds positions to that, whatever its weights are."""

    dtype = torch.float32

    def __init__(self):
        self.model = torch.nn.ModuleDict(
            {
                'prompt_encoder': PromptEncoder(
                    embed_dim=WIDTH, image_embedding_size=(GRID, GRID), input_image_size=(SIZE, SIZE), mask_in_chans=16
                ),
                'mask_decoder': MaskDecoder(
                    num_multimask_outputs=3, transformer_dim=WIDTH, iou_head_depth=4, iou_head_hidden_dim=24,
                    transformer=TwoWayTransformer(depth=2, embedding_dim=WIDTH, mlp_dim=HIDDEN, num_heads=HEADS),
                ),
            }
        )
        fill(self.model)

    def parameters(self):
        return dict(self.model.named_parameters())

    def __call__(self, image, prompts, several):
        """One image at a time, as it is made."""
        encode, decode = self.model['prompt_encoder'], self.model['mask_decoder']
        masks, quality = [], []
        for k in range(BATCH):
            given = {name: torch.from_numpy(value[k]) for name, value in prompts.items()}
            sparse, dense = encode(
                points=(given['points'], given['labels']) if 'points' in given else None,
                boxes=given.get('boxes'),
                masks=given['masks'][:, None] if 'masks' in given else None,
            )
            made = decode(
                image_embeddings=image[k : k + 1].permute(0, 3, 1, 2),
                image_pe=encode.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
            )
            masks.append(made[0])
            quality.append(made[1])
        return torch.stack(masks), torch.stack(quality)


def listed(values):
    return [float(f'{value:.7g}') for value in values.detach().double().flatten().tolist()]


def seen(gradient, name):
    """A gradient in three numbers: its norm, and its products with two probes."""
    flat = gradient.detach().double().flatten()
    probes = [torch.from_numpy(drawn(flat.shape, f'{name}/probe {k}')).double() for k in range(2)]
    return [float(f'{value:.7g}') for value in [flat.norm().item(), *(torch.dot(flat, p).item() for p in probes)]]


# Where the gradients of all parameters are written, too; between them they reach all.
FULL = {('none', False), ('points, boxes and masks', True)}


def answer(reference, case, kinds, several):
    given = inputs()
    image = torch.from_numpy(given['image']).to(reference.dtype).requires_grad_()
    names = [name for kind in kinds for name in ([kind, 'labels'] if kind == 'points' else [kind])]
    masks, quality = reference(image, {name: given[name] for name in names}, several)
    masks = masks.permute(0, 1, 3, 4, 2)  # channels last, as ours
    loss = sum(
        (value * torch.from_numpy(drawn(value.shape, name)).to(value)).sum()
        for name, value in (('masks cotangent', masks), ('quality cotangent', quality))
    )
    parameters = reference.parameters()
    gradients = torch.autograd.grad(loss, [image, *parameters.values()], allow_unused=True)
    return {
        'shape': list(masks.shape),
        'masks': listed(masks.reshape(-1)[::5]),
        'largest': float(masks.detach().abs().max()),
        'quality': listed(quality),
        'image': seen(gradients[0], 'image'),
        'gradients': {
            name: seen(gradient, name)
            for name, gradient in zip(parameters, gradients[1:])
            # What is not asked for is all zeros there; ours has no gradient.
            if (case, several) in FULL and gradient is not None and gradient.abs().max() > 0
        },
    }


def main():
    lines = []
    for name, reference in (('transformers', Transformers()), ('original', Original())):
        cases = {}
        for case, kinds in CASES.items():
            for several in (False, True):
                cases[f'{case}, {"several" if several else "one"}'] = answer(reference, case, kinds, several)
        body = ',\n'.join(f'{json.dumps(case)}: {json.dumps(value)}' for case, value in cases.items())
        lines.append(f'"{name}": {{\n{body}\n}}')
    versions = {name: importlib.metadata.version(name) for name in ('torch', 'transformers', 'segment_anything')}
    print(f'{{"versions": {json.dumps(versions)},\n' + ',\n'.join(lines) + '\n}')


if __name__ == '__main__':
    main()
