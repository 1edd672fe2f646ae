// Policies that need to know nothing of a model: a lean tape, and attention in chunks.
import { withAttentionInChunks } from '../backends/fused';
import type { Parameters, StepDefinition, TensorTree } from '../backends/training-step';
import { byOneTape } from '../backends/training-step';
import { leanly } from './lean-tape';
import type { Policy } from './policy';

/** Call a function, with what a policy says of the tape and of attention. */
export function under<T>(policy: Policy, f: () => T): T {
  const chunked = policy.includes('chunked') ? (): T => withAttentionInChunks(f) : f;
  return policy.includes('lean') ? leanly(chunked) : chunked();
}

/** Any step whose gradient is found by one tape, as a policy has it. @param policy  of `lean` and `chunked` alone */
export function stepUnder<P extends Parameters, I extends TensorTree>(
  policy: readonly Extract<Policy[number], 'lean' | 'chunked'>[],
  definition: StepDefinition<P, I>,
): StepDefinition<P, I> {
  if (policy.length === 0) return definition;
  return {
    ...definition,
    differentiate: (...given) => under(policy, () => byOneTape(definition, ...given)),
  };
}
