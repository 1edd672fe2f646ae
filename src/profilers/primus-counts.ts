// Parameters and multiply-adds of Primus, a 3-D vision transformer on patches of 8x8x8 voxels. FLOP = 2 MAC.
//
// Blocks as in EVA-02: attention with a norm before its last projection, an MLP with a gate (SwiGLU) and a norm inside,
// a learned scale on both branches. Queries and values have a bias, keys have none. Places are learned and also turned into
// queries and keys (rotary, no parameters). Three transposed convolutions with stride 2 lead back to voxels.
import type { Triple } from '../volume/volume';

/** A Primus network. */
export interface PrimusShape {
  title: string;
  /** Channels of a token. */
  width: number;
  blocks: number;
  /** Channels inside the MLP: 8/3 of the width. */
  hidden: number;
  /** Voxels along each side of a patch. */
  patch: number;
  source: string;
}

export const primusM: PrimusShape = {
  title: 'Primus-M',
  width: 864,
  blocks: 16,
  hidden: 2304,
  patch: 8,
  source: 'Tenbatsu24/LatentCampus at 267c976, architectures; dynamic-network-architectures',
};

/** Parameters of one block. */
export function primusBlockParameters({ width, hidden }: PrimusShape): number {
  const attention = 4 * width ** 2 + 3 * width + 2 * width;
  const mlp = 3 * width * hidden + 2 * hidden + width + 2 * hidden;
  const norms = 4 * width;
  const scales = 2 * width;
  return attention + mlp + norms + scales;
}

/**
 * Parameters of the whole network.
 * @param input    voxels along each axis, multiples of the patch
 * @param outputs  channels of the output
 */
export function primusParameters(shape: PrimusShape, input: Readonly<Triple>, outputs: number): number {
  const { width, blocks, patch } = shape;
  const embedding = patch ** 3 * width + width;
  const places = primusTokens(shape, input) * width;
  const [first, second] = upwardsChannels(width, outputs);
  const up = (from: number, to: number): number => 8 * from * to + to;
  const norms = 2 * width + 2 * first + 2 * second;
  return (
    embedding +
    places +
    blocks * primusBlockParameters(shape) +
    norms +
    up(width, first) +
    up(first, second) +
    up(second, outputs)
  );
}

/** Channels after the first and the second transposed convolution: evenly down to twice the outputs, in multiples of 8. */
function upwardsChannels(width: number, outputs: number): [number, number] {
  const factor = Math.cbrt(width / (2 * outputs));
  const channels = (n: number): number => Math.max(8, 8 * Math.round(width / factor ** n / 8));
  return [channels(1), channels(2)];
}

/** Tokens of an input. */
export function primusTokens({ patch }: PrimusShape, input: Readonly<Triple>): number {
  return input.reduce((product, n) => (product * n) / patch, 1);
}

/** MAC of `blocks` blocks over `tokens` tokens, all of which attend to all. */
export function primusBlockMacs(
  { width, hidden }: Pick<PrimusShape, 'width' | 'hidden'>,
  tokens: number,
  blocks: number,
): number {
  return blocks * (tokens * (4 * width ** 2 + 3 * width * hidden) + 2 * tokens ** 2 * width);
}

/** MAC of one forward pass over a volume of one channel. */
export function primusMacs(shape: PrimusShape, input: Readonly<Triple>, outputs: number): number {
  const tokens = primusTokens(shape, input);
  return (
    primusEmbeddingMacs(shape, tokens) +
    primusBlockMacs(shape, tokens, shape.blocks) +
    primusUpwardsMacs(shape, tokens, outputs)
  );
}

/** MAC of embedding `tokens` patches of one channel. */
export function primusEmbeddingMacs({ width, patch }: PrimusShape, tokens: number): number {
  return tokens * patch ** 3 * width;
}

/** MAC of the way from `tokens` tokens back to voxels. */
export function primusUpwardsMacs(shape: PrimusShape, tokens: number, outputs: number): number {
  const [first, second] = upwardsChannels(shape.width, outputs);
  return 8 * tokens * (shape.width * first + 8 * first * second + 64 * second * outputs);
}
