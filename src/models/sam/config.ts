// The shape of a Segment Anything Model (Kirillov et al. 2023, arXiv 2304.02643): all that decides its parameters and what it
// computes.

/** The image encoder: a vision transformer whose blocks attend inside windows, but for a few that see the whole grid. */
export interface ImageEncoderConfig {
  /** Pixels along each side of the square input. */
  readonly imageSize: number;
  /** Pixels along each side of a patch; each makes one token. */
  readonly patchSize: number;
  /** Channels of the input. */
  readonly channels: number;
  /** Channels of a token. */
  readonly width: number;
  /** Blocks. */
  readonly depth: number;
  /** Heads of attention; each has `width / heads` channels. */
  readonly heads: number;
  /** Channels inside a block's perceptron. */
  readonly hidden: number;
  /** Tokens along each side of a window; 0 where every block sees the whole grid. */
  readonly window: number;
  /** Blocks that see the whole grid, counted from 0. */
  readonly globalBlocks: readonly number[];
  /** Whether queries, keys and values have biases. */
  readonly qkvBias: boolean;
  /** Whether a learned position is added to each token. */
  readonly absolutePositions: boolean;
  /** Whether attention adds decomposed relative positions. */
  readonly relativePositions: boolean;
  /** Of the blocks' layer norms; the neck's have 1e-6. */
  readonly epsilon: number;
  /** Channels of the features that come out. */
  readonly neck: number;
}

/** The prompt encoder: points, boxes and masks to tokens and a map of features. */
export interface PromptEncoderConfig {
  /** Pixels along each side of the square that points and boxes are given on. */
  readonly imageSize: number;
  /** Pixels along each side of a patch. */
  readonly patchSize: number;
  /** Channels of a token: the neck's. */
  readonly width: number;
  /** Channels of a mask on its way to the width. */
  readonly maskChannels: number;
  /** Random frequencies of the positional encoding; each gives a sine and a cosine, so twice as many are the width. */
  readonly frequencies: number;
  /** Of its layer norms. */
  readonly epsilon: number;
}

/** The mask decoder: a transformer that looks both ways, and heads that make masks and their expected IoU. */
export interface MaskDecoderConfig {
  /** Channels of a token: the neck's. */
  readonly width: number;
  /** Layers of the transformer. */
  readonly depth: number;
  readonly heads: number;
  /** Channels inside its perceptrons. */
  readonly hidden: number;
  /** Attention between tokens and image has `width / downsample` channels. */
  readonly downsample: number;
  /** Masks of an ambiguous prompt; one more token stands for the mask of a clear one. */
  readonly masks: number;
  /** Layers of the head that expects the IoU. */
  readonly iouDepth: number;
  /** Channels between these. */
  readonly iouHidden: number;
  /** Of the transformer's layer norms; that of the upscaling has 1e-6. */
  readonly epsilon: number;
}

/** A whole model. */
export interface SamConfig {
  readonly encoder: ImageEncoderConfig;
  readonly prompts: PromptEncoderConfig;
  readonly decoder: MaskDecoderConfig;
}

/** Tokens along each side of the encoder's grid. */
export const gridOf = ({ imageSize, patchSize }: { imageSize: number; patchSize: number }): number =>
  imageSize / patchSize;

/** Tokens along each side of what a block's attention sees: a window, or the grid. */
export function spanOf(config: ImageEncoderConfig, block: number): number {
  const windowed = config.window > 0 && !config.globalBlocks.includes(block);
  return windowed ? config.window : gridOf(config);
}
