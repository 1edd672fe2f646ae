// What cannot be captured is refused with the line that did it: a captured step never computes anything but the step.
import { InputError } from '../../base/errors';
import type { Moment } from './origin';
import { originOf } from './origin';

/** A step that cannot be captured as it is. */
export class CaptureRefusal extends InputError {}

/**
 * The error for what cannot be captured.
 * @param step    the step's name
 * @param given   what it does that cannot be replayed, as a phrase
 * @param moment  when it did it
 */
export function refuseCapture(
  step: string,
  given: string,
  { moment, expected, fix }: { moment?: Moment; expected?: string; fix: string },
): CaptureRefusal {
  return new CaptureRefusal({
    what: `cannot capture ${step}`,
    given: moment ? `${given}, at ${originOf(moment)}` : given,
    expected:
      expected ??
      'a function of its inputs, scalars and parameters alone, with shapes that do not depend on values',
    fix,
  });
}
