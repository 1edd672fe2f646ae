// The suite's process for a reading of SAM, with a fault planted where the decoder's perceptron is: COC_TEST_FAULT names it.
'use strict';
const { work } = require('../../../dist/profilers/card-suite/work.js');
const { tf } = require('../../../dist/backends/tf.js');

const faults = {
  /** A mistake. */
  error: () => {
    throw new TypeError('planted');
  },
  /** The words of an allocation that failed, without one. */
  words: () => {
    throw new Error('Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[1]');
  },
  /** Numbers of the host for which there is no place: TensorFlow ends the process then. */
  upload: () => tf.add(tf.tensor(new Float32Array(24 * 2 ** 20)), 1),
  /** Killed from outside, as by a system that has no memory left. */
  killed: () => process.kill(process.pid, 'SIGKILL'),
};

work(JSON.parse(process.argv[2]), () => {
  const own = tf.getKernel('Relu', 'tensorflow');
  tf.unregisterKernel('Relu', 'tensorflow');
  tf.registerKernel({ ...own, kernelFunc: faults[process.env.COC_TEST_FAULT] });
}).then(() => process.exit());
