// References: pools over windows, channels last. Borders are outside the image: they never win and are not counted.
import { type Array64, filled } from './array';
import { eachMeeting, spaceOut, type Window } from './convolution';

function pool(x: Array64, kernel: readonly number[], w: Window, f: (seen: number[]) => number): Array64 {
  const [batch, space, c] = [x.shape[0], x.shape.slice(1, -1), x.shape.at(-1)!];
  const shape = spaceOut(space, kernel, w);
  const out = filled([batch, ...shape, c], 0);
  const [nOut, nIn] = [out.data.length / batch / c, x.data.length / batch / c];
  const seen = Array.from(out.data, (): number[] => []);
  eachMeeting(space, kernel, shape, w, (output, input) => {
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < c; i++) seen[(b * nOut + output) * c + i].push(x.data[(b * nIn + input) * c + i]);
    }
  });
  return { shape: out.shape, data: Float64Array.from(seen, f) };
}

export const maxPool = (x: Array64, kernel: readonly number[], w: Window): Array64 =>
  pool(x, kernel, w, (seen) => Math.max(...seen));

export const averagePool = (x: Array64, kernel: readonly number[], w: Window): Array64 =>
  pool(x, kernel, w, (seen) => seen.reduce((s, v) => s + v, 0) / seen.length);
