// The suite's process on the cpu backend with faults planted: an operation that is wrong, one that throws, one that ends the process.
// Every start is a line in the file COC_TEST_STARTS.
'use strict';
const { appendFileSync } = require('node:fs');
const { work } = require('../../../dist/profilers/card-suite/work.js');
const { tf } = require('../../../dist/backends/tf.js');

function plant(kernelName, kernelFunc) {
  const own = tf.getKernel(kernelName, 'cpu');
  tf.unregisterKernel(kernelName, 'cpu');
  tf.registerKernel({ ...own, kernelFunc: (call) => kernelFunc(own.kernelFunc, call) });
}

const request = JSON.parse(process.argv[2]);
appendFileSync(process.env.COC_TEST_STARTS, `${request.units.join(' ')}\n`);
if (process.env.COC_TEST_DIE) process.kill(process.pid, 'SIGKILL');
work(request, () => {
  plant('Erf', (own, call) => {
    const out = own(call);
    tf.backend().readSync(out.dataId)[0] += 1;
    return out;
  });
  plant('Sin', () => {
    throw new Error('planted');
  });
  plant('Tanh', () => process.kill(process.pid, 'SIGKILL'));
}).then(() => process.exit());
