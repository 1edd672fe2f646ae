// Cases: functions of one element and of two.
import {
  type Check,
  constant,
  given,
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
  whole,
} from './case';
import type { Array64 } from './reference/array';
import {
  add,
  div,
  erf,
  gelu,
  leakyRelu,
  map,
  mul,
  sigmoid,
  softplus,
  sub,
  where,
  zip,
} from './reference/elementwise';

/** Sizes that end within and at the ends of vector registers, and a rank of 5. */
const shapes = [[7], [4, 16], [2, 1, 3, 2, 5]];

function unary(
  name: string,
  draw: (...shape: number[]) => Input,
  run: (tf: Tf, x: Tensor) => Tensor,
  f: (x: number) => number,
  torch: string,
): OpCase {
  return opCase(
    'elementwise',
    name,
    shapes.map((shape): Check => ({
      setting: shown(shape),
      inputs: [draw(...shape)],
      run: (tf, [x]) => run(tf, x),
      reference: ([x]) => map(x, f),
      torch,
    })),
  );
}

const positive = (...shape: number[]): Input => uniform(0.2, 3, ...shape);
/** Off the whole numbers and halves, where rounding jumps. */
const offSteps = (...shape: number[]): Input => {
  const input = normal(...shape);
  return {
    ...input,
    draw: (random, n) =>
      input.draw(random, n).map((x) => Math.round(2 * x) / 2 + 0.2 + 0.1 * random.uniform()),
  };
};

const unaries: OpCase[] = [
  unary('abs', offZero, (tf, x) => tf.abs(x), Math.abs, 'a.abs()'),
  unary(
    'neg',
    normal,
    (tf, x) => tf.neg(x),
    (x) => -x,
    '-a',
  ),
  unary('exp', normal, (tf, x) => tf.exp(x), Math.exp, 'a.exp()'),
  unary('expm1', normal, (tf, x) => tf.expm1(x), Math.expm1, 'a.expm1()'),
  unary('log', positive, (tf, x) => tf.log(x), Math.log, 'a.log()'),
  unary('log1p', positive, (tf, x) => tf.log1p(x), Math.log1p, 'a.log1p()'),
  unary('sqrt', positive, (tf, x) => tf.sqrt(x), Math.sqrt, 'a.sqrt()'),
  unary(
    'rsqrt',
    positive,
    (tf, x) => tf.rsqrt(x),
    (x) => 1 / Math.sqrt(x),
    'a.rsqrt()',
  ),
  unary(
    'square',
    normal,
    (tf, x) => tf.square(x),
    (x) => x * x,
    'a.square()',
  ),
  unary(
    'reciprocal',
    positive,
    (tf, x) => tf.reciprocal(x),
    (x) => 1 / x,
    'a.reciprocal()',
  ),
  unary('sin', normal, (tf, x) => tf.sin(x), Math.sin, 'a.sin()'),
  unary('cos', normal, (tf, x) => tf.cos(x), Math.cos, 'a.cos()'),
  unary('tanh', normal, (tf, x) => tf.tanh(x), Math.tanh, 'a.tanh()'),
  unary('sigmoid', normal, (tf, x) => tf.sigmoid(x), sigmoid, 'a.sigmoid()'),
  unary('softplus', normal, (tf, x) => tf.softplus(x), softplus, 'F.softplus(a)'),
  unary(
    'logSigmoid',
    normal,
    (tf, x) => tf.logSigmoid(x),
    (x) => -softplus(-x),
    'F.logsigmoid(a)',
  ),
  unary('erf', normal, (tf, x) => tf.erf(x), erf, 'torch.erf(a)'),
  unary(
    'GELU (erf)',
    normal,
    (tf, x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
    gelu,
    'F.gelu(a)',
  ),
  unary(
    'SiLU',
    normal,
    (tf, x) => tf.mul(x, tf.sigmoid(x)),
    (x) => x * sigmoid(x),
    'F.silu(a)',
  ),
  unary(
    'relu',
    offZero,
    (tf, x) => tf.relu(x),
    (x) => Math.max(0, x),
    'a.relu()',
  ),
  unary(
    'relu6',
    offZero,
    (tf, x) => tf.relu6(tf.mul(x, 4)),
    (x) => Math.min(6, Math.max(0, 4 * x)),
    'F.relu6(4 * a)',
  ),
  unary('leakyRelu', offZero, (tf, x) => tf.leakyRelu(x, 0.01), leakyRelu(0.01), 'F.leaky_relu(a, 0.01)'),
  unary(
    'elu',
    offZero,
    (tf, x) => tf.elu(x),
    (x) => (x > 0 ? x : Math.expm1(x)),
    'F.elu(a)',
  ),
  unary(
    'clipByValue',
    spaced,
    (tf, x) => tf.clipByValue(x, -1.03, 0.71),
    (x) => Math.min(0.71, Math.max(-1.03, x)),
    'a.clamp(-1.03, 0.71)',
  ),
  unary('sign', offZero, (tf, x) => tf.sign(x), Math.sign, 'a.sign()'),
  unary('floor', offSteps, (tf, x) => tf.floor(x), Math.floor, 'a.floor()'),
  unary('ceil', offSteps, (tf, x) => tf.ceil(x), Math.ceil, 'a.ceil()'),
  unary('round', offSteps, (tf, x) => tf.round(x), Math.round, 'a.round()'),
  unary(
    'step',
    offZero,
    (tf, x) => tf.step(x),
    (x) => (x > 0 ? 1 : 0),
    'torch.heaviside(a.detach(), a.detach() * 0)',
  ),
];

/** Shapes that broadcast on either side, by a vector, by a scalar, and on both sides at once. */
const pairs: [number[], number[]][] = [
  [
    [3, 5],
    [3, 5],
  ],
  [[4, 8], [8]],
  [[6], [4, 6]],
  [[2, 3, 4], []],
  [
    [4, 1],
    [1, 5],
  ],
  [
    [2, 1, 3, 1, 6],
    [4, 1, 5, 6],
  ],
  [[2, 2, 3, 4, 5], [5]],
];

function binary(
  name: string,
  [left, right]: [(...shape: number[]) => Input, (...shape: number[]) => Input],
  run: (tf: Tf, a: Tensor, b: Tensor) => Tensor,
  reference: (a: Array64, b: Array64) => Array64,
  torch: string,
): OpCase {
  return opCase(
    'elementwise',
    name,
    pairs.map(([a, b]) => ({
      setting: `${shown(a)} ${shown(b)}`,
      inputs: [left(...a), right(...b)],
      run: (tf, [x, y]) => run(tf, x, y),
      reference: ([x, y]) => reference(x, y),
      torch,
    })),
  );
}

/** Values that never meet those of `spaced`'s twin: no ties between two inputs. */
const between = (...shape: number[]): Input => {
  const input = spaced(...shape);
  return { ...input, draw: (random, n) => input.draw(random, n).map((x) => x + 0.0317) };
};
const both = (draw: (...shape: number[]) => Input): [typeof draw, typeof draw] => [draw, draw];

const binaries: OpCase[] = [
  binary('add', both(normal), (tf, a, b) => tf.add(a, b), add, 'a + b'),
  binary('sub', both(normal), (tf, a, b) => tf.sub(a, b), sub, 'a - b'),
  binary('mul', both(normal), (tf, a, b) => tf.mul(a, b), mul, 'a * b'),
  binary('div', [normal, positive], (tf, a, b) => tf.div(a, b), div, 'a / b'),
  binary('divNoNan', [normal, positive], (tf, a, b) => tf.divNoNan(a, b), div, 'a / b'),
  binary(
    'maximum',
    [spaced, between],
    (tf, a, b) => tf.maximum(a, b),
    (a, b) => zip(a, b, Math.max),
    'torch.maximum(a, b)',
  ),
  binary(
    'minimum',
    [spaced, between],
    (tf, a, b) => tf.minimum(a, b),
    (a, b) => zip(a, b, Math.min),
    'torch.minimum(a, b)',
  ),
  binary(
    'pow',
    [positive, normal],
    (tf, a, b) => tf.pow(a, b),
    (a, b) => zip(a, b, Math.pow),
    'a ** b',
  ),
  binary(
    'squaredDifference',
    both(normal),
    (tf, a, b) => tf.squaredDifference(a, b),
    (a, b) => zip(a, b, (x, y) => (x - y) ** 2),
    '(a - b) ** 2',
  ),
  binary(
    'prelu',
    [offZero, positive],
    (tf, a, b) => (a.rank >= b.rank ? tf.prelu(a, b) : tf.prelu(tf.broadcastTo(a, b.shape), b)),
    (a, b) => zip(a, b, (x, y) => (x > 0 ? x : x * y)),
    'torch.where(a > 0, a, a * b)',
  ),
];

/** Comparisons as the project uses them: a mask of 0 and 1 that then weighs. Their gradient is zero, and must be. */
const comparisons = [
  binary(
    'greater',
    [spaced, between],
    (tf, a, b) => tf.mul(tf.cast(tf.greater(a, b), 'float32'), a),
    (a, b) => zip(a, b, (x, y) => (x > y ? x : 0)),
    '(a > b).double() * a + 0 * b',
  ),
  binary(
    'greaterEqual',
    [spaced, between],
    (tf, a, b) => tf.mul(tf.cast(tf.greaterEqual(a, b), 'float32'), a),
    (a, b) => zip(a, b, (x, y) => (x >= y ? x : 0)),
    '(a >= b).double() * a + 0 * b',
  ),
  binary(
    'less',
    [spaced, between],
    (tf, a, b) => tf.mul(tf.cast(tf.less(a, b), 'float32'), a),
    (a, b) => zip(a, b, (x, y) => (x < y ? x : 0)),
    '(a < b).double() * a + 0 * b',
  ),
  binary(
    'lessEqual',
    [spaced, between],
    (tf, a, b) => tf.mul(tf.cast(tf.lessEqual(a, b), 'float32'), a),
    (a, b) => zip(a, b, (x, y) => (x <= y ? x : 0)),
    '(a <= b).double() * a + 0 * b',
  ),
];

const wholePairs = (
  name: string,
  run: (tf: Tf, a: Tensor, b: Tensor) => Tensor,
  f: (x: number, y: number) => number,
): OpCase =>
  opCase(
    'elementwise',
    name,
    pairs.map(([a, b]) => ({
      setting: `${shown(a)} ${shown(b)}`,
      inputs: [whole(3, ...a), whole(3, ...b)],
      run: (tf, [x, y]) => run(tf, x, y),
      reference: ([x, y]) => zip(x, y, f),
    })),
  );

const truthPairs = (
  name: string,
  run: (tf: Tf, a: Tensor, b: Tensor) => Tensor,
  f: (x: number, y: number) => number,
): OpCase =>
  opCase(
    'elementwise',
    name,
    pairs.slice(0, 5).map(([a, b]) => ({
      setting: `${shown(a)} ${shown(b)}`,
      inputs: [truths(...a), truths(...b)],
      run: (tf, [x, y]) => run(tf, x, y),
      reference: ([x, y]) => zip(x, y, f),
    })),
  );

const others: OpCase[] = [
  wholePairs(
    'equal of whole numbers',
    (tf, a, b) => tf.equal(a, b),
    (x, y) => +(x === y),
  ),
  wholePairs(
    'notEqual of whole numbers',
    (tf, a, b) => tf.notEqual(a, b),
    (x, y) => +(x !== y),
  ),
  wholePairs(
    'add, mul of whole numbers',
    (tf, a, b) => tf.add(tf.mul(a, 3), b),
    (x, y) => 3 * x + y,
  ),
  wholePairs(
    'sub, maximum of whole numbers',
    (tf, a, b) => tf.maximum(tf.sub(a, b), 0),
    (x, y) => Math.max(0, x - y),
  ),
  wholePairs(
    'floorDiv, mod of whole numbers',
    (tf, a, b) => tf.add(tf.mul(tf.floorDiv(a, tf.add(b, 1)), 10), tf.mod(a, tf.add(b, 1))),
    (x, y) => 10 * Math.floor(x / (y + 1)) + (x % (y + 1)),
  ),
  truthPairs(
    'logicalAnd',
    (tf, a, b) => tf.logicalAnd(a, b),
    (x, y) => x * y,
  ),
  truthPairs(
    'logicalOr',
    (tf, a, b) => tf.logicalOr(a, b),
    (x, y) => Math.max(x, y),
  ),
  opCase(
    'elementwise',
    'logicalNot',
    shapes.map((shape) => ({
      setting: shown(shape),
      inputs: [truths(...shape)],
      run: (tf, [x]) => tf.logicalNot(x),
      reference: ([x]) => map(x, (v) => 1 - v),
    })),
  ),
  opCase('elementwise', 'isNaN, isFinite', [
    {
      setting: 'NaN, both infinities, zero, one',
      inputs: [constant(given([NaN, Infinity, -Infinity, 0, 1]))],
      run: (tf, [x]) => [tf.isNaN(x), tf.isFinite(x)],
      reference: ([x]) => [map(x, (v) => +Number.isNaN(v)), map(x, (v) => +Number.isFinite(v))],
    },
  ]),
  opCase('elementwise', 'cast', [
    {
      setting: 'number to whole number',
      inputs: [offSteps(9)],
      run: (tf, [x]) => tf.cast(tf.cast(x, 'int32'), 'float32'),
      reference: ([x]) => map(x, Math.trunc),
    },
    {
      setting: 'number to truth',
      inputs: [constant(given([0, 0.5, -2, 0]))],
      run: (tf, [x]) => tf.cast(x, 'bool'),
      reference: ([x]) => map(x, (v) => +(v !== 0)),
    },
    {
      setting: 'whole number to number',
      inputs: [whole(9, 2, 5)],
      run: (tf, [x]) => tf.cast(x, 'float32'),
      reference: ([x]) => x,
    },
    {
      setting: 'truth to whole number',
      inputs: [truths(7)],
      run: (tf, [x]) => tf.cast(x, 'int32'),
      reference: ([x]) => x,
    },
  ]),
  opCase('elementwise', 'where', [
    ...(
      [
        [
          [3, 5],
          [3, 5],
          [3, 5],
        ],
        [[4, 1], [4, 6], [6]],
        [[5], [2, 5], []],
        [[2, 1, 1, 3, 1], [2, 2, 2, 3, 4], [4]],
      ] as [number[], number[], number[]][]
    ).map(([c, a, b]): Check => ({
      setting: `${shown(c)} ${shown(a)} ${shown(b)}`,
      inputs: [truths(...c), normal(...a), normal(...b)],
      run: (tf, [condition, x, y]) => tf.where(condition, x, y),
      reference: ([condition, x, y]) => where(condition, x, y),
      torch: 'torch.where(a.bool(), b, c)',
    })),
    {
      setting: 'condition made of the inputs',
      inputs: [spaced(4, 5), between(4, 5)],
      run: (tf, [x, y]) => tf.where(tf.greater(x, y), tf.mul(x, x), y),
      reference: ([x, y]) => zip(x, y, (u, v) => (u > v ? u * u : v)),
      torch: 'torch.where(a > b, a * a, b)',
    },
  ]),
  opCase(
    'elementwise',
    'addN',
    [2, 5, 12].map((n) => ({
      setting: `${n} tensors [3, 7]`,
      inputs: Array.from({ length: n }, () => normal(3, 7)),
      run: (tf, all) => tf.addN(all),
      reference: (all) => all.reduce(add),
      torch: 'sum(inputs)',
    })),
  ),
];

export const elementwiseCases: OpCase[] = [...unaries, ...binaries, ...comparisons, ...others];
