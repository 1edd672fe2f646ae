// The README's answer so far, written from the recorded results by `--record` and compared by a test.
import { readFileSync } from 'node:fs';
import { InputError } from '../base/errors';
import { writeFileAtomic } from '../base/files';
import { inRepo } from '../base/paths';
import type { Summary } from '../claims/summary';
import { countsLine } from '../claims/summary';

const begin = '<!-- verdicts: written by `npm run reproduce -- --record` -->';
const end = '<!-- end of verdicts -->';

/** The section between the marks. */
export function verdictSection(claims: Summary): string {
  const judged = claims.rows.filter((row) => row.verdict !== 'not tested yet');
  return [
    begin,
    '',
    `${countsLine(claims)}.`,
    '',
    ...judged.map((row) => `- **${row.verdict}**: ${row.statement} ${row.reason}`),
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
