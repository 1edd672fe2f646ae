// The register as one web page: every claim a row that opens, with filters whose state stands in the address.
// Styles, fonts and script are inside and nothing is asked of any server; without scripts all rows stand open.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inRepo } from '../base/paths';
import { sourceTitles } from '../claims/published';
import type { ClaimNumber, ClaimRow } from '../claims/row';
import { columns, placeText } from '../claims/row';
import type { Summary } from '../claims/summary';
import type { Verdict } from '../claims/verdict';
import { verdicts } from '../claims/verdict';
import { escape } from '../plots/xml';
import { kindWord } from '../results/format';
import { fontRules } from './page';

export interface ClaimsPageOptions {
  /** The address of a notebook, as seen from the page; undefined where there is none to link to. */
  notebook?: (name: string) => string | undefined;
  /** The folder of paper.css, claims.css and claims.js; default paper/web/. */
  webDir?: string;
}

type Notebook = NonNullable<ClaimsPageOptions['notebook']>;

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const badge = (verdict: Verdict): string =>
  `<span class="verdict" data-verdict="${verdict}">${verdict}</span>`;

/** The closed row: statement, columns, verdict. Words that the heads say on wide screens stand in each cell. */
function head(row: ClaimRow): string {
  const cells = columns.map(
    ({ key, title }) =>
      `<span class="cell${row[key] ? '' : ' none'}"><span class="label">${title}: </span>${escape(row[key]) || '–'}</span>`,
  );
  return (
    `<summary><span class="said">${escape(row.statement)} <code>${row.id}</code></span>` +
    `${cells.join('')}<span class="cell">${badge(row.verdict)}</span></summary>`
  );
}

function numberItem(n: ClaimNumber): string {
  const from = [
    kindWord[n.kind],
    ...(n.kind === 'measured' ? [n.device] : []),
    `${n.mode} run`,
    n.date,
    `commit ${n.commit}`,
    ...(n.drift ? [`beside the record: ${n.drift}`] : []),
  ];
  return (
    `<li>${escape(n.title)}: <b>${escape(n.text)}</b>${n.interval && `, ${escape(n.interval)}`}` +
    ` <span class="from">${escape(from.join(', '))}; <code>${n.id}</code></span></li>`
  );
}

function numbersOf(row: ClaimRow, where: ClaimNumber['where']): string {
  const items = row.numbers.filter((n) => n.where === where).map(numberItem);
  return items.length > 0 ? `<ul>${items.join('')}</ul>` : '';
}

/** What stands in the open row: pairs of name and HTML; empty ones are left out. */
function body(row: ClaimRow, notebook: Notebook): string {
  const address = notebook(row.notebook);
  const name = `notebook ${row.notebook}`;
  const where = address ? `<a href="${escape(address)}">${name}</a>` : name;
  const tested = `${capitalised(escape(row.what))} (${row.by.join(', ')}), in ${where}`;
  const evidence = row.evidence.map(
    ({ fact, source }) => `<li>${escape(fact)} <span class="from">${escape(source)}</span></li>`,
  );
  const slack = row.tolerance ? ` Tolerance: ${row.tolerance * 100} %.` : '';
  const parts: [string, string][] = [
    ['Why', escape(row.reason)],
    ['Condition', capitalised(escape(row.condition))],
    ['It stands if', escape(row.rule + slack)],
    ['What would flip it', escape(row.flip)],
    ['Where it is said', escape(placeText(row))],
    ['In its words', row.wording.map((t) => `“${escape(t)}”`).join(', ')],
    ['Tested by', tested],
    ['Recorded results', numbersOf(row, 'recorded')],
    ['Results of this clone, which set no verdict', numbersOf(row, 'here')],
    ['What sources say', evidence.length > 0 ? `<ul>${evidence.join('')}</ul>` : ''],
    ['Note', escape(row.note)],
  ];
  return `<dl>${parts
    .filter(([, html]) => html)
    .map(([name, html]) => `<div><dt>${name}</dt><dd>${html}</dd></div>`)
    .join('')}</dl>`;
}

function claim(row: ClaimRow, notebook: Notebook): string {
  const has = row.numbers.length > 0 ? ' data-numbers' : '';
  return (
    `<details open id="claim-${row.id}" data-verdict="${row.verdict}" data-document="${row.seed}"` +
    ` data-section="${escape(`${row.seed} ${row.section}`)}" data-notebook="${row.notebook}"${has}>` +
    `${head(row)}${body(row, notebook)}</details>`
  );
}

/** Rows of one place stay together under its name, in the register's order. */
function groups(rows: readonly ClaimRow[], notebook: Notebook): string {
  const places = new Map<string, ClaimRow[]>();
  for (const row of rows) places.set(placeText(row), [...(places.get(placeText(row)) ?? []), row]);
  return [...places]
    .map(
      ([place, its]) =>
        `<section class="place"><h2>${escape(place)}</h2>${its.map((row) => claim(row, notebook)).join('\n')}</section>`,
    )
    .join('\n');
}

function choice(name: string, label: string, all: string, options: readonly [string, string][]): string {
  const entries = options.map(([value, text]) => `<option value="${escape(value)}">${escape(text)}</option>`);
  return `<label>${label} <select name="${name}"><option value="">${all}</option>${entries.join('')}</select></label>`;
}

/** The form; it works by script only and stays hidden without one. */
function filters({ rows, counts }: Summary): string {
  const seen = (pairs: [string, string][]): [string, string][] => [...new Map(pairs)];
  return (
    `<form class="tools" role="search" aria-label="Filter the claims" hidden>` +
    `<label class="words">Words <input type="search" name="words" aria-keyshortcuts="/"></label>` +
    choice(
      'verdict',
      'Verdict',
      'every verdict',
      verdicts.filter((v) => counts[v] > 0).map((v) => [v, v]),
    ) +
    choice('document', 'Document', 'both documents', Object.entries(sourceTitles)) +
    choice(
      'section',
      'Section',
      'every section',
      seen(rows.map((r) => [`${r.seed} ${r.section}`, placeText(r)])),
    ) +
    choice('notebook', 'Notebook', 'every notebook', seen(rows.map((r) => [r.notebook, r.notebook])).sort()) +
    `<label class="check"><input type="checkbox" name="numbers" value="yes"> with numbers of ours only</label>` +
    `<span class="buttons"><button type="button" name="open">Open all</button>` +
    `<button type="button" name="close">Close all</button><button type="reset">Clear</button></span>` +
    `<output aria-live="polite"></output></form>`
  );
}

/** A bar in the proportion of the verdicts, and under it their names and numbers. */
function tally({ counts, total }: Summary): string {
  const part = (v: Verdict): string => `<span data-verdict="${v}" style="flex-grow:${counts[v]}"></span>`;
  const item = (v: Verdict): string => `<li data-verdict="${v}"><b>${counts[v]}</b> ${badge(v)}</li>`;
  return (
    `<div class="bar" aria-hidden="true">${verdicts.map(part).join('')}</div>` +
    `<ul class="tally" aria-label="What became of ${total} claims">${verdicts.map(item).join('')}</ul>`
  );
}

/**
 * The page of all claims.
 * @param claims  every judged claim as a row
 * @returns HTML that needs no other file
 */
export async function claimsPage(
  claims: Summary,
  { notebook = () => undefined, webDir = inRepo('paper', 'web') }: ClaimsPageOptions = {},
): Promise<string> {
  const file = (name: string): string => readFileSync(path.join(webDir, name), 'utf8');
  const newest = claims.rows
    .flatMap((row) => row.numbers.filter((n) => n.where === 'recorded').map((n) => n.date))
    .sort()
    .at(-1);
  const heads = ['Claim', ...columns.map((c) => c.title), 'Verdict'].map((h) => `<span>${h}</span>`);
  const content = `<header><h1>Every claim, and what became of it</h1>
<p class="subtitle">The register of <cite>The cost of consistency</cite>, re-derived, re-measured and judged</p>
<p class="lead">${claims.total} checkable statements of two documents. A verdict is computed from recorded results${
    newest ? ` (the newest of ${newest})` : ''
  } and from what cited sources say, never typed. What was published, derived on paper, run dry, measured in this clone and recorded stands in columns of their own; a measurement of this clone sets no verdict. A row opens to its reason, its evidence and what would turn the verdict round.</p>
${tally(claims)}</header>
<main>
${filters(claims)}
<div class="heads" aria-hidden="true">${heads.join('')}</div>
${groups(claims.rows, notebook)}
<p class="nothing" hidden>No claim fits this filter.</p>
</main>`;
  const css = [await fontRules(content), file('paper.css'), file('claims.css')].join('\n');
  return `<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Claims: The cost of consistency</title>
<style>
${css}</style>
</head>
<body class="register">
${content}
<script>
${file('claims.js')}</script>
</body>
</html>
`;
}
