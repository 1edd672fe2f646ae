// Values moved between orders of axes, in memory and without arithmetic.

/** How far apart neighbours along each axis lie when values stand in row order. */
export function rowStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let step = 1;
  for (const length of [...shape].reverse()) {
    strides.unshift(step);
    step *= length;
  }
  return strides;
}

/**
 * Take a strided array into row order.
 * @param strides  steps of each axis in `values`, in values
 * @param offset   where the first value lies
 * @param out      filled from its start, in row order
 */
export function gather<T extends Record<number, unknown>>(
  values: T,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
  out: T,
): void {
  if (shape.includes(0)) return;
  const target: Record<number, unknown> = out;
  const last = shape.length - 1;
  let at = 0;
  const walk = (axis: number, from: number): void => {
    const [length, step] = [shape[axis], strides[axis]];
    if (axis < last) for (let i = 0; i < length; i++) walk(axis + 1, from + i * step);
    else for (let i = 0; i < length; i++) target[at++] = values[from + i * step];
  };
  if (last < 0) target[0] = values[offset];
  else walk(0, offset);
}

/** Values with their axes in another order, as `transpose` has it: axis k of the result is axis `axes[k]`. */
export function transposed(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  if (axes.every((axis, k) => axis === k)) return values;
  const strides = rowStrides(shape);
  const out = new Float32Array(values.length);
  const pick = (list: readonly number[]): number[] => axes.map((axis) => list[axis]);
  gather(values, pick(shape), pick(strides), 0, out);
  return out;
}
