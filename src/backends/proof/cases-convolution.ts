// Cases: convolutions in two and three dimensions, depthwise, dilated and transposed.
import { type Check, constant, normal, opCase, type OpCase, shown } from './case';
import { add, map } from './reference/elementwise';
import {
  bordersOf,
  convolve,
  convolveDepthwise,
  convolveTransposed,
  type Window,
} from './reference/convolution';

type Padding = 'same' | 'valid' | number;

interface Setting {
  x: number[];
  filter: number[];
  stride: number;
  padding: Padding;
  dilation?: number;
}

const windowOf = (space: number[], kernel: number[], { stride, padding, dilation = 1 }: Setting): Window => {
  const strides = space.map(() => stride);
  const dilations = space.map(() => dilation);
  return {
    stride: strides,
    dilation: dilations,
    borders: bordersOf(padding, space, kernel, strides, dilations),
  };
};

const named = (s: Setting): string =>
  `${shown(s.x)} ${shown(s.filter)} stride ${s.stride} ${s.padding}${s.dilation ? ` dilation ${s.dilation}` : ''}`;

/** PyTorch's call: borders by hand, channels first. */
function torchCall(s: Setting, dims: 2 | 3, groups = 1): string {
  const space = s.x.slice(1, -1);
  const { borders } = windowOf(space, s.filter.slice(0, -2), s);
  const widths = JSON.stringify([...borders].reverse().flat());
  return `conv(a, b, ${dims}, ${widths}, ${s.stride}, ${s.dilation ?? 1}, ${groups})`;
}

const conv2d = (s: Setting): Check => ({
  setting: named(s),
  inputs: [normal(...s.x), normal(...s.filter)],
  run: (tf, [x, w]) => tf.conv2d(x as never, w as never, s.stride, s.padding),
  reference: ([x, w]) => convolve(x, w, windowOf(s.x.slice(1, -1), s.filter.slice(0, 2), s)),
  torch: torchCall(s, 2),
});

const conv3d = (s: Setting): Check => ({
  setting: named(s),
  inputs: [normal(...s.x), normal(...s.filter)],
  run: (tf, [x, w]) => tf.conv3d(x as never, w as never, s.stride, s.padding as 'same'),
  reference: ([x, w]) => convolve(x, w, windowOf(s.x.slice(1, -1), s.filter.slice(0, 3), s)),
  torch: torchCall(s, 3),
});

const depthwise = (s: Setting): Check => ({
  setting: named(s),
  inputs: [normal(...s.x), normal(...s.filter)],
  run: (tf, [x, w]) => tf.depthwiseConv2d(x as never, w as never, s.stride, s.padding),
  reference: ([x, w]) => convolveDepthwise(x, w, windowOf(s.x.slice(1, -1), s.filter.slice(0, 2), s)),
  torch: torchCall(s, 2, s.x[3]),
});

/** Transposed: the borders are those of the convolution that goes from the result to the input. */
function transposed(s: Setting): Check {
  const space = s.x.slice(1, -1);
  const kernel = s.filter.slice(0, -2);
  const target = space.map((length, axis) =>
    s.padding === 'same'
      ? length * s.stride
      : (length - 1) * s.stride + kernel[axis] - (s.padding === 'valid' ? 0 : 2 * s.padding),
  );
  const window = windowOf(target, kernel, s);
  const shape = [s.x[0], ...target, s.filter.at(-2)!];
  return {
    setting: named(s),
    inputs: [normal(...s.x), normal(...s.filter)],
    run: (tf, [x, w]) =>
      space.length === 2
        ? tf.conv2dTranspose(x as never, w as never, shape as never, s.stride, s.padding)
        : tf.conv3dTranspose(x as never, w as never, shape as never, s.stride, s.padding as 'same'),
    reference: ([x, w]) => convolveTransposed(x, w, target, window),
    torch: `conv_transpose(a, b, ${space.length}, ${JSON.stringify(window.borders)}, ${s.stride})`,
  };
}

export const convolutionCases: OpCase[] = [
  opCase('convolution', 'conv2d', [
    conv2d({ x: [1, 5, 6, 3], filter: [3, 3, 3, 4], stride: 1, padding: 'same' }),
    conv2d({ x: [2, 7, 5, 2], filter: [3, 3, 2, 5], stride: 1, padding: 'valid' }),
    conv2d({ x: [1, 6, 7, 4], filter: [3, 3, 4, 8], stride: 1, padding: 1 }),
    conv2d({ x: [2, 4, 4, 8], filter: [1, 1, 8, 3], stride: 1, padding: 'same' }),
    conv2d({ x: [1, 12, 12, 16], filter: [3, 3, 16, 16], stride: 1, padding: 'same' }),
    conv2d({ x: [1, 5, 6, 1], filter: [2, 4, 1, 3], stride: 1, padding: 'same' }),
  ]),
  opCase('convolution', 'conv2d, strided', [
    conv2d({ x: [1, 8, 8, 3], filter: [3, 3, 3, 4], stride: 2, padding: 'same' }),
    conv2d({ x: [2, 7, 9, 2], filter: [3, 3, 2, 3], stride: 2, padding: 'same' }),
    conv2d({ x: [1, 8, 9, 2], filter: [3, 3, 2, 3], stride: 2, padding: 'valid' }),
    conv2d({ x: [1, 8, 7, 2], filter: [3, 3, 2, 3], stride: 2, padding: 1 }),
    conv2d({ x: [1, 8, 8, 3], filter: [1, 1, 3, 4], stride: 2, padding: 'same' }),
    conv2d({ x: [2, 8, 12, 3], filter: [4, 4, 3, 6], stride: 4, padding: 'valid' }),
  ]),
  opCase(
    'convolution',
    'conv2d, dilated (forward only)',
    [
      { x: [1, 9, 8, 3], filter: [3, 3, 3, 4], stride: 1, padding: 'same' as const, dilation: 2 },
      { x: [2, 9, 9, 2], filter: [3, 3, 2, 3], stride: 1, padding: 'valid' as const, dilation: 3 },
    ].map((s): Check => ({
      ...conv2d(s),
      inputs: [constant(normal(...s.x)), constant(normal(...s.filter))],
      run: (tf, [x, w]) => tf.conv2d(x as never, w as never, s.stride, s.padding, 'NHWC', s.dilation),
    })),
  ),
  opCase('convolution', 'conv2d (fused with bias and activation)', [
    {
      setting: '[1, 5, 6, 3] [3, 3, 3, 4] + [4], relu',
      inputs: [normal(1, 5, 6, 3), normal(3, 3, 3, 4), normal(4)],
      run: (tf, [x, filter, bias]) =>
        tf.fused.conv2d({
          x: x as never,
          filter: filter as never,
          strides: 1,
          pad: 'same',
          bias,
          activation: 'relu',
        }),
      reference: ([x, w, bias]) =>
        map(
          add(
            convolve(x, w, windowOf([5, 6], [3, 3], { x: [], filter: [], stride: 1, padding: 'same' })),
            bias,
          ),
          (v) => Math.max(0, v),
        ),
      torch: '(conv(a, b, 2, [1, 1, 1, 1], 1, 1, 1) + c).relu()',
    },
  ]),
  opCase('convolution', 'depthwiseConv2d', [
    depthwise({ x: [1, 6, 5, 3], filter: [3, 3, 3, 1], stride: 1, padding: 'same' }),
    depthwise({ x: [2, 7, 8, 4], filter: [3, 3, 4, 2], stride: 1, padding: 'valid' }),
    depthwise({ x: [1, 8, 8, 3], filter: [3, 3, 3, 1], stride: 2, padding: 'same' }),
    depthwise({ x: [1, 6, 6, 2], filter: [3, 3, 2, 1], stride: 1, padding: 1 }),
  ]),
  opCase('convolution', 'conv2dTranspose', [
    transposed({ x: [1, 3, 4, 5], filter: [2, 2, 3, 5], stride: 2, padding: 'valid' }),
    transposed({ x: [2, 4, 4, 4], filter: [2, 2, 8, 4], stride: 2, padding: 'same' }),
    transposed({ x: [1, 4, 3, 2], filter: [3, 3, 4, 2], stride: 2, padding: 'same' }),
    transposed({ x: [1, 4, 3, 2], filter: [4, 4, 3, 2], stride: 2, padding: 1 }),
    transposed({ x: [1, 5, 4, 3], filter: [3, 3, 2, 3], stride: 1, padding: 'same' }),
  ]),
  opCase('convolution', 'conv3d', [
    conv3d({ x: [1, 4, 5, 3, 2], filter: [3, 3, 3, 2, 3], stride: 1, padding: 'same' }),
    conv3d({ x: [2, 4, 4, 5, 3], filter: [3, 3, 3, 3, 2], stride: 1, padding: 'valid' }),
    conv3d({ x: [1, 3, 4, 4, 6], filter: [1, 1, 1, 6, 4], stride: 1, padding: 'same' }),
    conv3d({ x: [1, 6, 6, 6, 8], filter: [3, 3, 3, 8, 8], stride: 1, padding: 'same' }),
    conv3d({ x: [1, 4, 4, 4, 1], filter: [2, 2, 2, 1, 3], stride: 1, padding: 'same' }),
    conv3d({ x: [1, 3, 5, 5, 2], filter: [1, 3, 3, 2, 3], stride: 1, padding: 'same' }),
  ]),
  opCase('convolution', 'conv3d, strided', [
    conv3d({ x: [1, 4, 6, 4, 2], filter: [3, 3, 3, 2, 3], stride: 2, padding: 'same' }),
    conv3d({ x: [2, 5, 4, 7, 2], filter: [3, 3, 3, 2, 2], stride: 2, padding: 'same' }),
    conv3d({ x: [1, 5, 6, 7, 2], filter: [3, 3, 3, 2, 2], stride: 2, padding: 'valid' }),
    conv3d({ x: [1, 4, 4, 4, 3], filter: [2, 2, 2, 3, 4], stride: 2, padding: 'valid' }),
    conv3d({ x: [1, 4, 4, 6, 3], filter: [1, 1, 1, 3, 4], stride: 2, padding: 'same' }),
  ]),
  opCase('convolution', 'conv3dTranspose', [
    transposed({ x: [1, 2, 3, 2, 4], filter: [2, 2, 2, 3, 4], stride: 2, padding: 'valid' }),
    transposed({ x: [2, 2, 2, 3, 3], filter: [2, 2, 2, 2, 3], stride: 2, padding: 'same' }),
    transposed({ x: [1, 3, 2, 2, 2], filter: [3, 3, 3, 3, 2], stride: 2, padding: 'same' }),
    transposed({ x: [1, 3, 3, 3, 2], filter: [3, 3, 3, 2, 2], stride: 1, padding: 'same' }),
  ]),
];
