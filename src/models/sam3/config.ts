// The shape of SAM 3's vision trunk (Carion et al. 2025, arXiv 2511.16719): all that decides its parameters and what it computes.

/** A vision transformer whose blocks attend inside windows, but for a few that see the whole grid; positions by rotation. */
export interface Sam3TrunkConfig {
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
  /** Heads of attention; each has `width / heads` channels, a multiple of 4. */
  readonly heads: number;
  /** Channels inside a block's perceptron. */
  readonly hidden: number;
  /** Tokens along each side of a window. */
  readonly window: number;
  /** Blocks that see the whole grid, counted from 0. */
  readonly globalBlocks: readonly number[];
  /** Pixels along each side of the images that it was trained on first: their grid of positions is repeated over ours. */
  readonly pretrainedSize: number;
  /** Base of the angles of rotation. */
  readonly rotaryBase: number;
  /** Of the layer norms. */
  readonly epsilon: number;
}

/** As published: facebookresearch/sam3 at 99d02f2. */
export const sam3Trunk1008: Sam3TrunkConfig = {
  imageSize: 1008,
  patchSize: 14,
  channels: 3,
  width: 1024,
  depth: 32,
  heads: 16,
  hidden: 4736,
  window: 24,
  globalBlocks: [7, 15, 23, 31],
  pretrainedSize: 336,
  rotaryBase: 10_000,
  epsilon: 1e-6,
};
