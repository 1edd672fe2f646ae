// Times steps on one backend for test/bench/backends.mjs: `BACKEND`, then names on stdin, a line each. The first line
// says what computes; each answer is milliseconds and the value that came out. `stock-wasm` is TensorFlow.js's wasm
// backend as it comes, without this project's kernels. Runs against dist/.
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(import.meta.url);
const { tf } = require('../../dist/backends/tf.js');
const { steps } = require('./engine-steps.cjs');

async function stockWasm() {
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + '/');
  await tf.setBackend('wasm');
  return { name: 'wasm', device: 'as it comes', versions: {}, step: async (_what, f) => f() };
}

const wanted = process.argv[2];
const backend =
  wanted === 'stock-wasm'
    ? await stockWasm()
    : await require('../../dist/backends/choose.js').chooseBackend({ backend: wanted });
const versions = Object.entries(backend.versions).map(([name, version]) => `${name} ${version}`);
console.log(`${backend.name}: ${[backend.device, ...versions].join(', ')}`);
const made = new Map();
for await (const name of createInterface({ input: process.stdin })) {
  try {
    if (!made.has(name)) made.set(name, steps[name].make(tf));
    const begin = performance.now();
    const out = await backend.step(name, made.get(name));
    // One value is read: that waits for the device, and costs every engine the same.
    const first = tf.tidy(() => tf.slice(tf.reshape(out, [-1]), [0], [1]));
    const [value] = await first.data();
    const milliseconds = performance.now() - begin;
    tf.dispose([out, first]);
    console.log(`${milliseconds} ${value}`);
  } catch (error) {
    console.log(`failed ${error.message.split('\n')[0]}`);
  }
}
process.exit();
