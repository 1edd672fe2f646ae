// The register of claims as the paper shows it: rows for the tables, counts for the prose.
import type { BoundNumber } from './bound';
import { formatNumber } from './format';

export interface Judged {
  claim: {
    id: string;
    seed: 'cost' | 'cva';
    section: string;
    statement: string;
    published: { text: string[] } | null;
  };
  verdict: string;
  reason: string;
  flip: string;
}
export const verdicts = [
  'reproduced',
  'reproduced under a condition',
  'not reproduced',
  'contradicted by its source',
  'not testable here',
  'not tested yet',
];

const slug = (verdict: string): string => verdict.replace(/\s+/g, '-');

/** One row of the register. */
export interface ClaimRow {
  id: string;
  place: string;
  statement: string;
  published: string;
  verdict: string;
  reason: string;
}

/** Every claim in the register's order. */
export function claimRows(judged: readonly Judged[]): ClaimRow[] {
  return judged.map(({ claim, verdict, reason }) => ({
    id: claim.id,
    place: `${claim.seed === 'cost' ? 'Study' : 'View alignment'}, ${claim.section}`,
    statement: claim.statement,
    published: claim.published?.text.join('; ') ?? '',
    verdict,
    reason,
  }));
}

/** The verdicts in their order, with the id under which the text finds each count. */
export function verdictRows(judged: readonly Judged[]): { verdict: string; slug: string; count: number }[] {
  return verdicts.map((verdict) => ({
    verdict,
    slug: slug(verdict),
    count: judged.filter((j) => j.verdict === verdict).length,
  }));
}

/** Counts of claims as bound numbers: `claims.total`, `.judged`, `.cost`, `.cva`, `.verdict.<verdict>`. */
export function claimNumbers(judged: readonly Judged[]): Record<string, BoundNumber> {
  const count = (id: string, title: string, value: number): [string, BoundNumber] => {
    const text = Object.fromEntries(['auto', '0'].map((digits) => [digits, formatNumber(value)]));
    const origin = 'counted in the register of claims (paper/claims.yaml) as this paper was set';
    return [
      `claims.${id}`,
      {
        id: `claims.${id}`,
        title,
        value,
        text,
        unit: '',
        interval: null,
        origin,
        kind: 'derived',
        study: 'claims',
        date: '',
      },
    ];
  };
  const of = (seed: Judged['claim']['seed']): number => judged.filter((j) => j.claim.seed === seed).length;
  return Object.fromEntries([
    count('total', 'Claims in the register', judged.length),
    count('judged', 'Claims with a verdict', judged.filter((j) => j.verdict !== 'not tested yet').length),
    count('cost', 'Claims of the study', of('cost')),
    count('cva', 'Claims of the text on view alignment', of('cva')),
    ...verdictRows(judged).map((v) =>
      count(`verdict.${v.slug}`, `Claims with the verdict “${v.verdict}”`, v.count),
    ),
  ]);
}
