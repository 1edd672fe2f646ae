// The wasm module as a guest in our process: memory, failures, handlers.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { tf } from '../../src/backends/tf';
import { candidate } from '../../src/backends/wasm';

const strays = ['unhandledRejection', 'uncaughtException'] as const;
const before = strays.map((event) => process.listenerCount(event));
let backend: Backend;
beforeAll(async () => {
  backend = await candidate.open();
});
const bytes = (): number => backend.memory().bufferBytes!;

describe('the wasm module', () => {
  it('says what it is', () => {
    expect(backend.device).toMatch(/1 thread of WebAssembly with SIMD/);
    expect(backend.versions).toEqual({ tfjs: '4.22.0', 'tfjs-backend-wasm': '4.22.0' });
  });

  it('leaves no handlers of stray errors behind', () => {
    expect(strays.map((event) => process.listenerCount(event))).toEqual(before);
  });

  it('lets a process live on after a stray rejection that the process handles', () => {
    const file = path.join(__dirname, '../../dist/backends/wasm.js');
    const script = `
      process.on('unhandledRejection', (reason) => console.log('mine:', reason.message));
      require(${JSON.stringify(file)}).candidate.open().then(() => {
        Promise.reject(new Error('stray'));
        setTimeout(() => console.log('alive'), 50);
      });`;
    const { stdout, status } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    expect(stdout).toBe('mine: stray\nalive\n');
    expect(status).toBe(0);
  });

  it('counts buffers, not handles, and gives all back', async () => {
    const start = [bytes(), tf.memory().numTensors];
    const x = tf.ones([1000]);
    const y = tf.tidy(() => tf.reshape(tf.clone(x), [10, 100]));
    expect(bytes() - start[0]).toBe(4000);
    x.dispose();
    expect(bytes() - start[0]).toBe(4000);
    expect(tf.tidy(() => list(tf.sum(y)))).toEqual([1000]);
    expect(await y.data()).toEqual(y.dataSync());
    y.dispose();
    expect([bytes(), tf.memory().numTensors]).toEqual(start);
  });

  it('keeps a variable apart from a copy of it', () => {
    const x = tf.variable(tf.tensor1d([1, 2]));
    const copy = tf.clone(x);
    tf.train.sgd(1).minimize(() => tf.sum(tf.square(x)), false, [x]);
    expect(list(copy)).toEqual([1, 2]);
    expect(list(x)).toEqual([-1, -2]);
    tf.dispose([x, copy]);
  });

  it('fails a step that has no memory left, and goes on after it', async () => {
    const kept = tf.tensor1d([1, 2, 3]);
    const start = [bytes(), tf.memory().numTensors];
    await expect(
      backend.step('a step too large', () => {
        const part = tf.fill([2 ** 26], 1);
        return [...Array<unknown>(30)].map(() => tf.add(part, 1));
      }),
    ).rejects.toThrow(/a step too large: .*out of memory: wasm has no [0-9.]+ MiB left in one piece/);
    expect([bytes(), tf.memory().numTensors]).toEqual(start);
    expect(list(kept)).toEqual([1, 2, 3]);
    expect(list(tf.matMul(tf.reshape(kept, [1, 3]), tf.reshape(kept, [3, 1])))).toEqual([14]);
  });

  it('refuses one tensor that is too large', () => {
    expect(() => tf.fill([2 ** 30], 1)).toThrow(/out of memory: wasm has no 4096.0 MiB/);
  });

  it('fails where a kernel prints a line and leaves its output as it was', () => {
    const start = bytes();
    const x = tf.tensor1d([1, 0], 'bool');
    expect(() => tf.engine().runKernel('Neg', { x })).toThrow(/Neg.*dtype 2/);
    x.dispose();
    expect(bytes()).toBe(start);
  });
});

const list = (t: tf.Tensor): number[] => [...t.dataSync()];
