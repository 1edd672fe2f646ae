// FLOPs of kernels, by hand.
import { beforeAll, expect, it } from 'vitest';
import { candidate as cpu } from '../../../src/backends/cpu';
import { attention } from '../../../src/backends/fused';
import { dryRun } from '../../../src/backends/meta/dry-run';
import { flopsOf } from '../../../src/backends/meta/flops';
import { tf } from '../../../src/backends/tf';

beforeAll(async () => {
  await cpu.open();
});

/** FLOPs by kernel of products alone. */
function products(f: (x: tf.Tensor4D) => unknown, like: 'wasm' | 'webgpu' = 'wasm'): Record<string, number> {
  const { flops } = dryRun(
    'by hand',
    { inputs: { shape: [2, 8, 6, 3] } },
    ({ inputs }) => f(inputs as tf.Tensor4D),
    {
      like,
    },
  );
  const all = Object.entries(flops.by('kernel')).map(([name, { products: n }]) => [name, n] as const);
  return Object.fromEntries(all.filter(([, n]) => n > 0));
}

it('a convolution, and both of its gradients', () => {
  // [2, 4, 3, 5] from 3 x 3 windows of 3 channels.
  const one = 2 * (2 * 4 * 3 * 5) * (3 * 3 * 3);
  const counted = products((x) => {
    const filter = tf.ones<tf.Rank.R4>([3, 3, 3, 5]);
    return tf.grads((a: tf.Tensor, b: tf.Tensor) =>
      tf.sum(tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 2, 'same')),
    )([x, filter]);
  });
  expect(counted).toEqual({ Conv2D: one, Conv2DBackpropFilter: one, Conv2DBackpropInput: one });
});

it('a depthwise convolution, and both of its gradients', () => {
  const one = 2 * (2 * 8 * 6 * 6) * (3 * 3);
  const counted = products((x) => {
    const filter = tf.ones<tf.Rank.R4>([3, 3, 3, 2]);
    return tf.grads((a: tf.Tensor, b: tf.Tensor) =>
      tf.sum(tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same')),
    )([x, filter]);
  });
  expect(counted).toEqual({
    DepthwiseConv2dNative: one,
    DepthwiseConv2dNativeBackpropFilter: one,
    DepthwiseConv2dNativeBackpropInput: one,
  });
});

it('products, transposed and in batches, and sums by letters', () => {
  expect(products((x) => tf.matMul(tf.reshape(x, [4, 6, 12]), tf.ones([4, 5, 12]), false, true))).toEqual({
    BatchMatMul: 2 * 4 * 6 * 12 * 5,
  });
  expect(products((x) => tf.matMul(tf.reshape(x, [4, 6, 12]), tf.ones([4, 6, 5]), true))).toEqual({
    BatchMatMul: 2 * 4 * 6 * 12 * 5,
  });
  expect(products((x) => tf.einsum('bij,jk->bik', tf.reshape(x, [4, 6, 12]), tf.ones([12, 5])))).toEqual({
    Einsum: 2 * 4 * 6 * 12 * 5,
  });
});

it('attention as one kernel as attention in parts', () => {
  const run = (like: 'wasm' | 'webgpu'): Record<string, number> =>
    products((x) => {
      const q = tf.reshape(x, [2, 18, 8]);
      return attention(q, q, q, { scale: 1 });
    }, like);
  const both = 2 * 2 * (2 * 18 * 18 * 8);
  expect(run('wasm')).toEqual({ BatchMatMul: both });
  expect(run('webgpu')).toEqual({ CocAttention: both });
});

it('elements: one for each arithmetic operation, none for moves and comparisons', () => {
  const x = { shape: [3, 4], dtype: 'float32' } as const;
  const elements = (
    name: string,
    inputs: object,
    attrs = {},
    outputs = [x as { shape: readonly number[]; dtype: 'float32' }],
  ): number => flopsOf(name, { inputs: inputs as never, attrs, outputs }).elements;
  expect(elements('Add', { a: x, b: x })).toBe(12);
  expect(elements('SquaredDifference', { a: x, b: x })).toBe(24);
  expect(elements('Greater', { a: x, b: x })).toBe(0);
  expect(elements('Transpose', { x }, { perm: [0, 1] })).toBe(0);
  expect(elements('Sum', { x }, { axis: [1] }, [{ shape: [3], dtype: 'float32' }])).toBe(12);
  expect(elements('AddN', [x, x, x])).toBe(24);
  expect(
    elements('MaxPool', { x: { shape: [1, 4, 4, 2], dtype: 'float32' } }, { filterSize: [2, 2] }, [
      { shape: [1, 2, 2, 2], dtype: 'float32' },
    ]),
  ).toBe(32);
});
