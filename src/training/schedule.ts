// How the learning rate changes from step to step.
import { InputError } from '../base/errors';

/** A rise from 0 in equal steps, then a fall to 0 as a power of what is left. */
export interface Schedule {
  /** The highest learning rate. */
  peak: number;
  /** Steps of the rise: step 0 has peak / warmUp. */
  warmUp: number;
  /** Steps in all; the rate would be 0 at step `steps`. */
  steps: number;
  /** Of the fall: 1 is a straight line; nnU-Net and SAMed have 0.9. */
  power: number;
}

/** @throws InputError for a schedule that is none */
export function checkSchedule({ peak, warmUp, steps, power }: Schedule): void {
  const refuse = (given: string, expected: string): never => {
    throw new InputError({
      what: 'cannot follow a schedule of the learning rate',
      given,
      expected,
      fix: 'for example { peak: 1e-3, warmUp: 50, steps: 1000, power: 0.9 }',
    });
  };
  if (!(peak > 0 && Number.isFinite(peak))) refuse(`a peak of ${peak}`, 'a number above 0');
  if (!(Number.isSafeInteger(steps) && steps >= 1)) refuse(`${steps} steps`, 'a whole number of at least 1');
  if (!(Number.isSafeInteger(warmUp) && warmUp >= 0 && warmUp < steps))
    refuse(`a rise of ${warmUp} steps of ${steps}`, 'a whole number from 0 to below the number of steps');
  if (!(power > 0 && Number.isFinite(power))) refuse(`a power of ${power}`, 'a number above 0');
}

/** The learning rate of a step, counted from 0. */
export function rateAt({ peak, warmUp, steps, power }: Schedule, step: number): number {
  if (step < warmUp) return (peak * (step + 1)) / warmUp;
  return peak * Math.max(0, (steps - step) / (steps - warmUp)) ** power;
}
