// SAM's prompt encoder (Kirillov et al. 2023, arXiv 2304.02643): points and boxes become tokens, a mask becomes something
// to add to the image's embedding.
import { tf } from '../../backends/tf';
import { gelu } from '../../nn/activations';
import { convolutionSpec, convolve2d } from '../../nn/convolution';
import { product } from '../../nn/linear';
import { layerNorm, normSpec } from '../../nn/norm';
import type { TensorsOf } from '../../nn/parameters';
import { normal, Parameter } from '../../nn/parameters';
import type { PromptEncoderConfig } from './config';

/** What the tokens of points tell the decoder. Only `foreground` and `background` take part in the position. */
export const pointLabels = {
  /** No point is here, and its token is zero: fills up where one image has fewer points than another. */
  absent: -10,
  /** No point, said by a token of its own: stands after points that come without a box. */
  notAPoint: -1,
  background: 0,
  foreground: 1,
} as const;

/**
 * Prompts of a batch of images. Every image has as many prompts, and each prompt makes masks of its own. Positions are in
 * pixels of the model's input, x before y, the middle of the first pixel at 0.
 */
export interface Prompts {
  /** [batch, prompts, points, 2], together with `labels`. */
  points?: tf.Tensor;
  /** [batch, prompts, points], float32: values of `pointLabels`. */
  labels?: tf.Tensor;
  /** [batch, prompts, 4]: left, top, right, bottom. */
  boxes?: tf.Tensor;
  /** [batch, prompts or 1, 4 rows, 4 columns]: logits of an earlier mask; with 1, all prompts of an image share it. */
  masks?: tf.Tensor;
}

export type PromptEncoderSpec = Readonly<{
  points: Readonly<Record<'background' | 'foreground' | 'topLeft' | 'bottomRight', Parameter>>;
  notAPoint: Parameter;
  noMask: Parameter;
  mask: {
    readonly convolutions: readonly ReturnType<typeof convolutionSpec>[];
    readonly norms: readonly ReturnType<typeof normSpec>[];
  };
}>;
export type PromptEncoder = TensorsOf<PromptEncoderSpec>;

const token = (width: number): Parameter => new Parameter([1, width], normal(1));

/** The parameter [2, width / 2] of the positions: random frequencies of x and of y, drawn once and never trained. */
export const positionsSpec = ({ frequencies }: PromptEncoderConfig): Parameter =>
  new Parameter([2, frequencies], normal(1));

/** Everything of the prompt encoder that is trained: 6,220 parameters in every published SAM. */
export function promptEncoderSpec({ width, maskChannels }: PromptEncoderConfig): PromptEncoderSpec {
  return {
    points: {
      background: token(width),
      foreground: token(width),
      topLeft: token(width),
      bottomRight: token(width),
    },
    notAPoint: token(width),
    noMask: token(width),
    mask: {
      convolutions: [
        convolutionSpec([2, 2], 1, maskChannels / 4),
        convolutionSpec([2, 2], maskChannels / 4, maskChannels),
        convolutionSpec([1, 1], maskChannels, width),
      ],
      norms: [normSpec(maskChannels / 4), normSpec(maskChannels)],
    },
  };
}

/**
 * Positions as sines and cosines of random frequencies (Tancik et al. 2020, arXiv 2006.10739).
 * @param at           [..., 2]: x and y as shares of the image, 0 to 1
 * @param frequencies  [2, width / 2]
 * @returns [..., width]
 */
export function encodePositions(at: tf.Tensor, frequencies: tf.Tensor): tf.Tensor {
  const turns = product(tf.sub(tf.mul(at, 2), 1), frequencies);
  const angles = tf.mul(turns, 2 * Math.PI);
  return tf.concat([tf.sin(angles), tf.cos(angles)], -1);
}

/** The positions of the tokens of an image, [rows, columns, width]. */
export function gridPositions(frequencies: tf.Tensor, rows: number, columns: number): tf.Tensor {
  const middles = new Float32Array(rows * columns * 2);
  for (let row = 0, k = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      middles[k++] = (column + 0.5) / columns;
      middles[k++] = (row + 0.5) / rows;
    }
  return encodePositions(tf.tensor(middles, [rows, columns, 2]), frequencies);
}

/**
 * Encode prompts. Labels are numbers on a device and are not looked at: a point whose label is none of `pointLabels` gets a token
 * of zeros and no position, as an absent one does.
 * @param positions  of `positionsSpec`
 * @returns sparse: [batch, prompts, tokens, width], none without points and boxes; dense: what to add to the image's
 *   embedding, [batch, prompts or 1, rows, columns, width] of masks, and [1, width] without
 */
export function promptEncoder(
  parameters: PromptEncoder,
  positions: tf.Tensor,
  { points, labels, boxes, masks }: Prompts,
  config: PromptEncoderConfig,
): { sparse: tf.Tensor | undefined; dense: tf.Tensor } {
  // Positions are of pixels' corners from here on.
  const encoded = (corners: tf.Tensor): tf.Tensor =>
    encodePositions(tf.div(tf.add(corners, 0.5), config.imageSize), positions);
  const tokens: tf.Tensor[] = [];
  if (points) tokens.push(pointTokens(parameters, points, labels!, encoded));
  if (points && !boxes) tokens.push(spread(parameters.notAPoint, points.shape[0], points.shape[1]!));
  if (boxes) tokens.push(boxTokens(parameters, boxes, encoded));
  return {
    sparse: tokens.length > 1 ? tf.concat(tokens, 2) : tokens[0],
    dense: masks ? denseOf(parameters, masks, config) : parameters.noMask,
  };
}

/** One token for every prompt: [1, width] to [batch, prompts, 1, width]. */
function spread(one: tf.Tensor, batch: number, prompts: number): tf.Tensor {
  return tf.tile(tf.reshape(one, [1, 1, 1, one.size]), [batch, prompts, 1, 1]);
}

function pointTokens(
  { points: kinds, notAPoint }: PromptEncoder,
  points: tf.Tensor,
  labels: tf.Tensor,
  encoded: (corners: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const is = (label: number): tf.Tensor => tf.expandDims(tf.cast(tf.equal(labels, label), 'float32'), -1);
  const background = is(pointLabels.background);
  const foreground = is(pointLabels.foreground);
  const placed = tf.mul(tf.add(background, foreground), encoded(points));
  const kind = product(
    tf.concat([background, foreground, is(pointLabels.notAPoint)], -1),
    tf.concat([kinds.background, kinds.foreground, notAPoint], 0),
  );
  return tf.add(placed, kind);
}

function boxTokens(
  { points: kinds }: PromptEncoder,
  boxes: tf.Tensor,
  encoded: (corners: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const [batch, prompts] = boxes.shape;
  const corners = encoded(tf.reshape(boxes, [batch, prompts, 2, 2]));
  return tf.add(corners, tf.concat([kinds.topLeft, kinds.bottomRight], 0));
}

/** An earlier mask, four times smaller: [batch, prompts, 4 rows, 4 columns] to [batch, prompts, rows, columns, width]. */
function denseOf(
  { mask: { convolutions, norms } }: PromptEncoder,
  masks: tf.Tensor,
  { epsilon, width }: PromptEncoderConfig,
): tf.Tensor {
  const [batch, prompts, height, across] = masks.shape;
  let x = tf.reshape(masks, [batch * prompts, height, across, 1]);
  for (const [k, norm] of norms.entries())
    x = gelu(layerNorm(convolve2d(x, convolutions[k], 2), norm, epsilon));
  x = convolve2d(x, convolutions[2]);
  return tf.reshape(x, [batch, prompts, height / 4, across / 4, width]);
}
