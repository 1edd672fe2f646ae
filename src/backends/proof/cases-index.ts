// Cases: elements taken from and put to places that other tensors name.
import { type Check, constant, normal, opCase, type OpCase, shown, spaced, whole, wholes } from './case';
import { gather, gatherND, oneHot, scatterND, segmentSum, topK } from './reference/index';

/** Shape, indices, axis, batch axes. Indices repeat: gradients must add up. */
const gathers: [number[], number[], number, number][] = [
  [[6], [4], 0, 0],
  [[5, 3], [7], 0, 0],
  [[4, 6], [3], 1, 0],
  [[5, 4], [2, 3], 0, 0],
  [[2, 5, 3], [4], 1, 0],
  [[2, 3, 4, 5], [3], -1, 0],
  [[3, 5, 2], [3, 4], 1, 1],
  [[2, 3, 4], [2, 3, 5], 2, 2],
];

export const indexCases: OpCase[] = [
  opCase(
    'index',
    'gather',
    gathers.map(([x, indices, axis, batch]): Check => ({
      setting: `${shown(x)} at ${shown(indices)} on ${axis}${batch ? `, ${batch} batch axes` : ''}`,
      inputs: [normal(...x), whole(x.at(axis)!, ...indices)],
      run: (tf, [a, at]) => tf.gather(a, at, axis, batch),
      reference: ([a, at]) => gather(a, at, axis, batch),
      torch: `gather(a, b.long(), ${axis}, ${batch})`,
    })),
  ),
  opCase('index', 'gather of whole numbers', [
    {
      setting: '[9] at [4]',
      inputs: [whole(50, 9), whole(9, 4)],
      run: (tf, [a, at]) => tf.gather(a, at),
      reference: ([a, at]) => gather(a, at),
    },
  ]),
  opCase('index', 'gatherND', [
    {
      setting: '[4, 5] at [3, 2]',
      inputs: [normal(4, 5), wholes([0, 1, 3, 4, 0, 1], [3, 2])],
      run: (tf, [a, at]) => tf.gatherND(a, at),
      reference: ([a, at]) => gatherND(a, at),
      torch: 'a[tuple(b.long().unbind(-1))]',
    },
    {
      setting: '[4, 3, 2] at [3, 1]',
      inputs: [normal(4, 3, 2), wholes([3, 0, 3], [3, 1])],
      run: (tf, [a, at]) => tf.gatherND(a, at),
      reference: ([a, at]) => gatherND(a, at),
      torch: 'a[tuple(b.long().unbind(-1))]',
    },
    {
      setting: '[3, 4, 2, 2] at [2, 3, 2]',
      inputs: [normal(3, 4, 2, 2), wholes([0, 0, 2, 3, 1, 1, 1, 1, 0, 3, 2, 0], [2, 3, 2])],
      run: (tf, [a, at]) => tf.gatherND(a, at),
      reference: ([a, at]) => gatherND(a, at),
      torch: 'a[tuple(b.long().unbind(-1))]',
    },
  ]),
  opCase('index', 'scatterND', [
    {
      setting: '[4] to [8]',
      inputs: [wholes([4, 3, 1, 4], [4, 1]), normal(4)],
      run: (tf, [at, x]) => tf.scatterND(at, x, [8]),
      reference: ([at, x]) => scatterND(at, x, [8]),
      torch: 'scatter(a.long(), b, [8])',
    },
    {
      setting: '[3, 2] to [5, 2]',
      inputs: [wholes([4, 0, 4], [3, 1]), normal(3, 2)],
      run: (tf, [at, x]) => tf.scatterND(at, x, [5, 2]),
      reference: ([at, x]) => scatterND(at, x, [5, 2]),
      torch: 'scatter(a.long(), b, [5, 2])',
    },
    {
      setting: '[3] to [3, 4]',
      inputs: [wholes([0, 1, 2, 3, 0, 1], [3, 2]), normal(3)],
      run: (tf, [at, x]) => tf.scatterND(at, x, [3, 4]),
      reference: ([at, x]) => scatterND(at, x, [3, 4]),
      torch: 'scatter(a.long(), b, [3, 4])',
    },
  ]),
  opCase('index', 'tensorScatterUpdate (forward only)', [
    {
      setting: '[2] into [6]',
      inputs: [constant(normal(6)), wholes([4, 1], [2, 1]), constant(normal(2))],
      run: (tf, [x, at, u]) => tf.tensorScatterUpdate(x, at, u),
      reference: ([x, at, u]) => scatterND(at, u, [6], x),
    },
  ]),
  opCase('index', 'unsortedSegmentSum', [
    {
      setting: '[6] to 4',
      inputs: [normal(6), wholes([0, 2, 2, 3, 0, 2])],
      run: (tf, [x, s]) => tf.unsortedSegmentSum(x, s as never, 4),
      reference: ([x, s]) => segmentSum(x, s, 4),
      torch: 'scatter(b.long()[:, None], a, [4])',
    },
    {
      setting: '[5, 3] to 3',
      inputs: [normal(5, 3), wholes([2, 0, 0, 1, 2])],
      run: (tf, [x, s]) => tf.unsortedSegmentSum(x, s as never, 3),
      reference: ([x, s]) => segmentSum(x, s, 3),
      torch: 'scatter(b.long()[:, None], a, [3, 3])',
    },
  ]),
  opCase('index', 'oneHot', [
    {
      setting: '[5] of 4',
      inputs: [whole(4, 5)],
      run: (tf, [x]) => tf.oneHot(x, 4),
      reference: ([x]) => oneHot(x, 4),
    },
    {
      setting: '[2, 3] of 5, 0.9 and 0.1',
      inputs: [whole(5, 2, 3)],
      run: (tf, [x]) => tf.oneHot(x, 5, 0.9, 0.1, 'float32'),
      reference: ([x]) => oneHot(x, 5, 0.9, 0.1),
    },
  ]),
  opCase('index', 'topk', [
    {
      setting: '[9], 3',
      inputs: [spaced(9)],
      run: (tf, [x]) => tf.topk(x, 3).values,
      reference: ([x]) => topK(x, 3)[0],
      torch: 'a.topk(3).values',
    },
    {
      setting: '[4, 7], 2',
      inputs: [spaced(4, 7)],
      run: (tf, [x]) => tf.topk(x, 2).values,
      reference: ([x]) => topK(x, 2)[0],
      torch: 'a.topk(2).values',
    },
    {
      setting: '[2, 3, 5], 5, values and indices',
      inputs: [constant(spaced(2, 3, 5))],
      run: (tf, [x]) => {
        const { values, indices } = tf.topk(x, 5);
        return [values, indices];
      },
      reference: ([x]) => topK(x, 5),
    },
  ]),
];
