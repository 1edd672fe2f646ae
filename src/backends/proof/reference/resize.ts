// References: images at other sizes, by interpolation along one axis after the other.
import { type Array64, at, build, filled } from './array';
import { matMul } from './product';
import { reshape, transpose } from './shape';

/** Where sample i of the result lies in the source. */
export type Sampling = 'half-pixel' | 'align-corners' | 'top-left';

export function sourceOf(i: number, from: number, to: number, sampling: Sampling): number {
  if (sampling === 'align-corners') return to > 1 ? (i * (from - 1)) / (to - 1) : 0;
  if (sampling === 'top-left') return (i * from) / to;
  return ((i + 0.5) * from) / to - 0.5;
}

/** The matrix [to, from] that interpolates linearly along an axis; samples beyond the edge take its value. */
export function linearWeights(from: number, to: number, sampling: Sampling): Array64 {
  const weights = filled([to, from], 0);
  for (let i = 0; i < to; i++) {
    const x = Math.min(from - 1, Math.max(0, sourceOf(i, from, to, sampling)));
    const low = Math.floor(x);
    weights.data[i * from + low] += 1 - (x - low);
    weights.data[i * from + Math.min(from - 1, low + 1)] += x - low;
  }
  return weights;
}

/** Multiplies an axis of `a` by a matrix [to, from]. */
export function alongAxis(a: Array64, weights: Array64, axis: number): Array64 {
  const order = a.shape.map((_, k) => k);
  order.unshift(...order.splice(axis, 1));
  const front = transpose(a, order);
  const flat = matMul(weights, reshape(front, [front.shape[0], a.data.length / front.shape[0]]));
  const back = order.map((_, k) => order.indexOf(k));
  return transpose(reshape(flat, [weights.shape[0], ...front.shape.slice(1)]), back);
}

/** Linear interpolation of the space axes 1 .. n of x [b, ...space, c]: bilinear, trilinear. */
export const resizeLinear = (x: Array64, space: readonly number[], sampling: Sampling): Array64 =>
  space.reduce((a, to, k) => alongAxis(a, linearWeights(x.shape[k + 1], to, sampling), k + 1), x);

/** The nearest sample: x [b, h, w, c]. Halves go up with aligned corners, positions are cut down else. */
export function resizeNearest(x: Array64, space: readonly number[], sampling: Sampling): Array64 {
  const source = (i: number, axis: number): number => {
    const [from, to] = [x.shape[axis + 1], space[axis]];
    if (sampling === 'align-corners') return Math.min(from - 1, Math.round(sourceOf(i, from, to, sampling)));
    const shift = sampling === 'half-pixel' ? 0.5 : 0;
    return Math.min(from - 1, Math.floor(((i + shift) * from) / to));
  };
  return build([x.shape[0], ...space, x.shape.at(-1)!], (index) =>
    at(
      x,
      index.map((i, axis) => (axis === 0 || axis === index.length - 1 ? i : source(i, axis - 1))),
    ),
  );
}

/** Boxes [y1, x1, y2, x2] in shares of the image, each sampled at `size` points from corner to corner. */
export function cropAndResize(x: Array64, boxes: Array64, owners: Array64, size: [number, number]): Array64 {
  const [, h, w, c] = x.shape;
  return build([boxes.shape[0], ...size, c], ([n, i, j, channel]) => {
    const [y1, x1, y2, x2] = boxes.data.subarray(n * 4, n * 4 + 4);
    const y = y1 * (h - 1) + (i * (y2 - y1) * (h - 1)) / (size[0] - 1);
    const z = x1 * (w - 1) + (j * (x2 - x1) * (w - 1)) / (size[1] - 1);
    const [top, left] = [Math.floor(y), Math.floor(z)];
    const pixel = (dy: number, dx: number): number =>
      at(x, [owners.data[n], Math.min(h - 1, top + dy), Math.min(w - 1, left + dx), channel]);
    const upper = pixel(0, 0) * (1 - (z - left)) + pixel(0, 1) * (z - left);
    const lower = pixel(1, 0) * (1 - (z - left)) + pixel(1, 1) * (z - left);
    return upper * (1 - (y - top)) + lower * (y - top);
  });
}

/**
 * ROIAlign (He et al. 2017, aligned): the mean of `samples` points an axis in each of `bins` bins of the box [from, to),
 * in pixel edges, as a matrix [bins, length] for one axis.
 */
export function roiAlignWeights(
  length: number,
  from: number,
  to: number,
  bins: number,
  samples: number,
): Array64 {
  const weights = filled([bins, length], 0);
  for (let bin = 0; bin < bins; bin++) {
    for (let s = 0; s < samples; s++) {
      const position = from + ((bin + (s + 0.5) / samples) * (to - from)) / bins - 0.5;
      const x = Math.min(length - 1, Math.max(0, position));
      const low = Math.floor(x);
      weights.data[bin * length + low] += (1 - (x - low)) / samples;
      weights.data[bin * length + Math.min(length - 1, low + 1)] += (x - low) / samples;
    }
  }
  return weights;
}
