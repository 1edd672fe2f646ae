// What each step of a reproduce says for the last screen.

/** Something that was not done, and what would let it be done. */
export interface Skip {
  what: string;
  unskip: string;
}

/** One step, done. */
export interface StepReport {
  step: string;
  /** What came out, in a line a reader can use. */
  line: string;
  skips: Skip[];
}

/** Does one step and reports it. */
export type Step = <T extends StepReport>(work: () => Promise<T>) => Promise<T>;
