// The README's answer so far, in short, written from the recorded results by `--record` and compared by a test.
import { readFileSync } from 'node:fs';
import { InputError } from '../base/errors';
import { writeFileAtomic } from '../base/files';
import { inRepo } from '../base/paths';
import type { Summary } from '../claims/summary';
import { countsLine } from '../claims/summary';

const begin = '<!-- verdicts: written by `npm run reproduce -- --record` -->';
const end = '<!-- end of verdicts -->';

/**
 * The claims that a reader asks for first, in the order in which the README shows them. One comes in when it has a
 * verdict: which one it is, and why, is the register's affair.
 */
export const headlines = [
  'vram-one-view',
  'vram-three-views',
  'three-views-simultaneous',
  'oom-16gb',
  'epoch-4.5x',
  'striding-explains-4.5x',
  'sagittal-read-slower',
  'phantom-pixels',
  'batch-norm-hampered',
  'table-1.model-size.unet',
  'loss-enforces-coherence',
  'contrastive-fails',
  'cva.roialign-precise',
] as const;

/** The section between the marks: counts, the headlines that are judged, and where all the others are. */
export function verdictSection(claims: Summary): string {
  const rows = new Map(claims.rows.map((row) => [row.id, row]));
  const judged = headlines.flatMap((id) => {
    const row = rows.get(id);
    return row && row.verdict !== 'not tested yet' ? [row] : [];
  });
  return [
    begin,
    '',
    `${countsLine(claims)}. Among them:`,
    '',
    ...judged.map((row) => `- **${row.verdict}**: ${row.statement} ${row.reason}`),
    '',
    'All of them, with evidence, columns and what would flip each verdict: `npx coc claims` in a terminal, `paper/claims.html` (a page with filters, made by every reproduce), the appendix of the paper, and notebook `11-claims`.',
    '',
    end,
  ].join('\n');
}

/** Text with the section put in. @throws InputError where the marks are missing */
export function withVerdicts(text: string, claims: Summary): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) {
    throw new InputError({
      what: 'cannot write the verdicts into README.md',
      given: 'a text without the two marks',
      expected: `${begin} and ${end}, each on a line of its own`,
      fix: 'put the marks back',
    });
  }
  return text.slice(0, from) + verdictSection(claims) + text.slice(to + end.length);
}

/** Write the section into the README of the clone. */
export function updateReadme(claims: Summary, file: string = inRepo('README.md')): void {
  writeFileAtomic(file, withVerdicts(readFileSync(file, 'utf8'), claims));
}
