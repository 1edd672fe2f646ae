// The two-way transformer of SAM's mask decoder: a few tokens attend to each other and to the image, and the image attends
// to the tokens.
import { scope } from '../../backends/scope';
import { tf } from '../../backends/tf';
import { multiHeadAttention } from '../../nn/attention';
import { linear, linearSpec } from '../../nn/linear';
import { layerNorm, normSpec } from '../../nn/norm';
import type { Parameter, TensorsOf } from '../../nn/parameters';
import { rectified, rectifiedSpec } from '../../nn/rectified';
import type { MaskDecoderConfig } from './config';

/** How much narrower than the tokens attention between tokens and image is in the blocks; the last one's is configured. */
const narrowing = 2;
/** Of the last norm, in both references and whatever the configuration says. */
const lastEpsilon = 1e-5;

type LinearSpec = Record<'weight' | 'bias', Parameter>;

type ProjectedAttentionSpec = Readonly<Record<'query' | 'key' | 'value' | 'out', LinearSpec>>;
type ProjectedAttention = TensorsOf<ProjectedAttentionSpec>;

/** A block's parts in the order in which they run, each followed by its norm. */
type BlockSpec = Readonly<{
  /** Tokens attend to tokens. */
  among: ProjectedAttentionSpec;
  /** Tokens attend to the image. */
  toImage: ProjectedAttentionSpec;
  perceptron: readonly LinearSpec[];
  /** The image attends to the tokens. */
  toTokens: ProjectedAttentionSpec;
  norms: Readonly<Record<'among' | 'toImage' | 'perceptron' | 'toTokens', ReturnType<typeof normSpec>>>;
}>;
type Block = TensorsOf<BlockSpec>;

export type TwoWayTransformerSpec = Readonly<{
  blocks: readonly BlockSpec[];
  /** After the blocks, tokens attend to the image once more. */
  toImage: ProjectedAttentionSpec;
  norm: ReturnType<typeof normSpec>;
}>;
export type TwoWayTransformer = TensorsOf<TwoWayTransformerSpec>;

/** Attention with projections to a width of its own. */
function projectedAttentionSpec(width: number, inner: number): ProjectedAttentionSpec {
  return {
    query: linearSpec(width, inner),
    key: linearSpec(width, inner),
    value: linearSpec(width, inner),
    out: linearSpec(inner, width),
  };
}

function blockSpec({ width, hidden }: MaskDecoderConfig): BlockSpec {
  return {
    among: projectedAttentionSpec(width, width),
    toImage: projectedAttentionSpec(width, width / narrowing),
    perceptron: rectifiedSpec([width, hidden, width]),
    toTokens: projectedAttentionSpec(width, width / narrowing),
    norms: {
      among: normSpec(width),
      toImage: normSpec(width),
      perceptron: normSpec(width),
      toTokens: normSpec(width),
    },
  };
}

/** Parameters of the transformer: 3,291,264 in every published SAM. */
export function twoWayTransformerSpec(config: MaskDecoderConfig): TwoWayTransformerSpec {
  const { width, depth, downsample } = config;
  return {
    blocks: Array.from({ length: depth }, () => blockSpec(config)),
    toImage: projectedAttentionSpec(width, width / downsample),
    norm: normSpec(width),
  };
}

/** The tokens of the prompts, and those of the image. */
interface Both {
  /** [batch, tokens, width] */
  tokens: tf.Tensor;
  /** [batch, image tokens, width] */
  image: tf.Tensor;
}

/**
 * Tokens and image after having looked at each other.
 * @param given      tokens [batch, tokens, width], image [batch, image tokens, width]
 * @param positions  of the image's tokens, [image tokens, width]; the tokens' own are the tokens as they come in
 * @returns the same shapes
 */
export function twoWayTransformer(
  { blocks, toImage, norm }: TwoWayTransformer,
  given: Both,
  positions: tf.Tensor,
  config: MaskDecoderConfig,
): Both {
  const { heads } = config;
  let both = given;
  blocks.forEach((block, k) => {
    both = scope(`block ${k}`, () => twoWayBlock(block, both, given.tokens, positions, k === 0, config));
  });
  const query = tf.add(both.tokens, given.tokens);
  const seen = attend(toImage, query, tf.add(both.image, positions), both.image, heads);
  return { tokens: layerNorm(tf.add(both.tokens, seen), norm, lastEpsilon), image: both.image };
}

/** @param first  the first block, whose tokens are their own positions: it adds none, and nothing goes past its attention */
function twoWayBlock(
  { among, toImage, perceptron, toTokens, norms }: Block,
  { tokens, image }: Both,
  own: tf.Tensor,
  positions: tf.Tensor,
  first: boolean,
  { heads, epsilon }: MaskDecoderConfig,
): Both {
  const query = first ? tokens : tf.add(tokens, own);
  const mixed = attend(among, query, query, tokens, heads);
  let x = layerNorm(first ? mixed : tf.add(tokens, mixed), norms.among, epsilon);

  const placed = tf.add(image, positions);
  x = layerNorm(tf.add(x, attend(toImage, tf.add(x, own), placed, image, heads)), norms.toImage, epsilon);
  x = layerNorm(tf.add(x, rectified(x, perceptron)), norms.perceptron, epsilon);
  const answer = attend(toTokens, placed, tf.add(x, own), x, heads);
  return { tokens: x, image: layerNorm(tf.add(image, answer), norms.toTokens, epsilon) };
}

function attend(
  { query, key, value, out }: ProjectedAttention,
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  heads: number,
): tf.Tensor {
  return linear(multiHeadAttention(linear(q, query), linear(k, key), linear(v, value), heads), out);
}
