// What the study `cross-plane-rate` chose, by the rules of plan.ts; a test compares it with the record.

export const chosenRate = { learningRate: 0.003, steps: 400 };
