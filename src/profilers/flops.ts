// FLOPs of the two image encoders the study speaks of, from their published shapes. FLOP = 2 MAC.
//
// Only products of matrices are counted (and the convolutions, which are such products): norms, softmax and additions
// are below one hundredth of them. A part is a MAC count of one forward pass over one image.

/** A vision transformer whose blocks attend inside windows, but for a few that attend to the whole picture. */
export interface EncoderShape {
  title: string;
  /** Pixels along each side of the square input. */
  input: number;
  /** Pixels along each side of a patch. */
  patch: number;
  /** Channels of a token. */
  width: number;
  blocks: number;
  /** Blocks that attend to all tokens. */
  globalBlocks: number;
  /** Tokens along each side of a window. */
  window: number;
  /** Channels inside the MLP. */
  hidden: number;
  /** Attention adds a position term along rows and one along columns (SAM's decomposed relative position). */
  relativePosition: boolean;
  /** Channels of the neck's output; 0 where there is none. */
  neck: number;
  source: string;
}

export const encoderShapes = {
  'sam-vit-h': {
    title: 'SAM ViT-H',
    input: 1024,
    patch: 16,
    width: 1280,
    blocks: 32,
    globalBlocks: 4,
    window: 14,
    hidden: 5120,
    relativePosition: true,
    neck: 256,
    source: 'facebookresearch/segment-anything, build_sam.py and modeling/image_encoder.py',
  },
  sam3: {
    title: 'SAM 3 vision trunk',
    input: 1008,
    patch: 14,
    width: 1024,
    blocks: 32,
    globalBlocks: 4,
    window: 24,
    hidden: 4736,
    relativePosition: false,
    neck: 0,
    source: 'facebookresearch/sam3 at 99d02f2, the vision trunk without its feature pyramid',
  },
} satisfies Record<string, EncoderShape>;

export type EncoderName = keyof typeof encoderShapes;

/** MAC of one forward pass over one image. */
export interface EncoderMacs {
  /** Patch embedding, projections, MLPs and neck: each token times a weight matrix. */
  linear: number;
  /** Queries times keys, and attention times values. */
  attention: number;
  /** The position terms of attention. */
  position: number;
  /** Tokens of one picture. */
  tokens: number;
}

/** Count the multiply-adds of one forward pass. Windows that stick out are padded, as SAM does: 64 tokens to 70. */
export function encoderMacs(shape: EncoderShape): EncoderMacs {
  const { input, patch, width, hidden, window } = shape;
  const side = input / patch;
  const tokens = side ** 2;
  const windowed = (Math.ceil(side / window) * window) ** 2;
  const block = (n: number, attended: number): EncoderMacs => ({
    linear: 4 * n * width ** 2 + 2 * tokens * width * hidden,
    attention: 2 * n * attended ** 2 * width,
    position: shape.relativePosition ? 2 * n * attended * width : 0,
    tokens,
  });
  const local = block(windowed, window);
  const global = block(tokens, side);
  const sum = (key: 'linear' | 'attention' | 'position'): number =>
    (shape.blocks - shape.globalBlocks) * local[key] + shape.globalBlocks * global[key];
  const embedding = tokens * patch ** 2 * 3 * width;
  const neck = tokens * (width * shape.neck + 9 * shape.neck ** 2);
  return {
    linear: embedding + neck + sum('linear'),
    attention: sum('attention'),
    position: sum('position'),
    tokens,
  };
}

/** FLOPs of one image through an encoder: forward, and a training step of two kinds. */
export interface EncoderFlops {
  forward: number;
  /**
   * Forward and backward with frozen weights and low-rank adapters. A frozen linear layer passes its gradient on (as
   * many FLOPs as forward); attention has no weights, and both its factors need a gradient (twice forward). The
   * adapters' own products are below one hundredth and not counted.
   */
  adapterStep: number;
  /** Forward and backward with all weights trained: every product has two gradients. */
  fullStep: number;
  /** Patches of one picture. */
  tokens: number;
}

/**
 * FLOPs of one image through one of the two encoders (decoder and prompts left out: below one hundredth).
 * @param name  a row of `encoderShapes`
 */
export function encoderFlops(name: EncoderName): EncoderFlops {
  const { linear, attention, position, tokens } = encoderMacs(encoderShapes[name]);
  const pairs = attention + position;
  return {
    forward: 2 * (linear + pairs),
    adapterStep: 2 * (2 * linear + 3 * pairs),
    fullStep: 2 * 3 * (linear + pairs),
    tokens,
  };
}
