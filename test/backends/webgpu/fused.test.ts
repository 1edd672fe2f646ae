// Our programs on WebGPU: attention without a map, and products by every tiling; on a card in software.
import { beforeAll, expect, it } from 'vitest';
import type * as Fused from '../../../src/backends/fused';
import type * as Attention from '../../../src/backends/fused/attention';
import type * as Products from '../../../src/backends/webgpu/matrix-product';
import type { tf as Tf } from '../../../src/backends/tf';
import type { WebgpuBackend } from '../../../src/backends/webgpu/open';
import type { GuardedBackend } from '../../../src/backends/webgpu/tfjs-backend';
import { withoutLeak } from '../../setup/leaks';
import { describeWith } from '../../setup/peers';
import { useSwiftshader } from '../../setup/swiftshader';

type F = (...x: Tf.Tensor[]) => Tf.Tensor;

describeWith('swiftshader', 'our programs on webgpu', () => {
  let tf: typeof Tf;
  let backend: WebgpuBackend;
  let fused: typeof Fused;
  let composition: typeof Attention;
  let products: typeof Products;

  beforeAll(async () => {
    useSwiftshader();
    await (await import('../../../src/backends/cpu.js')).candidate.open();
    const { candidate } = await import('../../../src/backends/webgpu.js');
    backend = await candidate.open({ asked: true });
    ({ tf } = await import('../../../src/backends/tf.js'));
    fused = await import('../../../src/backends/fused/index.js');
    composition = await import('../../../src/backends/fused/attention.js');
    products = await import('../../../src/backends/webgpu/matrix-product.js');
  });

  /** Numbers between -1 and 1 that no two places share. */
  const numbers = (shape: readonly number[], seed: number): Tf.Tensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    const place = (i: number): number => ((i + 1) * 0.618034 + seed * 0.37) % 1;
    return tf.tensor(
      Float32Array.from({ length: size }, (_, i) => 2 * place(i) - 1),
      [...shape],
    );
  };

  /** Value and gradients of f. */
  async function both(name: 'cpu' | 'webgpu', f: F, shapes: number[][]): Promise<Float32Array[]> {
    await tf.setBackend(name);
    const run = (): Tf.Tensor[] => {
      const [weights, ...inputs] = [shapes[0], ...shapes].map(numbers);
      const { value, grads } = tf.valueAndGrads(f)(inputs, weights);
      return [value, ...grads];
    };
    const found = name === 'cpu' ? tf.tidy(run) : await backend.step('both passes', run);
    const read = await Promise.all(found.map(async (x) => (await x.data()) as Float32Array));
    tf.dispose(found);
    return read;
  }

  function expectClose(found: Float32Array[], expected: Float32Array[], tolerance: number): void {
    expect(found.map((x) => x.length)).toEqual(expected.map((x) => x.length));
    found.forEach((values, part) => {
      const scale = expected[part].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const worst = values.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[part][i])), 0);
      expect(worst / scale, `part ${part}`).toBeLessThan(tolerance);
    });
  }

  // Tiles are 32 x 32, chunks of the width 32: below, at and above them, and not multiples.
  const cases: {
    batch: number[];
    queries: number;
    keys: [number, number];
    width: number;
    relative: boolean;
  }[] = [
    { batch: [3], queries: 33, keys: [1, 65], width: 36, relative: false },
    { batch: [2, 2], queries: 5, keys: [1, 100], width: 36, relative: false },
    { batch: [1], queries: 64, keys: [4, 32], width: 36, relative: false },
    { batch: [2], queries: 49, keys: [7, 7], width: 64, relative: true },
    { batch: [1], queries: 40, keys: [3, 45], width: 64, relative: true },
    { batch: [1], queries: 40, keys: [1, 50], width: 128, relative: false },
  ];
  for (const { batch, queries, keys, width, relative } of cases) {
    const [rows, columns] = keys;
    it(`attention of ${batch.join(' x ')} x ${queries} queries, ${rows} x ${columns} keys of ${width}${relative ? ', relative' : ''}`, async () => {
      const shapes = [queries, rows * columns, rows * columns].map((n) => [...batch, n, width]);
      if (relative) shapes.push([...batch, queries, rows], [...batch, queries, columns]);
      const f: F = (q, k, v, byRow, byColumn) =>
        fused.attention(q, k, v, {
          scale: 0.7,
          relative: relative ? { rows: byRow, columns: byColumn } : undefined,
        });
      const expected = await both('cpu', f, shapes);
      const found = await withoutLeak('attention', () => both('webgpu', f, shapes), backend);
      expectClose(found, expected, 1e-5);
    }, 120_000);
  }

  it('attention keeps no map: peak bytes of 512 tokens, both passes', async () => {
    await tf.setBackend('webgpu');
    const [tokens, width] = [512, 16];
    const q = numbers([1, tokens, width], 1);
    const peak = async (f: F): Promise<number> => {
      backend.flush();
      const before = backend.memory().bufferBytes;
      const { returned, peak } = await backend.stepWithPeak(
        'attention',
        () => tf.grad((q) => f(q, q, q))(q),
        {
          exact: true,
        },
      );
      returned.dispose();
      return peak.used - before;
    };
    await backend.step('upload', () => void tf.add(q, 0));
    const map = 4 * tokens ** 2;
    const own = await peak((q, k, v) => fused.attention(q, k, v, { scale: 0.25 }));
    const composed = await peak((q, k, v) => composition.attention(q, k, v, 0.25, undefined));
    expect(composed).toBeGreaterThan(2 * map);
    expect(own).toBeLessThan(map);
    q.dispose();
  }, 120_000);

  const [m, k, n] = [70, 37, 131];
  it('products by every tiling, transposed and in batches, are those of cpu', async () => {
    const device = (): GuardedBackend => tf.backend() as GuardedBackend;
    for (const [i, tiling] of products.tilings.entries()) {
      const transposes = { transposeA: i % 2 === 1, transposeB: i % 3 === 1 };
      const a = numbers(transposes.transposeA ? [2, k, m] : [2, m, k], 1);
      const b = numbers(transposes.transposeB ? [1, n, k] : [1, k, n], 2);
      await tf.setBackend('cpu');
      const expected = tf.tidy(() => tf.matMul(a, b, transposes.transposeA, transposes.transposeB));
      const right = (await expected.data()) as Float32Array;
      await tf.setBackend('webgpu');
      const program = products.productProgram(products.productOf(a, b, transposes), tiling);
      const found = await backend.step('product', () =>
        tf.engine().makeTensorFromTensorInfo(device().runOwnProgram(program, [a, b])[0]),
      );
      expect(found.shape).toEqual([2, m, n]);
      expectClose([(await found.data()) as Float32Array], [right], 1e-6);
      tf.dispose([a, b, expected, found]);
    }
  }, 120_000);

  it('a large product runs by the largest tiling that fills a card, a small one by none', () => {
    expect(products.chooseTiling(1, 4096, 4096)).toBe(products.tilings[0]);
    expect(products.chooseTiling(1, 1200, 1200)).toBe(products.tilings[2]);
    expect(products.chooseTiling(16, 4096, 64)).toBe(products.tilings[0]);
    expect(products.chooseTiling(1, 512, 512)).toBeUndefined();
  });

  it('tf.matMul of a large product is ours, and right', async () => {
    const [rows, columns, inner] = [1100, 1030, 9];
    const f: F = (a, b) => tf.matMul(a, b, false, true);
    const shapes = [
      [rows, inner],
      [columns, inner],
    ];
    await tf.setBackend('cpu');
    const inputs = shapes.map(numbers);
    const expected = tf.tidy(() => f(...inputs));
    await tf.setBackend('webgpu');
    const found = await backend.step('product', () => f(...inputs));
    expect(found.shape).toEqual([rows, columns]);
    expectClose([(await found.data()) as Float32Array], [(await expected.data()) as Float32Array], 1e-6);
    tf.dispose([inputs, expected, found]);
  }, 120_000);

  it('measures products by tiling, and says what the adapter lacks', async () => {
    await tf.setBackend('webgpu');
    const { featureProducts } = await import('../../../src/backends/webgpu/feature-products.js');
    // Without the backend's own count: its timers keep 16 bytes from their first use on.
    const rows = await withoutLeak('products', () => featureProducts(backend, 64));
    const float = rows.filter(({ numbers }) => numbers === 'float32');
    expect(float).toHaveLength(products.tilings.length);
    for (const { error, milliseconds } of float) {
      expect(error).toBeLessThan(1e-5);
      expect(milliseconds).toBeGreaterThan(0);
    }
    const half = rows.filter(({ numbers }) => numbers === 'float16');
    expect(half.map(({ why }) => why)).toEqual(products.tilings.map(() => 'the adapter has no shader-f16'));
  }, 120_000);
});
