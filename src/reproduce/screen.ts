// The last screen of a reproduce: what a reader can open, what was found, what was left out and how to get it.
import { formatSeconds } from '../base/progress';
import { countsLine } from '../claims/summary';
import { driftCounts, driftText } from './drift';
import { outdatedText } from './present';
import type { Outcome } from './reproduce';

/** The outcome as text, at most 100 columns wide where names allow. */
export function screen(outcome: Outcome): string {
  const { claims, paper, figures, notebooks, skips } = outcome;
  return [
    '',
    'Read',
    ...(paper
      ? [
          `  paper      ${paper.pdf} (${paper.pages} pages), ${paper.html}`,
          `  claims     ${paper.claims}  (every claim, with filters)`,
        ]
      : []),
    ...(figures.length > 0 ? [`  figures    ${figures.join(', ')}`] : []),
    ...(notebooks.length > 0 ? [`  notebooks  ${notebooks.join(', ')}  (npm run lab)`] : []),
    ...(outcome.mode === 'stored' ? [] : ['  this run   figures/quick/, notebooks/quick/']),
    '',
    `Verdicts so far: ${countsLine(claims)}`,
    '  all of them: node src/cli/coc.cjs claims',
    '',
    ...driftLines(outcome),
    ...outdatedLines(outcome),
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

/** This run beside the record. */
function driftLines({ drift }: Outcome): string[] {
  if (!drift) return [];
  return [
    `This run beside the record: ${driftCounts(drift)}`,
    ...driftText(drift, ['unexplained'], 10).map((line) => `  ${line}`),
    '  all of it: node src/cli/coc.cjs drift',
    '',
  ];
}

/** What the record no longer says of the present code. */
function outdatedLines({ outdated }: Outcome): string[] {
  if (outdated.length === 0) return [];
  return [
    'Recorded results whose code changed since (the paper marks them; --record records them anew)',
    ...outdated.map((one) => `  ${outdatedText(one)}`),
    '',
  ];
}
