// What the register says in short: how many claims have which verdict, and the rows, for a terminal.
import { kindWord } from '../results/format';
import type { Result } from '../results/result';
import type { ClaimNumber, ClaimRow } from './row';
import { claimRow, columns, placeText } from './row';
import { paragraph, textTable } from './text';
import type { Judgement, Verdict } from './verdict';
import { numberText, verdicts } from './verdict';

/** The register in short. */
export interface Summary {
  total: number;
  counts: Record<Verdict, number>;
  rows: ClaimRow[];
}

/**
 * Count and tabulate judged claims.
 * @param recorded  results of the record by id
 * @param here      results of this clone's own run by id
 */
export function summarise(
  judged: readonly Judgement[],
  recorded: ReadonlyMap<string, Result>,
  here: ReadonlyMap<string, Result> = new Map(),
): Summary {
  const counts = Object.fromEntries(verdicts.map((v) => [v, 0])) as Record<Verdict, number>;
  for (const { verdict } of judged) counts[verdict]++;
  return { total: judged.length, counts, rows: judged.map((j) => claimRow(j, recorded, here)) };
}

/** `3 reproduced, 121 not tested yet`: verdicts nobody has are left out. */
export function countsLine({ total, counts }: Summary): string {
  const parts = verdicts.filter((v) => counts[v] > 0).map((v) => `${counts[v]} ${v}`);
  return `${total} claims: ${parts.join(', ') || 'none'}`;
}

const widths = [24, 15, 10, 8, 10, 14, 13];

/** The whole summary as a table for a terminal of 100 columns. */
export function summaryText(summary: Summary): string {
  const heads = ['claim', ...columns.map((c) => c.title.toLowerCase()), 'verdict'];
  const groups = [textTable([heads, widths.map((w) => '-'.repeat(w))], widths)];
  let last = '';
  for (const row of summary.rows) {
    const group = placeText(row);
    if (group !== last) groups.push(`\n${group}`);
    last = group;
    const cells = columns.map(({ key }) => row[key] || '-');
    groups.push(textTable([[row.id, ...cells, row.verdict]], widths));
  }
  groups.push('', paragraph(countsLine(summary)), 'One claim in full: `coc claims ID`.');
  return groups.join('\n');
}

/** One claim with everything the register knows of it. */
export function claimText(row: ClaimRow): string {
  const block = (label: string, text: string): string => `${label}\n${paragraph(text, { indent: 2 })}`;
  const parts = [
    `${row.id}: ${row.verdict}`,
    paragraph(row.reason, { indent: 2 }),
    block(`claimed in ${placeText(row)}`, row.statement),
  ];
  const wording = row.wording.map((t) => `"${t}"`).join(', ');
  if (wording) {
    const number = row.published.startsWith('"') ? '' : `${row.published}, in its words `;
    parts.push(block('published', number + wording));
  }
  const slack = row.tolerance ? ` Tolerance: ${numberText(row.tolerance * 100)} %.` : '';
  parts.push(
    block(`tested in notebook ${row.notebook} (${row.by.join(', ')})`, `${capitalise(row.what)}.`),
    block('it stands if', row.rule + slack),
    block('what would flip the verdict', row.flip),
  );
  for (const where of ['recorded', 'here'] as const) {
    const numbers = row.numbers.filter((n) => n.where === where);
    if (numbers.length === 0) continue;
    parts.push(where === 'recorded' ? 'recorded' : 'in this clone (sets no verdict)');
    for (const n of numbers) parts.push(paragraph(numberLine(n), { indent: 2 }));
  }
  for (const { fact, source } of row.evidence)
    parts.push(block('a cited source says', `${fact} [${source}]`));
  if (row.note) parts.push(block('note', row.note));
  return parts.join('\n');
}

function numberLine(n: ClaimNumber): string {
  const machine = n.kind === 'measured' ? [n.device] : [];
  const from = [n.id, kindWord[n.kind], ...machine, `${n.mode} run`, n.date, `commit ${n.commit}`].join(', ');
  const drift = n.drift && `; beside the record: ${n.drift}`;
  return `${capitalise(n.title)}: ${n.text}${n.interval && `, ${n.interval}`} [${from}]${drift}`;
}

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
