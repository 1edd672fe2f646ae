// A small net for dry runs: a convolution, a head with an adapter, and parts with names. Shapes alone.
import { adam } from '../../../src/backends/optimisers';
import type { BlankStep } from '../../../src/backends/meta/dry-run';
import { scope } from '../../../src/backends/scope';
import type { Parameters, TensorTree } from '../../../src/backends/training-step';
import { tf } from '../../../src/backends/tf';

interface Given extends Parameters {
  trained: { down: tf.Tensor2D; up: tf.Tensor2D };
  frozen: { filter: tf.Tensor4D; head: tf.Tensor2D };
}

/** Images [8, 16, 16, 3]. */
export const smallInputs = {
  images: { shape: [8, 16, 16, 3] },
  labels: { shape: [8, 4] },
};

export const smallNet: BlankStep<Given, TensorTree> = {
  name: 'small net',
  optimiser: adam(),
  parameters: {
    trained: { down: { shape: [512, 2] }, up: { shape: [2, 4] } },
    frozen: { filter: { shape: [3, 3, 3, 8] }, head: { shape: [512, 4] } },
  },
  loss({ trained, frozen }, given) {
    const { images, labels } = given as { images: tf.Tensor4D; labels: tf.Tensor2D };
    const features = scope('encoder', () =>
      tf.reshape(tf.relu(tf.conv2d(images, frozen.filter, 2, 'same')), [8, 512]),
    );
    const logits = scope('head', () =>
      tf.add(
        tf.matMul(features, frozen.head),
        scope('adapter', () => tf.matMul(tf.matMul(features, trained.down), trained.up)),
      ),
    );
    return tf.mean(tf.square(tf.sub(tf.softmax(logits), labels)));
  },
};
