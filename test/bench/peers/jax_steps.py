"""The steps of test/bench/nets on JAX, compiled as one by jax.jit: `jax_steps.py THREADS`; asked as answer.py says.

The same weights, data, loss and optimiser (optax). XLA takes its threads from the processors that this process may use, so
the bench gives it as many with taskset; THREADS is what it says.
"""
import sys

import jax
import jax.numpy as jnp
import optax
from answer import answer
from values import tensors_of

threads = int(sys.argv[1])


def product(plan, trained, frozen, inputs):
    a, b = frozen['a'], frozen['b']
    b = b.swapaxes(-1, -2) if plan['size']['transposed'] else b
    return trained['scale'] * (a @ b).mean()


def convolve(x, filter, stride=1):
    space = 'DHW'[-(x.ndim - 2) :]
    layout = (f'N{space}C', f'{space}IO', f'N{space}C')
    return jax.lax.conv_general_dilated(x, filter, (stride,) * len(space), 'SAME', dimension_numbers=layout)


def convolution(plan, trained, frozen, inputs):
    return jnp.square(convolve(trained['x'], trained['filter'], plan['size']['stride'])).mean()


def linear(x, p, name):
    return x @ p[f'{name}/weight'] + p[f'{name}/bias']


def normalised(x, axes, epsilon):
    centred = x - x.mean(axes, keepdims=True)
    return centred * jax.lax.rsqrt(jnp.square(centred).mean(axes, keepdims=True) + epsilon)


def layer_norm(x, p, name):
    return normalised(x, -1, 1e-6) * p[f'{name}/gain'] + p[f'{name}/bias']


def exact_gelu(x):
    return jax.nn.gelu(x, approximate=False)


def attend(q, k, v, heads):
    q, k, v = (t.reshape(t.shape[0], heads, -1).transpose(1, 0, 2) for t in (q, k, v))
    weights = jax.nn.softmax((q * q.shape[-1] ** -0.5) @ k.swapaxes(1, 2), -1)
    mixed = (weights @ v).transpose(1, 0, 2)
    return mixed.reshape(mixed.shape[0], -1)


def attention_block(plan, trained, frozen, inputs):
    x = trained['x']
    q, k, v = jnp.split(linear(layer_norm(x, trained, 'norm'), trained, 'qkv'), 3, 1)
    return jnp.square(x + linear(attend(q, k, v, plan['size']['heads']), trained, 'projection')).mean()


def layer_norm_alone(plan, trained, frozen, inputs):
    return jnp.square(layer_norm(trained['x'], trained, 'norm') - frozen['target']).mean()


def gelu(plan, trained, frozen, inputs):
    return jnp.square(exact_gelu(trained['x'])).mean()


def lora_vit(plan, trained, frozen, inputs):
    size = plan['size']
    image, patch, heads, views = (size[name] for name in ('image', 'patch', 'heads', 'views'))
    grid = image // patch

    def adapter(h, name):
        return (h @ trained[f'{name}/a']) @ trained[f'{name}/b']

    def mask(picture):
        x = picture.reshape(grid, patch, grid, patch * 3).swapaxes(1, 2).reshape(grid * grid, -1)
        x = linear(x, frozen, 'embed') + frozen['position']
        for k in range(size['depth']):
            own, low = f'blocks/{k}', f'adapters/{k}'
            h = layer_norm(x, frozen, f'{own}/norm1')
            q, key, v = jnp.split(linear(h, frozen, f'{own}/qkv'), 3, 1)
            mixed = attend(q + adapter(h, f'{low}/q'), key, v + adapter(h, f'{low}/v'), heads)
            x = x + linear(mixed, frozen, f'{own}/projection')
            h = exact_gelu(linear(layer_norm(x, frozen, f'{own}/norm2'), frozen, f'{own}/perceptron/up'))
            x = x + linear(h, frozen, f'{own}/perceptron/down')
        y = linear(exact_gelu(linear(x, trained, 'neck')), trained, 'head')
        return y.reshape(grid, grid, patch, patch).swapaxes(1, 2).reshape(image, image)

    logits = [mask(inputs[f'images/{k}']) for k in range(views)]
    p = [jax.nn.sigmoid(each) for each in logits]
    total = 0
    for k in range(views):
        target = (inputs[f'targets/{k}'] > 0.7).astype(jnp.float32)
        total = total + (jax.nn.softplus(logits[k]) - logits[k] * target).mean()
        total = total + 1 - (2 * (p[k] * target).sum() + 1) / (p[k].sum() + target.sum() + 1)
        if views > 1:
            total = total + jnp.square(p[k].mean(0) - p[(k + 1) % views].mean(1)).mean()
    return total


def grid_positions(frequencies, side):
    """Sines and cosines of random frequencies at the middles of a grid: [side, side, width]."""
    middles = (jnp.arange(side) + 0.5) / side
    at = jnp.stack(jnp.meshgrid(middles, middles, indexing='xy'), -1)
    angles = (2 * at - 1) @ frequencies * (2 * jnp.pi)
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)


def tri_siamese(plan, trained, frozen, inputs):
    size = plan['size']
    names = ('image', 'patch', 'width', 'heads', 'window', 'neck', 'side')
    image, patch, width, heads, window, neck, side = (size[name] for name in names)
    grid = image // patch

    def mixed(q, k, v, bias=0):
        return jax.nn.softmax((q * q.shape[-1] ** -0.5) @ k.swapaxes(-1, -2) + bias, -1) @ v

    def adapter(h, name):
        return (h @ trained[f'adapters/{name}/a']) @ trained[f'adapters/{name}/b']

    def encoder_attention(x, block, span):
        """Among the tokens of windows: [windows, span, span, width] to the same."""
        own = f'encoder/blocks/{block}'
        q, k, v = jnp.split(linear(x, frozen, f'{own}/qkv'), 3, -1)
        q, v = q + adapter(x, f'{block}/q'), v + adapter(x, f'{block}/v')
        q, k, v = (t.reshape(t.shape[0], span * span, heads, -1).swapaxes(1, 2) for t in (q, k, v))
        step = jnp.arange(span)[:, None] - jnp.arange(span) + span - 1
        rows, columns = (frozen[f'{own}/relative/{axis}'][step] for axis in ('rows', 'columns'))
        lines = q.reshape(*q.shape[:2], span, span, -1)
        by_row = jnp.einsum('bhrce,rke->bhrck', lines, rows)
        by_column = jnp.einsum('bhrce,cke->bhrck', lines, columns)
        bias = by_row[..., None] + by_column[..., None, :]  # [windows, heads, row, column, row of key, column of key]
        y = mixed(q, k, v, bias.reshape(*q.shape[:3], span * span))
        return linear(y.swapaxes(1, 2).reshape(x.shape), frozen, f'{own}/projection')

    def windowed(x, block):
        pad = -grid % window
        count = (grid + pad) // window
        x = jnp.pad(x, ((0, 0), (0, pad), (0, pad), (0, 0)))
        x = x.reshape(-1, count, window, count, window, width).swapaxes(2, 3).reshape(-1, window, window, width)
        x = encoder_attention(x, block, window)
        x = x.reshape(-1, count, count, window, window, width).swapaxes(2, 3)
        return x.reshape(-1, grid + pad, grid + pad, width)[:, :grid, :grid]

    def encoder(pictures):
        x = pictures.reshape(-1, grid, patch, grid, patch * 3).swapaxes(2, 3).reshape(-1, grid, grid, patch * patch * 3)
        x = linear(x, frozen, 'encoder/embed') + frozen['encoder/position']
        for k in range(size['depth']):
            own = f'encoder/blocks/{k}'
            h = layer_norm(x, frozen, f'{own}/norm1')
            x = x + (encoder_attention(h, k, grid) if k in size['globalBlocks'] else windowed(h, k))
            h = exact_gelu(linear(layer_norm(x, frozen, f'{own}/norm2'), frozen, f'{own}/perceptron/up'))
            x = x + linear(h, frozen, f'{own}/perceptron/down')
        x = layer_norm(x @ frozen['encoder/neck/project/weight'], frozen, 'encoder/neck/norm1')
        return layer_norm(convolve(x, frozen['encoder/neck/convolve/filter']), frozen, 'encoder/neck/norm2')

    def attention(name, q, k, v):
        q, k, v = (linear(t, trained, f'{name}/{part}') for t, part in ((q, 'query'), (k, 'key'), (v, 'value')))
        q, k, v = (t.reshape(*t.shape[:2], size['decoderHeads'], -1).swapaxes(1, 2) for t in (q, k, v))
        y = mixed(q, k, v).swapaxes(1, 2)
        return linear(y.reshape(*y.shape[:2], -1), trained, f'{name}/out')

    def rectified(x, name, layers):
        for k in range(layers):
            x = linear(x if k == 0 else jax.nn.relu(x), trained, f'{name}/{k}')
        return x

    def enlarged(x, name):
        batch, height, across, start = x.shape
        weight = trained[f'{name}/weight']
        blocks = (x @ weight.reshape(start, -1)).reshape(batch, height, across, 2, 2, -1).swapaxes(2, 3)
        return blocks.reshape(batch, 2 * height, 2 * across, -1) + trained[f'{name}/bias']

    positions = grid_positions(frozen['head/positions'], grid).reshape(grid * grid, neck)

    def decoder(features):
        batch = features.shape[0]
        x = features.reshape(batch, grid * grid, neck) + trained['head/noMask']
        own = jnp.concatenate([trained['head/tokens/quality'], trained['head/tokens/masks']])
        tokens = own = jnp.tile(own, (batch, 1, 1))
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
        tokens = normalised(tokens, -1, 1e-5) * trained[f'{at}/norm/gain'] + trained[f'{at}/norm/bias']
        y = enlarged(x.reshape(batch, grid, grid, neck), 'head/upscaling/first')
        y = exact_gelu(enlarged(exact_gelu(layer_norm(y, trained, 'head/upscaling/norm')), 'head/upscaling/second'))
        kernel = rectified(tokens[:, 1], 'head/hypernetworks/0', 3)
        return (y.reshape(batch, side * side, -1) @ kernel[:, :, None]).reshape(batch, side, side)

    views = ('axial', 'coronal', 'sagittal')
    logits = decoder(encoder(jnp.concatenate([inputs[f'planes/{view}'] for view in views])))
    total = 0
    for k, view in enumerate(views):
        target = (inputs[f'labels/{view}'][0] > 0.7).astype(jnp.float32)
        p = jax.nn.sigmoid(logits[k])
        sizes = jnp.square(p).sum() + jnp.square(target).sum()
        dice = 1 - (2 * (p * target).sum() + 1e-5) / (sizes + 1e-5)
        entropy = (jax.nn.softplus(logits[k]) - logits[k] * target).mean()
        total = total + (0.2 * entropy + 0.8 * dice) / 3
    axial, coronal, sagittal = jax.nn.sigmoid(logits)

    def line(pair, which):
        return inputs[f'lines/axial-{pair}/{which}/across'][0]

    gaps = [
        line('coronal', 'first') @ axial - line('coronal', 'second') @ coronal,
        axial @ line('sagittal', 'first') - line('sagittal', 'second') @ sagittal,
    ]
    return total + size['lambda'] * sum(jnp.square(gap).sum() for gap in gaps)


def unet3d(plan, trained, frozen, inputs):
    size = plan['size']

    def layer(x, name, stride=1):
        filter, bias = trained[f'{name}/convolution/filter'], trained[f'{name}/convolution/bias']
        x = normalised(convolve(x, filter, stride) + bias, (1, 2, 3), 1e-5)
        return jax.nn.leaky_relu(x * trained[f'{name}/norm/gain'] + trained[f'{name}/norm/bias'], 0.01)

    def rise(x, weight):
        _, depth, height, width, _ = x.shape
        to = weight.shape[1] // 8
        blocks = (x.reshape(-1, x.shape[-1]) @ weight).reshape(depth, height, width, 2, 2, 2, to)
        return blocks.transpose(0, 3, 1, 4, 2, 5, 6).reshape(1, 2 * depth, 2 * height, 2 * width, to)

    skips, x = [], inputs['volume']
    for k in range(size['levels']):
        x = layer(layer(x, f'down/{k}/0', 2 if k else 1), f'down/{k}/1')
        skips.append(x)
    skips.pop()
    for k in range(size['levels'] - 1):
        x = jnp.concatenate([rise(x, trained[f'up/{k}/up/weight']), skips.pop()], -1)
        for j in range(2):
            x = layer(x, f'up/{k}/layers/{j}')
    logits = linear(x.reshape(-1, x.shape[-1]), trained, 'head')
    labels = inputs['labels'].reshape(-1).astype(jnp.int32)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


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


def open_step(plan):
    groups = jax.tree.map(jnp.asarray, tensors_of(plan))
    trained, frozen, inputs = (groups[name] for name in ('trained', 'frozen', 'inputs'))
    rate = plan['optimiser']['learningRate']
    optimiser = optax.adam(rate) if plan['optimiser']['name'] == 'adam' else optax.sgd(rate)

    def update(trained, state, frozen, inputs):
        value, gradients = jax.value_and_grad(kinds[plan['kind']], argnums=1)(plan, trained, frozen, inputs)
        updates, state = optimiser.update(gradients, state)
        return optax.apply_updates(trained, updates), state, value

    compiled = jax.jit(update, donate_argnums=(0, 1))
    state = optimiser.init(trained)

    def step():
        nonlocal trained, state
        trained, state, value = compiled(trained, state, frozen, inputs)
        # The whole step is waited for, not the loss alone, which may come first.
        jax.block_until_ready(trained)
        return value

    return step, ''


answer(f'JAX {jax.__version__} jit, {threads} threads', open_step)
