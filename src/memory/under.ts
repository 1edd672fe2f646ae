// Policies that need to know nothing of a model: a lean tape, and attention in chunks.
import { withAttentionInChunks } from '../backends/fused';
import type { Parameters, StepDefinition, TensorTree } from '../backends/training-step';
import { byOneTape } from '../backends/training-step';
import { InputError } from '../base/errors';
import { leanly } from './lean-tape';
import type { Policy } from './policy';
import { policies, policyName } from './policy';

/** Call a function, with what a policy says of the tape and of attention. */
export function under<T>(policy: Policy, f: () => T): T {
  const chunked = policy.includes('chunked') ? (): T => withAttentionInChunks(f) : f;
  return policy.includes('lean') ? leanly(chunked) : chunked();
}

const knowsNothing = (policy: Policy): boolean =>
  policy.every((technique) => technique === 'lean' || technique === 'chunked');

/**
 * Check that a policy can be had of a loss that is one function.
 * @param what  what cannot be done, for the error
 * @throws InputError for `per-plane` and `recompute`, naming those that there are
 */
export function checkWithoutParts(what: string, policy: Policy): void {
  if (knowsNothing(policy)) return;
  throw new InputError({
    what,
    given: `the policy ${policyName(policy)}`,
    expected: policies.filter(knowsNothing).map(policyName).join(', '),
    fix: 'cut the model into parts (`viewsStepBy` of memory/): a function does not show where they begin and end',
  });
}

/**
 * Any step whose gradient is found by one tape, as a policy has it.
 * @param policy  of `lean` and `chunked` alone
 * @throws InputError for a policy that cuts a model into parts, or view from view, naming those that there are
 */
export function stepUnder<P extends Parameters, I extends TensorTree>(
  policy: Policy,
  definition: StepDefinition<P, I>,
): StepDefinition<P, I> {
  checkWithoutParts(`cannot run ${definition.name}`, policy);
  if (policy.length === 0) return definition;
  return {
    ...definition,
    differentiate: (...given) => under(policy, () => byOneTape(definition, ...given)),
  };
}
