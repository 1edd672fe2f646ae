// Figure 2 of the study in its first form: what the study publishes about memory, and nothing of ours yet.
import type { Claim } from '../claims/register';
import { publishedId, publishedResults } from '../claims/published';
import { sha256OfValue } from '../base/hash';
import { publishedResult } from '../results/published';
import type { Result } from '../results/result';

/** The claims that the bars and the lines stand for. */
const bars = { 'One view': 'vram-one-view', 'Three views': 'vram-three-views' };
const cards = { 'T4 class card': 'oom-16gb', A100: 'table-1.hardware.cross-plane' };

/** The id of Figure 2's result. */
export const figureTwoId = 'cost-of-consistency';

/** Published numbers as results, and the figure that shows those about memory. */
export function publishedFigures(claims: Claim[]): Result[] {
  const numbers = publishedResults(claims);
  const idOf = (claim: string): string => publishedId(claims.find((c) => c.id === claim) ?? missing(claim));
  const data = {
    bars: Object.entries(bars).map(([label, claim]) => ({ label, ids: [idOf(claim)] })),
    limits: Object.entries(cards).map(([label, claim]) => ({ label, id: idOf(claim) })),
  };
  const figure = publishedResult(
    {
      id: figureTwoId,
      title: 'The cost of consistency as published',
      unit: '',
      figure: { builder: 'cost-of-consistency', data },
      source: 'The cost of consistency, section 4.1 and Table 1',
      notes: ['bars are the numbers of the study’s text; of its Figure 2 only the caption is at hand'],
    },
    sha256OfValue(data),
  );
  return [...numbers, figure];
}

function missing(claim: string): never {
  throw new Error(`Figure 2 shows the claim ${claim}, which the register does not have`);
}
