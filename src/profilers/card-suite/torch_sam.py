"""The study's network in PyTorch, small enough to be read: SAM's image encoder with low-rank adapters, its mask decoder without
a prompt, and the loss of three planes. What is measured of PyTorch is measured on this.

The architecture is that of Kirillov et al. 2023 (arXiv 2304.02643), and tensors have the names of the original checkpoints, so
that those load as they are. Adapters are `blocks.K.attn.lora.q_a` [width, rank], `q_b` [rank, width], and so for v. Images are
[batch, 3, size, size], features and tokens [batch, rows, columns, channels], masks [batch, 4 rows, 4 columns] logits.
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint


@dataclass(frozen=True)
class Form:
    """The shape of a network. Without `relative` attention adds no positions; `rotary` turns queries and keys (SAM 3's trunk)."""

    size: int
    patch: int
    width: int
    depth: int
    heads: int
    hidden: int
    window: int
    whole: tuple  # blocks that attend to the whole picture
    neck: int = 256
    decoder_heads: int = 8
    decoder_hidden: int = 2048
    relative: bool = True
    rotary: bool = False
    repeated: int = 0  # tokens along each side of the positions that are repeated over the picture; 0: each token has its own

    @property
    def grid(self):
        return self.size // self.patch


def sam_form(name, size=1024):
    """`vit_b`, `vit_l` or `vit_h` for square pictures of any size that 16 divides."""
    width, depth, heads, whole = {
        'vit_b': (768, 12, 12, (2, 5, 8, 11)),
        'vit_l': (1024, 24, 16, (5, 11, 17, 23)),
        'vit_h': (1280, 32, 16, (7, 15, 23, 31)),
    }[name]
    return Form(size, 16, width, depth, heads, 4 * width, 14, whole)


def sam3_form(size=1008):
    """The trunk of SAM 3; it has no neck and no decoder of this kind, so only `Encoder` is made of it."""
    return Form(size, 14, 1024, 32, 16, 4736, 24, (7, 15, 23, 31), neck=0, relative=False, rotary=True, repeated=24)


# Numbers of attention maps that are held at a time where the map is made in pieces: 64 MiB of float32.
PIECE = 2**24


class ChunkedAttention(torch.autograd.Function):
    """Attention some heads at a time. No map is kept: the backward pass makes each piece again."""

    @staticmethod
    def scores(q, k, rows, columns):
        """Logits of the heads of a piece, [heads, queries, keys]."""
        made = q @ k.transpose(1, 2)
        if rows is None:
            return made
        heads, queries, keys = made.shape
        high, wide = rows.shape[-1], columns.shape[-1]
        return made.view(heads, queries, high, wide).add_(rows[..., None]).add_(columns[:, :, None]).view(heads, queries, keys)

    @staticmethod
    def pieces(q):
        step = max(1, PIECE // q.shape[1] ** 2)
        return [slice(at, at + step) for at in range(0, q.shape[0], step)]

    @staticmethod
    def forward(context, q, k, v, rows, columns, scale):
        """q, k, v [heads, tokens, channels]; rows, columns [heads, tokens, span] or None."""
        out = torch.empty_like(v)
        for at in ChunkedAttention.pieces(q):
            terms = (None, None) if rows is None else (rows[at], columns[at])
            out[at] = ChunkedAttention.scores(q[at] * scale, k[at], *terms).softmax(-1) @ v[at]
        context.save_for_backward(q, k, v, rows, columns)
        context.scale = scale
        return out

    @staticmethod
    def slopes(parts, scale, given):
        """Gradients of one piece, with its map made again."""
        q, k, v, rows, columns = parts
        scaled = q * scale
        probabilities = ChunkedAttention.scores(scaled, k, rows, columns).softmax(-1)
        of_v = probabilities.transpose(1, 2) @ given
        slope = given @ v.transpose(1, 2)
        # Of softmax: p (g - sum(p g)).
        slope.sub_((slope * probabilities).sum(-1, keepdim=True)).mul_(probabilities)
        of_terms = (None, None)
        if rows is not None:
            square = slope.view(*slope.shape[:2], rows.shape[-1], columns.shape[-1])
            of_terms = square.sum(3), square.sum(2)
        return (slope @ k) * scale, slope.transpose(1, 2) @ scaled, of_v, *of_terms

    @staticmethod
    def backward(context, given):
        q, k, v, rows, columns = context.saved_tensors
        made = [None if x is None else torch.empty_like(x) for x in (q, k, v, rows, columns)]
        for at in ChunkedAttention.pieces(q):
            parts = [None if x is None else x[at] for x in (q, k, v, rows, columns)]
            for whole, part in zip(made, ChunkedAttention.slopes(parts, context.scale, given[at])):
                if whole is not None:
                    whole[at] = part
        return *made, None


class Attention(nn.Module):
    """Attention of the tokens of a square. kernel: `materialised` makes the map and keeps it, as SAM's own code does; `sdpa` is
    PyTorch's own with positions as a dense bias; `chunked` keeps no map."""

    def __init__(self, form, span):
        super().__init__()
        self.heads, self.span, self.kernel, self.lora = form.heads, span, 'materialised', None
        channels = form.width // form.heads
        self.scale = channels**-0.5
        self.qkv = nn.Linear(form.width, 3 * form.width)
        self.proj = nn.Linear(form.width, form.width)
        if form.relative:
            self.rel_pos_h = nn.Parameter(torch.zeros(2 * span - 1, channels))
            self.rel_pos_w = nn.Parameter(torch.zeros(2 * span - 1, channels))
        self.turns = rotary(span, channels) if form.rotary else None

    def forward(self, x):
        batch, rows, columns, width = x.shape
        q, k, v = self.qkv(x).view(batch, rows * columns, 3, width).unbind(2)
        if self.lora is not None:
            tokens = x.reshape(batch, rows * columns, width)
            q = q + adapted(tokens, self.lora['q_a'], self.lora['q_b'])
            v = v + adapted(tokens, self.lora['v_a'], self.lora['v_b'])
        split = [each.view(batch, -1, self.heads, width // self.heads).transpose(1, 2) for each in (q, k, v)]
        del q, k, v
        q, k, v = torch.stack(split).flatten(1, 2).unbind(0)  # [batch * heads, tokens, channels]
        del split
        if self.turns is not None:
            q, k = turned(q, self.turns), turned(k, self.turns)
        out = self.attend(q, k, v)
        out = out.view(batch, self.heads, rows, columns, -1).permute(0, 2, 3, 1, 4).reshape(batch, rows, columns, width)
        return self.proj(out)

    def attend(self, q, k, v):
        rows, columns = self.position_terms(q)
        if self.kernel == 'chunked':
            return ChunkedAttention.apply(q, k, v, rows, columns, self.scale)
        if self.kernel == 'sdpa':
            return self.by_sdpa(q, k, v, rows, columns)
        scores = (q * self.scale) @ k.transpose(1, 2)
        if rows is not None:
            shape = scores.shape
            scores = scores.view(-1, shape[1], self.span, self.span) + rows[..., None]
            scores = scores + columns[:, :, None]
            scores = scores.view(shape)
        scores = scores.softmax(-1)
        return scores @ v

    def by_sdpa(self, q, k, v, rows, columns):
        q, k, v = (each.unflatten(0, (-1, self.heads)) for each in (q, k, v))
        bias = None if rows is None else (rows[..., None] + columns[:, :, None]).view(*q.shape[:3], -1)
        return F.scaled_dot_product_attention(q, k, v, bias, scale=self.scale)  # [batch, heads, tokens, channels]

    def position_terms(self, q):
        """What each query adds to all keys of a row, and of a column: [batch * heads, tokens, span]."""
        if not hasattr(self, 'rel_pos_h'):
            return None, None
        span = self.span
        at = torch.arange(span, device=q.device)
        apart = at[:, None] - at[None, :] + span - 1
        square = q.view(-1, span, span, q.shape[-1])
        rows = torch.einsum('bhwc,hkc->bhwk', square, self.rel_pos_h[apart])
        columns = torch.einsum('bhwc,wkc->bhwk', square, self.rel_pos_w[apart])
        return rows.reshape(-1, span * span, span), columns.reshape(-1, span * span, span)


def adapted(x, a, b):
    return F.linear(F.linear(x, a.T), b.T)


def rotary(span, channels):
    """Angles of each token's pairs of channels as complex numbers of length 1: half of them turn with the column."""
    speeds = 10000.0 ** (-torch.arange(0, channels, 4)[: channels // 4].float() / channels)
    at = torch.arange(span * span)
    angles = torch.cat([torch.outer(at % span, speeds), torch.outer(at // span, speeds)], -1)
    return torch.polar(torch.ones_like(angles), angles)


def turned(x, turns):
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns).flatten(2).type_as(x)


class Mlp(nn.Module):
    def __init__(self, width, hidden, act=F.gelu):
        super().__init__()
        self.lin1, self.lin2, self.act = nn.Linear(width, hidden), nn.Linear(hidden, width), act

    def forward(self, x):
        return self.lin2(self.act(self.lin1(x)))


class Block(nn.Module):
    def __init__(self, form, index):
        super().__init__()
        self.window = 0 if index in form.whole else form.window
        self.norm1, self.norm2 = (nn.LayerNorm(form.width, eps=1e-6) for _ in range(2))
        self.attn = Attention(form, self.window or form.grid)
        self.mlp = Mlp(form.width, form.hidden)

    def forward(self, x):
        x = x + self.attended(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def attended(self, x):
        if not self.window:
            return self.attn(x)
        (batch, rows, columns, width), side = x.shape, self.window
        high, wide = -(-rows // side) * side, -(-columns // side) * side
        if (high, wide) != (rows, columns):
            x = F.pad(x, (0, 0, 0, wide - columns, 0, high - rows))
        x = x.view(batch, high // side, side, wide // side, side, width).transpose(2, 3).reshape(-1, side, side, width)
        x = self.attn(x)
        x = x.view(batch, high // side, wide // side, side, side, width).transpose(2, 3).reshape(batch, high, wide, width)
        return x[:, :rows, :columns]


class ChannelNorm(nn.Module):
    """Layer norm over the last axis with the names of the original's."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, 1e-6)


class Encoder(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.form, self.checkpointed = form, False
        self.patch_embed = nn.ModuleDict({'proj': nn.Conv2d(3, form.width, form.patch, form.patch, bias=form.relative)})
        side = form.repeated or form.grid
        self.pos_embed = nn.Parameter(torch.zeros(1, side, side, form.width))
        self.ln_pre = nn.LayerNorm(form.width, eps=1e-6) if form.rotary else None
        self.blocks = nn.ModuleList(Block(form, index) for index in range(form.depth))
        if form.neck:
            first = nn.Conv2d(form.width, form.neck, 1, bias=False)
            second = nn.Conv2d(form.neck, form.neck, 3, padding=1, bias=False)
            self.neck = nn.ModuleList([first, ChannelNorm(form.neck), second, ChannelNorm(form.neck)])

    def forward(self, images):
        x = self.patch_embed['proj'](images).permute(0, 2, 3, 1).contiguous() + self.positions()
        if self.ln_pre is not None:
            x = self.ln_pre(x)
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.checkpointed else block(x)
        if not self.form.neck:
            return x
        project, norm1, convolve, norm2 = self.neck
        x = norm1(F.linear(x, project.weight.flatten(1)))
        return norm2(convolve(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))

    def positions(self):
        grid, side = self.form.grid, self.pos_embed.shape[1]
        times = -(-grid // side)
        return self.pos_embed if side == grid else self.pos_embed.tile(1, times, times, 1)[:, :grid, :grid]


class Projected(nn.Module):
    """Attention of the decoder, at a width of its own."""

    def __init__(self, width, inner, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, inner) for _ in range(3))
        self.out_proj = nn.Linear(inner, width)

    def forward(self, q, k, v):
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, x in ((self.q_proj, q), (self.k_proj, k), (self.v_proj, v))
        )
        scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
        return self.out_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


class TwoWayLayer(nn.Module):
    def __init__(self, form):
        super().__init__()
        width, heads = form.neck, form.decoder_heads
        self.self_attn = Projected(width, width, heads)
        self.cross_attn_token_to_image = Projected(width, width // 2, heads)
        self.mlp = Mlp(width, form.decoder_hidden, F.relu)
        self.cross_attn_image_to_token = Projected(width, width // 2, heads)
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(width) for _ in range(4))

    def forward(self, tokens, image, own, positions, first):
        query = tokens if first else tokens + own
        mixed = self.self_attn(query, query, tokens)
        tokens = self.norm1(mixed if first else tokens + mixed)
        placed = image + positions
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + own, placed, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        return tokens, self.norm4(image + self.cross_attn_image_to_token(placed, tokens + own, tokens))


class TwoWay(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.layers = nn.ModuleList(TwoWayLayer(form) for _ in range(2))
        self.final_attn_token_to_image = Projected(form.neck, form.neck // 2, form.decoder_heads)
        self.norm_final_attn = nn.LayerNorm(form.neck)

    def forward(self, image, positions, own):
        tokens = own
        for k, layer in enumerate(self.layers):
            tokens, image = layer(tokens, image, own, positions, k == 0)
        seen = self.final_attn_token_to_image(tokens + own, image + positions, image)
        return self.norm_final_attn(tokens + seen), image


class MaskDecoder(nn.Module):
    """The mask of a clear prompt. Heads that nobody asks here (other masks, expected overlap) are left out."""

    def __init__(self, form):
        super().__init__()
        width = form.neck
        self.iou_token, self.mask_tokens = nn.Embedding(1, width), nn.Embedding(4, width)
        self.transformer = TwoWay(form)
        up = [nn.ConvTranspose2d(width, width // 4, 2, 2), ChannelNorm(width // 4)]
        self.output_upscaling = nn.ModuleDict({'0': up[0], '1': up[1], '3': nn.ConvTranspose2d(width // 4, width // 8, 2, 2)})
        layers = nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width // 8)])
        self.output_hypernetworks_mlps = nn.ModuleList([nn.ModuleDict({'layers': layers})])

    def forward(self, features, positions, dense):
        batch, rows, columns, width = features.shape
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight]).expand(batch, -1, -1)
        tokens, image = self.transformer((features + dense).flatten(1, 2), positions, own)
        up = self.output_upscaling
        x = up['0'](image.transpose(1, 2).reshape(batch, width, rows, columns))
        x = F.gelu(up['1'](x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        x = F.gelu(up['3'](x))  # [batch, width / 8, 4 rows, 4 columns]
        kernel = tokens[:, 1]
        first, second, last = self.output_hypernetworks_mlps[0]['layers']
        kernel = last(F.relu(second(F.relu(first(kernel)))))
        return (kernel[:, None] @ x.flatten(2)).view(batch, 4 * rows, 4 * columns)


class Positions(nn.Module):
    """Sines and cosines of random frequencies for the tokens of the picture, [rows * columns, width]."""

    def __init__(self, form):
        super().__init__()
        self.grid = form.grid
        self.register_buffer('positional_encoding_gaussian_matrix', torch.randn(2, form.neck // 2))

    def forward(self):
        matrix = self.positional_encoding_gaussian_matrix
        at = (torch.arange(self.grid, device=matrix.device, dtype=matrix.dtype) + 0.5) / self.grid * 2 - 1
        places = torch.stack(torch.meshgrid(at, at, indexing='xy'), -1).flatten(0, 1)  # x, y
        angles = 2 * torch.pi * (places @ matrix)
        return torch.cat([angles.sin(), angles.cos()], -1)


class PromptEncoder(nn.Module):
    """Of the prompts only that there is none."""

    def __init__(self, form):
        super().__init__()
        self.pe_layer, self.no_mask_embed = Positions(form), nn.Embedding(1, form.neck)


class Sam(nn.Module):
    """Images to the logits of one mask each."""

    def __init__(self, form):
        super().__init__()
        self.image_encoder, self.mask_decoder = Encoder(form), MaskDecoder(form)
        self.prompt_encoder = PromptEncoder(form)

    def forward(self, images):
        prompts = self.prompt_encoder
        return self.mask_decoder(self.image_encoder(images), prompts.pe_layer(), prompts.no_mask_embed.weight)


def prepare(sam, trained, rank=4, first=0, kernel='materialised', checkpointed=False):
    """Say what is trained (`lora` from block `first` on and the decoder, `all`, or `decoder`) and how attention is computed."""
    encoder = sam.image_encoder
    encoder.checkpointed = checkpointed
    if trained != 'all':
        encoder.requires_grad_(False)
    for index, block in enumerate(encoder.blocks):
        block.attn.kernel = kernel
        if trained == 'lora' and index >= first:
            like, width = block.attn.qkv.weight, encoder.form.width
            down, up = ({'size': size, 'dtype': like.dtype, 'device': like.device} for size in ((width, rank), (rank, width)))
            block.attn.lora = nn.ParameterDict(
                {f'{part}_{side}': nn.Parameter(torch.randn(**down) * width**-0.5 if side == 'a' else torch.zeros(**up))
                 for part in 'qv' for side in 'ab'}
            )
    return sam


def plane_loss(masks, labels):
    """SAMed's: 0.2 cross-entropy and 0.8 Dice with squares, over all pixels. labels [batch, rows, columns], 0 or 1."""
    p = masks.sigmoid()
    dice = 1 - (2 * (p * labels).sum() + 1e-5) / (p.square().sum() + labels.square().sum() + 1e-5)
    return 0.2 * F.binary_cross_entropy_with_logits(masks, labels) + 0.8 * dice


def study_loss(masks, labels, weight=0.1):
    """The mean of the planes' losses and Eq. 2 where planes meet: the middle row or column of each. Lists of one to three planes."""
    total = sum(plane_loss(m, t) for m, t in zip(masks, labels)) / len(masks)
    if len(masks) > 1:
        axial, *others = masks
        middle = axial.shape[-1] // 2
        for k, other in enumerate(others):
            line = axial[:, middle] if k == 0 else axial[:, :, middle]
            total = total + weight * (line.sigmoid() - other[:, middle].sigmoid()).square().sum()
    return total


def train_step(sam, planes, labels, per_plane=False):
    """Gradients of one step, into `.grad`. planes: a list of images [batch, 3, size, size].

    All planes on one graph, as one batch; or `per_plane`, one graph at a time: forward without a graph, the loss differentiated
    by the masks, each plane forward again and back with what the loss sends it. @returns the loss
    """
    if not per_plane:
        count = planes[0].shape[0]
        loss = study_loss(sam(torch.cat(planes)).split(count), labels)
        loss.backward()
        return loss.detach()
    with torch.no_grad():
        masks = [sam(plane) for plane in planes]
    for mask in masks:
        mask.requires_grad_()
    loss = study_loss(masks, labels)
    loss.backward()
    for plane, mask in zip(planes, masks):
        sam(plane).backward(mask.grad)
    return loss.detach()
