// FLOPs of the image encoders the study speaks of, from their published shapes. FLOP = 2 MAC.
//
// Only products of matrices are counted (and the convolutions, which are such products): norms, softmax and additions
// are below one hundredth of them. A part is a MAC count of one forward pass over one image.
import type { EncoderName, EncoderShape } from './encoders';
import { encoderShapes, tokensOf } from './encoders';

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
  const { patch, width, hidden, window } = shape;
  const { side, all: tokens, windowed } = tokensOf(shape);
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
 * FLOPs of one image through one of the encoders (decoder and prompts left out: below one hundredth).
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
