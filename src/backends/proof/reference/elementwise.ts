// References: functions of one element, and of two with broadcasting.
import { type Array64, build, eachIndex, filled } from './array';

/** `f` of every element. */
export const map = (a: Array64, f: (x: number) => number): Array64 => ({
  shape: [...a.shape],
  data: a.data.map(f),
});

/** The shape that two shapes broadcast to: axes are paired from the last, and a length of 1 serves any other. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [m, n] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    if (m !== n && m !== 1 && n !== 1) throw new Error(`[${a.join()}] and [${b.join()}] do not broadcast`);
    return m === 1 ? n : m;
  });
}

/** The element of `a` at an index of a shape it broadcasts to. */
function broadcastAt(a: Array64, index: readonly number[]): number {
  const skipped = index.length - a.shape.length;
  let flat = 0;
  for (let axis = 0; axis < a.shape.length; axis++) {
    flat = flat * a.shape[axis] + (a.shape[axis] === 1 ? 0 : index[axis + skipped]);
  }
  return a.data[flat];
}

/** `f` of every pair of elements, with broadcasting. */
export function zip(a: Array64, b: Array64, f: (x: number, y: number) => number): Array64 {
  const out = filled(broadcastShape(a.shape, b.shape), 0);
  eachIndex(out.shape, (index, flat) => (out.data[flat] = f(broadcastAt(a, index), broadcastAt(b, index))));
  return out;
}

export const broadcastTo = (a: Array64, shape: readonly number[]): Array64 =>
  build(shape, (index) => broadcastAt(a, index));

export const add = (a: Array64, b: Array64): Array64 => zip(a, b, (x, y) => x + y);
export const sub = (a: Array64, b: Array64): Array64 => zip(a, b, (x, y) => x - y);
export const mul = (a: Array64, b: Array64): Array64 => zip(a, b, (x, y) => x * y);
export const div = (a: Array64, b: Array64): Array64 => zip(a, b, (x, y) => x / y);
export const scale = (a: Array64, factor: number): Array64 => map(a, (x) => x * factor);

/** Where `condition` is not zero `a`, else `b`; all three broadcast. */
export function where(condition: Array64, a: Array64, b: Array64): Array64 {
  const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape));
  return build(shape, (index) =>
    broadcastAt(condition, index) !== 0 ? broadcastAt(a, index) : broadcastAt(b, index),
  );
}

/**
 * The error function to about 1e-16: its power series without cancellation below 3 (Abramowitz and Stegun 7.1.6), the
 * continued fraction of its complement above (7.1.14).
 */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z > 3) {
    let fraction = 0;
    for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction);
    return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction));
  }
  let [term, sum] = [z, z];
  for (let n = 1; term > 1e-18 * sum; n++) {
    term *= (2 * z * z) / (2 * n + 1);
    sum += term;
  }
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
}

/** Hendrycks and Gimpel's GELU, exact: x times the normal distribution function of x. */
export const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2));
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
export const leakyRelu =
  (slope: number) =>
  (x: number): number =>
    x > 0 ? x : slope * x;
