// A 3-D U-Net with instance norms, leaky ReLU, strided convolutions down and up-convolutions by a product. The real models
// take its place under the same row names.
import { adam } from '../../../src/backends/optimisers';
import { scope } from '../../../src/backends/scope';
import { tf } from '../../../src/backends/tf';
import type { Tensors, TensorTree } from '../../../src/backends/training-step';
import { flattenTree, unflattenTree } from '../../../src/backends/training-step';
import { crossEntropy } from '../../../src/losses/segmentation';
import type { Part } from '../../../src/memory/parts';
import { pathsUnder, runParts } from '../../../src/memory/parts';
import { leakyRelu } from '../../../src/nn/activations';
import { convolutionSpec, convolve3d, upConvolutionSpec, upConvolve3d } from '../../../src/nn/convolution';
import { linear, linearSpec } from '../../../src/nn/linear';
import { instanceNorm, normSpec } from '../../../src/nn/norm';
import type { TensorsOf } from '../../../src/nn/parameters';
import { Parameter, uniform } from '../../../src/nn/parameters';
import type { Plan } from './workload';
import { plan } from './workload';

export interface UnetSize {
  /** Side of the cube, in voxels; a multiple of 2 to the number of levels less one. */
  size: number;
  /** Channels of the first level; each further has twice as many. */
  base: number;
  levels: number;
  classes: number;
}

const layerSpec = (from: number, to: number) => ({
  convolution: convolutionSpec([3, 3, 3], from, to),
  norm: normSpec(to),
});
type Layer = TensorsOf<ReturnType<typeof layerSpec>>;

/** Convolution, instance norm, leaky ReLU. */
const layer = (x: tf.Tensor, { convolution, norm }: Layer, stride = 1): tf.Tensor =>
  leakyRelu(instanceNorm(convolve3d(x, convolution, stride), norm));

function specs({ size, base, levels, classes }: UnetSize) {
  const channels = Array.from({ length: levels }, (_, level) => base * 2 ** level);
  return {
    frozen: {},
    trained: {
      down: channels.map((to, level) => [layerSpec(channels[level - 1] ?? 1, to), layerSpec(to, to)]),
      // From the deepest up; up[0] brings the lowest level to the one above it.
      up: channels
        .slice(0, -1)
        .map((to) => ({
          up: upConvolutionSpec(2 * to, to),
          layers: [layerSpec(2 * to, to), layerSpec(to, to)],
        }))
        .reverse(),
      head: linearSpec(base, classes),
    },
    inputs: {
      volume: new Parameter([1, size, size, size, 1], uniform(-1, 1)),
      /** Whole numbers of it are the classes. */
      labels: new Parameter([1, size, size, size], uniform(0, classes - 0.001)),
    },
  };
}

/** The step. */
export function unet3d(size: UnetSize): Plan {
  const { size: side, base } = size;
  return plan({
    name: `U-Net ${side} cubed, base ${base}`,
    kind: 'unet3d',
    size: { ...size },
    ...specs(size),
    optimiser: adam({ learningRate: 1e-3 }),
    flop: flop(size),
    loss: (own, { volume, labels }) =>
      unetLoss(runParts(unetParts(own), flattenTree(own.trained), volume), labels),
  });
}

interface UnetParameters {
  trained: TensorsOf<ReturnType<typeof specs>['trained']>;
}

/** The net in parts, [1, size, size, size, 1] to logits [voxels, classes]: each on the way up reads what its level left. */
export function unetParts({ trained }: UnetParameters): Part[] {
  const { down, up } = trained;
  const own = (tensors: Tensors): UnetParameters['trained'] => unflattenTree(trained as TensorTree, tensors) as never; // prettier-ignore
  const part = (name: string, path: string, run: Part['run'], reads?: string[]): Part => ({
    name,
    trained: pathsUnder(trained, path),
    run,
    ...(reads && { reads }),
  });
  return [
    ...down.map((_, level) =>
      part(`down ${level}`, `down/${level}`, (tensors, x) => {
        const [first, second] = own(tensors).down[level];
        return layer(layer(x, first, level === 0 ? 1 : 2), second);
      }),
    ),
    ...up.map((_, k) => {
      const level = up.length - 1 - k;
      const before = k === 0 ? `down ${up.length}` : `up ${level + 1}`;
      return part(
        `up ${level}`,
        `up/${k}`,
        (tensors, x, skip) => {
          const { up: rise, layers } = own(tensors).up[k];
          return layers.reduce((y, each) => layer(y, each), tf.concat([upConvolve3d(x, rise), skip], 4));
        },
        [before, `down ${level}`],
      );
    }),
    part('head', 'head', (tensors, x) => linear(tf.reshape(x, [-1, x.shape[4]!]), own(tensors).head)),
  ];
}

/** Cross-entropy of every voxel. @param logits  [voxels, classes]  @param labels  whole numbers of it are the classes */
export const unetLoss = (logits: tf.Tensor, labels: tf.Tensor): tf.Tensor =>
  scope('losses', () => crossEntropy(logits, tf.cast(tf.reshape(labels, [-1]), 'int32')));

/** FLOP of convolutions and products, forward and backward by both factors, but of the volume itself. */
function flop({ size, base, levels, classes }: UnetSize): number {
  const voxels = (level: number): number => (size / 2 ** level) ** 3;
  const channels = (level: number): number => base * 2 ** level;
  const convolution = (from: number, to: number, level: number): number => 2 * 27 * from * to * voxels(level);
  let sum = 2 * base * classes * voxels(0);
  for (let level = 0; level < levels; level++) {
    const c = channels(level);
    if (level > 0) sum += convolution(c / 2, c, level);
    sum += convolution(c, c, level);
    if (level === levels - 1) continue;
    const rise = 2 * (2 * c) * (8 * c) * voxels(level + 1);
    sum += rise + convolution(2 * c, c, level) + convolution(c, c, level);
  }
  return 3 * sum + 2 * convolution(1, base, 0);
}
