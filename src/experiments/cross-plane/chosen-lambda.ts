// What the study `cross-plane-lambda` chose, by the rule of plan.ts; a test compares it with the record.

export const chosenLambda = 0.003;
