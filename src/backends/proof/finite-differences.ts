// The true values and gradients of a check: its float64 reference, and central differences of it.
import { Random } from '../../base/random';
import { type Check, drawInputs, type OpCase } from './case';
import type { Array64 } from './reference/array';

/** Inputs of at most this many elements are checked element by element, larger ones along directions. */
const fullBelow = 48;
/** Directions that a large input is moved along. */
const directionCount = 6;
/** A step of the differences. Their error is about step squared by truncation, 1e-16 / step by rounding. */
const step = 1e-5;

/**
 * The gradient of the weighted sum of the outputs with respect to one input, as numbers that a backend's gradient can be
 * brought to by `projected`: its elements, or its products with directions.
 */
export interface TrueGradient {
  input: number;
  numbers: Float64Array;
}

export interface Truth {
  inputs: Array64[];
  outputs: Array64[];
  /** What the outputs are weighted with: the gradient that comes in from above. */
  weights: Array64[];
  gradients: TrueGradient[];
}

const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** Direction k: numbers without a pattern that any shape has, and that PyTorch's script makes as easily. */
export const direction = (k: number, size: number): Float64Array =>
  Float64Array.from({ length: size }, (_, i) => Math.cos((0.71 + 0.37 * k) * (i + 1) + 0.5 * Math.sin(i)));

/** A gradient as the numbers that are compared: itself when small, else its products with the directions. */
export function projected(gradient: ArrayLike<number>): Float64Array {
  if (gradient.length <= fullBelow) return Float64Array.from(gradient);
  return Float64Array.from({ length: directionCount }, (_, k) => {
    const along = direction(k, gradient.length);
    let total = 0;
    for (let i = 0; i < along.length; i++) total += along[i] * gradient[i];
    return total;
  });
}

/** Runs the reference and its differences. */
function findTruth(opCase: OpCase, check: Check): Truth {
  const inputs = drawInputs(opCase, check);
  const outputs = listOf(check.reference(inputs));
  const random = new Random(`${opCase.name}: ${check.setting}: weights`);
  const weights = outputs.map(({ shape, data }) => ({
    shape,
    data: data.map(() => Math.fround(random.normal())),
  }));
  const weighted = (moved: Array64[]): number =>
    listOf(check.reference(moved)).reduce((total, { data }, k) => {
      const { data: w } = weights[k];
      return data.reduce((sum, x, i) => sum + x * w[i], total);
    }, 0);
  const slope = (input: number, along: Float64Array): number => {
    const moved = (by: number): Array64[] =>
      inputs.map((a, k) =>
        k === input ? { shape: a.shape, data: a.data.map((x, i) => x + by * along[i]) } : a,
      );
    return (weighted(moved(step)) - weighted(moved(-step))) / (2 * step);
  };
  const gradients = check.inputs.flatMap(({ differentiable }, input): TrueGradient[] => {
    if (!differentiable) return [];
    const n = inputs[input].data.length;
    const axis = (i: number): Float64Array => new Float64Array(n).fill(1, i, i + 1);
    const numbers =
      n <= fullBelow
        ? Float64Array.from({ length: n }, (_, i) => slope(input, axis(i)))
        : Float64Array.from({ length: directionCount }, (_, k) => slope(input, direction(k, n)));
    return [{ input, numbers }];
  });
  return { inputs, outputs, weights, gradients };
}

const known = new WeakMap<Check, Truth>();

/** The truth of a check, found once in a process. */
export function truthOf(opCase: OpCase, check: Check): Truth {
  let truth = known.get(check);
  if (!truth) known.set(check, (truth = findTruth(opCase, check)));
  return truth;
}
