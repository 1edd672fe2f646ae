// Published numbers as results, so that prose, tables and figures bind to them like to any other number.
import { sha256OfValue } from '../base/hash';
import { publishedResult } from '../results/published';
import type { Result } from '../results/result';
import type { Claim } from './register';

/** Titles of the two source documents, as a source is named. */
export const sourceTitles: Record<Claim['seed'], string> = {
  cost: 'The cost of consistency',
  cva: 'Consistent view alignment (summary)',
};

/** The id of a claim's published value as a result. */
export const publishedId = (claim: Claim): string => `paper.${claim.id}`;

/** Each numeric published value as a result of kind `paper`, id `paper.<claim id>`. */
export function publishedResults(claims: Claim[]): Result[] {
  return claims.flatMap((claim) => {
    const { value, unit } = claim.published ?? {};
    if (value === undefined || unit === undefined) return [];
    const stated = {
      id: publishedId(claim),
      title: claim.statement.replace(/\.$/, ''),
      unit,
      value,
      source: `${sourceTitles[claim.seed]}, section ${claim.section}`,
    };
    return publishedResult(stated, sha256OfValue({ id: claim.id, value, unit }));
  });
}
