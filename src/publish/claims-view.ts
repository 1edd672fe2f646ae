// The register of claims as the paper shows it: rows for the tables, counts for the prose.
import type { Claim } from '../claims/register';
import type { ClaimRow } from '../claims/row';
import { claimRow } from '../claims/row';
import type { Judgement, Verdict } from '../claims/verdict';
import { verdicts } from '../claims/verdict';
import type { BoundNumber } from './bound';
import { formatNumber } from '../results/format';
import type { Result } from '../results/result';

const slug = (verdict: Verdict): string => verdict.replace(/\s+/g, '-');

/** One row of the register: what the sources of the paper show of it. */
export interface PaperClaim extends Pick<
  ClaimRow,
  'id' | 'statement' | 'published' | 'derived' | 'dryRun' | 'recorded' | 'verdict' | 'reason'
> {
  /** Source and place in it. */
  place: string;
}

/** `Study §4.1`, `CVA, key results`. */
export function placeOf({ seed, section }: Pick<Claim, 'seed' | 'section'>): string {
  return `${seed === 'cost' ? 'Study' : 'CVA'}${/^\d/.test(section) ? '\u00a0§' : ', '}${section}`;
}

/** Every claim in the register's order. The paper is set from the record alone: no column for another run. */
export function claimRows(judged: readonly Judgement[], recorded: ReadonlyMap<string, Result>): PaperClaim[] {
  return judged.map((j) => {
    const {
      id,
      statement,
      published,
      derived,
      dryRun,
      recorded: found,
      verdict,
      reason,
    } = claimRow(j, recorded);
    return {
      ...{ id, statement, published, derived, dryRun, recorded: found, verdict, reason },
      place: placeOf(j.claim),
    };
  });
}

/** The verdicts in their order, with the end of the id under which the text finds each count. */
export function verdictRows(
  judged: readonly Judgement[],
): { verdict: Verdict; slug: string; count: number }[] {
  return verdicts.map((verdict) => ({
    verdict,
    slug: slug(verdict),
    count: judged.filter((j) => j.verdict === verdict).length,
  }));
}

/** Counts of claims as bound numbers: `claims.total`, `.judged`, `.cost`, `.cva`, `.verdict.<verdict>`. */
export function claimNumbers(judged: readonly Judgement[]): Record<string, BoundNumber> {
  const count = (name: string, title: string, value: number): [string, BoundNumber] => [
    `claims.${name}`,
    {
      id: `claims.${name}`,
      title,
      value,
      text: { auto: formatNumber(value), 0: formatNumber(value) },
      units: { auto: '', 0: '' },
      unit: '',
      interval: null,
      origin: 'counted in the register (paper/claims.yaml) as this paper was set',
    },
  ];
  const of = (seed: Judgement['claim']['seed']): number => judged.filter((j) => j.claim.seed === seed).length;
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
