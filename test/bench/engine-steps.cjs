// What the engines are timed by, on a plain eager `tf`: products, a convolution with its gradients, a training step of a small
// vision transformer with adapters, and one of a small 3-D U-Net. engine_steps.py is the same on PyTorch, with the same
// weights and data, so that both give the same losses. FLOP = 2 MAC; of products and convolutions alone.
'use strict';

/** Deterministic values, the same in engine_steps.py: a sine of the index, scaled to a standard deviation. */
function values(count, phase, deviation) {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = Math.sin(12.9898 * (i + 1) + phase) * Math.SQRT2 * deviation;
  return out;
}

/** Hands out tensors of such values, each with a phase of its own. */
function maker(tf) {
  let phase = 0;
  const tensor = (shape, deviation = 1) =>
    tf.keep(
      tf.tensor(
        values(
          shape.reduce((a, b) => a * b, 1),
          ++phase,
          deviation,
        ),
        shape,
      ),
    );
  const variable = (shape, deviation) => {
    const start = tensor(shape, deviation);
    const made = tf.variable(start);
    start.dispose();
    return made;
  };
  const filled = (shape, value) => tf.tidy(() => tf.variable(tf.fill(shape, value)));
  return { tensor, variable, filled };
}

function product(tf, n) {
  const { tensor } = maker(tf);
  const [a, b] = [tensor([n, n]), tensor([n, n])];
  return () => tf.matMul(a, b);
}

function batched(tf) {
  const { tensor } = maker(tf);
  const [a, b] = [tensor([16, 1024, 64]), tensor([16, 1024, 64])];
  return () => tf.matMul(a, b, false, true);
}

function convolution(tf) {
  const { tensor } = maker(tf);
  const [x, w] = [tensor([1, 32, 32, 32, 8]), tensor([3, 3, 3, 8, 16], 0.1)];
  const both = tf.grads((x, w) => tf.sum(tf.square(tf.conv3d(x, w, 1, 'same'))));
  return () => tf.tidy(() => tf.add(...both([x, w]).map((g) => tf.sum(tf.abs(g)))));
}

/** A training step: loss, gradients and Adam. Returns the loss. */
function trainingStep(tf, loss, variables) {
  const adam = tf.train.adam(1e-3);
  return () => adam.minimize(loss, true, variables);
}

const vitSize = { image: 64, patch: 8, width: 192, depth: 6, heads: 3, rank: 4, neck: 256 };

/** A vision transformer whose encoder is frozen but for adapters of low rank on queries and values; one view. */
function vit(tf) {
  const { tensor, variable, filled } = maker(tf);
  const { image, patch, width: d, depth, heads, rank, neck } = vitSize;
  const grid = image / patch;
  const tokens = grid * grid;
  const perHead = d / heads;
  const embed = tensor([patch * patch * 3, d], 0.02);
  const position = tensor([tokens, d], 0.02);
  const trained = [];
  const train = (v) => (trained.push(v), v);
  const blocks = Array.from({ length: depth }, () => ({
    qkv: tensor([d, 3 * d], d ** -0.5),
    proj: tensor([d, d], d ** -0.5),
    fc1: tensor([d, 4 * d], d ** -0.5),
    fc2: tensor([4 * d, d], (4 * d) ** -0.5),
    qa: train(variable([d, rank], d ** -0.5)),
    qb: train(variable([rank, d], 0.02)),
    va: train(variable([d, rank], d ** -0.5)),
    vb: train(variable([rank, d], 0.02)),
  }));
  const neckWeight = train(variable([d, neck], d ** -0.5));
  const headWeight = train(variable([neck, patch * patch], neck ** -0.5));
  const headBias = train(filled([patch * patch], 0));
  const picture = tensor([image, image, 3]);
  const target = tf.keep(tf.tidy(() => tf.cast(tf.greater(tensor([image, image]), 0.5), 'float32')));

  const norm = (x) => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-6)));
  };
  const gelu = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
  const split = (x) => tf.transpose(tf.reshape(x, [tokens, heads, perHead]), [1, 0, 2]);
  const block = (x, w) => {
    const h = norm(x);
    const [q, k, v] = tf.split(tf.matMul(h, w.qkv), 3, 1);
    const adapted = (y, a, b) => split(tf.add(y, tf.matMul(tf.matMul(h, a), b)));
    const queries = tf.mul(adapted(q, w.qa, w.qb), perHead ** -0.5);
    const attention = tf.softmax(tf.matMul(queries, split(k), false, true));
    const mixed = tf.transpose(tf.matMul(attention, adapted(v, w.va, w.vb)), [1, 0, 2]);
    const y = tf.add(x, tf.matMul(tf.reshape(mixed, [tokens, d]), w.proj));
    return tf.add(y, tf.matMul(gelu(tf.matMul(norm(y), w.fc1)), w.fc2));
  };
  const mask = () => {
    const patches = tf.transpose(tf.reshape(picture, [grid, patch, grid, patch * 3]), [0, 2, 1, 3]);
    let x = tf.add(tf.matMul(tf.reshape(patches, [tokens, patch * patch * 3]), embed), position);
    for (const w of blocks) x = block(x, w);
    const y = tf.add(tf.matMul(gelu(tf.matMul(x, neckWeight)), headWeight), headBias);
    return tf.reshape(tf.transpose(tf.reshape(y, [grid, grid, patch, patch]), [0, 2, 1, 3]), [image, image]);
  };
  const loss = () => {
    const logits = mask();
    const p = tf.sigmoid(logits);
    const cross = tf.mean(tf.sub(tf.softplus(logits), tf.mul(logits, target)));
    const overlap = tf.add(tf.mul(tf.sum(tf.mul(p, target)), 2), 1);
    return tf.add(cross, tf.sub(1, tf.div(overlap, tf.add(tf.add(tf.sum(p), tf.sum(target)), 1))));
  };
  return trainingStep(tf, loss, trained);
}

function vitFlop() {
  const { image, patch, width: d, depth, rank, neck } = vitSize;
  const n = (image / patch) ** 2;
  const frozen = depth * (12 * d * d + 2 * n * d) * n * 2;
  const adapters = depth * 4 * d * rank * n * 2;
  const ends = (d * neck + neck * patch * patch) * n * 2;
  // Backward: by the data alone through what is frozen, by data and weights through the rest; nothing below the first block.
  return patch * patch * 3 * d * n * 2 + 2 * frozen + 3 * (adapters + ends);
}

const unetSize = { side: 32, channels: [8, 16, 32], classes: 3 };

/** A 3-D U-Net of three levels with instance norms; up-convolutions with a stride of their kernel, as a product. */
function unet(tf) {
  const { tensor, variable, filled } = maker(tf);
  const { side, channels, classes } = unetSize;
  const trained = [];
  const train = (v) => (trained.push(v), v);
  const layer = (from, to, stride = 1) => {
    const w = train(variable([3, 3, 3, from, to], Math.sqrt(2 / (27 * from))));
    const [scale, shift] = [train(filled([to], 1)), train(filled([to], 0))];
    return (x) => {
      const y = tf.conv3d(x, w, stride, 'same');
      const flat = tf.reshape(y, [-1, to]);
      const centred = tf.sub(flat, tf.mean(flat, 0, true));
      const deviation = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 0, true), 1e-5));
      const normed = tf.add(tf.mul(tf.mul(centred, deviation), scale), shift);
      return tf.reshape(tf.leakyRelu(normed, 0.01), y.shape);
    };
  };
  const up = (from, to) => {
    const w = train(variable([from, 8 * to], from ** -0.5));
    // One axis at a time: no backend transposes more than four quickly.
    return (x) => {
      const [, depth, height, width] = x.shape;
      const y = tf.matMul(tf.reshape(x, [-1, from]), w);
      const planes = tf.transpose(tf.reshape(y, [depth, height * width, 2, 4 * to]), [0, 2, 1, 3]);
      const rows = tf.transpose(tf.reshape(planes, [2 * depth * height, width, 2, 2 * to]), [0, 2, 1, 3]);
      return tf.reshape(rows, [1, 2 * depth, 2 * height, 2 * width, to]);
    };
  };
  const down = channels.map((to, level) => {
    const from = level === 0 ? 1 : channels[level - 1];
    return [layer(from, to, level === 0 ? 1 : 2), layer(to, to)];
  });
  const ups = [1, 0].map((level) => ({
    up: up(channels[level + 1], channels[level]),
    layers: [layer(2 * channels[level], channels[level]), layer(channels[level], channels[level])],
    level,
  }));
  const head = train(variable([channels[0], classes], channels[0] ** -0.5));
  const volume = tensor([1, side, side, side, 1]);
  const labels = Int32Array.from({ length: side ** 3 }, (_, i) => (i * 7) % classes);
  const target = tf.keep(tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), classes, 1, 0, 'float32')));
  const loss = () => {
    const skips = [];
    let x = volume;
    for (const layers of down) {
      for (const l of layers) x = l(x);
      skips.push(x);
    }
    for (const { up, layers, level } of ups) {
      x = tf.concat([up(x), skips[level]], 4);
      for (const l of layers) x = l(x);
    }
    const logits = tf.matMul(tf.reshape(x, [-1, channels[0]]), head);
    return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1)));
  };
  return trainingStep(tf, loss, trained);
}

function unetFlop() {
  const { side, channels, classes } = unetSize;
  const voxels = (level) => (side / 2 ** level) ** 3;
  const conv = (from, to, level) => 2 * 27 * from * to * voxels(level);
  let flop = 2 * channels[0] * classes * voxels(0);
  channels.forEach((to, level) => {
    if (level > 0) flop += conv(channels[level - 1], to, level);
    flop += conv(to, to, level);
    if (level + 1 < channels.length)
      flop +=
        2 * channels[level + 1] * 8 * to * voxels(level + 1) + conv(2 * to, to, level) + conv(to, to, level);
  });
  // By data and weights; of the first convolution by the weights alone.
  return 3 * flop + 2 * conv(1, channels[0], 0);
}

/** Everything that is timed. `make(tf)` gives a function that runs it once and returns one tensor. */
module.exports = {
  values,
  steps: {
    'product 512': { make: (tf) => product(tf, 512), flop: 2 * 512 ** 3 },
    'product 1024': { make: (tf) => product(tf, 1024), flop: 2 * 1024 ** 3 },
    'product 2048': { make: (tf) => product(tf, 2048), flop: 2 * 2048 ** 3 },
    'transposed [16,1024,64]': { make: batched, flop: 2 * 16 * 1024 * 1024 * 64 },
    'conv3d 32^3 8 to 16 and gradients': { make: convolution, flop: 3 * 2 * 27 * 8 * 16 * 32 ** 3 },
    'step of LoRA ViT': { make: vit, flop: vitFlop(), training: true },
    'step of 3-D U-Net': { make: unet, flop: unetFlop(), training: true },
  },
};
