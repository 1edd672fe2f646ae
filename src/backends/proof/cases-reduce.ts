// Cases: reductions and running sums.
import {
  type Check,
  constant,
  type Input,
  normal,
  offZero,
  opCase,
  type OpCase,
  shown,
  spaced,
  type Tensor,
  type Tf,
  truths,
  uniform,
} from './case';
import type { Array64 } from './reference/array';
import * as reduce from './reference/reduce';

type Axes = number[] | undefined;

/** All axes, the last, the first, inner and several, kept and not, up to rank 5. */
const settings: [number[], Axes, boolean][] = [
  [[9], undefined, false],
  [[3, 5], [1], false],
  [[4, 6], [0], true],
  [[33, 65], [-1], true],
  [[2, 3, 4], [0, 2], false],
  [[2, 3, 4, 2, 3], [1, 2, 3], true],
  [[2, 3, 1, 2, 4], [4], false],
];

function reduction(
  name: string,
  draw: (...shape: number[]) => Input,
  run: (tf: Tf, x: Tensor, axes: Axes, keep: boolean) => Tensor,
  reference: (x: Array64, axes: Axes, keep: boolean) => Array64,
  torch?: string,
  of = settings,
): OpCase {
  return opCase(
    'reduce',
    name,
    of.map(([shape, axes, keep]): Check => ({
      setting: `${shown(shape)} over ${axes ? shown(axes) : 'all'}${keep ? ', kept' : ''}`,
      inputs: [draw(...shape)],
      run: (tf, [x]) => run(tf, x, axes, keep),
      reference: ([x]) => reference(x, axes, keep),
      torch: torch
        ?.replaceAll('AXES', `${JSON.stringify(axes ?? shape.map((_, k) => k))}`)
        .replaceAll('KEEP', keep ? 'True' : 'False'),
    })),
  );
}

/** One axis at a time, without its gradient. */
const arg = (
  name: string,
  run: (tf: Tf, x: Tensor, axis: number) => Tensor,
  f: (x: Array64, axes: number[]) => Array64,
): OpCase =>
  opCase(
    'reduce',
    name,
    (
      [
        [[9], 0],
        [[3, 5], 1],
        [[4, 6], 0],
        [[2, 3, 4, 5], -1],
      ] as [number[], number][]
    ).map(([shape, axis]) => ({
      setting: `${shown(shape)} along ${axis}`,
      inputs: [constant(spaced(...shape))],
      run: (tf, [x]) => run(tf, x, axis),
      reference: ([x]) => f(x, [axis]),
    })),
  );

const cumulative = (
  name: string,
  draw: (...shape: number[]) => Input,
  run: (tf: Tf, x: Tensor, axis: number, exclusive: boolean, reverse: boolean) => Tensor,
  product: boolean,
): OpCase =>
  opCase(
    'reduce',
    name,
    (
      [
        [[7], 0, false, false],
        [[4, 4], 1, true, false],
        [[4, 4], 0, false, false],
        [[3, 5], 0, false, true],
        [[2, 3, 4], 1, true, true],
      ] as [number[], number, boolean, boolean][]
    ).map(([shape, axis, exclusive, reverse]) => ({
      setting: `${shown(shape)} along ${axis}${exclusive ? ', exclusive' : ''}${reverse ? ', reversed' : ''}`,
      inputs: [draw(...shape)],
      run: (tf, [x]) => run(tf, x, axis, exclusive, reverse),
      reference: ([x]) => reduce.cumulative(x, axis, { exclusive, reverse, product }),
      ...(!exclusive && !reverse && !product ? { torch: `a.cumsum(${axis})` } : {}),
    })),
  );

export const reduceCases: OpCase[] = [
  reduction('sum', normal, (tf, x, axes, keep) => tf.sum(x, axes, keep), reduce.sum, 'a.sum(AXES, KEEP)'),
  reduction('mean', normal, (tf, x, axes, keep) => tf.mean(x, axes, keep), reduce.mean, 'a.mean(AXES, KEEP)'),
  reduction('max', spaced, (tf, x, axes, keep) => tf.max(x, axes, keep), reduce.max, 'a.amax(AXES, KEEP)'),
  reduction('min', spaced, (tf, x, axes, keep) => tf.min(x, axes, keep), reduce.min, 'a.amin(AXES, KEEP)'),
  reduction(
    'variance (moments)',
    normal,
    (tf, x, axes, keep) => tf.moments(x, axes, keep).variance,
    reduce.variance,
    'a.var(AXES, correction=0, keepdim=KEEP)',
  ),
  reduction(
    'norm',
    offZero,
    (tf, x, axes, keep) => tf.norm(x, 'euclidean', axes, keep),
    reduce.euclideanNorm,
    'a.square().sum(AXES, KEEP).sqrt()',
    // tf.norm takes two axes at most.
    settings.filter(([, axes]) => !axes || axes.length < 3),
  ),
  reduction(
    'logSumExp',
    normal,
    (tf, x, axes, keep) => tf.logSumExp(x, axes, keep),
    reduce.logSumExp,
    'a.logsumexp(AXES, KEEP)',
  ),
  reduction(
    'any, all',
    (...shape) => truths(...shape),
    (tf, x, axes, keep) =>
      tf.add(tf.cast(tf.any(x, axes, keep), 'int32'), tf.cast(tf.all(x, axes, keep), 'int32')),
    (x, axes, keep) => {
      const both = reduce.any(x, axes, keep);
      reduce.all(x, axes, keep).data.forEach((v, i) => (both.data[i] += v));
      return both;
    },
  ),
  opCase('reduce', 'prod', [
    {
      setting: '[6] over all',
      inputs: [uniform(0.5, 1.5, 6)],
      run: (tf, [x]) => tf.prod(x),
      reference: ([x]) => reduce.prod(x),
      torch: 'a.prod()',
    },
    {
      setting: '[3, 4, 5] over [1]',
      inputs: [uniform(0.5, 1.5, 3, 4, 5)],
      run: (tf, [x]) => tf.prod(x, 1),
      reference: ([x]) => reduce.prod(x, [1]),
      torch: 'a.prod(1)',
    },
  ]),
  arg('argMax', (tf, x, axis) => tf.argMax(x, axis), reduce.argMax),
  arg('argMin', (tf, x, axis) => tf.argMin(x, axis), reduce.argMin),
  cumulative(
    'cumsum',
    normal,
    (tf, x, axis, exclusive, reverse) => tf.cumsum(x, axis, exclusive, reverse),
    false,
  ),
  cumulative(
    'cumprod',
    (...shape) => constant(uniform(0.5, 1.5, ...shape)),
    (tf, x, axis, exclusive, reverse) => tf.cumprod(x, axis, exclusive, reverse),
    true,
  ),
];
