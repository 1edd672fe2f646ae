// Memory policies by name: how the gradient of a step is found with less held at a time. None changes the gradient.
import { InputError } from '../base/errors';

/**
 * What a policy is made of, in the order in which its name says it.
 * - `per-plane`: planes forward, nothing kept but masks; the loss differentiated by the masks; then each plane again and alone.
 * - `recompute`: what lies between blocks is kept, and each block of each plane is computed again on a tape of its own.
 * - `lean`: a tape saves only what a gradient that is asked for reads, and frees it as the backward pass goes (lean-tape.ts).
 * - `chunked`: attention some heads at a time, whose maps are computed again and not kept.
 */
export const techniques = ['per-plane', 'recompute', 'lean', 'chunked'] as const;
export type Technique = (typeof techniques)[number];

/** Techniques in their order; none is the plain tape, which holds everything until the backward pass has ended. */
export type Policy = readonly Technique[];

export const tape: Policy = [];

/** Every policy, the plain tape first. */
export const policies: readonly Policy[] = Array.from({ length: 2 ** techniques.length }, (_, which) =>
  techniques.filter((_, k) => which & (2 ** k)),
);

/** `tape`, `per-plane+recompute`. */
export const policyName = (policy: Policy): string => (policy.length === 0 ? 'tape' : policy.join('+'));

/**
 * A policy by its name; techniques may stand in any order.
 * @throws InputError naming the techniques that there are
 */
export function parsePolicy(text: string): Policy {
  const names = text.split('+').map((name) => name.trim());
  if (names.join() === 'tape') return tape;
  const known = names.every((name) => (techniques as readonly string[]).includes(name));
  if (!known || new Set(names).size < names.length)
    throw new InputError({
      what: 'cannot read the memory policy',
      given: `\`${text}\``,
      expected: `tape, or one or several of ${techniques.join(', ')} with + between, each once`,
      fix: 'for example per-plane+recompute',
    });
  return techniques.filter((technique) => names.includes(technique));
}
