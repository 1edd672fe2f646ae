// Cases: pools in two and three dimensions.
import { type Check, normal, opCase, type OpCase, shown, spaced } from './case';
import { bordersOf, type Window } from './reference/convolution';
import { averagePool, maxPool } from './reference/pool';

type Padding = 'same' | 'valid' | number;

const settings2d: [number[], number, number, Padding][] = [
  [[1, 4, 6, 3], 2, 2, 'valid'],
  [[2, 5, 7, 2], 2, 2, 'same'],
  [[1, 7, 8, 4], 3, 2, 'valid'],
  [[1, 7, 6, 2], 3, 2, 1],
  [[1, 5, 5, 1], 3, 1, 'same'],
];
const settings3d: [number[], number, number, Padding][] = [
  [[1, 4, 4, 6, 2], 2, 2, 'valid'],
  [[2, 3, 5, 4, 2], 2, 2, 'same'],
  [[1, 5, 4, 5, 1], 3, 1, 'same'],
  [[1, 7, 5, 5, 2], 3, 2, 'valid'],
];

function check(kind: 'max' | 'avg', [x, size, stride, padding]: (typeof settings2d)[number]): Check {
  const space = x.slice(1, -1);
  const kernel = space.map(() => size);
  const strides = space.map(() => stride);
  const dilation = space.map(() => 1);
  const window: Window = {
    stride: strides,
    dilation,
    borders: bordersOf(padding, space, kernel, strides, dilation),
  };
  const widths = JSON.stringify([...window.borders].reverse().flat());
  return {
    setting: `${shown(x)} by ${size} stride ${stride} ${padding}`,
    inputs: [kind === 'max' ? spaced(...x) : normal(...x)],
    run: (tf, [a]) => {
      if (space.length === 2)
        return kind === 'max'
          ? tf.maxPool(a as never, size, stride, padding)
          : tf.avgPool(a as never, size, stride, padding);
      return kind === 'max'
        ? tf.maxPool3d(a as never, size, stride, padding)
        : tf.avgPool3d(a as never, size, stride, padding);
    },
    reference: ([a]) => (kind === 'max' ? maxPool(a, kernel, window) : averagePool(a, kernel, window)),
    torch: `${kind}_pool(a, ${space.length}, ${widths}, ${size}, ${stride})`,
  };
}

export const poolCases: OpCase[] = [
  opCase(
    'pool',
    'maxPool',
    settings2d.map((s) => check('max', s)),
  ),
  opCase(
    'pool',
    'avgPool',
    settings2d.map((s) => check('avg', s)),
  ),
  opCase(
    'pool',
    'maxPool3d',
    settings3d.map((s) => check('max', s)),
  ),
  opCase(
    'pool',
    'avgPool3d',
    settings3d.map((s) => check('avg', s)),
  ),
];
