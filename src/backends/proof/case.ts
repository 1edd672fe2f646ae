// What a case of the proof is: an operation as the project calls it, the same in plain float64 loops, and inputs for both.
import { Random, shuffled } from '../../base/random';
import type { tf } from '../tf';
import { type Array64, array64, sizeOf } from './reference/array';

export type Tf = typeof tf;
export type Tensor = tf.Tensor;
export type Tensor5D = tf.Tensor5D;

export const families = [
  'elementwise',
  'reduce',
  'shape',
  'product',
  'convolution',
  'pool',
  'resize',
  'normalise',
  'index',
  'optimiser',
  'block',
  'fused',
] as const;
export type Family = (typeof families)[number];

/** One input of a check: how its numbers are drawn. */
export interface Input {
  shape: number[];
  dtype: 'float32' | 'int32' | 'bool';
  /** Whether the gradient with respect to it is checked. */
  differentiable: boolean;
  draw: (random: Random, size: number) => number[];
}

/** One setting of an operation: shapes and attributes. */
export interface Check {
  /** Shapes and attributes in words, unique in its case. */
  setting: string;
  inputs: Input[];
  /** The operation on a backend; called inside a tidy, with and without a tape. */
  run(tf: Tf, inputs: Tensor[]): Tensor | Tensor[];
  /** The same in float64. */
  reference(inputs: Array64[]): Array64 | Array64[];
  /** The same in PyTorch, as a Python expression of `a`, `b`, ... (test/oracles/ops_peer.py has its helpers). */
  torch?: string;
}

/** One row of the proof. */
export interface OpCase {
  name: string;
  family: Family;
  checks: Check[];
  /** Largest right error of a value or gradient, relative (see compare.ts). */
  tolerance: number;
}

/** A case with the usual tolerance. */
export const opCase = (family: Family, name: string, checks: Check[], tolerance = 1e-5): OpCase => ({
  name,
  family,
  checks,
  tolerance,
});

const float = (shape: number[], draw: Input['draw']): Input => ({
  shape,
  dtype: 'float32',
  differentiable: true,
  draw,
});
const list = (n: number, f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => f(i));

/** Standard normal. */
export const normal = (...shape: number[]): Input =>
  float(shape, (random, n) => list(n, () => random.normal()));

/** Uniform in [low, high). */
export const uniform = (low: number, high: number, ...shape: number[]): Input =>
  float(shape, (random, n) => list(n, () => low + (high - low) * random.uniform()));

/** Of both signs, at least 0.1 from zero: for functions with a kink or a pole there. */
export const offZero = (...shape: number[]): Input =>
  float(shape, (random, n) =>
    list(n, () => {
      const x = random.normal();
      return x + (x < 0 ? -0.1 : 0.1);
    }),
  );

/** All different, evenly spaced in (-2, 2), none at zero: for maxima and orders. */
export const spaced = (...shape: number[]): Input =>
  float(shape, (random, n) =>
    shuffled(
      list(n, (i) => (4 * (i + 0.6)) / (n + 0.2) - 2),
      random,
    ),
  );

/** Small numbers, as weights are at the start. */
export const weights = (scale: number, ...shape: number[]): Input =>
  float(shape, (random, n) => list(n, () => scale * random.normal()));

/** Whole numbers 0 .. n-1. */
export const whole = (n: number, ...shape: number[]): Input => ({
  shape,
  dtype: 'int32',
  differentiable: false,
  draw: (random, size) => list(size, () => random.below(n)),
});

/** Whole numbers as given. */
export const wholes = (values: number[], shape = [values.length]): Input => ({
  shape,
  dtype: 'int32',
  differentiable: false,
  draw: () => values,
});

/** Numbers as given. */
export const given = (values: number[], shape = [values.length]): Input => float(shape, () => values);

/** True for about half. */
export const truths = (...shape: number[]): Input => ({
  shape,
  dtype: 'bool',
  differentiable: false,
  draw: (random, n) => list(n, () => random.below(2)),
});

/** 0 or 1 as numbers: a mask. */
export const mask = (...shape: number[]): Input =>
  constant(float(shape, (random, n) => list(n, () => random.below(2))));

/** The same input, without a check of its gradient: for what is data by nature. */
export const constant = (input: Input): Input => ({ ...input, differentiable: false });

/** The numbers of a check's inputs: the same everywhere, and exact in float32. */
export function drawInputs(opCase: OpCase, check: Check): Array64[] {
  const random = new Random(`${opCase.name}: ${check.setting}`);
  return check.inputs.map(({ shape, draw }, k) => {
    const size = sizeOf(shape);
    const values = draw(random.fork(`${k}`), size);
    return array64(shape, values.map(Math.fround));
  });
}

/** `[2, 3]` of a shape, in names of checks. */
export const shown = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
