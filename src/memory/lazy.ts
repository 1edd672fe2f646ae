// Memory policies for whoever has a backend: TensorFlow.js is loaded when they are asked for, not before.
import type * as LeanTape from './lean-tape';
import type * as NetworkParts from './network-parts';
import type * as Policy from './policy';
import type * as TriSiamese from './tri-siamese';
import type * as Under from './under';
import type * as ViewsStep from './views-step';

export type MemoryPolicies = typeof Policy &
  typeof TriSiamese &
  typeof NetworkParts &
  typeof Under &
  typeof ViewsStep &
  typeof LeanTape;

/**
 * Policies by name; the study's step by any of them, and that of any model in parts; any other step by those that need to know
 * nothing of it; and the lean tape itself.
 */
export async function memoryPolicies(): Promise<MemoryPolicies> {
  return {
    ...(await import('./policy.js')),
    ...(await import('./tri-siamese.js')),
    ...(await import('./network-parts.js')),
    ...(await import('./under.js')),
    ...(await import('./views-step.js')),
    ...(await import('./lean-tape.js')),
  };
}
