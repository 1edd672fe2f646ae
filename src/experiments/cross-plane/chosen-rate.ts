// What the study `cross-plane-rate` chose, by the rules of plan.ts; a test compares it with the record.

export const chosenRate = { learningRate: 3e-3, steps: 400 };
