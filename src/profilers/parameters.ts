// Parameters of the networks the study speaks of, counted part by part from their published shapes (section 3.2, Table 1).
import type { EncoderShape } from './encoders';

/** Weights and biases of a linear layer. */
const linear = (from: number, to: number, bias = true): number => from * to + (bias ? to : 0);
/** Scale and shift of a normalisation. */
const norm = (channels: number): number => 2 * channels;
/** A chain of linear layers, each with its bias. */
const mlp = (...channels: number[]): number =>
  channels.slice(1).reduce((sum, to, i) => sum + linear(channels[i], to), 0);
/** A convolution in 2-D with a square kernel. */
const conv = (from: number, to: number, kernel: number, bias = true): number =>
  linear(from * kernel ** 2, to, bias);

/** Parameters of an image encoder by part. */
export interface EncoderParameters {
  /** Patch embedding. */
  patch: number;
  /** Learned positions. */
  positions: number;
  /** One block that attends inside windows. */
  windowedBlock: number;
  /** One block that attends to the whole picture. */
  globalBlock: number;
  /** All blocks. */
  blocks: number;
  /** Norms outside the blocks. */
  norms: number;
  neck: number;
  total: number;
}

/** Count an image encoder. */
export function encoderParameters(shape: EncoderShape): EncoderParameters {
  const { width, hidden, neck: out } = shape;
  // Two tables of relative positions a block, one row a distance and one column a channel of a head.
  const tables = (span: number): number =>
    shape.relativePosition ? 2 * (2 * span - 1) * (width / shape.heads) : 0;
  const block = (span: number): number =>
    2 * norm(width) +
    linear(width, 3 * width) +
    linear(width, width) +
    mlp(width, hidden, width) +
    tables(span);
  const windowedBlock = block(shape.window);
  const globalBlock = block(shape.input / shape.patch);
  const parts = {
    patch: conv(3, width, shape.patch, shape.patchBias),
    positions: shape.positions * width,
    blocks: (shape.blocks - shape.globalBlocks) * windowedBlock + shape.globalBlocks * globalBlock,
    norms: shape.outerNorms * norm(width),
    neck: out === 0 ? 0 : conv(width, out, 1, false) + conv(out, out, 3, false) + 2 * norm(out),
  };
  const total = Object.values(parts).reduce((a, b) => a + b);
  return { ...parts, windowedBlock, globalBlock, total };
}

/** Parameters of SAM's prompt encoder: points, boxes, "no mask", and the way of a mask down to the grid of tokens. */
export function promptParameters(): number {
  const width = 256;
  const embeddings = 4 + 1 + 1;
  return embeddings * width + (conv(1, 4, 2) + norm(4)) + (conv(4, 16, 2) + norm(16)) + conv(16, width, 1);
}

/** Parameters of SAM's mask decoder by part. */
export interface DecoderParameters {
  transformer: number;
  upscaling: number;
  hyperMlps: number;
  iouHead: number;
  tokens: number;
  total: number;
}

/** Count SAM's mask decoder; it is the same for every size of the encoder. */
export function decoderParameters(): DecoderParameters {
  const width = 256;
  const masks = 4;
  /** Projections of q, k, v to `inner` channels and back. */
  const attention = (inner: number): number => 3 * linear(width, inner) + linear(inner, width);
  const layer = attention(width) + 2 * attention(width / 2) + mlp(width, 2048, width) + 4 * norm(width);
  const parts = {
    transformer: 2 * layer + attention(width / 2) + norm(width),
    upscaling: conv(width, 64, 2, false) + 64 + norm(64) + conv(64, 32, 2, false) + 32,
    hyperMlps: masks * mlp(width, width, width, 32),
    iouHead: mlp(width, width, width, masks),
    tokens: (masks + 1) * width,
  };
  return { ...parts, total: Object.values(parts).reduce((a, b) => a + b) };
}

/** Parameters of a whole first SAM. */
export function samParameters(shape: EncoderShape): number {
  return encoderParameters(shape).total + promptParameters() + decoderParameters().total;
}

/** A linear layer of a block that adapters can stand beside: channels in and out. */
export type LoraTarget = 'q' | 'k' | 'v' | 'proj' | 'lin1' | 'lin2';

/**
 * Parameters of low-rank adapters: for each adapted layer of each block a matrix down to the rank and one up again.
 * @param rank  inner channels
 */
export function loraParameters(shape: EncoderShape, rank: number, targets: readonly LoraTarget[]): number {
  const { width, hidden } = shape;
  const channels: Record<LoraTarget, number> = {
    q: 2 * width,
    k: 2 * width,
    v: 2 * width,
    proj: 2 * width,
    lin1: width + hidden,
    lin2: hidden + width,
  };
  return shape.blocks * rank * targets.reduce((sum, target) => sum + channels[target], 0);
}

/** Normalisation layers of a network, by what they average over. */
export interface NormLayers {
  /** Over the channels of a token or pixel. */
  layer: number;
  /** Over the voxels of a channel of one image. */
  instance: number;
  /** Over the images of a batch: the only kind that depends on the size of the batch. */
  batch: number;
}

/** Norms of a whole first SAM: two a block, and those of neck, prompt encoder and decoder; all over channels. */
export function samNorms(shape: EncoderShape): NormLayers {
  const [neck, prompt, upscaling] = [2, 2, 1];
  const [decoderLayers, each, last] = [2, 4, 1];
  const layer = 2 * shape.blocks + shape.outerNorms + neck + prompt + upscaling + decoderLayers * each + last;
  return { layer, instance: 0, batch: 0 };
}
