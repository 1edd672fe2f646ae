// What a ledger says of a training step, in few numbers.
import type { Category, Ledger, Share } from '../backends/ledger';
import { categories } from '../backends/ledger';

/** The memory of one training step. Bytes; kernel temporaries are not counted. */
export interface StepSummary {
  /** The most bytes alive at one time: weights and all. */
  readonly peakBytes: number;
  /** Parameters, frozen and trained, as they are before the step. */
  readonly weightsBytes: number;
  readonly peakBeyondWeightsBytes: number;
  /** The most that is kept at one time for a backward pass: under the plain tape, what there is of it when that begins. */
  readonly savedBytes: number;
  /** Bytes alive at the peak, by what they are for; they add up to `peakBytes`. */
  readonly byCategory: Readonly<Record<Category, number>>;
  /** The same by part of the model, largest first; the name is empty for what belongs to none. */
  readonly byLayer: readonly Share[];
  /** The part of the model that computes when the peak is reached; empty outside all. */
  readonly layerAtPeak: string;
}

/** @param depth  names of a part that are told apart (all) */
export function summaryOf(ledger: Ledger, { depth = Infinity } = {}): StepSummary {
  const { bytes: peakBytes, sequence } = ledger.peak();
  const byCategory = Object.fromEntries(categories.map((name) => [name, 0])) as Record<Category, number>;
  for (const { name, bytes } of ledger.composition('category')) byCategory[name as Category] = bytes;
  let [weightsBytes, saved, savedBytes, layerAtPeak] = [0, 0, 0, ''];
  for (const { type, sequence: at, allocation } of ledger.events()) {
    const { bytes, category, phase, scope } = allocation;
    if (type === 'allocation' && phase === 'given' && (category === 'weights' || category === 'adapters'))
      weightsBytes += bytes;
    if (category === 'activations') saved += type === 'allocation' ? bytes : -bytes;
    savedBytes = Math.max(savedBytes, saved);
    if (at === sequence) layerAtPeak = scope.split('/').slice(0, depth).join('/');
  }
  return {
    peakBytes,
    weightsBytes,
    peakBeyondWeightsBytes: peakBytes - weightsBytes,
    savedBytes,
    byCategory,
    byLayer: ledger.composition('scope', { depth }),
    layerAtPeak,
  };
}
