"""The steps of test/bench/nets on PyTorch: `torch_steps.py THREADS eager|compile`; asked as answer.py says.

The same weights, data, loss and optimiser. Each is written the way that is fastest, as far as it computes the same: linear
layers in PyTorch's own layout, its fused norms, its fused optimiser; and where that depends on the machine (channels last
or first, fused attention or two products) it tries both and takes the faster. SAM's windows are filled up before queries, keys and
values are made, as its published code and transformers have it; ours multiplies the grid's own tokens alone.
"""
import sys
import time

import torch
import torch.nn.functional as F
from answer import answer
from values import tensors_of

threads, mode = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(threads)


def product(plan, trained, frozen, inputs):
    a, b = frozen['a'], frozen['b']
    b = b.transpose(-1, -2) if plan['size']['transposed'] else b
    return lambda: trained['scale'] * (a @ b).mean()


def convolution(plan, trained, frozen, inputs):
    x, w = trained['x'], trained['filter']
    convolve = F.conv2d if x.dim() == 4 else F.conv3d
    return lambda: convolve(x, w, stride=plan['size']['stride'], padding=1).square().mean()


def linear(x, p, name):
    return F.linear(x, p[f'{name}/weight'], p[f'{name}/bias'])


def layer_norm(x, p, name):
    return F.layer_norm(x, x.shape[-1:], p[f'{name}/gain'], p[f'{name}/bias'], 1e-6)


def attend(q, k, v, plan):
    q, k, v = (t.view(t.shape[0], plan['size']['heads'], -1).transpose(0, 1) for t in (q, k, v))
    if plan['way'] == 'fused attention':
        mixed = F.scaled_dot_product_attention(q[None], k[None], v[None])[0]
    else:
        mixed = torch.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(1, 2), -1) @ v
    return mixed.transpose(0, 1).flatten(1)


def attention_block(plan, trained, frozen, inputs):
    def loss():
        x = trained['x']
        q, k, v = linear(layer_norm(x, trained, 'norm'), trained, 'qkv').chunk(3, 1)
        return (x + linear(attend(q, k, v, plan), trained, 'projection')).square().mean()

    return loss


def layer_norm_alone(plan, trained, frozen, inputs):
    return lambda: (layer_norm(trained['x'], trained, 'norm') - frozen['target']).square().mean()


def gelu(plan, trained, frozen, inputs):
    return lambda: F.gelu(trained['x']).square().mean()


def lora_vit(plan, trained, frozen, inputs):
    size = plan['size']
    image, patch, views = (size[name] for name in ('image', 'patch', 'views'))
    grid = image // patch

    def adapter(h, name):
        return (h @ trained[f'{name}/a']) @ trained[f'{name}/b']

    def mask(picture):
        x = picture.view(grid, patch, grid, patch * 3).transpose(1, 2).reshape(grid * grid, -1)
        x = linear(x, frozen, 'embed') + frozen['position']
        for k in range(size['depth']):
            own, low = f'blocks/{k}', f'adapters/{k}'
            h = layer_norm(x, frozen, f'{own}/norm1')
            q, key, v = linear(h, frozen, f'{own}/qkv').chunk(3, 1)
            mixed = attend(q + adapter(h, f'{low}/q'), key, v + adapter(h, f'{low}/v'), plan)
            x = x + linear(mixed, frozen, f'{own}/projection')
            h = F.gelu(linear(layer_norm(x, frozen, f'{own}/norm2'), frozen, f'{own}/perceptron/up'))
            x = x + linear(h, frozen, f'{own}/perceptron/down')
        y = linear(F.gelu(linear(x, trained, 'neck')), trained, 'head')
        return y.view(grid, grid, patch, patch).transpose(1, 2).reshape(image, image)

    def loss():
        logits = [mask(inputs[f'images/{k}']) for k in range(views)]
        p = [each.sigmoid() for each in logits]
        total = 0
        for k in range(views):
            target = (inputs[f'targets/{k}'] > 0.7).float()
            total = total + F.binary_cross_entropy_with_logits(logits[k], target)
            overlap = 2 * (p[k] * target).sum() + 1
            total = total + 1 - overlap / (p[k].sum() + target.sum() + 1)
            if views > 1:
                total = total + (p[k].mean(0) - p[(k + 1) % views].mean(1)).square().mean()
        return total

    return loss


def grid_positions(frequencies, side):
    """Sines and cosines of random frequencies at the middles of a grid: [side, side, width]."""
    middles = (torch.arange(side) + 0.5) / side
    at = torch.stack(torch.meshgrid(middles, middles, indexing='xy'), -1)
    angles = (2 * at - 1) @ frequencies * (2 * torch.pi)
    return torch.cat([angles.sin(), angles.cos()], -1)


def tri_siamese(plan, trained, frozen, inputs):
    size = plan['size']
    names = ('image', 'patch', 'width', 'heads', 'window', 'neck', 'side')
    image, patch, width, heads, window, neck, side = (size[name] for name in names)
    grid = image // patch
    steps = {span: torch.arange(span)[:, None] - torch.arange(span) + span - 1 for span in (window, grid)}

    def mixed(q, k, v, bias=None):
        if plan['way'] == 'fused attention':
            return F.scaled_dot_product_attention(q, k, v, bias)
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        return torch.softmax(scores if bias is None else scores + bias, -1) @ v

    def adapter(h, name):
        return (h @ trained[f'adapters/{name}/a']) @ trained[f'adapters/{name}/b']

    def encoder_attention(x, block, span):
        """Among the tokens of windows: [windows, span, span, width] to the same."""
        own = f'encoder/blocks/{block}'
        q, k, v = linear(x, frozen, f'{own}/qkv').chunk(3, -1)
        q, v = q + adapter(x, f'{block}/q'), v + adapter(x, f'{block}/v')
        q, k, v = (t.reshape(t.shape[0], span * span, heads, -1).transpose(1, 2) for t in (q, k, v))
        rows, columns = (frozen[f'{own}/relative/{axis}'][steps[span]] for axis in ('rows', 'columns'))
        lines = q.reshape(*q.shape[:2], span, span, -1)
        by_row = torch.einsum('bhrce,rke->bhrck', lines, rows)
        by_column = torch.einsum('bhrce,cke->bhrck', lines, columns)
        bias = by_row[..., None] + by_column[..., None, :]  # [windows, heads, row, column, row of key, column of key]
        y = mixed(q, k, v, bias.reshape(*q.shape[:3], span * span))
        return linear(y.transpose(1, 2).reshape(x.shape), frozen, f'{own}/projection')

    def windowed(x, block):
        pad = -grid % window
        count = (grid + pad) // window
        x = F.pad(x, (0, 0, 0, pad, 0, pad))
        x = x.view(-1, count, window, count, window, width).transpose(2, 3).reshape(-1, window, window, width)
        x = encoder_attention(x, block, window)
        x = x.view(-1, count, count, window, window, width).transpose(2, 3).reshape(-1, grid + pad, grid + pad, width)
        return x[:, :grid, :grid]

    def encoder(pictures):
        x = pictures.view(-1, grid, patch, grid, patch * 3).transpose(2, 3).reshape(-1, grid, grid, patch * patch * 3)
        x = linear(x, frozen, 'encoder/embed') + frozen['encoder/position']
        for k in range(size['depth']):
            own = f'encoder/blocks/{k}'
            h = layer_norm(x, frozen, f'{own}/norm1')
            x = x + (encoder_attention(h, k, grid) if k in size['globalBlocks'] else windowed(h, k))
            h = F.gelu(linear(layer_norm(x, frozen, f'{own}/norm2'), frozen, f'{own}/perceptron/up'))
            x = x + linear(h, frozen, f'{own}/perceptron/down')
        x = layer_norm(F.linear(x, frozen['encoder/neck/project/weight']), frozen, 'encoder/neck/norm1')
        x = F.conv2d(x.permute(0, 3, 1, 2), frozen['encoder/neck/convolve/filter'], padding=1)
        return layer_norm(x.permute(0, 2, 3, 1), frozen, 'encoder/neck/norm2')

    def attention(name, q, k, v):
        q, k, v = (linear(t, trained, f'{name}/{part}') for t, part in ((q, 'query'), (k, 'key'), (v, 'value')))
        q, k, v = (t.unflatten(-1, (size['decoderHeads'], -1)).transpose(1, 2) for t in (q, k, v))
        return linear(mixed(q, k, v).transpose(1, 2).flatten(2), trained, f'{name}/out')

    def rectified(x, name, layers):
        for k in range(layers):
            x = linear(x if k == 0 else F.relu(x), trained, f'{name}/{k}')
        return x

    def enlarged(x, name):
        return F.conv_transpose2d(x.permute(0, 3, 1, 2), trained[f'{name}/weight'], trained[f'{name}/bias'], 2).permute(0, 2, 3, 1)

    positions = grid_positions(frozen['head/positions'], grid).reshape(grid * grid, neck)

    def decoder(features):
        batch = features.shape[0]
        x = features.reshape(batch, grid * grid, neck) + trained['head/noMask']
        own = torch.cat([trained['head/tokens/quality'], trained['head/tokens/masks']]).expand(batch, -1, -1)
        tokens = own
        at = 'head/transformer'
        for k in range(size['decoderDepth']):
            block = f'{at}/blocks/{k}'
            query = tokens if k == 0 else tokens + own
            among = attention(f'{block}/among', query, query, tokens)
            tokens = layer_norm(among if k == 0 else tokens + among, trained, f'{block}/norms/among')
            placed = x + positions
            tokens = tokens + attention(f'{block}/toImage', tokens + own, placed, x)
            tokens = layer_norm(tokens, trained, f'{block}/norms/toImage')
            tokens = tokens + rectified(tokens, f'{block}/perceptron', 2)
            tokens = layer_norm(tokens, trained, f'{block}/norms/perceptron')
            x = x + attention(f'{block}/toTokens', placed, tokens + own, tokens)
            x = layer_norm(x, trained, f'{block}/norms/toTokens')
        tokens = tokens + attention(f'{at}/toImage', tokens + own, x + positions, x)
        tokens = F.layer_norm(tokens, (neck,), trained[f'{at}/norm/gain'], trained[f'{at}/norm/bias'], 1e-5)
        y = enlarged(x.view(batch, grid, grid, neck), 'head/upscaling/first')
        y = F.gelu(enlarged(F.gelu(layer_norm(y, trained, 'head/upscaling/norm')), 'head/upscaling/second'))
        kernel = rectified(tokens[:, 1], 'head/hypernetworks/0', 3)
        return (y.reshape(batch, side * side, -1) @ kernel[:, :, None]).view(batch, side, side)

    def loss():
        views = ('axial', 'coronal', 'sagittal')
        logits = decoder(encoder(torch.cat([inputs[f'planes/{view}'] for view in views])))
        total = 0
        for k, view in enumerate(views):
            target = (inputs[f'labels/{view}'][0] > 0.7).float()
            p = logits[k].sigmoid()
            sizes = p.square().sum() + target.square().sum()
            dice = 1 - (2 * (p * target).sum() + 1e-5) / (sizes + 1e-5)
            entropy = F.binary_cross_entropy_with_logits(logits[k], target)
            total = total + (0.2 * entropy + 0.8 * dice) / 3
        axial, coronal, sagittal = logits.sigmoid()

        def line(pair, which):
            return inputs[f'lines/axial-{pair}/{which}/across'][0]

        gaps = [
            line('coronal', 'first') @ axial - line('coronal', 'second') @ coronal,
            axial @ line('sagittal', 'first') - line('sagittal', 'second') @ sagittal,
        ]
        return total + size['lambda'] * sum(gap.square().sum() for gap in gaps)

    return loss


def unet3d(plan, trained, frozen, inputs):
    levels = plan['size']['levels']

    def layer(x, name, stride=1):
        x = F.conv3d(x, trained[f'{name}/convolution/filter'], trained[f'{name}/convolution/bias'], stride, 1)
        # One group a channel is the instance norm. F.instance_norm of PyTorch 2.13 has a wrong gradient on processors
        # where the gradient that comes in is not contiguous.
        gain, bias = trained[f'{name}/norm/gain'], trained[f'{name}/norm/bias']
        return F.leaky_relu(F.group_norm(x, x.shape[1], gain, bias, 1e-5), 0.01, inplace=True)

    def loss():
        skips, x = [], inputs['volume']
        for k in range(levels):
            x = layer(layer(x, f'down/{k}/0', 2 if k else 1), f'down/{k}/1')
            skips.append(x)
        skips.pop()
        for k in range(levels - 1):
            x = F.conv_transpose3d(x, trained[f'up/{k}/up/weight'], stride=2)
            x = torch.cat([x, skips.pop()], 1)
            for j in range(2):
                x = layer(x, f'up/{k}/layers/{j}')
        weight, bias = trained['head/weight'][:, :, None, None, None], trained['head/bias']
        return F.cross_entropy(F.conv3d(x, weight, bias), inputs['labels'])

    return loss


kinds = {
    'product': product,
    'convolution': convolution,
    'attentionBlock': attention_block,
    'layerNorm': layer_norm_alone,
    'gelu': gelu,
    'loraVit': lora_vit,
    'triSiamese': tri_siamese,
    'unet3d': unet3d,
}


def in_layout(path, tensor):
    """As PyTorch keeps it: linear weights [to, from], convolutions [to, from, ...], channels before space.

    TensorFlow's `same` pads behind only at stride 2, PyTorch on both sides. With volumes and filters turned round along
    every axis of space PyTorch's own padding computes the same, and no copy is needed for it.
    """
    rank = tensor.dim()
    if path.endswith('/weight') and '/up/' in f'/{path}' and path.startswith('up/'):
        start, to = tensor.shape[0], tensor.shape[1] // 8
        return tensor.view(start, 2, 2, 2, to).permute(0, 4, 1, 2, 3).flip(2, 3, 4)
    if '/upscaling/' in path and path.endswith('/weight'):
        return tensor.permute(0, 3, 1, 2)
    if path.endswith('weight'):
        return tensor.t()
    if path.endswith('filter'):
        # That of the neck keeps its size, and needs no turning.
        turned = tensor if path.startswith('encoder/') else tensor.flip(*range(rank - 2))
        return turned.permute(rank - 1, rank - 2, *range(rank - 2))
    if path in ('volume', 'x') and rank >= 4:
        return tensor.flip(*range(1, rank - 1)).permute(0, rank - 1, *range(1, rank - 1))
    if path == 'labels':
        return tensor.flip(1, 2, 3).long()
    return tensor


# Where it depends on the machine which is faster.
ways = {
    'convolution': ['channels first', 'channels last'],
    'unet3d': ['channels first', 'channels last'],
    'attentionBlock': ['fused attention', 'two products'],
    'loraVit': ['fused attention', 'two products'],
    'triSiamese': ['fused attention', 'two products'],
}
formats = {4: torch.channels_last, 5: torch.channels_last_3d}


def open_way(plan, compiled):
    groups = tensors_of(plan)

    def load(group):
        tensors = {}
        for path, array in groups[group].items():
            tensor = in_layout(path, torch.from_numpy(array)).contiguous()
            if plan['way'] == 'channels last' and tensor.dim() in formats:
                tensor = tensor.contiguous(memory_format=formats[tensor.dim()])
            tensors[path] = tensor.requires_grad_(group == 'trained')
        return tensors

    trained = load('trained')
    loss = kinds[plan['kind']](plan, trained, load('frozen'), load('inputs'))
    if compiled:
        torch._dynamo.reset()
        loss = torch.compile(loss)
    rate = plan['optimiser']['learningRate']
    make = torch.optim.Adam if plan['optimiser']['name'] == 'adam' else torch.optim.SGD
    optimiser = make(trained.values(), rate, fused=True)

    def step():
        optimiser.zero_grad()
        value = loss()
        value.backward()
        optimiser.step()
        return value.detach()

    return step


def least_time(step):
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return min(times)


def open_step(plan):
    """The faster way of those that there are, found without compiling."""
    choice = ways.get(plan['kind'], [''])
    if len(choice) > 1:
        choice = sorted(choice, key=lambda way: least_time(open_way({**plan, 'way': way}, False)))
    return open_way({**plan, 'way': choice[0]}, mode == 'compile'), choice[0]


answer(f'PyTorch {torch.__version__} {mode}, {threads} threads', open_step)
