// Losses of segmentation, on tensors. Channels last: [batch, ...space, classes].
import { InputError } from '../base/errors';
import { tf } from '../backends/tf';

/** Binary cross-entropy of logits, mean over all pixels. @param target  0 or 1, of the logits' shape */
export function binaryCrossEntropy(logits: tf.Tensor, target: tf.Tensor): tf.Tensor {
  return tf.mean(tf.sub(tf.softplus(logits), tf.mul(logits, target)));
}

/**
 * Cross-entropy of classes, mean over all voxels.
 * @param logits  [..., classes]
 * @param labels  [...], whole numbers
 */
export function crossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  const target = tf.oneHot(labels, logits.shape.at(-1)!, 1, 0, 'float32'); // [..., classes]
  return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1)));
}

/** What 'Dice loss' leaves open. */
export interface DiceOptions {
  /**
   * What one Dice is taken over: all numbers; the whole batch of a class; or each sample and class. Several are averaged.
   */
  per?: 'everything' | 'class' | 'sample and class';
  /** Squares of probabilities and targets below (V-Net), not they themselves. */
  squared?: boolean;
  /** Intersection over union in place of Dice. */
  jaccard?: boolean;
  /** The overlap of soft targets as (p + t - |p - t|) / 2, which is least where p = t; a product is not. */
  softTarget?: boolean;
  /** Added above and below. */
  smooth?: readonly [above: number, below: number];
}

/**
 * 1 - soft Dice: (2 sum(p t) + above) / (sum(p) + sum(t) + below), of all numbers and with 1 and 1 where nothing is said.
 * @param probabilities  [batch, ...space, classes], or of any shape for Dice of everything
 * @param target         of the same shape, 0 to 1
 * @throws InputError for soft targets with squares, which is not defined here
 */
export function diceLoss(
  probabilities: tf.Tensor,
  target: tf.Tensor,
  {
    per = 'everything',
    squared = false,
    jaccard = false,
    softTarget = false,
    smooth: [above, below] = [1, 1],
  }: DiceOptions = {},
): tf.Tensor {
  if (softTarget && squared)
    throw new InputError({
      what: 'cannot compute the Dice loss',
      given: 'soft targets and squares below',
      expected: 'one of both',
      fix: 'leave out `squared` or `softTarget`',
    });
  const { rank } = probabilities;
  const first = per === 'sample and class' ? 1 : 0;
  const axes = Array.from({ length: per === 'everything' ? rank : rank - 1 - first }, (_, k) => k + first);
  const sum = (x: tf.Tensor): tf.Tensor => tf.sum(x, axes);
  const size = (x: tf.Tensor): tf.Tensor => sum(squared ? tf.square(x) : x);
  const sizes = tf.add(size(probabilities), size(target));
  const overlap = softTarget
    ? tf.div(tf.sub(sizes, sum(tf.abs(tf.sub(probabilities, target)))), 2)
    : sum(tf.mul(probabilities, target));
  const under = jaccard ? tf.mul(tf.sub(sizes, overlap), 2) : sizes;
  return tf.mean(tf.sub(1, tf.div(tf.add(tf.mul(overlap, 2), above), tf.add(under, below))));
}

export interface FocalOptions {
  /** How much easy pixels count less: (1 - p)^gamma; 0, or at least 1, where its gradient is finite. */
  gamma?: number;
  /** Weight of the foreground, 1 - alpha that of the background; left out, both count 1. For one class only. */
  alpha?: number;
}

/**
 * Focal loss (Lin et al. 2017), mean over pixels.
 * @param logits  [..., 1] for foreground against background, or [..., classes]
 * @param labels  [...], whole numbers
 * @throws InputError for a gamma or alpha that there is not
 */
export function focalLoss(
  logits: tf.Tensor,
  labels: tf.Tensor,
  { gamma = 2, alpha }: FocalOptions = {},
): tf.Tensor {
  const classes = logits.shape.at(-1)!;
  if (!(gamma === 0 || gamma >= 1)) refuseFocal(`gamma ${gamma}`, '0, or a number of at least 1');
  if (alpha !== undefined && !(alpha >= 0 && alpha <= 1)) refuseFocal(`alpha ${alpha}`, 'a number of 0 to 1');
  if (alpha !== undefined && classes > 1)
    refuseFocal(`alpha ${alpha} for ${classes} classes`, 'alpha for one class only');
  if (classes > 1) {
    const target = tf.oneHot(labels, classes, 1, 0, 'float32'); // [..., classes]
    const entropy = tf.neg(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1)); // [...]
    if (gamma === 0) return tf.mean(entropy);
    const others = tf.sum(tf.mul(tf.sub(1, target), tf.softmax(logits)), -1); // 1 - p of the true class
    return tf.mean(tf.mul(tf.pow(others, gamma), entropy));
  }
  const target = tf.expandDims(tf.cast(labels, 'float32'), -1);
  // s: the logit of what is true. -log p = softplus(-s), and (1 - p)^gamma = exp(-gamma softplus(s)).
  const s = tf.mul(logits, tf.sub(tf.mul(target, 2), 1));
  const loss = tf.mul(tf.exp(tf.mul(tf.softplus(s), -gamma)), tf.softplus(tf.neg(s)));
  if (alpha === undefined) return tf.mean(loss);
  const weight = tf.add(tf.mul(target, 2 * alpha - 1), 1 - alpha);
  return tf.mean(tf.mul(weight, loss));
}

function refuseFocal(given: string, expected: string): never {
  throw new InputError({ what: 'cannot compute the focal loss', given, expected, fix: 'gamma 2 is usual' });
}

/** logits [batch, ...space, classes], one class for foreground against background; labels [batch, ...space], whole numbers. */
export type SegmentationLoss = (logits: tf.Tensor, labels: tf.Tensor) => tf.Tensor;

const entropyOf: SegmentationLoss = (logits, labels) =>
  logits.shape.at(-1) === 1
    ? binaryCrossEntropy(logits, tf.expandDims(tf.cast(labels, 'float32'), -1))
    : crossEntropy(logits, labels);

const diceOf =
  (options: DiceOptions): SegmentationLoss =>
  (logits, labels) => {
    const classes = logits.shape.at(-1)!;
    return classes === 1
      ? diceLoss(tf.sigmoid(logits), tf.expandDims(tf.cast(labels, 'float32'), -1), options)
      : diceLoss(tf.softmax(logits), tf.oneHot(labels, classes, 1, 0, 'float32'), options);
  };

const diceOfSamed = diceOf({ per: 'class', squared: true, smooth: [1e-5, 1e-5] });

/** The losses of segmentation by name. */
export const segmentationLosses = {
  /** As MONAI has it: Dice of each sample and class, 1e-5 above and below. */
  dice: diceOf({ per: 'sample and class', smooth: [1e-5, 1e-5] }),
  'cross-entropy': entropyOf,
  focal: (logits, labels) => focalLoss(logits, labels),
  /** SAMed's: 0.2 cross-entropy and 0.8 Dice, that of each class over the batch with squares (hitachinsk/SAMed, utils.py). */
  samed: (logits, labels) =>
    tf.add(tf.mul(entropyOf(logits, labels), 0.2), tf.mul(diceOfSamed(logits, labels), 0.8)),
} as const satisfies Record<string, SegmentationLoss>;
