// SAM's image encoder (Kirillov et al. 2023, arXiv 2304.02643; Li et al. 2022, ViTDet, arXiv 2203.16527): patches to tokens,
// blocks of attention in windows and over the whole grid, and a neck that makes features of them.
import { attention } from '../../backends/fused';
import { tf } from '../../backends/tf';
import { linear, linearSpec, perceptron, perceptronSpec, product } from '../../nn/linear';
import { layerNorm, normSpec } from '../../nn/norm';
import { constant, normal, Parameter, type TensorsOf } from '../../nn/parameters';
import { embedPatches } from '../../nn/patches';
import { relativePositionsSpec, relativeTerms } from '../../nn/relative-positions';
import { fromWindows } from '../../nn/windows';
import type { Adapted, BlockAdapters, EncoderOptions } from '../vision-transformer';
import { checkAdapters, checkAxes, checkBlock, part, runBlocks, windowHeads } from '../vision-transformer';
import { gridOf, type ImageEncoderConfig, spanOf } from './config';

/** Of the neck, whatever the blocks have. */
const neckEpsilon = 1e-6;

/** Queries, keys and values in one product. */
function joinedSpec({ width, qkvBias }: ImageEncoderConfig) {
  const { weight, bias } = linearSpec(width, 3 * width);
  return { weight, ...(qkvBias && { bias }) };
}

function blockSpec(config: ImageEncoderConfig, block: number) {
  const { width, heads, hidden } = config;
  const relative = relativePositionsSpec(spanOf(config, block), width / heads);
  return {
    norm1: normSpec(width),
    qkv: joinedSpec(config),
    ...(config.relativePositions && { relative }),
    projection: linearSpec(width, width),
    norm2: normSpec(width),
    perceptron: perceptronSpec(width, hidden),
  };
}

function encoderSpec(config: ImageEncoderConfig) {
  const { patchSize, channels, width, depth, neck } = config;
  const grid = gridOf(config);
  return {
    embed: linearSpec(patchSize * patchSize * channels, width),
    ...(config.absolutePositions && { position: new Parameter([grid, grid, width], constant(0)) }),
    blocks: Array.from({ length: depth }, (_, block) => blockSpec(config, block)),
    neck: {
      project: { weight: new Parameter([width, neck], normal(width ** -0.5)) },
      norm1: normSpec(neck),
      convolve: { filter: new Parameter([3, 3, neck, neck], normal((9 * neck) ** -0.5)) },
      norm2: normSpec(neck),
    },
  };
}
type ImageEncoderSpec = ReturnType<typeof encoderSpec>;
export type ImageEncoder = TensorsOf<ImageEncoderSpec>;
export type EncoderBlock = ImageEncoder['blocks'][number];

/** The parameters of the image encoder. Positions, absolute and relative, start at zero, as the reference's do. */
export const imageEncoderSpec = (config: ImageEncoderConfig): ImageEncoderSpec => encoderSpec(config);

/** For messages. */
const what = 'the image encoder';

/**
 * Images to features.
 * @param images  [batch, imageSize, imageSize, channels], prepared as SAM's are; with `from` features
 *   [batch, grid, grid, width], as `featuresBefore` gives them
 * @returns [batch, grid, grid, neck]
 * @throws InputError for other shapes, and for options that the encoder has no block for
 */
export function imageEncoder(
  parameters: ImageEncoder,
  images: tf.Tensor,
  config: ImageEncoderConfig,
  { from, ...adapted }: EncoderOptions = {},
): tf.Tensor {
  const { depth, width } = config;
  checkAdapters(what, depth, adapted);
  if (from !== undefined) {
    checkBlock(what, depth, from);
    checkAxes(what, images, [gridOf(config), gridOf(config), width], `features before block ${from}`);
  }
  return tf.tidy(() => {
    const x = from === undefined ? embedImages(parameters, images, config) : images;
    const y = runBlocks(x, from ?? 0, depth, (z, k) =>
      encoderBlock(parameters.blocks[k], z, config, k, adapted),
    );
    return encoderNeck(parameters.neck, y);
  });
}

/**
 * The features before a block: what `imageEncoder` begins with when it is told `from` the same block. Before block 0 they
 * are the embedded patches.
 * @param images  [batch, imageSize, imageSize, channels]
 * @returns [batch, grid, grid, width]
 * @throws InputError as `imageEncoder`
 */
export function featuresBefore(
  parameters: Pick<ImageEncoder, 'embed' | 'position' | 'blocks'>,
  images: tf.Tensor,
  config: ImageEncoderConfig,
  block: number,
): tf.Tensor {
  checkBlock(what, config.depth, block);
  return tf.tidy(() =>
    runBlocks(embedImages(parameters, images, config), 0, block, (x, k) =>
      encoderBlock(parameters.blocks[k], x, config, k),
    ),
  );
}

/** Patches to tokens with their positions: [batch, imageSize, imageSize, channels] to [batch, grid, grid, width]. */
export function embedImages(
  { embed, position }: Pick<ImageEncoder, 'embed' | 'position'>,
  images: tf.Tensor,
  config: ImageEncoderConfig,
): tf.Tensor {
  const { imageSize, patchSize, channels, width } = config;
  checkAxes(what, images, [imageSize, imageSize, channels], 'images [batch, height, width, channels]');
  const grid = gridOf(config);
  return part('embed', () => {
    const rows = embedPatches(images, embed, patchSize); // [batch * grid * grid, width]
    const tokens = tf.reshape(rows, [images.shape[0], grid, grid, width]);
    return position ? tf.add(tokens, position) : tokens;
  });
}

/**
 * One block: attention and perceptron, each added to what came in.
 * @param x      [batch, grid, grid, width]
 * @param block  its number, which says whether it has windows and which adapters are its own
 * @returns the same shape
 */
export function encoderBlock(
  own: EncoderBlock,
  x: tf.Tensor,
  config: ImageEncoderConfig,
  block: number,
  { adapters, scale }: Adapted = {},
): tf.Tensor {
  const { heads, epsilon } = config;
  const span = spanOf(config, block);
  return part(`block ${block}`, () => {
    const y = tf.tidy(() => {
      const h = layerNorm(x, own.norm1, epsilon);
      return tf.add(x, attend(h, own, span, heads, adapters?.[block], scale));
    });
    return tf.add(y, perceptron(layerNorm(y, own.norm2, epsilon), own.perceptron));
  });
}

/** Attention of tokens that see each other in windows of span x span: [batch, rows, columns, width] to the same shape. */
function attend(
  x: tf.Tensor,
  { qkv, relative, projection }: EncoderBlock,
  span: number,
  heads: number,
  adapters?: BlockAdapters,
  scale?: number,
): tf.Tensor {
  const { q, k, v } = windowHeads(x, qkv, span, heads, adapters, scale);
  const mixed = attention(q, k, v, {
    scale: q.shape[2]! ** -0.5,
    ...(relative && { relative: relativeTerms(q, relative) }),
  });
  const [batch, rows, columns] = x.shape;
  return linear(fromWindows(mixed, span, [batch, rows, columns], heads), projection);
}

/** Features of the width of tokens to those that a decoder takes: [batch, grid, grid, width] to [..., neck]. */
export function encoderNeck(
  { project, norm1, convolve, norm2 }: ImageEncoder['neck'],
  x: tf.Tensor,
): tf.Tensor {
  return part('neck', () => {
    const y = layerNorm(product(x, project.weight), norm1, neckEpsilon);
    const z = tf.conv2d(y as tf.Tensor4D, convolve.filter as tf.Tensor4D, 1, 'same');
    return layerNorm(z, norm2, neckEpsilon);
  });
}
