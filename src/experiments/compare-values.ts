// Tensors read into plain numbers and compared in double precision, so that no operation of a backend judges itself.

/** Numbers of tensors by their paths. */
export type Values = Readonly<Record<string, ArrayLike<number>>>;

/** Those whose path is wanted. */
export function only(values: Values, wanted: (path: string) => boolean): Values {
  return Object.fromEntries(Object.entries(values).filter(([path]) => wanted(path)));
}

/** Number by number, by the paths of the first. */
function combined(a: Values, b: Values, f: (x: number, y: number) => number): Values {
  return Object.fromEntries(
    Object.entries(a).map(([path, v]) => [path, Float64Array.from(v, (x, i) => f(x, b[path][i]))]),
  );
}
export const plus = (a: Values, b: Values): Values => combined(a, b, (x, y) => x + y);
export const minus = (a: Values, b: Values): Values => combined(a, b, (x, y) => x - y);

/** The largest size of a number, 0 of none; NaN where one is NaN, which must not pass for a small difference. */
export function largest(values: Values): number {
  let size = 0;
  for (const v of Object.values(values))
    for (let i = 0; i < v.length; i++) size = Math.max(size, Math.abs(v[i]));
  return size;
}

/** The root of the sum of squares. */
export function lengthOf(values: Values): number {
  let sum = 0;
  for (const v of Object.values(values)) for (let i = 0; i < v.length; i++) sum += v[i] ** 2;
  return Math.sqrt(sum);
}

/** The largest difference over the largest number of the second. */
export const relativeDifference = (a: Values, b: Values): number => largest(minus(a, b)) / largest(b);

/** How many numbers there are, or how many of them are not zero. */
export function count(values: Values, which: 'all' | 'not zero' = 'all'): number {
  let total = 0;
  for (const v of Object.values(values))
    for (let i = 0; i < v.length; i++) if (which === 'all' || v[i] !== 0) total++;
  return total;
}
