// A contrastive loss across planes, which the study's title names and its Eq. 2 is not: features of a voxel in two planes
// are a positive pair, those of all other places on the lines are negatives.
import { InputError } from '../base/errors';
import { tf } from '../backends/tf';
import type { PlaneName } from '../sampling/plane';
import type { IntersectionPlan } from './intersection';
import { linePairs } from './intersection';

/**
 * InfoNCE (van den Oord et al. 2018), both ways: rows of one tensor find their partner among those of the other by cosine.
 * ln(rows) where all are alike, near 0 where pairs agree and differ from all others.
 * @param first, second  [rows, channels]; row i of one belongs to row i of the other
 * @param temperature    above 0
 */
export function infoNce(first: tf.Tensor2D, second: tf.Tensor2D, temperature: number): tf.Scalar {
  if (!(temperature > 0) || !Number.isFinite(temperature))
    throw new InputError({
      what: 'cannot compute InfoNCE',
      given: `a temperature of ${temperature}`,
      expected: 'a number above 0',
      fix: 'for example 0.1',
    });
  if (first.shape[0] !== second.shape[0] || first.shape[1] !== second.shape[1])
    throw new InputError({
      what: 'cannot compute InfoNCE',
      given: `[${first.shape.join(', ')}] and [${second.shape.join(', ')}]`,
      expected: 'as many rows and channels of one as of the other',
      fix: 'give the features of both planes at the same voxels, in one order',
    });
  const rows = first.shape[0];
  const [a, b] = [unit(first), unit(second)];
  const similar = tf.div(tf.matMul(a, b, false, true), temperature); // [rows, rows]
  const own = tf.div(tf.sum(tf.mul(a, b)), temperature);
  const there = tf.sum(tf.logSumExp(similar, 1));
  const back = tf.sum(tf.logSumExp(similar, 0));
  return tf.div(tf.sub(tf.add(there, back), tf.mul(own, 2)), 2 * rows);
}

/** Rows of length 1; one of zeros stays as it is, and has a gradient of zero or finite size. */
const unit = (x: tf.Tensor2D): tf.Tensor2D =>
  tf.div(x, tf.sqrt(tf.add(tf.sum(tf.square(x), 1, true), 1e-12)));

/**
 * InfoNCE of features where planes meet, averaged over the pairs of planes in the plan.
 *
 * Neighbouring voxels share a cell of a coarse map of features: make the plan with `samples` no more than cells along a
 * line, or the same feature counts as its own negative.
 * @param features  of each name's planes, [planes, height, width, channels]
 * @param plan      from `intersectionPlan`, with the fits of the feature maps
 */
export function crossPlaneInfoNce(
  features: Readonly<Record<PlaneName, tf.Tensor>>,
  plan: IntersectionPlan,
  temperature = 0.1,
): tf.Scalar {
  const losses = linePairs(features, plan).map(({ first, second }) => {
    const rows = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, x.shape.at(-1)!]);
    return infoNce(rows(first), rows(second), temperature);
  });
  return tf.div(tf.addN(losses), losses.length);
}
