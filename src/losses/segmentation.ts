// Losses of segmentation, on tensors.
import { tf } from '../backends/tf';

/** Binary cross-entropy of logits, mean over all pixels. @param target  0 or 1, of the logits' shape */
export function binaryCrossEntropy(logits: tf.Tensor, target: tf.Tensor): tf.Tensor {
  return tf.mean(tf.sub(tf.softplus(logits), tf.mul(logits, target)));
}

/** 1 - soft Dice of one mask, with 1 added above and below: (2 sum(p t) + 1) / (sum(p) + sum(t) + 1). */
export function diceLoss(probabilities: tf.Tensor, target: tf.Tensor): tf.Tensor {
  const overlap = tf.add(tf.mul(tf.sum(tf.mul(probabilities, target)), 2), 1);
  const both = tf.add(tf.add(tf.sum(probabilities), tf.sum(target)), 1);
  return tf.sub(1, tf.div(overlap, both));
}

/**
 * Cross-entropy of classes, mean over all voxels.
 * @param logits  [voxels, classes]
 * @param labels  [voxels], whole numbers
 */
export function crossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  const target = tf.oneHot(labels, logits.shape.at(-1)!, 1, 0, 'float32'); // [voxels, classes]
  return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1)));
}
