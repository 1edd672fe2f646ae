// Plain arrays of float64 numbers, last axis fastest: what the references of the proof compute with.

/** Numbers in float64 and their shape. */
export interface Array64 {
  shape: number[];
  data: Float64Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);

export function array64(shape: readonly number[], data: ArrayLike<number>): Array64 {
  if (data.length !== sizeOf(shape))
    throw new Error(`${data.length} numbers for the shape [${shape.join(', ')}]`);
  return { shape: [...shape], data: Float64Array.from(data) };
}

export const scalar64 = (value: number): Array64 => array64([], [value]);
export const filled = (shape: readonly number[], value: number): Array64 => ({
  shape: [...shape],
  data: new Float64Array(sizeOf(shape)).fill(value),
});

/** Calls `f` for every index of a shape in order. The index is one array, changed in place. */
export function eachIndex(shape: readonly number[], f: (index: number[], flat: number) => void): void {
  const index = shape.map(() => 0);
  const n = sizeOf(shape);
  for (let flat = 0; flat < n; flat++) {
    f(index, flat);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

/** The array whose element at `index` is `f(index)`. */
export function build(shape: readonly number[], f: (index: number[], flat: number) => number): Array64 {
  const out = filled(shape, 0);
  eachIndex(shape, (index, flat) => (out.data[flat] = f(index, flat)));
  return out;
}

/** The element of `a` at `index`. */
export function at(a: Array64, index: readonly number[]): number {
  return a.data[flatIndex(a.shape, index)];
}

export function flatIndex(shape: readonly number[], index: readonly number[]): number {
  let flat = 0;
  for (let axis = 0; axis < shape.length; axis++) flat = flat * shape[axis] + index[axis];
  return flat;
}

/** The axis counted from the front. */
export const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** A copy of a list with one entry replaced. */
export function replaced<T>(list: readonly T[], where: number, value: T): T[] {
  const copy = [...list];
  copy[where < 0 ? where + list.length : where] = value;
  return copy;
}

/** A copy of a list with `values` put in at `where` in place of `removed` entries. */
export function spliced<T>(list: readonly T[], where: number, removed: number, ...values: T[]): T[] {
  const copy = [...list];
  copy.splice(where, removed, ...values);
  return copy;
}
