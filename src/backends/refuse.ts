// A kernel that is known to be wrong, or is missing, refuses: a loud error in place of a silently wrong number.
import { InputError } from '../base/errors';
import type { BackendName } from './backend';

/** A kernel's refusal. */
export class Refusal extends InputError {}

/** Whether an error is a kernel's refusal, or of a step that ended by one. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Refusal || (error instanceof Error && isRefusal(error.cause));
}

/**
 * The error that a kernel throws in place of a wrong result: `throw refuse('Conv3DBackpropInputV2', 'wasm', ...)`.
 * @param kernel   TensorFlow.js's name of the kernel
 * @param backend  the backend that has it wrong, or lacks it
 * @param why      what it would do, as a phrase: `its gradient is wrong at stride 2`
 * @param use      the backends that have it right, the best first
 */
export function refuse(
  kernel: string,
  backend: BackendName,
  why: string,
  use: readonly [BackendName, ...BackendName[]],
): Refusal {
  const [best, ...others] = use;
  return new Refusal({
    what: `cannot run ${kernel} on ${backend}`,
    given: why,
    expected: `a backend that has it right (${[best, ...others].join(', ')})`,
    fix: `choose one: COC_BACKEND=${best}, or chooseBackend({ backend: '${best}' })${best === 'tensorflow' ? '; `npx coc native install` gets it' : ''}`,
  });
}
