// What a training step needs, whoever says so: the answer of every reading has this form.
import type { Category } from '../../backends/ledger';

/** Whose step: PyTorch's of the same network, or ours. */
export const stacks = ['pytorch', 'tfjs'] as const;
export type Stack = (typeof stacks)[number];

export interface Need {
  readonly stack: Stack;
  /** `derived` from shapes by closed form, or a `dry run` of the code itself. */
  readonly kind: 'derived' | 'dry run';
  /** The most bytes alive at one time: weights and all. */
  readonly peakBytes: number;
  /** Parameters, frozen and trained. */
  readonly weightsBytes: number;
  readonly peakBeyondWeightsBytes: number;
  /**
   * The most bytes of activations that are kept at one time for a backward pass to come; null where a reading does not tell it.
   */
  readonly savedBytes: number | null;
  /** Bytes alive at the peak, by what they are for; they add up to `peakBytes`. */
  readonly byCategory: Readonly<Record<Category, number>>;
  /** The part of the model that computes when the peak is reached. */
  readonly layerAtPeak: string;
  /** Of the whole step, FLOP = 2 MAC; notes say whether of products alone. */
  readonly flops: number;
  /** What a reader of these numbers must know. */
  readonly notes: readonly string[];
}
