// References: moving elements without changing them.
import { type Array64, array64, at, build, fromFront, replaced, spliced } from './array';

export const reshape = (a: Array64, shape: readonly number[]): Array64 => array64(shape, a.data);

/** Axis k of the result is axis `order[k]` of `a`; reversed when absent. */
export function transpose(
  a: Array64,
  order: readonly number[] = a.shape.map((_, axis) => axis).reverse(),
): Array64 {
  return build(
    order.map((axis) => a.shape[axis]),
    (index) => {
      const source = a.shape.map(() => 0);
      order.forEach((axis, k) => (source[axis] = index[k]));
      return at(a, source);
    },
  );
}

export function concat(parts: readonly Array64[], axis: number): Array64 {
  const along = fromFront(axis, parts[0].shape.length);
  const length = parts.reduce((n, part) => n + part.shape[along], 0);
  return build(replaced(parts[0].shape, along, length), (index) => {
    let i = index[along];
    const part = parts.find((p) => i < p.shape[along] || ((i -= p.shape[along]), false))!;
    return at(part, replaced(index, along, i));
  });
}

/** The box of `size` that starts at `begin`; a size of -1 reaches to the end. */
export function slice(a: Array64, begin: readonly number[], size: readonly number[]): Array64 {
  const shape = size.map((length, axis) => (length === -1 ? a.shape[axis] - begin[axis] : length));
  return build(shape, (index) =>
    at(
      a,
      index.map((i, axis) => i + begin[axis]),
    ),
  );
}

/** Every `strides`-th element from `begin` up to, not including, `end`; a negative stride runs backwards. */
export function stridedSlice(
  a: Array64,
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[],
): Array64 {
  const shape = begin.map((b, axis) => Math.max(0, Math.ceil((end[axis] - b) / strides[axis])));
  return build(shape, (index) =>
    at(
      a,
      index.map((i, axis) => begin[axis] + i * strides[axis]),
    ),
  );
}

/** Parts of the given lengths along an axis. */
export function split(a: Array64, lengths: readonly number[], axis: number): Array64[] {
  const along = fromFront(axis, a.shape.length);
  let start = 0;
  return lengths.map((length) => {
    const begin = replaced(
      a.shape.map(() => 0),
      along,
      start,
    );
    start += length;
    return slice(a, begin, replaced(a.shape, along, length));
  });
}

export function stack(parts: readonly Array64[], axis: number): Array64 {
  const wide = parts.map((part) => reshape(part, spliced(part.shape, axis, 0, 1)));
  return concat(wide, axis);
}

export function unstack(a: Array64, axis: number): Array64[] {
  const along = fromFront(axis, a.shape.length);
  const ones = new Array<number>(a.shape[along]).fill(1);
  return split(a, ones, along).map((part) => reshape(part, spliced(part.shape, along, 1)));
}

/** A border of `value` of the widths [before, after] on each axis. */
export function pad(a: Array64, widths: readonly (readonly [number, number])[], value = 0): Array64 {
  const shape = a.shape.map((length, axis) => length + widths[axis][0] + widths[axis][1]);
  return build(shape, (index) => {
    const source = index.map((i, axis) => i - widths[axis][0]);
    return source.every((i, axis) => i >= 0 && i < a.shape[axis]) ? at(a, source) : value;
  });
}

/** A border that mirrors the array: `reflect` without the edge element, `symmetric` with it. */
export function mirrorPad(
  a: Array64,
  widths: readonly (readonly [number, number])[],
  mode: 'reflect' | 'symmetric',
): Array64 {
  const edge = mode === 'reflect' ? 0 : 1;
  const shape = a.shape.map((length, axis) => length + widths[axis][0] + widths[axis][1]);
  return build(shape, (index) =>
    at(
      a,
      index.map((i, axis) => {
        const source = i - widths[axis][0];
        if (source < 0) return -source - edge;
        const last = a.shape[axis] - 1;
        return source > last ? 2 * last - source + edge : source;
      }),
    ),
  );
}

export const tile = (a: Array64, times: readonly number[]): Array64 =>
  build(
    a.shape.map((length, axis) => length * times[axis]),
    (index) =>
      at(
        a,
        index.map((i, axis) => i % a.shape[axis]),
      ),
  );

export function reverse(a: Array64, axes: readonly number[]): Array64 {
  const turned = new Set(axes.map((axis) => fromFront(axis, a.shape.length)));
  return build(a.shape, (index) =>
    at(
      a,
      index.map((i, axis) => (turned.has(axis) ? a.shape[axis] - 1 - i : i)),
    ),
  );
}

/** Channels to a block of pixels: [b, h, w, block * block * c] to [b, h * block, w * block, c]. */
export function depthToSpace(a: Array64, block: number): Array64 {
  const [b, h, w, channels] = a.shape;
  const c = channels / block ** 2;
  const wide = transpose(reshape(a, [b, h, w, block, block, c]), [0, 1, 3, 2, 4, 5]);
  return reshape(wide, [b, h * block, w * block, c]);
}

/** Blocks of pixels to the batch: [b, h, w, c] to [block * block * b, h / block, w / block, c]. */
export function spaceToBatch(a: Array64, block: number): Array64 {
  const [b, h, w, c] = a.shape;
  const cut = reshape(a, [b, h / block, block, w / block, block, c]);
  return reshape(transpose(cut, [2, 4, 0, 1, 3, 5]), [block * block * b, h / block, w / block, c]);
}

/** The inverse of `spaceToBatch`. */
export function batchToSpace(a: Array64, block: number): Array64 {
  const [batch, h, w, c] = a.shape;
  const b = batch / block ** 2;
  const wide = transpose(reshape(a, [block, block, b, h, w, c]), [2, 3, 0, 4, 1, 5]);
  return reshape(wide, [b, h * block, w * block, c]);
}
