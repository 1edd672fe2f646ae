// SAM 3's vision trunk (Carion et al. 2025, arXiv 2511.16719): images to a grid of tokens. Its blocks differ from SAM's in
// where positions come from: a grid learned on smaller images, repeated, and rotations of queries and keys.
import { attention, rotate } from '../../backends/fused';
import { tf } from '../../backends/tf';
import { linear, linearSpec, perceptron, perceptronSpec, product } from '../../nn/linear';
import { layerNorm, normSpec } from '../../nn/norm';
import type { TensorsOf } from '../../nn/parameters';
import { normal, Parameter } from '../../nn/parameters';
import { toPatches } from '../../nn/patches';
import type { Rotation } from '../../nn/rotary';
import { gridRotation } from '../../nn/rotary';
import { fromWindows } from '../../nn/windows';
import type { Adapted, BlockAdapters, EncoderOptions } from '../vision-transformer';
import { checkAdapters, checkAxes, checkBlock, part, runBlocks, windowHeads } from '../vision-transformer';
import type { Sam3TrunkConfig } from './config';

const blockSpec = ({ width, hidden }: Sam3TrunkConfig) => ({
  norm1: normSpec(width),
  qkv: linearSpec(width, 3 * width),
  projection: linearSpec(width, width),
  norm2: normSpec(width),
  perceptron: perceptronSpec(width, hidden),
});
type BlockSpec = ReturnType<typeof blockSpec>;
type TrunkBlock = TensorsOf<BlockSpec>;
/** A type and no interface: it is to be a tree of parameters. */
type TrunkSpec = Readonly<{
  patch: Record<'weight', Parameter>;
  position: Parameter;
  norm: ReturnType<typeof normSpec>;
  blocks: readonly BlockSpec[];
}>;
export type Sam3Trunk = TensorsOf<TrunkSpec>;

/**
 * The trunk's parameters: patches [patch * patch * channels, width] without a bias, positions [side, side, width] of the
 * pretrained grid, and the blocks.
 */
export function sam3TrunkSpec(config: Sam3TrunkConfig): TrunkSpec {
  const { patchSize, channels, width, depth, pretrainedSize } = config;
  const pixels = patchSize * patchSize * channels;
  const side = pretrainedSize / patchSize;
  return {
    patch: { weight: new Parameter([pixels, width], normal(pixels ** -0.5)) },
    position: new Parameter([side, side, width], normal(0.02)),
    norm: normSpec(width),
    blocks: Array.from({ length: depth }, () => blockSpec(config)),
  };
}

/** For messages. */
const what = "SAM 3's trunk";

/** The pretrained grid of positions beside and below itself until it covers a grid of side x side tokens. */
function repeated(position: tf.Tensor, side: number): tf.Tensor {
  const [own, , width] = position.shape;
  if (own === side) return position;
  const times = Math.ceil(side / own);
  return tf.slice(tf.tile(position, [times, times, 1]), [0, 0, 0], [side, side, width]);
}

/** How the tokens of a window turn, and those of the whole grid. */
export type TrunkAngles = Readonly<Record<'inWindow' | 'inGrid', Rotation>>;

/** Angles of all blocks; tensors, the caller's to free. */
export function trunkAngles({
  imageSize,
  patchSize,
  width,
  heads,
  window,
  rotaryBase,
}: Sam3TrunkConfig): TrunkAngles {
  /** A window's tokens lie one apart, those of the whole grid so that the last are no further off than in a window. */
  const rotationOf = (tokens: number): Rotation =>
    gridRotation({ rows: tokens, columns: tokens, width: width / heads, base: rotaryBase, step: window / tokens }); // prettier-ignore
  return { inWindow: rotationOf(window), inGrid: rotationOf(imageSize / patchSize) };
}

/** Attention of tokens that see each other, turned by their places: [batch, rows, columns, width] to the same shape. */
function attend(
  x: tf.Tensor,
  { qkv, projection }: TrunkBlock,
  { span, rotation }: { span: number; rotation: Rotation },
  heads: number,
  adapters?: BlockAdapters,
  scale?: number,
): tf.Tensor {
  const { q, k, v } = windowHeads(x, qkv, span, heads, adapters, scale);
  const mixed = attention(rotate(q, rotation), rotate(k, rotation), v, { scale: q.shape[2]! ** -0.5 });
  const [batch, rows, columns] = x.shape;
  return linear(fromWindows(mixed, span, [batch, rows, columns], heads), projection);
}

/**
 * One block: attention and perceptron, each added to what came in.
 * @param x      [batch, rows, columns, width]
 * @param block  its number, which says whether it has windows and which adapters are its own
 * @returns the same shape
 */
export function trunkBlock(
  own: TrunkBlock,
  x: tf.Tensor,
  { heads, epsilon, window, globalBlocks }: Sam3TrunkConfig,
  block: number,
  { inWindow, inGrid }: TrunkAngles,
  { adapters, scale }: Adapted = {},
): tf.Tensor {
  const seen = globalBlocks.includes(block)
    ? { span: x.shape[1]!, rotation: inGrid }
    : { span: window, rotation: inWindow };
  return part(`block ${block}`, () => {
    const h = layerNorm(x, own.norm1, epsilon);
    const y = tf.add(x, attend(h, own, seen, heads, adapters?.[block], scale));
    return tf.add(y, perceptron(layerNorm(y, own.norm2, epsilon), own.perceptron));
  });
}

/** Patches with their positions, normalised: [batch, imageSize, imageSize, channels] to [batch, side, side, width]. */
export function trunkTokens(
  { patch, position, norm }: Pick<Sam3Trunk, 'patch' | 'position' | 'norm'>,
  images: tf.Tensor,
  { imageSize, patchSize, channels, width, epsilon }: Sam3TrunkConfig,
): tf.Tensor {
  checkAxes(what, images, [imageSize, imageSize, channels], 'images [batch, height, width, channels]');
  const side = imageSize / patchSize;
  return part('embed', () => {
    const rows = product(toPatches(images, patchSize), patch.weight); // [batch * side * side, width]
    const tokens = tf.reshape(rows, [images.shape[0], side, side, width]);
    return layerNorm(tf.add(tokens, repeated(position, side)), norm, epsilon);
  });
}

/**
 * Images to tokens on their grid. Adapters and `from` are taken as SAM's image encoder takes them.
 * @param images  [batch, imageSize, imageSize, channels], stretched to the square and from -1 to 1, as the model was trained;
 *   with `from` what the blocks before it gave, [batch, side, side, width]
 * @returns [batch, side, side, width], side = imageSize / patchSize
 * @throws InputError for other shapes, and for options that the trunk has no block for
 */
export function sam3Trunk(
  parameters: Sam3Trunk,
  images: tf.Tensor,
  config: Sam3TrunkConfig,
  { from, ...adapted }: EncoderOptions = {},
): tf.Tensor {
  const { imageSize, patchSize, width, depth } = config;
  const side = imageSize / patchSize;
  checkAdapters(what, depth, adapted);
  if (from !== undefined) {
    checkBlock(what, depth, from);
    checkAxes(what, images, [side, side, width], `features before block ${from}`);
  }
  return tf.tidy(() => {
    const angles = trunkAngles(config);
    const x = from === undefined ? trunkTokens(parameters, images, config) : images;
    return runBlocks(x, from ?? 0, depth, (y, k) =>
      trunkBlock(parameters.blocks[k], y, config, k, angles, adapted),
    );
  });
}
