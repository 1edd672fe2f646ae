// The tracer: what it names and what it leaves out, and what a process leaves behind however it ends.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordKernels } from '../../src/backends/proof/record-kernels';
import { tf } from '../../src/backends/tf';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('what is named', () => {
  it('kernels and gradients, each gradient with the input it was taken by', async () => {
    const { value, kernels, gradients, ran } = await recordKernels(() =>
      tf.tidy(() => {
        const x = tf.ones<tf.Rank.R5>([1, 3, 3, 3, 1]);
        const weights = tf.ones<tf.Rank.R5>([2, 2, 2, 1, 1]);
        return tf
          .grad((w: tf.Tensor) => tf.conv3d(x, w as tf.Tensor5D, 1, 'valid').sum())(weights)
          .dataSync()[0];
      }),
    );
    expect(value).toBe(8);
    expect(kernels).toEqual(expect.arrayContaining(['Conv3D', 'Conv3DBackpropFilterV2', 'Sum']));
    // By the filter alone was asked for, so the other gradient is not taken to be proven.
    expect(kernels).not.toContain('Conv3DBackpropInputV2');
    expect(gradients).toContain('Conv3D by filter');
    expect(gradients).toContain('Sum by x');
    expect(ran).toContainEqual({ backend: 'cpu', kind: 'kernel', name: 'Conv3D' });
  });

  it('gradients of lists and custom gradients, by their scope', async () => {
    const { gradients, kernels } = await recordKernels(() =>
      tf.tidy(() => {
        const twice = (x: tf.Tensor): tf.Tensor =>
          tf.tidy('planted twice', () =>
            tf.customGrad((a: tf.Tensor | tf.GradSaveFunc) => ({
              value: tf.exp(a as tf.Tensor),
              gradFunc: (dy: tf.Tensor) => tf.mul(dy, 2),
            }))(x),
          );
        tf.grad((x: tf.Tensor) => twice(tf.concat([x, x])).sum())(tf.ones([2]));
      }),
    );
    expect(gradients).toContain('Concat');
    expect(gradients).toContain('custom planted twice');
    expect(gradients.join()).not.toContain('Exp');
    expect(kernels).toContain('Exp');
  });

  it('neither a kernel inside another nor one that throws nor what runs afterwards', async () => {
    const kernelFunc: tf.KernelFunc = ({ inputs }) => tf.exp(inputs.x as tf.Tensor);
    tf.registerKernel({ kernelName: 'PlantedParts', backendName: 'cpu', kernelFunc });
    tf.registerKernel({
      kernelName: 'PlantedRefusing',
      backendName: 'cpu',
      kernelFunc: () => {
        throw new Error('refused');
      },
    });
    const { kernels } = await recordKernels(() =>
      tf.tidy(() => {
        const x = tf.ones([2]);
        tf.engine().runKernel('PlantedParts', { x });
        expect(() => tf.engine().runKernel('PlantedRefusing', { x })).toThrow('refused');
      }),
    );
    tf.dispose(tf.relu(1));
    tf.unregisterKernel('PlantedParts', 'cpu');
    tf.unregisterKernel('PlantedRefusing', 'cpu');
    expect(kernels).toContain('PlantedParts');
    expect(kernels.filter((name) => ['Exp', 'PlantedRefusing', 'Relu'].includes(name))).toEqual([]);
  });
});

describe('COC_TRACE_KERNELS', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-trace-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A program that multiplies twice and then does `end`. */
  const program = (end: string): string[] => [
    '-e',
    `const { tf } = require('./dist/backends/tf.js');
     tf.setBackend('cpu').then(() => {
       for (let i = 0; i < 2; i++) tf.matMul([[1]], [[2]]);
       console.log('ran');
       ${end}
     });`,
  ];
  const lines = (dir: string): string[] =>
    readdirSync(dir).flatMap((name) => readFileSync(path.join(dir, name), 'utf8').trimEnd().split('\n'));

  it('is written however the process ends, each name once', async () => {
    for (const [name, end] of Object.entries({
      exit: 'process.exit(3)',
      error: `throw new Error('planted')`,
      signal: 'setInterval(() => {}, 1000)',
    })) {
      const dir = path.join(folder, name);
      const child = spawn(process.execPath, program(end), {
        env: { ...process.env, COC_TRACE_KERNELS: dir, JPY_SESSION_NAME: 'some.ipynb' },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const ended = once(child, 'exit');
      await once(child.stdout, 'data');
      if (name === 'signal') child.kill('SIGKILL');
      await ended;
      expect(lines(dir)).toEqual(['# some.ipynb', 'cpu kernel BatchMatMul']);
    }
  });

  it('costs nothing when it is not set', () => {
    const { stdout } = spawnSync(
      process.execPath,
      [
        '-e',
        `const { tf } = require('./dist/backends/tf.js');
         console.log(Object.hasOwn(tf.engine(), 'runKernelFunc'))`,
      ],
      { encoding: 'utf8', env: { ...process.env, COC_TRACE_KERNELS: '' } },
    );
    expect(stdout).toBe('false\n');
  });
});
