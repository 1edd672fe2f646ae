// References: elements taken from and put to places that other tensors name.
import { type Array64, array64, at, build, filled, flatIndex, fromFront, sizeOf, replaced } from './array';

/**
 * Slices of `a` along an axis at `indices`, whose axes take that axis's place. The first `batch` axes are shared by both.
 */
export function gather(a: Array64, indices: Array64, axis = 0, batch = 0): Array64 {
  const along = fromFront(axis, a.shape.length);
  const own = indices.shape.slice(batch);
  const shape = [...a.shape.slice(0, along), ...own, ...a.shape.slice(along + 1)];
  return build(shape, (index) => {
    const which = at(indices, [...index.slice(0, batch), ...index.slice(along, along + own.length)]);
    return at(a, [...index.slice(0, along), which, ...index.slice(along + own.length)]);
  });
}

/** Slices of `a` at the rows of `indices` [..., k], each an index of the first k axes. */
export function gatherND(a: Array64, indices: Array64): Array64 {
  const depth = indices.shape.at(-1)!;
  const rows = indices.shape.slice(0, -1);
  return build([...rows, ...a.shape.slice(depth)], (index) => {
    const start = flatIndex(rows, index) * depth;
    return at(a, [...indices.data.subarray(start, start + depth), ...index.slice(rows.length)]);
  });
}

/** Zeros of `shape` to which the slices of `updates` are added (or, with `base`, which they replace) at `indices` [n, k]. */
export function scatterND(
  indices: Array64,
  updates: Array64,
  shape: readonly number[],
  base?: Array64,
): Array64 {
  const depth = indices.shape.at(-1)!;
  const out = base ? array64(shape, base.data) : filled(shape, 0);
  const width = sizeOf(shape.slice(depth));
  for (let row = 0; row < indices.data.length / depth; row++) {
    const start =
      flatIndex(shape.slice(0, depth), [...indices.data.subarray(row * depth, (row + 1) * depth)]) * width;
    for (let i = 0; i < width; i++) {
      const value = updates.data[row * width + i];
      out.data[start + i] = base ? value : out.data[start + i] + value;
    }
  }
  return out;
}

/** Rows of `a` added up by segment; negative segments are left out. */
export function segmentSum(a: Array64, segments: Array64, count: number): Array64 {
  const out = filled([count, ...a.shape.slice(segments.shape.length)], 0);
  const width = out.data.length / count;
  segments.data.forEach((segment, row) => {
    if (segment < 0) return;
    for (let i = 0; i < width; i++) out.data[segment * width + i] += a.data[row * width + i];
  });
  return out;
}

export const oneHot = (indices: Array64, depth: number, on = 1, off = 0): Array64 =>
  build([...indices.shape, depth], (index, flat) =>
    indices.data[Math.floor(flat / depth)] === index.at(-1) ? on : off,
  );

/** The k largest of each row, the largest first, and where they stood. */
export function topK(a: Array64, k: number): [values: Array64, indices: Array64] {
  const width = a.shape.at(-1)!;
  const shape = replaced(a.shape, -1, k);
  const order = Array.from({ length: a.data.length / width }, (_, row) =>
    Array.from({ length: width }, (_, i) => i)
      .sort((i, j) => a.data[row * width + j] - a.data[row * width + i])
      .slice(0, k),
  );
  return [
    array64(
      shape,
      order.flatMap((best, row) => best.map((i) => a.data[row * width + i])),
    ),
    array64(shape, order.flat()),
  ];
}
