// The image encoders the study speaks of, by their published shapes. FLOPs, parameters and activations follow from these.

/** A vision transformer whose blocks attend inside windows, but for a few that attend to the whole picture. */
export interface EncoderShape {
  title: string;
  /** Pixels along each side of the square input. */
  input: number;
  /** Pixels along each side of a patch. */
  patch: number;
  /** Whether the patch embedding adds a bias. */
  patchBias: boolean;
  /** Channels of a token. */
  width: number;
  /** Heads of attention; each has `width / heads` channels. */
  heads: number;
  blocks: number;
  /** Blocks that attend to all tokens. */
  globalBlocks: number;
  /** Tokens along each side of a window. */
  window: number;
  /** Channels inside the MLP. */
  hidden: number;
  /** Learned positions that are added to the tokens. */
  positions: number;
  /** Attention adds a position term along rows and one along columns (SAM's decomposed relative position). */
  relativePosition: boolean;
  /** Layer norms outside the blocks, at full width. */
  outerNorms: number;
  /** Channels of the neck's output; 0 where there is none. */
  neck: number;
  source: string;
}

const sam = {
  input: 1024,
  patch: 16,
  patchBias: true,
  globalBlocks: 4,
  window: 14,
  positions: 64 ** 2,
  relativePosition: true,
  outerNorms: 0,
  neck: 256,
  source: 'facebookresearch/segment-anything, build_sam.py and modeling/image_encoder.py',
};

export const encoderShapes = {
  'sam-vit-b': { title: 'SAM ViT-B', ...sam, width: 768, heads: 12, blocks: 12, hidden: 3072 },
  'sam-vit-l': { title: 'SAM ViT-L', ...sam, width: 1024, heads: 16, blocks: 24, hidden: 4096 },
  'sam-vit-h': { title: 'SAM ViT-H', ...sam, width: 1280, heads: 16, blocks: 32, hidden: 5120 },
  sam3: {
    title: 'SAM 3 vision trunk',
    input: 1008,
    patch: 14,
    patchBias: false,
    width: 1024,
    heads: 16,
    blocks: 32,
    globalBlocks: 4,
    window: 24,
    hidden: 4736,
    positions: 24 ** 2 + 1,
    relativePosition: false,
    outerNorms: 1,
    neck: 0,
    source: 'facebookresearch/sam3 at 99d02f2, the vision trunk without its feature pyramid',
  },
} satisfies Record<string, EncoderShape>;

export type EncoderName = keyof typeof encoderShapes;

/** Tokens of one picture, and how many an attention sees. */
export interface Tokens {
  /** Tokens along each side of the picture. */
  side: number;
  /** Tokens of the picture. */
  all: number;
  /** Tokens once windows that stick out are padded, as SAM does: 64 a side to 70. */
  windowed: number;
}

/** Count the tokens of an encoder's square input. */
export function tokensOf({ input, patch, window }: EncoderShape): Tokens {
  const side = input / patch;
  return { side, all: side ** 2, windowed: (Math.ceil(side / window) * window) ** 2 };
}
