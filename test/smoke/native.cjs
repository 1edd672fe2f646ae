// A known product and a known gradient on native TensorFlow, chosen as everything chooses, on the Node that runs this.
// Where it is not installed this is said; with COC_REQUIRE_PEERS=1 it is a failure.
'use strict';
const assert = require('node:assert/strict');
const { nativeState } = require('../../dist/backends/native/state.js');

async function main() {
  const { installed } = nativeState();
  if (installed === null && !process.env.COC_REQUIRE_PEERS) {
    return console.log('native TensorFlow is not installed, and was not tried');
  }
  const { chooseBackend } = require('../../dist/backends/choose.js');
  const { tf } = require('../../dist/backends/tf.js');
  const { name, versions } = await chooseBackend({ backend: 'tensorflow' });
  const [a, b] = [tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]])]; // prettier-ignore
  assert.deepEqual([...tf.matMul(a, b).dataSync()], [19, 22, 43, 50]);
  // The sum of the squares of y = ab has the gradient 2 y b'.
  const gradient = tf.grad((x) => tf.sum(tf.square(tf.matMul(x, b))))(a);
  assert.deepEqual([...gradient.dataSync()], [454, 618, 1030, 1402]);
  console.log(`${name} ${versions.tensorflow} computes on Node ${process.version}`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
