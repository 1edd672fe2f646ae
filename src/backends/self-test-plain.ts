// The ops of the self-test in plain float64 JavaScript, each written from its definition. Arrays are row-major.

type Numbers = readonly number[];

/** An index into a row-major array. */
function at(shape: Numbers, ...index: number[]): number {
  return index.reduce((offset, i, axis) => offset * shape[axis] + i, 0);
}

/** Every index of a shape, in row-major order. */
function indices(shape: Numbers): number[][] {
  return shape.reduce<number[][]>(
    (list, n) => list.flatMap((index) => Array.from({ length: n }, (_, i) => [...index, i])),
    [[]],
  );
}

/** A function that is linear in each of two arrays: a sum over terms `to[o] += a[i] * b[j]`, found once. */
function bilinear(size: number, terms: (add: (o: number, i: number, j: number) => void) => void): TwoArrays {
  const found: [number, number, number][] = [];
  terms((o, i, j) => found.push([o, i, j]));
  return (a, b) => {
    const to = new Array<number>(size).fill(0);
    for (const [o, i, j] of found) to[o] += a[i] * b[j];
    return to;
  };
}
type TwoArrays = (a: Numbers, b: Numbers) => number[];

/** [b, m, k] x [b, k, n] -> [b, m, n]; a transposed operand is stored with its last two axes exchanged. */
export function matMul([batch, m, k, n]: Numbers, transposeA: boolean, transposeB: boolean): TwoArrays {
  return bilinear(batch * m * n, (add) => {
    for (const [g, i, j, l] of indices([batch, m, n, k])) {
      const left = transposeA ? at([batch, k, m], g, l, i) : at([batch, m, k], g, i, l);
      const right = transposeB ? at([batch, n, k], g, j, l) : at([batch, k, n], g, l, j);
      add(at([batch, m, n], g, i, j), left, right);
    }
  });
}

/**
 * Convolution of x [...space, channels] with w [...window, channels, out] in any number of dimensions, padded with zeros
 * to `ceil(space / stride)` as TensorFlow's `same` does (less before than after).
 */
export function convolve(
  space: Numbers,
  window: Numbers,
  channels: number,
  out: number,
  stride: number,
): TwoArrays {
  const size = space.map((n) => Math.ceil(n / stride));
  const before = size.map((n, d) => Math.max(0, (n - 1) * stride + window[d] - space[d]) >> 1);
  return bilinear(
    size.reduce((a, b) => a * b, out),
    (add) => {
      for (const to of indices(size))
        for (const tap of indices(window)) {
          const from = tap.map((t, d) => to[d] * stride + t - before[d]);
          if (from.some((p, d) => p < 0 || p >= space[d])) continue;
          for (const [c, o] of indices([channels, out]))
            add(
              at([...size, out], ...to, o),
              at([...space, channels], ...from, c),
              at([...window, channels, out], ...tap, c, o),
            );
        }
    },
  );
}

/** Up-convolution in the plane whose window is its stride: x [h, w, channels], weights [s, s, out, channels]. */
export function upConvolve([h, w]: Numbers, stride: number, channels: number, out: number): TwoArrays {
  return bilinear(h * stride * w * stride * out, (add) => {
    for (const [i, j, o, c] of indices([h * stride, w * stride, out, channels]))
      add(
        at([h * stride, w * stride, out], i, j, o),
        at([h, w, channels], Math.floor(i / stride), Math.floor(j / stride), c),
        at([stride, stride, out, channels], i % stride, j % stride, o, c),
      );
  });
}

/** The largest of each 2 x 2 window of x [h, w, channels]. */
export function maxPool(x: Numbers, [h, w, channels]: Numbers): number[] {
  return indices([h / 2, w / 2, channels]).map(([i, j, c]) =>
    Math.max(...indices([2, 2]).map(([p, q]) => x[at([h, w, channels], 2 * i + p, 2 * j + q, c)])),
  );
}

/** Rows of a row-major matrix. */
function rows(x: Numbers, width: number): number[][] {
  return Array.from({ length: x.length / width }, (_, r) => x.slice(r * width, (r + 1) * width));
}

/** Layer norm over the last axis, with scale and shift. */
export function layerNorm(x: Numbers, scale: Numbers, shift: Numbers, epsilon: number): number[] {
  return rows(x, scale.length).flatMap((row) => {
    const mean = row.reduce((sum, v) => sum + v, 0) / row.length;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / row.length;
    return row.map((v, i) => ((v - mean) / Math.sqrt(variance + epsilon)) * scale[i] + shift[i]);
  });
}

/** Softmax over the last axis. */
export function softmax(x: Numbers, width: number): number[] {
  return rows(x, width).flatMap((row) => {
    const powers = row.map(Math.exp);
    const sum = powers.reduce((total, p) => total + p, 0);
    return powers.map((p) => p / sum);
  });
}

/** x times the normal distribution's share below x; the error function by its series (for small x). */
export function gelu(x: Numbers): number[] {
  return x.map((v) => {
    const z = v / Math.SQRT2;
    let term = z;
    let sum = z;
    for (let n = 1; n < 60; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return (v / 2) * (1 + (2 / Math.sqrt(Math.PI)) * sum);
  });
}

/** Twice the size by linear interpolation, x [h, w, channels]: pixel 2p is pixel p of the original; edges repeat. */
export function enlarge(x: Numbers, [h, w, channels]: Numbers): number[] {
  const between = (p: number, n: number): [number, number, number] => {
    const low = Math.floor(p / 2);
    return [low, Math.min(low + 1, n - 1), p / 2 - low];
  };
  return indices([2 * h, 2 * w, channels]).map(([i, j, c]) => {
    const [top, bottom, down] = between(i, h);
    const [left, right, across] = between(j, w);
    const pixel = (p: number, q: number): number => x[at([h, w, channels], p, q, c)];
    const upper = pixel(top, left) * (1 - across) + pixel(top, right) * across;
    const lower = pixel(bottom, left) * (1 - across) + pixel(bottom, right) * across;
    return upper * (1 - down) + lower * down;
  });
}

/** Elements of x picked by their index in a shape: slices, transpositions, gathers and paddings are such (null is a zero). */
export function pick(
  x: Numbers,
  shape: Numbers,
  to: Numbers,
  from: (index: number[]) => number[] | null,
): number[] {
  return indices(to).map((index) => {
    const source = from(index);
    return source ? x[at(shape, ...source)] : 0;
  });
}

/** The derivative of `sum(weights * f(x))` by each number of x, by central differences. */
export function gradient(f: (x: Numbers) => number[], x: Numbers, weights: Numbers): number[] {
  const loss = (point: Numbers): number => f(point).reduce((sum, v, i) => sum + v * weights[i], 0);
  const h = 1e-5;
  return x.map((v, i) => {
    const moved = (by: number): number[] => x.map((other, j) => (i === j ? v + by : other));
    return (loss(moved(h)) - loss(moved(-h))) / (2 * h);
  });
}
