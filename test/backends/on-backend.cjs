// A small study that computes with TensorFlow.js, for the tests of studies on backends.
'use strict';

exports.onBackend = {
  id: 'on-backend',
  title: 'A product of matrices',
  module: 'test',
  name: 'onBackend',
  needs: [],
  specs: { tiny: { n: 2 }, quick: { n: 3 }, full: { n: 4 } },
  cost: { quick: { seconds: 1, memoryGiB: 0.1 }, full: { seconds: 1, memoryGiB: 0.1 } },
  backend: true,
  async run({ n }, { backend }) {
    const sum = await backend.step('the product', () => {
      const ones = backend.tf.ones([n, n]);
      return backend.tf.sum(backend.tf.matMul(ones, ones));
    });
    const [value] = await sum.data();
    sum.dispose();
    const finding = {
      id: 'on-backend.sum',
      title: `the sum on ${backend.name}`,
      kind: 'derived',
      unit: '1',
      value,
    };
    return { findings: [{ ...finding, uncertainty: null }], inputs: [], notes: ['its own note'], seed: null };
  },
};
