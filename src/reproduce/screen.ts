// The last screen of a reproduce: what a reader can open, what was found, what was left out and how to get it.
import { formatSeconds } from '../base/progress';
import { countsLine } from '../claims/summary';
import type { Outcome } from './reproduce';

/** The outcome as text, at most 100 columns wide where names allow. */
export function screen(outcome: Outcome): string {
  const { claims, paper, figures, notebooks, skips } = outcome;
  return [
    '',
    'Read',
    `  paper      ${paper.pdf} (${paper.pages} pages), ${paper.html}`,
    `  claims     ${paper.claims}  (every claim, with filters)`,
    `  figures    ${figures.join(', ')}`,
    `  notebooks  ${notebooks.join(', ')}  (npm run lab)`,
    ...(outcome.mode === 'stored' ? [] : ['  this run   figures/quick/, notebooks/quick/']),
    '',
    `Verdicts so far: ${countsLine(claims)}`,
    '  all of them: node src/cli/coc.cjs claims',
    '',
    ...(skips.length
      ? ['Skipped', ...skips.map((s) => `  ${s.what}\n    to have it: ${s.unskip}`)]
      : ['Nothing was skipped.']),
    '',
    outcome.recorded
      ? 'This run is now the record that figures and paper are set from.'
      : outcome.mode === 'stored'
        ? 'Nothing was run: figures and paper are set from recorded results.'
        : 'The paper is set from recorded results; this run stands beside them (--record makes it the record).',
    `Done in ${formatSeconds(outcome.seconds)}.`,
  ].join('\n');
}
