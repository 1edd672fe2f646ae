// The backend webgpu on SwiftShader: errors fail the step that caused them, readings are exact, nothing stays behind.
import { beforeAll, expect, it } from 'vitest';
import type { tf as Tf } from '../../../src/backends/tf';
import type { WebgpuBackend } from '../../../src/backends/webgpu/open';
import { describeWith } from '../../setup/peers';
import { useSwiftshader } from '../../setup/swiftshader';

describeWith('swiftshader', 'webgpu on a software adapter', () => {
  let tf: typeof Tf;
  let backend: WebgpuBackend;
  let device: GPUDevice;
  /** Sizes of all buffers that were created and not destroyed. */
  const live = new Map<GPUBuffer, number>();
  const rejections: unknown[] = [];

  async function open(): Promise<void> {
    const { candidate } = await import('../../../src/backends/webgpu.js');
    backend = await candidate.open({ asked: true });
    ({ tf } = await import('../../../src/backends/tf.js'));
    device = (tf.backend() as unknown as { device: GPUDevice }).device;
  }

  beforeAll(async () => {
    process.on('unhandledRejection', (reason) => rejections.push(reason));
    useSwiftshader();
    await open();
    const createBuffer = device.createBuffer.bind(device);
    Object.defineProperty(device, 'createBuffer', {
      value: (descriptor: GPUBufferDescriptor) => {
        const buffer = createBuffer(descriptor);
        const destroy = buffer.destroy.bind(buffer);
        live.set(buffer, descriptor.size);
        buffer.destroy = (): undefined => {
          live.delete(buffer);
          return destroy();
        };
        return buffer;
      },
    });
  });

  const allocated = (): number => [...live.values()].reduce((sum, size) => sum + size, 0);

  /** A step must fail with this message, leave no tensor and no byte behind, and let the next step work. */
  async function fails(f: () => unknown, message: RegExp): Promise<void> {
    backend.flush();
    const before = backend.memory();
    await expect(backend.step('the planted step', f)).rejects.toThrow(message);
    await expect(backend.step('the planted step', f)).rejects.toThrow(/^the planted step: /);
    backend.flush();
    expect(backend.memory()).toEqual(before);
    const good = await backend.step('a good step', () =>
      tf.addN([tf.ones([300]), tf.ones([300]), tf.ones([300])]),
    );
    expect([...(await good.data())]).toEqual(Array<number>(300).fill(3));
    good.dispose();
  }

  /** Run our own shader. */
  function run(userCode: string, inputs: Tf.TensorInfo[] = [], output?: Tf.TensorInfo): Tf.Tensor {
    const program = {
      outputShape: output?.shape ?? [4],
      variableNames: inputs.length > 0 ? ['A'] : [],
      workgroupSize: [64, 1, 1],
      dispatchLayout: { x: [0] },
      dispatch: [1, 1, 1],
      size: true,
      shaderKey: `planted ${userCode}`,
      getUserCode: () => userCode,
    };
    const gpu = tf.backend() as unknown as {
      runWebGPUProgram(...args: unknown[]): Tf.TensorInfo;
    };
    const info = gpu.runWebGPUProgram(program, inputs, 'float32', undefined, output);
    return tf.engine().makeTensorFromTensorInfo(info);
  }

  it('opens on an adapter in software only when it is asked for, and says what it is', async () => {
    const { candidate } = await import('../../../src/backends/webgpu.js');
    await expect(candidate.open()).rejects.toThrow(
      /only a software adapter .*swiftshader.* ask for this one by name/i,
    );
    expect(backend).toMatchObject({ name: 'webgpu', gpu: null, software: true });
    expect(backend.device).toMatch(/swiftshader.*a program on the processor, not a card/i);
    expect(backend.driver).toMatch(/SwiftShader driver \d/);
    expect(backend.versions.dawn).toMatch(/^npm webgpu \d+[.]\d+[.]\d+$/);
    expect(tf.getBackend()).toBe('webgpu');
    expect(await candidate.open({ asked: true })).toBe(backend);
  });

  it('has the limits of the adapter', () => {
    expect(device.limits.maxBufferSize).toBe(2 ** 30);
    expect(device.limits.maxStorageBufferBindingSize).toBe(2 ** 30);
    expect(device.limits.maxStorageBuffersPerShaderStage).toBeGreaterThan(8);
  });

  it('fails the step whose shader does not compile, each time it is tried', async () => {
    await fails(() => run('fn main(index : i32) { nonsense; }'), /its shader: the device refused it: .*WGSL/);
  });

  it('fails the step that asks for a buffer above the limit', async () => {
    await fails(
      () => tf.tidy(() => tf.fill([2 ** 29], 1)),
      /a buffer of 2[.]15 GB: the device refused it: Buffer size \(2147483648\) exceeds/,
    );
  });

  it('fails the step that runs out of memory', async () => {
    // The limit itself passes validation, and SwiftShader cannot allocate it.
    await fails(
      () => [tf.ones([10]), tf.fill([2 ** 28], 1)],
      /a buffer of 1[.]07 GB: the device is out of memory/,
    );
  });

  it('keeps what was to be uploaded when there is no memory for it', async () => {
    const tensor = tf.tensor1d(new Float32Array(2 ** 28).fill(3));
    await fails(() => tf.neg(tensor), /the device is out of memory/);
    expect((await tensor.data())[5]).toBe(3);
    tensor.dispose();
  });

  it('fails the step whose commands the device refuses, and no tensor of it can be read', async () => {
    const variable = tf.variable(tf.ones([4]));
    // One buffer that is read and written at once.
    const alias = (): void => {
      const x = tf.add(tf.ones([4]), 1);
      variable.assign(tf.add(variable, x));
      run('fn main(index : i32) { if (index < uniforms.size) { result[index] = A[index]; } }', [x], x);
    };
    await expect(backend.step('writing what it reads', alias)).rejects.toThrow(
      /^writing what it reads: submitting commands: the device refused it: .*(usage|writable)/,
    );
    await expect(variable.data()).rejects.toThrow(
      /no numbers, the device failed when it was computed .*refused/,
    );
    await expect(backend.step('going on', () => tf.neg(variable))).rejects.toThrow(/^going on: .*no numbers/);
    variable.assign(tf.ones([4]));
    const sum = await backend.step('from new numbers', () => tf.sum(tf.neg(variable)));
    expect((await sum.data())[0]).toBe(-4);
    tf.dispose([variable, sum]);
    backend.flush();
  });

  it('throws outside a step, too', async () => {
    expect(() => tf.tidy(() => tf.fill([2 ** 29], 1))).toThrow(/FillProgram .* exceeds the max buffer size/);
    await expect(backend.step('next', () => undefined)).resolves.toBeUndefined();
  });

  it('keeps an error that no call of ours caused for the next step', async () => {
    GPUDevice.prototype.createBuffer.call(device, { size: 2 ** 40, usage: GPUBufferUsage.STORAGE });
    await expect(backend.step('innocent', () => tf.ones([2]))).rejects.toThrow(
      /^innocent: reported before this step: the device refused it: Buffer size/,
    );
    await expect(backend.step('next', () => undefined)).resolves.toBeUndefined();
  });

  it('does not wait for what a step awaits', async () => {
    await expect(backend.step('asynchronous', () => Promise.resolve(tf.ones([2])))).rejects.toThrow(
      /a step must not be asynchronous/,
    );
  });

  it('frees what a step does not return', async () => {
    backend.flush();
    const before = backend.memory();
    const kept = await backend.step('two tensors', () => ({
      sum: tf.sum(tf.mul(tf.ones([50, 40]), 2)),
      n: 3,
    }));
    expect((await kept.sum.data())[0]).toBe(4000);
    expect(backend.memory().tensors).toBe(before.tensors + 1);
    kept.sum.dispose();
    backend.flush();
    expect(backend.memory()).toEqual(before);
  });

  it('names await data() where a tensor is read synchronously', () => {
    const x = tf.tidy(() => tf.add(tf.ones([3]), 1));
    expect(() => x.dataSync()).toThrow(
      /cannot read a tensor on webgpu: .*dataSync\(\).* What to do: write `await/,
    );
    x.dispose();
  });

  it('counts every byte that it allocates, and gives all back', async () => {
    const base = allocated();
    const offset = backend.memory().allocatedBytes - base;
    for (const n of [16, 17, 24]) {
      const sum = await backend.step('some work', () => {
        let x: Tf.Tensor = tf.randomUniform([n, n], -1, 1, 'float32', n);
        for (let i = 0; i < 8; i++) x = tf.tanh(tf.add(tf.matMul(x, x), i));
        return tf.sum(x);
      });
      await sum.data();
      expect(backend.memory().allocatedBytes - allocated()).toBe(offset);
      sum.dispose();
    }
    expect(backend.memory().allocatedBytes).toBeGreaterThan(backend.memory().bufferBytes);
    backend.flush();
    expect(backend.memory().allocatedBytes).toBe(backend.memory().bufferBytes);
    expect(backend.memory().allocatedBytes - allocated()).toBe(offset);
  });

  it('gives right numbers after its pool was flushed', async () => {
    const x = tf.range(0, 500);
    const before = await backend.step('one', () => tf.add(tf.mul(x, 2), 1));
    backend.flush();
    const after = await backend.step('two', () => tf.add(tf.mul(x, 2), 1));
    expect([...(await after.data())]).toEqual([...(await before.data())]);
    expect((await after.data())[499]).toBe(999);
    tf.dispose([x, before, after]);
  });

  it('reads the peak of a step, with exact to the byte', async () => {
    const x = tf.zeros([1000]);
    await backend.step('upload', () => tf.neg(x));
    // Each result is freed before the next but one is made: two of 4,000 bytes at a time beside x.
    const chain = (): Tf.Tensor => {
      let y = tf.neg(x);
      for (let i = 0; i < 6; i++) {
        const next = tf.neg(y);
        y.dispose();
        y = next;
      }
      return y;
    };
    const peaks: number[] = [];
    for (const exact of [true, false]) {
      backend.flush();
      const start = backend.memory().bufferBytes;
      const { returned, peak } = await backend.stepWithPeak('chain', chain, { exact });
      returned.dispose();
      peaks.push(peak.used - start);
    }
    const [exact, batched] = peaks as [number, number];
    // Beside the tensors there is the block of shapes and sizes of each kernel, below 100 bytes.
    expect(exact).toBeGreaterThanOrEqual(8000);
    expect(exact).toBeLessThan(8000 + 100);
    expect(batched).toBeGreaterThanOrEqual(7 * 4000);
    x.dispose();
  });

  it('times kernels on the device', async () => {
    const x = tf.ones([128, 128]);
    const small = await backend.timeOnDevice('small', () => tf.matMul(x, x));
    const large = await backend.timeOnDevice('large', () => {
      for (let i = 0; i < 12; i++) tf.matMul(x, x);
    });
    if (small.milliseconds === null || large.milliseconds === null) throw new Error('SwiftShader has timers');
    expect(small.kernels).toBe(1);
    expect(large.kernels).toBe(12);
    expect(small.milliseconds).toBeGreaterThan(0);
    expect(large.milliseconds).toBeGreaterThan(small.milliseconds);
    await expect(backend.timeOnDevice('too large', () => tf.fill([2 ** 29], 1))).rejects.toThrow(
      /^too large: /,
    );
    // The timers of the failed call are off again.
    expect((await backend.timeOnDevice('small', () => tf.neg(x))) as object).toMatchObject({ kernels: 1 });
    x.dispose();
  });

  it('says that the device is lost, at every step, until it is opened again', async () => {
    const x = tf.add(tf.ones([3]), 1);
    await x.data();
    const y = tf.add(tf.ones([3]), 1);
    device.destroy();
    for (const what of ['first', 'second'])
      await expect(backend.step(what, () => tf.neg(x))).rejects.toThrow(
        new RegExp(`^${what}: .*the device is lost \\(destroyed: .*open the backend again`),
      );
    await expect(y.data()).rejects.toThrow(/the device is lost/);
    expect(() => tf.neg(x)).toThrow(/the device is lost/);
    await open();
    const z = await backend.step('anew', () => tf.neg(tf.ones([3])));
    expect([...(await z.data())]).toEqual([-1, -1, -1]);
    z.dispose();
    expect(rejections).toEqual([]);
  });
});
