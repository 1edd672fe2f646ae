// The proof of an operation and its gradients, as `coc doctor --proof` runs it, one case a unit.
import { z } from 'zod';
import type { Backend } from '../../backends/backend';
import { cases } from '../../backends/proof/cases';
import { prove } from '../../backends/proof/prove';

/** What the proof of a case gives. */
export const checkedSchema = z.strictObject({
  status: z.enum(['right', 'refused', 'wrong']),
  /** The largest relative errors of what came out, right or wrong; null where nothing did. */
  valueError: z.number().nullable(),
  gradientError: z.number().nullable(),
  tolerance: z.number(),
  /** What is wrong or refused; empty when all is right. */
  message: z.string(),
});
export type Checked = z.infer<typeof checkedSchema>;

/** The names of all cases. */
export const caseNames = (): string[] => cases.map(({ name }) => name);

/** Prove one case. */
export async function checkUnit(backend: Backend, name: string): Promise<Checked> {
  const found = cases.filter((one) => one.name === name);
  const [{ status, message, outcomes }] = await prove(backend, found);
  const worst = (part: 'value' | 'gradient'): number | null => {
    const errors = outcomes.flatMap((o) => (o.part === part && o.error !== null ? [o.error] : []));
    // JSON has no infinity: what is no number at all is the largest error there is.
    return errors.length > 0 ? Math.min(Number.MAX_VALUE, Math.max(...errors)) : null;
  };
  return {
    status,
    valueError: worst('value'),
    gradientError: worst('gradient'),
    tolerance: found[0].tolerance,
    message: message.slice(0, 500),
  };
}
