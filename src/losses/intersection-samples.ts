// Eq. 2 of several samples at once, each with planes of its own: what `intersectionLoss` says of every sample, summed. (That
// one takes several planes of one volume, all of which meet.)
import { tf } from '../backends/tf';
import type { PlaneName } from '../sampling/plane';
import type { PairName } from './intersection';
import { allPairs, pairs, probabilitiesOf } from './intersection';

/** Where the line of a pair lies in both of its pictures: [samples, samples of the picture across the line]. */
export type SampleLines = Readonly<
  Partial<Record<PairName, Readonly<Record<'first' | 'second', tf.Tensor>>>>
>;

/**
 * @param predictions  logits of each name's planes, [samples, height, width, classes], all square and of one size
 * @param lines        of the pairs that are compared; lines are read as they are, as long as the picture is
 * @returns a scalar: the sum over samples, without lambda
 */
export function sampleIntersectionLoss(
  predictions: Readonly<Partial<Record<PlaneName, tf.Tensor>>>,
  lines: SampleLines,
): tf.Tensor {
  const terms = allPairs.flatMap((pair) => {
    const readers = lines[pair];
    if (!readers) return [];
    const [[a, wayA], [b, wayB]] = pairs[pair];
    const first = readLine(predictions[a]!, readers.first, wayA);
    const second = readLine(predictions[b]!, readers.second, wayB);
    return [tf.sum(tf.squaredDifference(first, second))];
  });
  return tf.addN(terms);
}

/** [samples, height, width, classes] to [samples, 1, places * classes]. */
function readLine(logits: tf.Tensor, across: tf.Tensor, way: 'row' | 'column'): tf.Tensor {
  const [samples, height, width, classes] = logits.shape;
  const values = probabilitiesOf(logits);
  const front = way === 'row' ? values : tf.transpose(values, [0, 2, 1, 3]);
  const [over, length] = way === 'row' ? [height, width] : [width, height];
  return tf.matMul(
    tf.reshape(across, [samples, 1, over]),
    tf.reshape(front, [samples, over, length * classes]),
  );
}
