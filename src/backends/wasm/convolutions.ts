// Convolutions in two and three dimensions and their gradients, each one product of matrices (product.ts): the patches of
// the input, element by element offsets from a padded copy, times the filter. A 2-D convolution is a 3-D one of depth 1.
import { refuse } from '../refuse';
import { tf } from '../tf';
import { finish, type Activation, type Kernel, type Kernels, type TensorInfo } from './kernel';
import type { WasmBackend } from './module';
import { grid } from './product';

export type Three = [depth: number, height: number, width: number];

/** The geometry of a convolution of [batch, ...input, channels] with [...filter, channels, outChannels]. */
interface Geometry {
  batch: number;
  input: Three;
  channels: number;
  output: Three;
  outChannels: number;
  filter: Three;
  stride: Three;
  dilation: Three;
  /** Zeros before the first element. */
  pad: Three;
  inShape: number[];
  outShape: number[];
  filterShape: number[];
}

type Sizes = number | [number, number] | [number, number, number];
interface Attributes {
  strides: Sizes;
  pad: tf.backend_util.ExplicitPadding | 'valid' | 'same' | number;
  dilations?: Sizes;
  dataFormat?: 'NHWC' | 'NCHW' | 'NDHWC';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The geometry that TensorFlow.js gives an op, 2-D or 3-D by the rank of its input. */
function geometry(
  kernel: string,
  inShape: number[],
  filterShape: number[],
  attributes: Attributes,
): Geometry {
  const { strides, pad, dilations = 1, dataFormat, dimRoundingMode } = attributes;
  if (dataFormat === 'NCHW')
    throw refuse(kernel, 'wasm', 'it has channels last only (NHWC), and was given NCHW', [
      'tensorflow',
      'cpu',
    ]);
  if (inShape.length === 5) {
    const info = tf.backend_util.computeConv3DInfo(
      inShape as never,
      filterShape as never,
      strides as never,
      dilations as never,
      pad as never,
    );
    return {
      ...common(info),
      input: [info.inDepth, info.inHeight, info.inWidth],
      output: [info.outDepth, info.outHeight, info.outWidth],
      filter: [info.filterDepth, info.filterHeight, info.filterWidth],
      stride: [info.strideDepth, info.strideHeight, info.strideWidth],
      dilation: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
      pad: before(info.padInfo),
    };
  }
  const info = tf.backend_util.computeConv2DInfo(
    inShape as never,
    filterShape as never,
    strides as never,
    dilations as never,
    pad,
    dimRoundingMode,
  );
  return {
    ...common(info),
    input: [1, info.inHeight, info.inWidth],
    output: [1, info.outHeight, info.outWidth],
    filter: [1, info.filterHeight, info.filterWidth],
    stride: [1, info.strideHeight, info.strideWidth],
    dilation: [1, info.dilationHeight, info.dilationWidth],
    pad: before(info.padInfo),
  };
}

/**
 * Zeros before the first element. In three dimensions TensorFlow.js gives a negative number for 'same' where the window is
 * smaller than the stride, which samples other places than TensorFlow does; there it is 0.
 */
export const before = (pad: { front?: number; top: number; left: number }): Three => [
  Math.max(0, pad.front ?? 0),
  Math.max(0, pad.top),
  Math.max(0, pad.left),
];

const common = (info: tf.backend_util.Conv2DInfo | tf.backend_util.Conv3DInfo) => ({
  batch: info.batchSize,
  channels: info.inChannels,
  outChannels: info.outChannels,
  inShape: info.inShape,
  outShape: info.outShape,
  filterShape: info.filterShape,
});

/** One sample in the heap with zeros around it: its first byte, and the bytes from one element to the next. */
interface Padded {
  base: number;
  strides: Three;
}

/** Run `f` on sample `index` of [batch, ...size, channels], cut or filled with zeros to `full`, `zerosBefore` of it first. */
function withPadding(
  backend: WasmBackend,
  x: TensorInfo,
  index: number,
  [depth, height, width]: Three,
  channels: number,
  zerosBefore: Three,
  full: Three,
  f: (padded: Padded) => void,
): void {
  const row = 4 * channels * width;
  const sample = backend.address(x) + index * row * height * depth;
  if (zerosBefore.every((n) => n === 0) && full[1] === height && full[2] === width && full[0] <= depth)
    return f({ base: sample, strides: [row * height, row, 4 * channels] });
  const fullRow = 4 * channels * full[2];
  const copy = backend.makeOutput([...full, channels], 'float32');
  const to = backend.address(copy);
  const heap = backend.bytes;
  heap.fill(0, to, to + fullRow * full[1] * full[0]);
  const bytes = 4 * channels * Math.min(width, full[2] - zerosBefore[2]);
  for (let d = 0; d < Math.min(depth, full[0] - zerosBefore[0]); d++)
    for (let h = 0; h < Math.min(height, full[1] - zerosBefore[1]); h++) {
      const from = sample + (d * height + h) * row;
      const at =
        to + ((d + zerosBefore[0]) * full[1] + h + zerosBefore[1]) * fullRow + 4 * channels * zerosBefore[2];
      heap.copyWithin(at, from, from + bytes);
    }
  f({ base: to, strides: [fullRow * full[1], fullRow, 4 * channels] });
  backend.disposeData(copy.dataId);
}

/** The padded input of a convolution and its patches: one row a place of the output, one column a weight. */
function withPatches(
  backend: WasmBackend,
  x: TensorInfo,
  index: number,
  g: Geometry,
  f: (base: number, places: Int32Array, weights: Int32Array) => void,
): void {
  const full = g.input.map((_, i) => (g.output[i] - 1) * g.stride[i] + (g.filter[i] - 1) * g.dilation[i] + 1);
  withPadding(backend, x, index, g.input, g.channels, g.pad, full as Three, ({ base, strides }) =>
    f(
      base,
      grid(g.output, times(strides, g.stride)),
      grid([...g.filter, g.channels], [...times(strides, g.dilation), 4]),
    ),
  );
}

const times = (a: Three, b: Three): Three => [a[0] * b[0], a[1] * b[1], a[2] * b[2]];
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function convolve(backend: WasmBackend, x: TensorInfo, filter: TensorInfo, g: Geometry): TensorInfo {
  const out = backend.makeOutput(g.outShape, 'float32');
  const [places, weights] = [size(g.output), size(g.filter) * g.channels];
  for (let i = 0; i < g.batch; i++)
    withPatches(backend, x, i, g, (base, rows, columns) =>
      backend.multiply(
        { base, rows, columns },
        plain(backend.address(filter), weights, g.outChannels),
        plain(backend.address(out) + 4 * i * places * g.outChannels, places, g.outChannels),
      ),
    );
  return out;
}

/** A matrix whose rows lie one after the other. */
const plain = (base: number, rows: number, columns: number) => ({
  base,
  rows: grid([rows], [4 * columns]),
  columns: grid([columns], [4]),
});

/** The gradient of the filter: patches, transposed, times the gradient of the output, summed over the batch. */
function filterGradient(backend: WasmBackend, x: TensorInfo, dy: TensorInfo, g: Geometry): TensorInfo {
  const out = backend.makeOutput(g.filterShape, 'float32');
  const [places, weights] = [size(g.output), size(g.filter) * g.channels];
  const result = plain(backend.address(out), weights, g.outChannels);
  for (let i = 0; i < g.batch; i++)
    withPatches(backend, x, i, g, (base, columns, rows) =>
      backend.multiply(
        { base, rows, columns },
        plain(backend.address(dy) + 4 * i * places * g.outChannels, places, g.outChannels),
        result,
        i > 0,
      ),
    );
  return out;
}

/**
 * The places of one direction that are reached by the same taps: with stride s, input u - pad takes part in output
 * (u - tap * dilation) / s for the taps that leave no rest, and which taps these are depends on u modulo s alone.
 */
interface Phase {
  /** The first input place, how many there are (`stride` apart), and the output place that tap 0 would have. */
  first: number;
  count: number;
  from: number;
  /** The taps, and how many output places each lies before `from`. */
  taps: number[];
  back: number[];
}

function phases(g: Geometry, axis: number): Phase[] {
  const [stride, dilation, pad] = [g.stride[axis], g.dilation[axis], g.pad[axis]];
  return Array.from({ length: stride }, (_, rest) => {
    const from = Math.max(0, Math.ceil((pad - rest) / stride));
    const first = rest + stride * from - pad;
    const count = Math.max(0, Math.ceil((g.input[axis] - first) / stride));
    const taps = Array.from({ length: g.filter[axis] }, (_, tap) => tap).filter(
      (tap) => (tap * dilation - rest) % stride === 0,
    );
    return { first, count, from, taps, back: taps.map((tap) => (tap * dilation - rest) / stride) };
  }).filter((phase) => phase.count > 0);
}

/** The gradient of the input: for each phase a product of the output's gradient with the taps that reach it. */
function inputGradient(backend: WasmBackend, dy: TensorInfo, filter: TensorInfo, g: Geometry): TensorInfo {
  const out = backend.makeOutput(g.inShape, 'float32');
  const axes = [0, 1, 2].map((axis) => phases(g, axis));
  // Zeros around the output's gradient, enough for every phase.
  const zerosBefore = axes.map((ps) =>
    Math.max(0, ...ps.flatMap((p) => p.back.map((b) => b - p.from))),
  ) as Three;
  const full = axes.map((ps, i) =>
    Math.max(1, ...ps.flatMap((p) => p.back.map((b) => zerosBefore[i] + p.from + p.count - b))),
  ) as Three;
  const [channels, outChannels] = [4 * g.channels, 4 * g.outChannels];
  const inStrides: Three = [g.input[1] * g.input[2] * channels, g.input[2] * channels, channels];
  const tapBytes = g.channels * outChannels;
  const tapStrides: Three = [g.filter[1] * g.filter[2] * tapBytes, g.filter[2] * tapBytes, tapBytes];
  for (let i = 0; i < g.batch; i++)
    withPadding(backend, dy, i, g.output, g.outChannels, zerosBefore, full, ({ base, strides }) => {
      for (const d of axes[0])
        for (const h of axes[1])
          for (const w of axes[2]) {
            const three = [d, h, w];
            const at = (values: (p: Phase) => number, bytes: Three): number =>
              three.reduce((sum, p, axis) => sum + values(p) * bytes[axis], 0);
            const reached = combine(
              three.map((p) => p.back.map((b) => -b)),
              strides,
            );
            const taps = combine(
              three.map((p) => p.taps),
              tapStrides,
            );
            const counts = three.map((p) => p.count);
            backend.multiply(
              {
                base:
                  base +
                  at((p) => p.from, strides) +
                  zerosBefore.reduce((s, n, axis) => s + n * strides[axis], 0),
                rows: grid(counts, strides),
                columns: inner(reached, g.outChannels, 4),
              },
              {
                base: backend.address(filter),
                rows: inner(taps, g.outChannels, 4),
                columns: grid([g.channels], [outChannels]),
              },
              {
                base: backend.address(out) + i * size(g.input) * channels + at((p) => p.first, inStrides),
                rows: grid(counts, times(inStrides, g.stride)),
                columns: grid([g.channels], [4]),
              },
            );
          }
    });
  return out;
}

/** The sums of one value of each list, each times its stride; the last list fastest. */
function combine(lists: readonly (readonly number[])[], strides: Three): number[] {
  return lists.reduce<number[]>(
    (sums, list, axis) => sums.flatMap((sum) => list.map((value) => sum + value * strides[axis])),
    [0],
  );
}

/** Every offset, followed by `n - 1` more that lie `bytes` apart. */
const inner = (offsets: readonly number[], n: number, bytes: number): Int32Array =>
  Int32Array.from({ length: offsets.length * n }, (_, i) => offsets[Math.floor(i / n)] + (i % n) * bytes);

const forward =
  (kernel: string): Kernel<Attributes & Activation> =>
  (inputs, attributes, backend) => {
    const { x, filter } = inputs;
    const g = geometry(kernel, x.shape, filter.shape, attributes);
    return finish(backend, convolve(backend, x, filter, g), inputs, attributes);
  };

const toFilter =
  (kernel: string): Kernel<Attributes & { filterShape: number[] }> =>
  ({ x, dy }, attributes, backend) =>
    filterGradient(backend, x, dy, geometry(kernel, x.shape, attributes.filterShape, attributes));

const toInput =
  (kernel: string): Kernel<Attributes & { inputShape: number[] }> =>
  ({ dy, filter }, attributes, backend) =>
    inputGradient(backend, dy, filter, geometry(kernel, attributes.inputShape, filter.shape, attributes));

export const convolutions: Kernels = {
  Conv2D: forward('Conv2D'),
  FusedConv2D: forward('FusedConv2D'),
  Conv2DBackpropFilter: toFilter('Conv2DBackpropFilter'),
  Conv2DBackpropInput: toInput('Conv2DBackpropInput'),
  Conv3D: forward('Conv3D'),
  Conv3DBackpropFilterV2: toFilter('Conv3DBackpropFilterV2'),
  Conv3DBackpropInputV2: toInput('Conv3DBackpropInputV2'),
};
