// Kernels that TensorFlow.js's WebGPU backend has wrong and ours has right: against the cpu backend, and by hand.
import { beforeAll, expect, it } from 'vitest';
import type { tf as Tf } from '../../../src/backends/tf';
import type { WebgpuBackend } from '../../../src/backends/webgpu/open';
import { describeWith } from '../../setup/peers';
import { useSwiftshader } from '../../setup/swiftshader';

describeWith('swiftshader', 'kernels of webgpu', () => {
  let tf: typeof Tf;
  let backend: WebgpuBackend;

  beforeAll(async () => {
    useSwiftshader();
    // The cpu backend as the project opens it: TensorFlow.js's own has some kernels wrong, too.
    await (await import('../../../src/backends/cpu.js')).candidate.open();
    const { candidate } = await import('../../../src/backends/webgpu.js');
    backend = await candidate.open({ asked: true });
    ({ tf } = await import('../../../src/backends/tf.js'));
  });

  /** Numbers between -2 and 2 that no two places share. */
  const numbers = (shape: readonly number[], seed = 0): Tf.Tensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = Float32Array.from(
      { length: size },
      (_, i) => 4 * ((((i + seed + 1) * 0.618034) % 1) - 0.5),
    );
    return tf.tensor(values, [...shape]);
  };
  const signs = (shape: number[]): Tf.Tensor => tf.tidy(() => tf.greater(numbers(shape, 7), 0));

  interface Read {
    shape: number[];
    dtype: string;
    values: number[];
  }
  async function on(name: string, f: () => Tf.Tensor | Tf.Tensor[]): Promise<Read[]> {
    await tf.setBackend(name);
    const results = name === 'webgpu' ? await backend.step('kernel', f) : tf.tidy(f);
    const read = await Promise.all(
      [results].flat().map(async (x) => ({ shape: x.shape, dtype: x.dtype, values: [...(await x.data())] })),
    );
    tf.dispose(results);
    return read;
  }
  /** webgpu must agree with cpu, in shape and type, too. */
  async function agrees(f: () => Tf.Tensor | Tf.Tensor[]): Promise<void> {
    const [expected, found] = [await on('cpu', f), await on('webgpu', f)];
    expect(found.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
      expected.map(({ shape, dtype }) => ({ shape, dtype })),
    );
    found.forEach(({ values }, k) => {
      const scale = Math.max(1, ...expected[k].values.map(Math.abs));
      values.forEach((value, i) =>
        expect(Math.abs(value - expected[k].values[i])).toBeLessThan(1e-5 * scale),
      );
    });
  }
  const webgpu = async (f: () => Tf.Tensor): Promise<number[]> => (await on('webgpu', f))[0].values;

  const five = [1, 2, 3, 2, 5];
  const six = [2, 1, 2, 3, 2, 4];

  for (const shape of [five, six]) {
    const last = shape.at(-1)!;
    const rank = shape.length;
    const named = (what: string): string => `${what} of ${rank} axes`;
    // Stock: a WGSL error, hence garbage.
    it(named('arithmetic with a vector per channel'), async () => {
      for (const op of ['add', 'sub', 'mul', 'div', 'squaredDifference', 'maximum', 'greater'] as const)
        await agrees(() => tf[op](numbers(shape), numbers([last], 3)));
      await agrees(() => tf.sub(numbers([last], 3), numbers(shape)));
      await agrees(() => tf.pow(tf.abs(numbers(shape)), numbers([last], 3)));
      await agrees(() => tf.prelu(numbers(shape), numbers([last], 3)));
    });
    it(named('instance norm with its gradients'), async () => {
      const axes = shape.map((_, i) => i).slice(1, -1);
      await agrees(() =>
        tf.grads((x: Tf.Tensor, scale: Tf.Tensor, shift: Tf.Tensor) => {
          const { mean, variance } = tf.moments(x, axes, true);
          const normal = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 0.01)));
          return tf.mul(tf.add(tf.mul(normal, scale), shift), x);
        })([numbers(shape), numbers([last], 3), numbers([last], 5)]),
      );
    });
    it(named('padding, slices and their gradients'), async () => {
      const all = shape.map((_, i): [number, number] => [i % 2, 1]);
      const inner = shape.map((_, i): [number, number] => (i === 0 || i === rank - 1 ? [0, 0] : [1, 2]));
      for (const paddings of [all, inner]) {
        await agrees(() => tf.pad(numbers(shape), paddings, 3));
        await agrees(() => tf.grad((x: Tf.Tensor) => tf.square(tf.pad(x, paddings)))(numbers(shape)));
      }
      await agrees(() =>
        tf.pad(
          numbers(shape),
          shape.map((): [number, number] => [0, 0]),
        ),
      );
      const wide = shape.map((n) => Math.max(n, 3));
      await agrees(() => tf.mirrorPad(numbers(wide), inner, 'reflect'));
      await agrees(() => tf.mirrorPad(numbers(wide), all, 'symmetric'));
      const begin = shape.map((n, i) => (n > 1 && i % 2 ? 1 : 0));
      const size = shape.map((n) => (n > 1 ? n - 1 : 1));
      await agrees(() => tf.grad((x: Tf.Tensor) => tf.square(tf.slice(x, begin, size)))(numbers(shape)));
      await agrees(() =>
        tf.stridedSlice(
          numbers(shape),
          shape.map(() => 0),
          shape,
          shape.map(() => 2),
        ),
      );
    });
    it(named('choices, reversal, repetition, sums so far'), async () => {
      await agrees(() => tf.where(signs(shape), numbers(shape), numbers(shape, 9)));
      await agrees(() => tf.where(signs([last]), numbers(shape), numbers(shape, 9)));
      await agrees(() => tf.reverse(numbers(shape), [1, rank - 1]));
      await agrees(() => tf.reverse(numbers(shape)));
      await agrees(() =>
        tf.tile(
          numbers(shape),
          shape.map((_, i) => 1 + (i % 2)),
        ),
      );
      await agrees(() =>
        tf.tile(
          numbers(shape),
          shape.map(() => 1),
        ),
      );
      for (const axis of [0, 2, rank - 1]) await agrees(() => tf.cumsum(numbers(shape), axis));
      await agrees(() => tf.cumprod(numbers(shape), 2));
    });
    it(named('any and all, and the order of axes of integers'), async () => {
      await agrees(() => [tf.any(signs(shape), 2), tf.all(signs(shape), 0)]);
      await agrees(() => tf.transpose(tf.cast(numbers(shape), 'int32')));
    });
  }

  it('multiplies batches that are stretched on both sides', async () => {
    await agrees(() => tf.matMul(numbers([2, 1, 3, 5]), numbers([1, 3, 5, 7])));
  });

  it('adds more tensors than a shader may have buffers', async () => {
    for (const count of [8, 12, 30])
      await agrees(() => tf.addN(Array.from({ length: count }, (_, i) => numbers([3, 5], i))));
  });

  it('sums so far in every direction, whatever was summed before', async () => {
    // Stock: the shader for the first length is run for all others.
    expect(await webgpu(() => tf.cumsum(tf.tensor1d([1, 2, 3]), 0, false, true))).toEqual([6, 5, 3]);
    expect(await webgpu(() => tf.cumsum(tf.tensor1d([1, 2, 3, 4, 5]), 0, false, true))).toEqual([
      15, 14, 12, 9, 5,
    ]);
    expect(await webgpu(() => tf.cumsum(tf.tensor1d([1, 2, 3, 4]), 0, true, true))).toEqual([9, 7, 4, 0]);
    expect(await webgpu(() => tf.cumsum(tf.tensor1d([1, 2, 3, 4]), 0, true, false))).toEqual([0, 1, 3, 6]);
    await agrees(() => tf.grad((x: Tf.Tensor) => tf.cumsum(x, 1))(numbers([3, 7])));
  });

  it('finds the first of equal numbers, as one number for a vector', async () => {
    const flat = new Float32Array(1000);
    flat.fill(1, 300, 900);
    expect(await on('webgpu', () => tf.argMax(tf.tensor1d(flat)))).toEqual([
      { shape: [], dtype: 'int32', values: [300] },
    ]);
    expect(await webgpu(() => tf.argMin(tf.tensor2d(flat, [2, 500]), 1))).toEqual([0, 400]);
    expect(await webgpu(() => tf.argMax(tf.tensor2d([1, 3, 3, 5, 5, 5], [2, 3]), 1))).toEqual([1, 0]);
  });

  it('sends the gradient of a maximum to the first of equal numbers', async () => {
    const pooled = (x: Tf.Tensor): Tf.Tensor => tf.maxPool(x as Tf.Tensor4D, 2, 2, 'valid');
    const gradient = await webgpu(() => tf.grad(pooled)(tf.ones([1, 4, 4, 1])));
    expect(gradient).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    // Windows that are no cubes: stock, and cpu as well, mistake one place in them for another. By hand: each window
    // sends twice its maximum to where it is.
    const dims = [4, 4, 6];
    for (const window of [
      [2, 2, 1],
      [1, 2, 3],
      [2, 1, 2],
    ] as [number, number, number][]) {
      const x = numbers([1, ...dims, 1]);
      const values = await x.data();
      const expected = new Float32Array(values.length);
      const places = Array.from(values, (_, i) => [Math.floor(i / 24), Math.floor(i / 6) % 4, i % 6]);
      const windowOf = places.map((place) => place.map((at, axis) => Math.floor(at / window[axis])).join());
      for (const name of new Set(windowOf)) {
        const within = [...values.keys()].filter((i) => windowOf[i] === name);
        const best = within.reduce((a, b) => (values[b] > values[a] ? b : a));
        expected[best] = 2 * values[best];
      }
      const square = (y: Tf.Tensor): Tf.Tensor =>
        tf.square(tf.maxPool3d(y as Tf.Tensor5D, window, window, 'valid'));
      expect(await webgpu(() => tf.grad(square)(x))).toEqual([...expected]);
      x.dispose();
    }
  });

  it('has sines to the last digits', async () => {
    const angles = Float32Array.from({ length: 400 }, (_, i) => (i - 200) * 0.37 + (i === 399 ? 9e4 : 0));
    for (const name of ['sin', 'cos'] as const) {
      const found = await webgpu(() => tf[name](tf.tensor1d(angles)));
      // The angle of 90,000 is known to 0.004 as float32; its sine is that of the float32.
      found.forEach((value, i) => expect(Math.abs(value - Math[name](angles[i]))).toBeLessThan(1e-6));
    }
  });

  it('keeps what is not a number', async () => {
    for (const name of [
      'exp',
      'sigmoid',
      'relu6',
      'log',
      'log1p',
      'softplus',
      'tanh',
      'erf',
      'neg',
      'sin',
    ] as const)
      expect(await webgpu(() => tf[name](tf.tensor1d([1, Number.NaN, 0.5])))).toEqual([
        expect.any(Number),
        Number.NaN,
        expect.any(Number),
      ]);
    expect(await webgpu(() => tf.log1p(tf.tensor1d([-1.5])))).toEqual([Number.NaN]);
    expect(await webgpu(() => tf.isNaN(tf.tensor1d([1, Number.NaN])))).toEqual([0, 1]);
  });

  it('refuses what it would get wrong', async () => {
    const refused = async (f: () => Tf.Tensor, message: RegExp): Promise<void> => {
      await tf.setBackend('webgpu');
      await expect(backend.step('wrong', f)).rejects.toThrow(message);
    };
    const matrix = (): Tf.Tensor2D => tf.tensor2d([1, 2, 1, 0], [2, 2], 'int32');
    await refused(
      () => tf.denseBincount(matrix(), tf.zeros([2, 2]), 3),
      /wrong: cannot run DenseBincount on webgpu: .* COC_BACKEND=tensorflow/,
    );
    await refused(
      () => tf.engine().runKernel<Tf.Tensor>('FFT', { input: numbers([8]) }),
      /cannot run FFT on webgpu/,
    );
    await refused(
      () => tf.neg(tf.tensor1d([16777217], 'int32')),
      /cannot run int32 on webgpu: given integers above 16,777,216/,
    );
  });

  it('does all that with nothing left over', async () => {
    await tf.setBackend('webgpu');
    const work = (): Tf.Tensor[] => [
      tf.pad(
        numbers(five),
        five.map((): [number, number] => [1, 1]),
      ),
      tf.tile(
        numbers(six),
        six.map(() => 2),
      ),
      tf.tile(
        numbers(six),
        six.map(() => 1),
      ),
      tf.reverse(numbers(five)),
      tf.addN(Array.from({ length: 30 }, (_, i) => numbers([4], i))),
      tf.cumsum(numbers(five), 2),
    ];
    tf.dispose(await backend.step('once', work));
    backend.flush();
    const before = backend.memory();
    tf.dispose(await backend.step('again', work));
    backend.flush();
    expect(backend.memory()).toEqual(before);
    expect(before.bufferBytes).toBe(0);
  });
});
