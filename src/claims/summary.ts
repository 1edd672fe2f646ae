// What the register says in short: how many claims have which verdict, and a row a claim, with what was published,
// derived, dry-run and measured in columns of their own.
import type { Kind, Result } from '../results/result';
import { sourceTitles } from './published';
import type { Claim } from './register';
import { paragraph, textTable } from './text';
import type { Judgement, Verdict } from './verdict';
import { numberText, quantityText, verdicts } from './verdict';

/** One claim as a row of a table. */
export interface ClaimRow {
  id: string;
  seed: Claim['seed'];
  section: string;
  statement: string;
  /** The published value, or the published wording; empty where the document gives neither. */
  published: string;
  derived: string;
  dryRun: string;
  measured: string;
  verdict: Verdict;
  reason: string;
  flip: string;
  /** The notebook that tests it. */
  notebook: string;
}

/** The register in short. */
export interface Summary {
  total: number;
  counts: Record<Verdict, number>;
  rows: ClaimRow[];
}

/** The published value as a reader sees it. */
export function publishedText(claim: Claim): string {
  const { value, unit, text } = claim.published ?? {};
  if (value !== undefined) return quantityText(value, unit!);
  // The document at hand writes its arrow in TeX.
  return text ? `"${text[0].replace(/^["“]|["”]$/g, '').replace('\\rightarrow', '→')}"` : '';
}

/** Count and tabulate judged claims. */
export function summarise(judged: Judgement[], results: ReadonlyMap<string, Result>): Summary {
  const counts = Object.fromEntries(verdicts.map((v) => [v, 0])) as Record<Verdict, number>;
  const rows = judged.map(({ claim, verdict, reason, results: used, flip }): ClaimRow => {
    counts[verdict]++;
    const column = (kind: Kind): string =>
      used
        .flatMap((id) => results.get(id) ?? [])
        .filter((r) => r.kind === kind && r.value !== undefined)
        .map((r) => quantityText(r.value!, r.unit))
        .join(', ');
    return {
      id: claim.id,
      seed: claim.seed,
      section: claim.section,
      statement: claim.statement,
      published: publishedText(claim),
      derived: column('derived'),
      dryRun: column('dry-run'),
      measured: column('measured'),
      verdict,
      reason,
      flip,
      notebook: claim.test.notebook,
    };
  });
  return { total: judged.length, counts, rows };
}

/** `3 reproduced, 121 not tested yet`: verdicts nobody has are left out. */
export function countsLine({ total, counts }: Summary): string {
  const parts = verdicts.filter((v) => counts[v] > 0).map((v) => `${counts[v]} ${v}`);
  return `${total} claims: ${parts.join(', ') || 'none'}`;
}

/** The whole summary as a table for a terminal of 100 columns. */
export function summaryText(summary: Summary): string {
  const widths = [31, 22, 9, 9, 9, 15];
  const head = textTable(
    [['claim', 'published', 'derived', 'dry run', 'measured', 'verdict'], widths.map((w) => '-'.repeat(w))],
    widths,
  );
  const groups: string[] = [head];
  let last = '';
  for (const row of summary.rows) {
    const group = `${sourceTitles[row.seed]}, ${sectionName(row.section)}`;
    if (group !== last) groups.push(`\n${group}`);
    last = group;
    const cells = [row.published, row.derived, row.dryRun, row.measured].map((text) => text || '-');
    groups.push(textTable([[row.id, ...cells, row.verdict]], widths));
  }
  groups.push('', countsLine(summary), 'One claim in full: `coc claims ID`.');
  return groups.join('\n');
}

const sectionName = (section: string): string => (/^\d/.test(section) ? `section ${section}` : section);

/** One judged claim with everything the register knows of it. */
export function claimText(judgement: Judgement): string {
  const { claim, verdict, reason, results, flip } = judgement;
  const block = (label: string, text: string): string => `${label}\n${paragraph(text, { indent: 2 })}`;
  const parts = [
    `${claim.id}: ${verdict}`,
    paragraph(reason, { indent: 2 }),
    block(`claimed in ${sourceTitles[claim.seed]}, ${sectionName(claim.section)}`, claim.statement),
  ];
  if (claim.published) {
    const wording = claim.published.text.map((t) => `"${t}"`).join(', ');
    const number = claim.published.value === undefined ? '' : `${publishedText(claim)}, in its words `;
    parts.push(block('published', number + wording));
  }
  const slack = claim.tolerance ? ` Tolerance: ${numberText(claim.tolerance * 100)} %.` : '';
  parts.push(
    block(
      `tested in notebook ${claim.test.notebook} (${claim.test.by.join(', ')})`,
      `${capitalise(claim.test.what)}.`,
    ),
    block('it stands if', claim.expect.rule + slack),
    block('what would flip the verdict', flip),
  );
  if (results.length > 0) parts.push(block('results', results.join(', ')));
  for (const { fact, source } of claim.evidence ?? [])
    parts.push(block('a cited source says', `${fact} [${source}]`));
  if (claim.note) parts.push(block('note', claim.note));
  return parts.join('\n');
}

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
