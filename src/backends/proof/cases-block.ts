// Cases: the blocks that the models are made of, so that kernels are also proven in the company they keep.
import {
  type Check,
  constant,
  given,
  normal,
  opCase,
  type OpCase,
  type Tensor,
  type Tensor5D,
  type Tf,
  weights,
} from './case';
import { type Array64, build } from './reference/array';
import { add, gelu, leakyRelu, map, mul, scale, sigmoid, sub } from './reference/elementwise';
import { convolve, convolveTransposed, type Window } from './reference/convolution';
import { instanceNorm, layerNorm, softmax } from './reference/normalise';
import { einsum, matMul } from './reference/product';
import { concat, pad, reshape, slice, transpose } from './reference/shape';

const tfGelu = (tf: Tf, x: Tensor): Tensor =>
  tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

function tfStandardise(tf: Tf, x: Tensor, axis: number, epsilon: number): Tensor {
  const centred = tf.sub(x, tf.mean(x, axis, true));
  return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), axis, true), epsilon)));
}

/** Multi-head attention of [n, width] by one product for queries, keys and values. */
const attention = (n: number, width: number, heads: number): Check => {
  const each = width / heads;
  return {
    setting: `${n} tokens of ${width}, ${heads} heads`,
    inputs: [normal(n, width), weights(0.3, width, 3 * width), normal(3 * width), weights(0.3, width, width)],
    run: (tf, [x, w, bias, out]) => {
      const [q, k, v] = tf
        .split(tf.add(tf.matMul(x, w), bias), 3, 1)
        .map((t) => tf.transpose(tf.reshape(t, [n, heads, each]), [1, 0, 2]));
      const map = tf.softmax(tf.matMul(tf.mul(q, 1 / Math.sqrt(each)), k, false, true));
      return tf.matMul(tf.reshape(tf.transpose(tf.matMul(map, v), [1, 0, 2]), [n, width]), out);
    },
    reference: ([x, w, bias, out]) => {
      const all = add(matMul(x, w), bias);
      const part = (i: number): Array64 =>
        transpose(reshape(slice(all, [0, i * width], [n, width]), [n, heads, each]), [1, 0, 2]);
      const map = softmax(scale(matMul(part(0), part(1), false, true), 1 / Math.sqrt(each)));
      return matMul(reshape(transpose(matMul(map, part(2)), [1, 0, 2]), [n, width]), out);
    },
    torch: `attention(a @ b + c, ${heads}) @ d`,
  };
};

/** SAM's windows: [b, h, w, c] padded to whole windows and cut into [windows, size, size, c]. */
const windows = (h: number, w: number, size: number): Check => {
  const [down, across] = [Math.ceil(h / size), Math.ceil(w / size)];
  const [tall, wide] = [down * size, across * size];
  const order = [0, 1, 3, 2, 4, 5];
  return {
    setting: `[2, ${h}, ${w}, 3] in windows of ${size}`,
    inputs: [normal(2, h, w, 3)],
    run: (tf, [x]) => {
      const padded = tf.pad(x, [
        [0, 0],
        [0, tall - h],
        [0, wide - w],
        [0, 0],
      ]);
      return tf.reshape(tf.transpose(tf.reshape(padded, [2, down, size, across, size, 3]), order), [
        2 * down * across,
        size,
        size,
        3,
      ]);
    },
    reference: ([x]) => {
      const padded = pad(x, [
        [0, 0],
        [0, tall - h],
        [0, wide - w],
        [0, 0],
      ]);
      return reshape(transpose(reshape(padded, [2, down, size, across, size, 3]), order), [
        2 * down * across,
        size,
        size,
        3,
      ]);
    },
  };
};

/** SAM's decomposed relative positions: attention of h x w queries with a bias by row and one by column distance. */
const relativePositions = (h: number, w: number): Check => {
  const [heads, c, n] = [2, 4, h * w];
  const distances = (length: number): number[] =>
    Array.from({ length: length ** 2 }, (_, i) => Math.floor(i / length) - (i % length) + length - 1);
  return {
    setting: `${heads} heads of ${h} x ${w} positions`,
    inputs: [
      normal(heads, n, c),
      normal(heads, n, c),
      normal(heads, n, c),
      normal(2 * h - 1, c),
      normal(2 * w - 1, c),
    ],
    run: (tf, [q, k, v, rows, columns]) => {
      const table = (t: Tensor, length: number): Tensor =>
        tf.reshape(tf.gather(t, tf.tensor1d(distances(length), 'int32')), [length, length, c]);
      // By rows: [h, heads * w, c] x [h, c, h]; by columns likewise. Ranks stay at 4.
      const grid = tf.reshape(q, [heads, h, w, c]);
      const byRow = tf.matMul(
        tf.reshape(tf.transpose(grid, [1, 0, 2, 3]), [h, heads * w, c]),
        table(rows, h),
        false,
        true,
      );
      const byColumn = tf.matMul(
        tf.reshape(tf.transpose(grid, [2, 0, 1, 3]), [w, heads * h, c]),
        table(columns, w),
        false,
        true,
      );
      const rowBias = tf.reshape(tf.transpose(tf.reshape(byRow, [h, heads, w, h]), [1, 0, 2, 3]), [
        heads * n,
        h,
        1,
      ]);
      const columnBias = tf.reshape(tf.transpose(tf.reshape(byColumn, [w, heads, h, w]), [1, 2, 0, 3]), [
        heads * n,
        1,
        w,
      ]);
      const bias = tf.reshape(tf.add(rowBias, columnBias), [heads, n, n]);
      return tf.matMul(tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 0.5), bias)), v);
    },
    reference: ([q, k, v, rows, columns]) => {
      const table = (t: Array64, length: number): Array64 =>
        build([length, length, c], ([i, j, channel]) => t.data[(i - j + length - 1) * c + channel]);
      const grid = reshape(q, [heads, h, w, c]);
      const byRow = einsum('bhwc,hkc->bhwk', grid, table(rows, h));
      const byColumn = einsum('bhwc,wkc->bhwk', grid, table(columns, w));
      const bias = build(
        [heads, n, n],
        ([head, from, to]) =>
          byRow.data[(head * n + from) * h + Math.floor(to / w)] +
          byColumn.data[(head * n + from) * w + (to % w)],
      );
      return matMul(softmax(add(scale(matMul(q, k, false, true), 0.5), bias)), v);
    },
    torch: `relative_attention(a, b, c, d, e, ${h}, ${w})`,
  };
};

/** Rotary positions: pairs of neighbouring channels turned by angles. */
const rotary: Check = {
  setting: '[2, 5, 8], pairs of neighbours',
  inputs: [normal(2, 5, 8), normal(5, 4)],
  run: (tf, [x, angles]) => {
    const [even, odd] = tf.split(tf.reshape(x, [10, 4, 2]), 2, 2).map((t) => tf.reshape(t, [2, 5, 4]));
    const [cos, sin] = [tf.cos(angles), tf.sin(angles)];
    const turned = [tf.sub(tf.mul(even, cos), tf.mul(odd, sin)), tf.add(tf.mul(even, sin), tf.mul(odd, cos))];
    return tf.reshape(tf.stack(turned, 3), [2, 5, 8]);
  },
  reference: ([x, angles]) =>
    build([2, 5, 8], ([b, n, c], flat) => {
      const angle = angles.data[n * 4 + (c >> 1)];
      const other = x.data[(b * 5 + n) * 8 + (c ^ 1)];
      return x.data[flat] * Math.cos(angle) + (c % 2 === 0 ? -1 : 1) * other * Math.sin(angle);
    }),
  torch: 'rotary(a, b)',
};

/** SAM's prompt encoder: a random matrix to angles, then sines and cosines. */
const prompts: Check = {
  setting: '[3, 2] points, 2 x 6 channels',
  inputs: [normal(3, 2), constant(normal(2, 6))],
  run: (tf, [points, matrix]) => {
    const angles = tf.mul(tf.matMul(points, matrix), 2 * Math.PI);
    return tf.concat([tf.sin(angles), tf.cos(angles)], -1);
  },
  reference: ([points, matrix]) => {
    const angles = scale(matMul(points, matrix), 2 * Math.PI);
    return concat([map(angles, Math.sin), map(angles, Math.cos)], -1);
  },
  torch: 'torch.cat([(2 * torch.pi * (a @ b)).sin(), (2 * torch.pi * (a @ b)).cos()], -1)',
};

const stride = (k: number, border: [number, number], dims: number): Window => ({
  stride: new Array<number>(dims).fill(k),
  borders: Array.from({ length: dims }, () => border),
  dilation: new Array<number>(dims).fill(1),
});

/** SAM's mask decoder: up by a transposed convolution, layer norm on channels, GELU, then a product with each token. */
const upscaling: Check = {
  setting: '[1, 3, 4, 6] up by 2 to 4 channels, 3 tokens',
  inputs: [normal(1, 3, 4, 6), weights(0.4, 2, 2, 4, 6), normal(4), normal(4), normal(3, 4)],
  run: (tf, [x, filter, gain, bias, tokens]) => {
    const up = tf.conv2dTranspose(x as never, filter as never, [1, 6, 8, 4], 2, 'valid');
    const normed = tf.add(tf.mul(tfStandardise(tf, up, -1, 1e-6), gain), bias);
    return tf.matMul(tokens, tf.reshape(tfGelu(tf, normed), [48, 4]), false, true);
  },
  reference: ([x, filter, gain, bias, tokens]) => {
    const up = convolveTransposed(x, filter, [6, 8], stride(2, [0, 0], 2));
    return matMul(tokens, reshape(map(layerNorm(up, gain, bias, 1e-6), gelu), [48, 4]), false, true);
  },
  torch:
    'e @ F.gelu(F.layer_norm(conv_transpose(a, b, 2, [[0, 0], [0, 0]], 2), [4], c, d, 1e-6)).reshape(48, 4).T',
};

/** nnU-Net's block: convolution, instance norm, leaky ReLU. */
// The norm takes a constant shift away again: its gradient is zero, and what is found of it is rounding.
const uNetBlock = (step: 1 | 2): Check => {
  const side = 4 / step;
  return {
    setting: `[1, 4, 4, 4, 3] to 5 channels, stride ${step}`,
    inputs: [normal(1, 4, 4, 4, 3), weights(0.3, 3, 3, 3, 3, 5), constant(normal(5)), normal(5), normal(5)],
    run: (tf, [x, filter, shift, gain, bias]) => {
      const y = tf.add(tf.conv3d(x as never, filter as never, step, 'same'), shift);
      const flat = tf.add(tf.mul(tfStandardise(tf, tf.reshape(y, [side ** 3, 5]), 0, 1e-5), gain), bias);
      return tf.leakyRelu(tf.reshape(flat, [1, side, side, side, 5]), 0.01);
    },
    reference: ([x, filter, shift, gain, bias]) =>
      map(
        instanceNorm(
          add(convolve(x, filter, stride(step, step === 1 ? [1, 1] : [0, 1], 3)), shift),
          gain,
          bias,
          1e-5,
        ),
        leakyRelu(0.01),
      ),
    torch: `F.leaky_relu(channels_last(F.instance_norm(channels_first(conv(a, b, 3, [${step === 1 ? '1, 1, 1, 1, 1, 1' : '0, 1, 0, 1, 0, 1'}], ${step}, 1, 1) + c), weight=d, bias=e, eps=1e-5)), 0.01)`,
  };
};

/** Up by a kernel as long as the stride, written as a product and moves: what the U-Nets do in place of a transposed convolution. */
const upByProduct: Check = {
  setting: '[1, 2, 3, 2, 4] to 3 channels',
  inputs: [normal(1, 2, 3, 2, 4), normal(4, 24)],
  run: (tf, [x, w]) => {
    // Channels of the product are [2, 2, 2, 3]: one space axis is woven in after the other.
    const y = tf.reshape(tf.matMul(tf.reshape(x, [12, 4]), w), [2, 6, 2, 12]);
    const deep = tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [4, 3, 2, 2, 6]);
    return tf.reshape(tf.transpose(deep, [0, 1, 3, 2, 4]), [1, 4, 6, 4, 3]);
  },
  reference: ([x, w]) => {
    // The filter of the transposed convolution: [2, 2, 2, out, in].
    const filter = reshape(transpose(w, [1, 0]), [2, 2, 2, 3, 4]);
    return convolveTransposed(x, filter, [4, 6, 4], stride(2, [0, 0], 3));
  },
};

/** ResEnc's shortcut at a stride: average pool, then a 1x1x1 convolution. Primus' gated unit: SiLU(x A) * (x B). */
const shortcut: Check = {
  setting: '[1, 4, 4, 2, 3] to 5 channels, stride 2',
  inputs: [normal(1, 4, 4, 2, 3), normal(1, 1, 1, 3, 5)],
  run: (tf, [x, filter]) =>
    tf.conv3d(tf.avgPool3d(x as Tensor5D, 2, 2, 'valid'), filter as Tensor5D, 1, 'same'),
  reference: ([x, filter]) => {
    const pooled = build([1, 2, 2, 1, 3], ([, d, h, , c]) => {
      let total = 0;
      for (let i = 0; i < 8; i++)
        total += x.data[(((2 * d + (i >> 2)) * 4 + 2 * h + ((i >> 1) & 1)) * 2 + (i & 1)) * 3 + c];
      return total / 8;
    });
    return convolve(pooled, filter, stride(1, [0, 0], 3));
  },
  torch: 'conv(avg_pool(a, 3, [0] * 6, 2, 2), b, 3, [0] * 6, 1, 1, 1)',
};
const gated: Check = {
  setting: '[5, 6] to 8 and back',
  inputs: [normal(5, 6), weights(0.4, 6, 8), weights(0.4, 6, 8), weights(0.4, 8, 6)],
  run: (tf, [x, a, b, out]) => {
    const gate = tf.matMul(x, a);
    return tf.matMul(tf.mul(tf.mul(gate, tf.sigmoid(gate)), tf.matMul(x, b)), out);
  },
  reference: ([x, a, b, out]) =>
    matMul(
      mul(
        map(matMul(x, a), (v) => v * sigmoid(v)),
        matMul(x, b),
      ),
      out,
    ),
  torch: '(F.silu(a @ b) * (a @ c)) @ d',
};

/** Patches of a volume as tokens: a convolution whose stride is its length, as moves and a product. */
const patches: Check = {
  setting: '[4, 4, 6, 2] in patches of 2 to width 5',
  inputs: [normal(4, 4, 6, 2), normal(16, 5), given([0.1, -0.2, 0.3, 0.4, -0.5])],
  run: (tf, [x, w, bias]) => {
    const cut = tf.transpose(tf.reshape(x, [2, 2, 2, 2, 3, 4]), [0, 2, 4, 1, 3, 5]);
    return tf.add(tf.matMul(tf.reshape(cut, [12, 16]), w), bias);
  },
  reference: ([x, w, bias]) => {
    const filter = reshape(w, [2, 2, 2, 2, 5]);
    const y = convolve(reshape(x, [1, 4, 4, 6, 2]), filter, stride(2, [0, 0], 3));
    return add(reshape(y, [12, 5]), bias);
  },
};

export const blockCases: OpCase[] = [
  opCase('block', 'attention', [attention(5, 8, 2), attention(16, 12, 3)]),
  opCase('block', 'windows of an image (SAM)', [windows(6, 4, 2), windows(5, 7, 3)]),
  opCase('block', 'attention with decomposed relative positions (SAM)', [
    relativePositions(2, 3),
    relativePositions(4, 4),
  ]),
  opCase('block', 'rotary positions', [rotary]),
  opCase('block', 'points as sines and cosines (SAM prompts)', [prompts], 3e-5),
  opCase('block', 'mask decoder upscaling (SAM)', [upscaling]),
  opCase('block', 'convolution, instance norm, leaky ReLU (U-Net)', [uNetBlock(1), uNetBlock(2)], 3e-5),
  opCase('block', 'up-convolution by a product (U-Net)', [upByProduct]),
  opCase('block', 'strided shortcut (ResEnc)', [shortcut]),
  opCase('block', 'gated linear unit (Primus)', [gated]),
  opCase('block', 'patch embedding in 3-D (Primus)', [patches]),
  opCase('block', 'residual of a difference', [
    {
      setting: '[3, 4]',
      inputs: [normal(3, 4), normal(3, 4)],
      run: (tf, [x, y]) => tf.add(x, tf.sub(tf.mul(x, y), y)),
      reference: ([x, y]) => add(x, sub(mul(x, y), y)),
      torch: 'a + (a * b - b)',
    },
  ]),
];
