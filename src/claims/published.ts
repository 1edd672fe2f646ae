// Published numbers as results, so that prose, tables and figures bind to them like to any other number.
import { sha256OfValue } from '../base/hash';
import type { Device, Result } from '../results/result';
import type { Claim } from './register';

/** Titles of the two source documents, as a source is named. */
export const sourceTitles: Record<Claim['seed'], string> = {
  cost: 'The cost of consistency',
  cva: 'Consistent view alignment (summary)',
};

/** Nothing was run: a published number has no machine of ours. */
const noDevice: Device = {
  cpu: 'none (published)',
  cores: 0,
  memoryGiB: 0,
  platform: 'none',
  gpu: null,
  driver: null,
};

/** The id of a claim's published value as a result. */
export const publishedId = (claim: Claim): string => `paper.${claim.id}`;

/** Each numeric published value as a result of kind `paper`, id `paper.<claim id>`. */
export function publishedResults(claims: Claim[]): Result[] {
  return claims.flatMap((claim) => {
    const { value, unit } = claim.published ?? {};
    if (value === undefined || unit === undefined) return [];
    return [
      {
        id: publishedId(claim),
        title: claim.statement.replace(/\.$/, ''),
        kind: 'paper' as const,
        unit,
        value,
        uncertainty: null,
        source: `${sourceTitles[claim.seed]}, section ${claim.section}`,
        mode: 'stored' as const,
        date: 'published',
        commit: 'published',
        dirty: false,
        device: noDevice,
        versions: {},
        seed: null,
        inputs: [],
        identity: sha256OfValue({ id: claim.id, value, unit }),
        notes: [],
        study: 'paper',
        origin: 'stored' as const,
      },
    ];
  });
}
