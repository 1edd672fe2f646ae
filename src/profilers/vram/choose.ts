// Which memory policy: the one with the least peak, or the one with the least arithmetic among those that fit a card.
import { InputError } from '../../base/errors';
import type { Policy } from '../../memory/policy';
import { policyName } from '../../memory/policy';
import type { Need } from './need';

/** What a policy needs. */
export interface PolicyNeed {
  readonly policy: Policy;
  readonly need: Need;
}

/** The first by some measures, of equals the one with fewer techniques. */
function least(all: readonly PolicyNeed[], ...measures: ((need: Need) => number)[]): PolicyNeed {
  const order = (a: PolicyNeed, b: PolicyNeed): number => {
    for (const measure of measures) {
      const apart = measure(a.need) - measure(b.need);
      if (apart !== 0) return apart;
    }
    return a.policy.length - b.policy.length;
  };
  return [...all].sort(order)[0];
}

const peak = (need: Need): number => need.peakBytes;
const work = (need: Need): number => need.flops;

/** The policy with the least peak; of equals that with the least arithmetic. */
export const bestPolicy = (all: readonly PolicyNeed[]): PolicyNeed => least(all, peak, work);

/**
 * The policy with the least arithmetic whose peak is within a limit; of equals that with the least peak.
 * @param where  what the limit is, in words: `a T4 (15360 MiB)`
 * @throws InputError where none fits
 */
export function cheapestPolicy(all: readonly PolicyNeed[], limit: number, where: string): PolicyNeed {
  const fitting = all.filter(({ need }) => need.peakBytes <= limit);
  if (fitting.length > 0) return least(fitting, work, peak);
  const { policy, need } = bestPolicy(all);
  throw new InputError({
    what: `cannot choose a policy for ${where}`,
    given: `a step that needs ${(need.peakBytes / 2 ** 30).toFixed(2)} GiB at least (${policyName(policy)})`,
    expected: 'a step that some policy fits there',
    fix: 'take a smaller model, smaller pictures or a smaller batch, or a card with more memory',
  });
}
