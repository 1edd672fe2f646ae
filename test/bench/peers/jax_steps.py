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
