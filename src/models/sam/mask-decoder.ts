// SAM's mask decoder (Kirillov et al. 2023, arXiv 2304.02643): masks, and how good it takes them to be, from the embeddings of
// an image and of its prompts.
import { scope } from '../../backends/scope';
import { tf } from '../../backends/tf';
import { gelu } from '../../nn/activations';
import { layerNorm, normSpec } from '../../nn/norm';
import type { TensorsOf } from '../../nn/parameters';
import { normal, Parameter } from '../../nn/parameters';
import { rectified, rectifiedSpec } from '../../nn/rectified';
import { transposedConvolution, transposedConvolutionSpec } from '../../nn/transposed-convolution';
import type { MaskDecoderConfig } from './config';
import type { TwoWayTransformerSpec } from './two-way-transformer';
import { twoWayTransformer, twoWayTransformerSpec } from './two-way-transformer';

type LinearSpec = Record<'weight' | 'bias', Parameter>;

export type MaskDecoderSpec = Readonly<{
  tokens: Readonly<Record<'quality' | 'masks', Parameter>>;
  transformer: TwoWayTransformerSpec;
  upscaling: {
    readonly first: LinearSpec;
    readonly norm: ReturnType<typeof normSpec>;
    readonly second: LinearSpec;
  };
  /** One for each mask: it makes of the mask's token what each pixel is multiplied with. */
  hypernetworks: readonly (readonly LinearSpec[])[];
  quality: readonly LinearSpec[];
}>;
export type MaskDecoder = TensorsOf<MaskDecoderSpec>;

/** Parameters of the mask decoder: 4,058,340 in every published SAM. */
export function maskDecoderSpec(config: MaskDecoderConfig): MaskDecoderSpec {
  const { width, masks, iouDepth, iouHidden } = config;
  const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  return {
    tokens: {
      quality: new Parameter([1, width], normal(1)),
      masks: new Parameter([masks + 1, width], normal(1)),
    },
    transformer: twoWayTransformerSpec(config),
    upscaling: {
      first: transposedConvolutionSpec(2, width, width / 4),
      norm: normSpec(width / 4),
      second: transposedConvolutionSpec(2, width / 4, width / 8),
    },
    hypernetworks: times(masks + 1, () => rectifiedSpec([width, width, width, width / 8])),
    quality: rectifiedSpec([width, ...times(iouDepth - 1, () => iouHidden), masks + 1]),
  };
}

/** What the decoder makes masks from. */
export interface DecoderInput {
  /** Of the image encoder, [batch, rows, columns, width]. */
  image: tf.Tensor;
  /** Of `gridPositions`, [rows, columns, width]. */
  positions: tf.Tensor;
  /** Of the prompt encoder: [batch, prompts, tokens, width], or none. */
  sparse: tf.Tensor | undefined;
  /** Of the prompt encoder: [batch, prompts or 1, rows, columns, width], or [1, width]. */
  dense: tf.Tensor;
}

/** Masks and their quality. */
export interface Masks {
  /** Logits, [batch, prompts, 4 rows, 4 columns, masks]: above 0 is inside. */
  masks: tf.Tensor;
  /** The intersection over union that the decoder expects of each mask with the truth, [batch, prompts, masks]. */
  quality: tf.Tensor;
}

/**
 * Masks of every prompt; without prompts, of one that says nothing.
 * @param several  true: the masks that an unclear prompt may mean (3 in every published SAM); false: the one of a clear
 *   prompt. Those that are not asked for are not computed, and their parameters get no gradient.
 */
export function maskDecoder(
  parameters: MaskDecoder,
  input: DecoderInput,
  config: MaskDecoderConfig,
  several: boolean,
): Masks {
  const [batch, rows, columns, width] = input.image.shape;
  const { prompts, image } = imageTokens(input);
  const all = batch * prompts;
  const made = 1 + config.masks;
  const own = tf.concat([parameters.tokens.quality, parameters.tokens.masks], 0);
  const mine = tf.tile(tf.expandDims(own, 0), [all, 1, 1]);
  const tokens = input.sparse
    ? tf.concat([mine, tf.reshape(input.sparse, [all, input.sparse.shape[2]!, width])], 1)
    : mine;
  const positions = tf.reshape(input.positions, [rows * columns, width]);
  const out = scope('transformer', () =>
    twoWayTransformer(parameters.transformer, { tokens, image }, positions, config),
  );

  const { first, norm, second } = parameters.upscaling;
  const grid = tf.reshape(out.image, [all, rows, columns, width]);
  const larger = scope('upscaling', () => {
    const half = gelu(layerNorm(transposedConvolution(grid, first), norm));
    return gelu(transposedConvolution(half, second)); // [all, 4 rows, 4 columns, width / 8]
  });

  const [from, to] = several ? [1, made] : [0, 1];
  const tokenAt = (at: number): tf.Tensor =>
    tf.reshape(tf.slice(out.tokens, [0, at, 0], [-1, 1, -1]), [all, width]);
  const kernels = parameters.hypernetworks
    .slice(from, to)
    .map((layers, k) => rectified(tokenAt(1 + from + k), layers));
  const pixels = tf.reshape(larger, [all, 16 * rows * columns, width / 8]);
  const masks = tf.matMul(pixels, tf.stack(kernels, 1), false, true); // [all, pixels, masks]
  const quality = tf.slice(rectified(tokenAt(0), parameters.quality), [0, from], [-1, to - from]);
  return {
    masks: tf.reshape(masks, [batch, prompts, 4 * rows, 4 * columns, to - from]),
    quality: tf.reshape(quality, [batch, prompts, to - from]),
  };
}

/** The image's tokens with what a mask adds, once for each prompt: [batch * prompts, rows * columns, width]. */
function imageTokens({ image, sparse, dense }: DecoderInput): { prompts: number; image: tf.Tensor } {
  const [batch, rows, columns, width] = image.shape;
  const tokens = rows * columns;
  const ofMasks = dense.rank === 5 ? dense.shape[1]! : 1;
  const prompts = sparse?.shape[1] ?? ofMasks;
  const flat = tf.reshape(image, [batch, 1, tokens, width]);
  const added = tf.add(flat, dense.rank === 5 ? tf.reshape(dense, [batch, ofMasks, tokens, width]) : dense);
  const every = ofMasks === prompts ? added : tf.tile(added, [1, prompts, 1, 1]);
  return { prompts, image: tf.reshape(every, [batch * prompts, tokens, width]) };
}
