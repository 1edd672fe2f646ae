// References: convolutions with any number of space axes, channels last, and their transposes.
import { type Array64, eachIndex, filled, flatIndex } from './array';

/** Width of the border [before, after] on each space axis. */
export type Borders = [number, number][];

/** How a window moves. */
export interface Window {
  stride: number[];
  borders: Borders;
  dilation: number[];
}

/**
 * The borders of TensorFlow's rule: `valid` none; `same` so that the result has ceil(length / stride) elements, the odd
 * one after; a number on all sides.
 */
export function bordersOf(
  padding: 'same' | 'valid' | number,
  space: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): Borders {
  return space.map((length, axis) => {
    if (typeof padding === 'number') return [padding, padding];
    if (padding === 'valid') return [0, 0];
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const all = Math.max(0, (Math.ceil(length / stride[axis]) - 1) * stride[axis] + reach - length);
    return [Math.floor(all / 2), all - Math.floor(all / 2)];
  });
}

/** The lengths of the result on the space axes. */
export const spaceOut = (space: readonly number[], kernel: readonly number[], w: Window): number[] =>
  space.map((length, axis) => {
    const reach = (kernel[axis] - 1) * w.dilation[axis] + 1;
    return Math.floor((length + w.borders[axis][0] + w.borders[axis][1] - reach) / w.stride[axis]) + 1;
  });

/** Calls `f` with the flat output position, input position and kernel position of every pair that meets. */
export function eachMeeting(
  space: readonly number[],
  kernel: readonly number[],
  out: readonly number[],
  w: Window,
  f: (output: number, input: number, tap: number) => void,
): void {
  eachIndex(out, (o, output) => {
    eachIndex(kernel, (k, tap) => {
      const input = k.map((i, axis) => o[axis] * w.stride[axis] + i * w.dilation[axis] - w.borders[axis][0]);
      if (input.every((i, axis) => i >= 0 && i < space[axis])) f(output, flatIndex(space, input), tap);
    });
  });
}

/** x [b, ...space, in], filter [...kernel, in, out] -> [b, ...space out, out]. */
export function convolve(x: Array64, filter: Array64, w: Window): Array64 {
  const [batch, space, cin] = [x.shape[0], x.shape.slice(1, -1), x.shape.at(-1)!];
  const [kernel, cout] = [filter.shape.slice(0, -2), filter.shape.at(-1)!];
  const shape = spaceOut(space, kernel, w);
  const out = filled([batch, ...shape, cout], 0);
  const [nOut, nIn] = [out.data.length / batch / cout, x.data.length / batch / cin];
  eachMeeting(space, kernel, shape, w, (output, input, tap) => {
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < cin; i++) {
        const value = x.data[(b * nIn + input) * cin + i];
        const [from, to] = [(tap * cin + i) * cout, (b * nOut + output) * cout];
        for (let o = 0; o < cout; o++) out.data[to + o] += value * filter.data[from + o];
      }
    }
  });
  return out;
}

/** Each channel with its own filters: x [b, h, w, c], filter [kh, kw, c, m] -> [b, h', w', c * m]. */
export function convolveDepthwise(x: Array64, filter: Array64, w: Window): Array64 {
  const [batch, space, c] = [x.shape[0], x.shape.slice(1, -1), x.shape.at(-1)!];
  const [kernel, m] = [filter.shape.slice(0, -2), filter.shape.at(-1)!];
  const shape = spaceOut(space, kernel, w);
  const out = filled([batch, ...shape, c * m], 0);
  const [nOut, nIn] = [out.data.length / batch / c / m, x.data.length / batch / c];
  eachMeeting(space, kernel, shape, w, (output, input, tap) => {
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < c; i++) {
        for (let j = 0; j < m; j++) {
          out.data[((b * nOut + output) * c + i) * m + j] +=
            x.data[(b * nIn + input) * c + i] * filter.data[(tap * c + i) * m + j];
        }
      }
    }
  });
  return out;
}

/** The transpose of `convolve` in x: x [b, ...space, in], filter [...kernel, out, in] -> [b, ...target, out]. */
export function convolveTransposed(
  x: Array64,
  filter: Array64,
  target: readonly number[],
  w: Window,
): Array64 {
  const [batch, space, cin] = [x.shape[0], x.shape.slice(1, -1), x.shape.at(-1)!];
  const [kernel, cout] = [filter.shape.slice(0, -2), filter.shape.at(-2)!];
  const out = filled([batch, ...target, cout], 0);
  const [nOut, nIn] = [out.data.length / batch / cout, x.data.length / batch / cin];
  eachMeeting(target, kernel, space, w, (from, to, tap) => {
    for (let b = 0; b < batch; b++) {
      for (let o = 0; o < cout; o++) {
        let total = 0;
        for (let i = 0; i < cin; i++) {
          total += x.data[(b * nIn + from) * cin + i] * filter.data[(tap * cout + o) * cin + i];
        }
        out.data[(b * nOut + to) * cout + o] += total;
      }
    }
  });
  return out;
}
