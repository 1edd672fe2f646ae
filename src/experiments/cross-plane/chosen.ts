// What was chosen on the cases for choices, by the rules of plan.ts: nothing yet.

/** Null until the choices were run; lambda is null until those for it were. */
export const chosen: { learningRate: number; steps: number; lambda: number | null } | null = null;
