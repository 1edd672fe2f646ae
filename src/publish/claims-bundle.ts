// Claims as tables for a notebook: HTML that brings its own style, and text for front ends that show nothing else.
import { publishedId } from '../claims/published';
import type { Claim } from '../claims/register';
import type { ClaimRow } from '../claims/row';
import { columns, placeText, publishedText } from '../claims/row';
import { paragraph } from '../claims/text';
import type { MimeBundle } from '../plots/bundle';
import { escape } from '../plots/xml';

/** Colours come from the front end; only the frame of a verdict is ours, and words say what it says. */
const style =
  '<style>.coc-claims{border-collapse:collapse;font-size:.9em;line-height:1.35}' +
  '.coc-claims caption{text-align:left;font-weight:600;padding:.3em 0}' +
  '.coc-claims th,.coc-claims td{text-align:left!important;vertical-align:top;padding:.35em .6em;white-space:normal;min-width:4.5em}' +
  '.coc-claims tbody th{font-weight:400;min-width:13em;max-width:22em}.coc-claims small{opacity:.8}' +
  '.coc-claims .v{border:1px solid;border-radius:3px;padding:0 .35em}' +
  '.coc-claims tr.m td{padding:0 .6em .7em 1.6em;max-width:60em}</style>';

type Cell = { html: string } | string;
const html = (cell: Cell): string => (typeof cell === 'string' ? escape(cell) : cell.html);

/** @param below  what stands under each row, across the whole table */
function table(
  title: string,
  heads: readonly string[],
  rows: readonly Cell[][],
  below: readonly Cell[] = [],
): string {
  const head = heads.map((h) => `<th scope="col">${escape(h)}</th>`).join('');
  const body = rows.map(([first, ...rest], i) => {
    const row = `<th scope="row">${html(first)}</th>${rest.map((c) => `<td>${html(c)}</td>`).join('')}`;
    const more =
      below.length > 0 ? `<tr class="m"><td colspan="${heads.length}">${html(below[i])}</td></tr>` : '';
    return `<tr>${row}</tr>${more}`;
  });
  return (
    `${style}<div style="overflow-x:auto"><table class="coc-claims"><caption>${escape(title)}</caption>` +
    `<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join('\n')}\n</tbody></table></div>`
  );
}

const dash = (text: string): string => text || '–';

/** Claims with every column, the verdict by the record and what would flip it. */
export function claimsBundle(rows: readonly ClaimRow[], what: string): MimeBundle {
  const title = `${what}; verdicts are by the record`;
  const heads = ['Claim', ...columns.map((c) => c.title), 'Verdict'];
  const cells = rows.map((row): Cell[] => [
    { html: `${escape(row.statement)} <small><code>${row.id}</code>, ${escape(placeText(row))}</small>` },
    ...columns.map(({ key }) => dash(row[key])),
    { html: `<span class="v">${row.verdict}</span>` },
  ]);
  const below = rows.map((row): Cell => ({
    html: `<small>${escape(row.reason)} <b>What would flip it:</b> ${escape(row.flip)}</small>`,
  }));
  const text = rows.map((row) =>
    [
      `${row.id}: ${row.verdict}`,
      paragraph(row.statement, { indent: 2 }),
      paragraph(columns.map(({ key, title }) => `${title.toLowerCase()}: ${dash(row[key])}`).join(' | '), {
        indent: 2,
      }),
      paragraph(row.reason, { indent: 2 }),
      paragraph(`What would flip it: ${row.flip}`, { indent: 2 }),
    ].join('\n'),
  );
  return { 'text/html': table(title, heads, cells, below), 'text/plain': [title, ...text].join('\n\n') };
}

/** What the documents publish about some claims, as it stands there. */
export function publishedBundle(claims: readonly Claim[], title: string): MimeBundle {
  const wording = (claim: Claim): string => (claim.published?.text ?? []).map((t) => `“${t}”`).join(', ');
  const value = (claim: Claim): string => (claim.published?.value === undefined ? '–' : publishedText(claim));
  const rows = claims.map((claim): Cell[] => [
    { html: `${escape(claim.statement)} <small><code>${publishedId(claim)}</code></small>` },
    value(claim),
    dash(wording(claim)),
    placeText(claim),
  ]);
  const text = claims.map((claim) =>
    paragraph(
      `${claim.statement} ${value(claim)}, in its words ${dash(wording(claim))} [${placeText(claim)}]`,
    ),
  );
  return {
    'text/html': table(title, ['What is said', 'Published', 'In its words', 'Where'], rows),
    'text/plain': [title, ...text].join('\n'),
  };
}
