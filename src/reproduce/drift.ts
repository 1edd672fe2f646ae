// Drift as it is told: counts by class, and every result that is not identical.
import { InputError } from '../base/errors';
import type { DriftClass, DriftReport } from '../results/drift';
import { driftBetween, driftClasses } from '../results/drift';
import type { Result } from '../results/result';
import { loadResults, quickDir, recordedDir } from '../results/store';
import { requirePresentQuick } from './present';

/** A drift without the results themselves. */
export interface DriftLine {
  id: string;
  class: DriftClass;
  text: string;
}

/** A run beside the record. */
export interface DriftSummary {
  counts: Record<DriftClass, number>;
  /** All that is not identical, the unexplained first. */
  lines: DriftLine[];
  onlyRecorded: string[];
  onlyFresh: string[];
}

/** Compare a run with the record. */
export function driftSummary(
  recorded: ReadonlyMap<string, Result>,
  fresh: ReadonlyMap<string, Result>,
): DriftSummary {
  const { drifts, counts, onlyRecorded, onlyFresh }: DriftReport = driftBetween(recorded, fresh);
  const rank = (line: DriftLine): number => driftClasses.indexOf(line.class);
  const lines = drifts
    .filter((drift) => drift.class !== 'identical')
    .map(({ id, class: cls, text }) => ({ id, class: cls, text }))
    .sort((a, b) => rank(b) - rank(a));
  return { counts, lines, onlyRecorded, onlyFresh };
}

/** `212 identical, 31 within tolerance, 2 unexplained`. */
export function driftCounts({ counts, onlyRecorded, onlyFresh }: DriftSummary): string {
  const parts = driftClasses.filter((c) => counts[c] > 0).map((c) => `${counts[c]} ${c}`);
  if (onlyRecorded.length > 0) parts.push(`${onlyRecorded.length} in the record only`);
  if (onlyFresh.length > 0) parts.push(`${onlyFresh.length} in this run only`);
  return parts.join(', ') || 'nothing to compare';
}

/** The drift as text. @param most  how many lines at most; all where left out */
export function driftText(summary: DriftSummary, classes: readonly DriftClass[], most = Infinity): string[] {
  const lines = summary.lines.filter((line) => classes.includes(line.class));
  const shown = lines.slice(0, most).map((line) => `${line.class}: ${line.id}: ${line.text}`);
  return lines.length > shown.length ? [...shown, `and ${lines.length - shown.length} more`] : shown;
}

/** Compare the last run on this machine with the record. @throws InputError where nothing was run yet, and for stale quick results */
export async function driftHere(): Promise<DriftSummary> {
  await requirePresentQuick(quickDir());
  const fresh = loadResults(quickDir(), 'fresh');
  if (fresh.size === 0) {
    throw new InputError({
      what: 'cannot compare a run with the record',
      given: 'no results in figures/quick/results',
      expected: 'the results of a run on this machine',
      fix: 'run `npm run reproduce` first',
    });
  }
  return driftSummary(loadResults(recordedDir()), fresh);
}

/** A drift as a screen. @param all  with what is within tolerance */
export function driftScreen(summary: DriftSummary, all: boolean): string {
  const lines = driftText(summary, [
    'unexplained',
    'explained by device',
    ...(all ? (['within tolerance'] as const) : []),
  ]);
  const only = (ids: readonly string[], where: string): string[] =>
    ids.length > 0 ? [`only in ${where}: ${ids.join(', ')}`] : [];
  return [
    `This run beside the record: ${driftCounts(summary)}`,
    ...lines,
    ...only(summary.onlyRecorded, 'the record'),
    ...only(summary.onlyFresh, 'this run'),
  ].join('\n');
}
