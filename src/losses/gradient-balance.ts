// How hard a consistency term pulls beside the loss of segmentation, and whether in the same direction.
//
// Lambda alone says little: a sum over lines grows with the size of pictures, a mean over pixels does not.
import { InputError } from '../base/errors';
import { tf } from '../backends/tf';
import type { TensorTree } from '../backends/training-step';
import { flattenTree, unflattenTree } from '../backends/training-step';

/** Both losses of the same parameters, lambda not included. */
export interface TwoLosses<T extends TensorTree> {
  segmentation: (trained: T) => tf.Tensor;
  consistency: (trained: T) => tf.Tensor;
}

/**
 * Scalars: the length of the gradient of each loss over all trained parameters; `ratio`, |grad of consistency| / |grad of
 * segmentation|; and the cosine of the angle between both, 1 for the same direction, -1 for opposite ones, NaN where one of
 * them is zero.
 */
export type GradientBalance = Readonly<
  Record<'segmentation' | 'consistency' | 'ratio' | 'cosine', tf.Scalar>
>;

/**
 * Compare the gradients of both losses at one point. Each takes a forward and a backward pass of its own.
 * @param trained  the parameters; both losses must depend on each of them
 * @returns scalars: the caller's to free
 */
export function gradientBalance<T extends TensorTree>(losses: TwoLosses<T>, trained: T): GradientBalance {
  return tf.tidy(() => {
    const tensors = flattenTree(trained);
    const names = Object.keys(tensors);
    const gradientOf = (loss: (trained: T) => tf.Tensor): tf.Tensor[] =>
      tf.grads((...values: tf.Tensor[]) =>
        loss(unflattenTree(trained, Object.fromEntries(names.map((name, k) => [name, values[k]])))),
      )(Object.values(tensors));
    return balanceOf(gradientOf(losses.segmentation), gradientOf(losses.consistency));
  });
}

/** The same of gradients that are there already, in one order of parameters. */
export function balanceOf(
  ofSegmentation: readonly tf.Tensor[],
  ofConsistency: readonly tf.Tensor[],
): GradientBalance {
  const dot = (a: readonly tf.Tensor[], b: readonly tf.Tensor[]): tf.Scalar =>
    tf.addN(a.map((x, k) => tf.sum(tf.mul(x, b[k])))) as tf.Scalar;
  const length = (a: readonly tf.Tensor[]): tf.Scalar => tf.sqrt(dot(a, a));
  const [segmentation, consistency] = [length(ofSegmentation), length(ofConsistency)];
  return {
    segmentation,
    consistency,
    ratio: tf.div(consistency, segmentation),
    cosine: tf.div(dot(ofSegmentation, ofConsistency), tf.mul(segmentation, consistency)),
  };
}

/**
 * The lambda at which the consistency term pulls `wished` times as hard as the loss of segmentation.
 * @param ratio  |grad of consistency| / |grad of segmentation|, measured without lambda
 * @throws InputError where no lambda does that: the planes agree already, or a length is no number
 */
export function lambdaFor(wished: number, ratio: number): number {
  if (wished >= 0 && Number.isFinite(wished) && ratio > 0 && Number.isFinite(ratio)) return wished / ratio;
  throw new InputError({
    what: 'cannot choose lambda',
    given: `a ratio of ${ratio}, where ${wished} is wished for`,
    expected: 'a measured ratio above 0, and a wished one of at least 0, both finite',
    fix: 'measure where planes disagree: where they agree the term has no gradient, whatever lambda is',
  });
}
