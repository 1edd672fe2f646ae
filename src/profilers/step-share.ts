// What reading planes can be of a training step, and of an epoch that takes 4.5 times as long.
//
// No step is run here. Its time is bounded from below: the FLOPs of the encoder alone, with frozen weights and adapters
// (`adapterStep`), at the peak rate of a card's data sheet. Decoder, loss, optimiser, resizing, upload and every stall
// are left out, the step waits for each gather, and nothing is read ahead. So the shares and factors that gathers get
// are upper bounds at full rate. A lower utilisation is an assumption and said with the number.
import { InputError } from '../base/errors';
import type { CardName } from './cards';
import { cards } from './cards';
import type { EncoderName } from './encoders';
import { encoderFlops } from './flops';

/** Views of a three-view step; by arithmetic it takes as many times a one-view step. */
export const views = 3;

/** A part of its peak rate that a well-tuned training run reaches; assumed, not measured. */
export const assumedUtilisation = 0.4;

/** Seconds of forward and backward for one view, at a share of the card's peak rate in half precision. */
export function viewSeconds(card: CardName, utilisation: number, encoder: EncoderName = 'sam-vit-h'): number {
  if (!(utilisation > 0 && utilisation <= 1)) {
    throw new InputError({
      what: 'cannot derive the time of a step',
      given: `a utilisation of ${utilisation}`,
      expected: 'a share of the peak rate above 0, at most 1',
      fix: 'for example 1 for a lower bound of the time',
    });
  }
  const rate = cards[card].flops.half;
  return encoderFlops(encoder).adapterStep / (rate * utilisation);
}

/** The share of a step of several views that waiting for `seconds` of reading is. */
export function shareOfStep(seconds: number, viewSeconds: number, count = views): number {
  return seconds / (seconds + count * viewSeconds);
}

/** Seconds that a sample waits for its planes. */
export interface Reading {
  /** All planes of a three-view sample. */
  three: number;
  /** The one plane of a one-view sample. */
  one: number;
}

/** Time of a three-view step over a one-view step. Three by arithmetic, more or less by what each waits for. */
export function factorOf({ three, one }: Reading, viewSeconds: number): number {
  return (views * viewSeconds + three) / (viewSeconds + one);
}

/**
 * The factor where the three-view step computes each view's forward pass a second time (to save the memory of three
 * graphs) and the one-view step does not: FLOPs alone.
 */
export function recomputedFactor(encoder: EncoderName = 'sam-vit-h'): number {
  const { forward, adapterStep } = encoderFlops(encoder);
  return (views * (adapterStep + forward)) / adapterStep;
}

/** Seconds of reading at which its share of a three-view step is `share`. */
export function secondsForShare(share: number, viewSeconds: number): number {
  return (share / (1 - share)) * views * viewSeconds;
}
