// What cannot be captured is refused with the line that did it: a captured step never computes anything but the step.
import { InputError } from '../../base/errors';
import type { Backend } from '../backend';
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

/** @throws CaptureRefusal on another backend */
export function requireTensorflow(backend: Backend, name: string): void {
  if (backend.name !== 'tensorflow')
    throw refuseCapture(name, `the backend ${backend.name}`, {
      expected: 'tensorflow, whose graphs it is replayed by',
      fix: "choose it: COC_BACKEND=tensorflow, or chooseBackend({ backend: 'tensorflow' }); or take `onRefusal: 'eager'`",
    });
}
