// What `coc native install` made on this machine, used as a study uses it: in a process of its own.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync } from 'node:fs';
import { expect, it } from 'vitest';
import { thisHost } from '../../../src/backends/native/host';
import type { Form } from '../../../src/backends/native/recipe';
import { packageOf, recipe } from '../../../src/backends/native/recipe';
import { missingCuda, placeInPackage } from '../../../src/backends/native/state';
import { inRepo } from '../../../src/base/paths';
import { describeWith } from '../../setup/peers';

/** Links and loads a form, and computes a product of random matrices, a convolution and gradients of both. */
const script = `
const util = require('node:util');
util.isNullOrUndefined = (value) => value == null;
util.isArray = Array.isArray;
const { linkBinding } = require('./dist/backends/native/state.js');
const began = performance.now();
const { package: name } = linkBinding();
const milliseconds = performance.now() - began;
const tf = require(name);
const values = (n, seed) => Array.from({ length: n }, (_, i) => Math.sin(seed + i * 1.7));
const [a, b] = [tf.tensor(values(12, 1), [3, 4]), tf.tensor(values(20, 2), [4, 5])];
const x = tf.tensor(values(5 * 5 * 5 * 2, 3), [1, 5, 5, 5, 2]);
const w = tf.tensor(values(27 * 2 * 3, 4), [3, 3, 3, 2, 3]);
const numbers = (t) => Array.from(t.dataSync());
const loss = (x, w) => tf.sum(tf.square(tf.conv3d(x, w, 1, 'valid')));
const [dx, dw] = tf.grads(loss)([x, w]);
const backend = tf.backend();
console.log('\\n' + JSON.stringify({
  name, milliseconds, tensorflow: backend.binding.TF_Version, gpuPackage: backend.isGPUPackage,
  product: numbers(tf.matMul(a, b)), loss: loss(x, w).dataSync()[0], dx: numbers(dx), dw: numbers(dw),
}));
`;

interface Seen {
  name: string;
  milliseconds: number;
  tensorflow: string;
  gpuPackage: boolean;
  product: number[];
  loss: number;
  dx: number[];
  dw: number[];
}

function used(form: Form): Seen {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', '-e', script], {
    cwd: inRepo(),
    encoding: 'utf8',
    env: { ...process.env, COC_NATIVE_FORM: form, TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout.trim().split('\n').pop()!) as Seen;
}

const values = (n: number, seed: number): number[] =>
  Array.from({ length: n }, (_, i) => Math.fround(Math.sin(seed + i * 1.7)));

/** The convolution [5,5,5,2] * [3,3,3,2,3] without padding, in float64: each pair of input and weight of each output. */
function convolution(x: number[], w: number[]): { loss: number; dx: number[]; dw: number[] } {
  const [dx, dw] = [x.map(() => 0), w.map(() => 0)];
  let loss = 0;
  for (let at = 0; at < 27 * 3; at++) {
    const [z, y, c, o] = [Math.floor(at / 27), Math.floor(at / 9) % 3, Math.floor(at / 3) % 3, at % 3];
    const pairs: [number, number][] = [];
    for (let k = 0; k < 54; k++) {
      const [kz, ky, kx, i] = [Math.floor(k / 18), Math.floor(k / 6) % 3, Math.floor(k / 2) % 3, k % 2];
      pairs.push([(((z + kz) * 5 + y + ky) * 5 + c + kx) * 2 + i, k * 3 + o]);
    }
    const sum = pairs.reduce((total, [p, q]) => total + x[p] * w[q], 0);
    loss += sum * sum;
    for (const [p, q] of pairs) {
      dx[p] += 2 * sum * w[q];
      dw[q] += 2 * sum * x[p];
    }
  }
  return { loss, dx, dw };
}

const near = (found: number[], expected: number[]): void => {
  expect(found).toHaveLength(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  const worst = Math.max(...found.map((value, i) => Math.abs(value - expected[i]) / scale));
  expect(worst).toBeLessThan(1e-5);
};

function test(form: Form): void {
  it('is linked in milliseconds, is the version of the recipe, and computes products and gradients of a 3-D convolution', () => {
    const seen = used(form);
    expect(seen).toMatchObject({
      name: packageOf[form],
      tensorflow: recipe.version,
      gpuPackage: form === 'gpu',
    });
    expect(seen.milliseconds).toBeLessThan(1000);
    expect(lstatSync(placeInPackage(thisHost(), form)!).isSymbolicLink()).toBe(true);
    const [a, b] = [values(12, 1), values(20, 2)];
    const product = Array.from({ length: 15 }, (_, at) =>
      [0, 1, 2, 3].reduce((sum, k) => sum + a[Math.floor(at / 5) * 4 + k] * b[k * 5 + (at % 5)], 0),
    );
    near(seen.product, product);
    const { loss, dx, dw } = convolution(values(250, 3), values(162, 4));
    near([seen.loss], [loss]);
    near(seen.dx, dx);
    near(seen.dw, dw);
  });
}

describeWith('native-tensorflow', 'native TensorFlow for the processor', () => test('cpu'));

describeWith('native-gpu', 'native TensorFlow for cards', () => {
  test('gpu');

  it("has NVIDIA's libraries where a card's driver is, and does without where none is", () => {
    const host = thisHost();
    if (host.hasDriver()) expect(missingCuda(host)).toEqual([]);
    expect(existsSync(placeInPackage(host, 'gpu')!)).toBe(true);
  });
});
