// One kind of error for everything a user can put right: it says what was given, what was expected and what to do.

/** What a user needs to know to put an input right. */
export interface Problem {
  /** What was being done and on what, e.g. `cannot read head.nii.gz`. */
  what: string;
  /** What was found there. */
  given: string;
  /** What would have been right. */
  expected: string;
  /** The next step, as an instruction. */
  fix: string;
}

/** A mistake in the input, the environment or the arguments, never a bug of ours. The command line prints its message alone. */
export class InputError extends Error {
  override readonly name = 'InputError';

  constructor(
    readonly problem: Problem,
    options?: ErrorOptions,
  ) {
    super(
      `${problem.what}: given ${problem.given}, expected ${problem.expected}. What to do: ${problem.fix}`,
      options,
    );
  }
}

/** The work was stopped through its `AbortSignal`; what was finished before is kept. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor(what: string) {
    super(`${what} was interrupted; finished parts are kept, start it again to go on`);
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
