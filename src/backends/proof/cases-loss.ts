// Cases: the losses, written as the project writes them.
import {
  type Check,
  constant,
  mask,
  normal,
  opCase,
  type OpCase,
  type Tensor,
  type Tf,
  uniform,
  whole,
} from './case';
import { type Array64, scalar64 } from './reference/array';
import { add, div, map, mul, scale, sigmoid, softplus, sub } from './reference/elementwise';
import { gather, oneHot } from './reference/index';
import { logSoftmax, unitRows } from './reference/normalise';
import { matMul } from './reference/product';
import { mean, meanOf, squareSum, sum, sumOf } from './reference/reduce';

const tfSoftplus = (tf: Tf, x: Tensor): Tensor => tf.softplus(x);
const tfUnit = (tf: Tf, x: Tensor): Tensor => tf.div(x, tf.norm(x, 'euclidean', -1, true));

const dice: Check = {
  setting: '[2, 6, 5] logits against a mask',
  inputs: [normal(2, 6, 5), mask(2, 6, 5)],
  run: (tf, [logits, truth]) => {
    const p = tf.sigmoid(logits);
    const over = (x: Tensor): Tensor => tf.sum(x, [1, 2]);
    return tf.sub(
      1,
      tf.div(tf.add(tf.mul(over(tf.mul(p, truth)), 2), 1), tf.add(tf.add(over(p), over(truth)), 1)),
    );
  },
  reference: ([logits, truth]) => {
    const p = map(logits, sigmoid);
    const over = (x: Array64): Array64 => sum(x, [1, 2]);
    const share = div(
      map(over(mul(p, truth)), (v) => 2 * v + 1),
      map(add(over(p), over(truth)), (v) => v + 1),
    );
    return map(share, (v) => 1 - v);
  },
  torch: '1 - (2 * (a.sigmoid() * b).sum((1, 2)) + 1) / (a.sigmoid().sum((1, 2)) + b.sum((1, 2)) + 1)',
};

const binaryCrossEntropy: Check = {
  setting: '[4, 7] logits against a mask',
  inputs: [normal(4, 7), mask(4, 7)],
  run: (tf, [x, t]) => tf.mean(tf.sub(tfSoftplus(tf, x), tf.mul(x, t))),
  reference: ([x, t]) => scalar64(meanOf(sub(map(x, softplus), mul(x, t)))),
  torch: 'F.binary_cross_entropy_with_logits(a, b)',
};

const crossEntropy: Check = {
  setting: '[6, 4] logits, classes by number',
  inputs: [normal(6, 4), whole(4, 6)],
  run: (tf, [x, classes]) =>
    tf.neg(tf.mean(tf.sum(tf.mul(tf.cast(tf.oneHot(classes, 4), 'float32'), tf.logSoftmax(x)), -1))),
  reference: ([x, classes]) => scalar64(-sumOf(mul(oneHot(classes, 4), logSoftmax(x))) / 6),
  torch: 'F.cross_entropy(a, b.long())',
};

/** Lin et al. 2017, from logits: alpha 0.25, gamma 2. */
const focal: Check = {
  setting: '[4, 7] logits against a mask',
  inputs: [normal(4, 7), mask(4, 7)],
  run: (tf, [x, t]) => {
    const p = tf.sigmoid(x);
    const miss = tf.add(tf.mul(p, tf.sub(1, t)), tf.mul(tf.sub(1, p), t));
    const entropy = tf.sub(tfSoftplus(tf, x), tf.mul(x, t));
    const balance = tf.add(tf.mul(t, 0.25), tf.mul(tf.sub(1, t), 0.75));
    return tf.mean(tf.mul(tf.mul(balance, tf.square(miss)), entropy));
  },
  reference: ([x, t]) =>
    scalar64(
      x.data.reduce((total, v, i) => {
        const p = t.data[i] === 1 ? sigmoid(v) : 1 - sigmoid(v);
        return total - (t.data[i] === 1 ? 0.25 : 0.75) * (1 - p) ** 2 * Math.log(p);
      }, 0) / x.data.length,
    ),
  torch: 'focal(a, b)',
};

/** NT-Xent (Chen et al. 2020): rows 0 .. n-1 and n .. 2n-1 are pairs, temperature 0.5. */
const ntXent = (n: number): Check => ({
  setting: `${n} pairs of 6 numbers`,
  inputs: [normal(2 * n, 6)],
  run: (tf, [x]) => {
    const unit = tfUnit(tf, x);
    const likeness = tf.sub(tf.div(tf.matMul(unit, unit, false, true), 0.5), tf.mul(tf.eye(2 * n), 1e9));
    const partner = tf.concat([tf.range(n, 2 * n, 1, 'int32'), tf.range(0, n, 1, 'int32')]);
    const chosen = tf.mul(tf.logSoftmax(likeness), tf.cast(tf.oneHot(partner, 2 * n), 'float32'));
    return tf.neg(tf.div(tf.sum(chosen), 2 * n));
  },
  reference: ([x]) => {
    const unit = unitRows(x);
    const likeness = scale(matMul(unit, unit, false, true), 2);
    for (let i = 0; i < 2 * n; i++) likeness.data[i * 2 * n + i] -= 1e9;
    const log = logSoftmax(likeness);
    let total = 0;
    for (let i = 0; i < 2 * n; i++) total -= log.data[i * 2 * n + ((i + n) % (2 * n))];
    return scalar64(total / (2 * n));
  },
  torch: `nt_xent(a, ${n}, 0.5)`,
});

/** Eq. 2: the square differences of two planes along the line where they meet. Places repeat where planes were resized. */
const lines: Check = {
  setting: 'planes [6, 5] and [4, 6], 7 places on the line',
  inputs: [normal(6, 5), normal(4, 6), whole(30, 7), whole(24, 7)],
  run: (tf, [p, q, atP, atQ]) => {
    const along = (plane: Tensor, at: Tensor): Tensor =>
      tf.gather(tf.reshape(tf.sigmoid(plane), [plane.size]), at);
    return tf.sum(tf.squaredDifference(along(p, atP), along(q, atQ)));
  },
  reference: ([p, q, atP, atQ]) => {
    const along = (plane: Array64, at: Array64): Array64 =>
      gather({ shape: [plane.data.length], data: plane.data.map(sigmoid) }, at);
    return scalar64(squareSum(sub(along(p, atP), along(q, atQ))));
  },
  torch: '((a.sigmoid().flatten()[c.long()] - b.sigmoid().flatten()[d.long()]) ** 2).sum()',
};

/** The same at places between pixels: four neighbours by weight. */
const linesBetween: Check = {
  setting: 'plane [5, 6, 2], 8 places, 4 neighbours each',
  inputs: [normal(5, 6, 2), whole(30, 8, 4), constant(uniform(0, 1, 8, 4))],
  run: (tf, [plane, at, share]) =>
    tf.sum(tf.mul(tf.gather(tf.reshape(plane, [30, 2]), at), tf.expandDims(share, 2)), 1),
  reference: ([plane, at, share]) => {
    const near = gather({ shape: [30, 2], data: plane.data }, at);
    return sum(mul(near, { shape: [8, 4, 1], data: share.data }), [1]);
  },
  torch: '(a.reshape(30, 2)[b.long()] * c[..., None]).sum(1)',
};

export const lossCases: OpCase[] = [
  opCase('block', 'Dice loss', [dice]),
  opCase('block', 'binary cross-entropy of logits', [binaryCrossEntropy]),
  opCase('block', 'cross-entropy', [crossEntropy]),
  opCase('block', 'focal loss', [focal]),
  opCase('block', 'NT-Xent', [ntXent(2), ntXent(4)], 3e-5),
  opCase('block', 'intersection consistency (Eq. 2)', [lines, linesBetween]),
  opCase('block', 'masked reconstruction (mean square of hidden patches)', [
    {
      setting: '[6, 8], half hidden',
      inputs: [normal(6, 8), normal(6, 8), mask(6)],
      run: (tf, [x, y, hidden]) =>
        tf.div(tf.sum(tf.mul(tf.mean(tf.squaredDifference(x, y), -1), hidden)), tf.add(tf.sum(hidden), 1e-6)),
      reference: ([x, y, hidden]) =>
        scalar64(
          sumOf(
            mul(
              mean(
                map(sub(x, y), (v) => v * v),
                [-1],
              ),
              hidden,
            ),
          ) /
            (sumOf(hidden) + 1e-6),
        ),
      torch: '(((a - b) ** 2).mean(-1) * c).sum() / (c.sum() + 1e-6)',
    },
  ]),
];
