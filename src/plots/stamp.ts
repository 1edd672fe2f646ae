// What a figure must say about the numbers in it: a stored figure cannot pass for a re-run.
import { canonicalJson } from '../base/hash';
import { kindWord, plainDevice } from '../results/format';
import type { Kind, Result } from '../results/result';

/** The provenance of a figure: that of all results in it, each thing once. */
export interface Stamp {
  kinds: Kind[];
  modes: Result['mode'][];
  origins: Result['origin'][];
  devices: string[];
  /** Dates of the results, `2026-11-22`. */
  dates: string[];
  commits: { commit: string; dirty: boolean }[];
  notes: string[];
  results: string[];
}

function unique<T>(values: T[]): T[] {
  return [...new Map(values.map((v) => [JSON.stringify(v), v])).values()];
}

/** The stamp of a figure drawn from these results. */
export function stampOf(results: readonly Result[]): Stamp {
  // A published number comes from no run, day, commit or device of ours: those are told where all is published alone.
  const run = results.filter((r) => r.kind !== 'paper');
  const dated = run.length > 0 ? run : results;
  return {
    kinds: unique(results.map((r) => r.kind)),
    modes: unique(dated.map((r) => r.mode)),
    origins: unique(results.map((r) => r.origin)),
    devices: unique(run.map((r) => r.device.gpu ?? r.device.cpu)),
    dates: unique(dated.map((r) => r.date.slice(0, 10))).sort(),
    commits: unique(dated.map(({ commit, dirty }) => ({ commit, dirty }))),
    notes: unique(results.flatMap((r) => r.notes)),
    results: results.map((r) => r.id),
  };
}

/** A commit as people write it: seven digits, and whether files were changed. */
function shortCommit({ commit, dirty }: { commit: string; dirty: boolean }): string {
  const short = commit === 'unknown' ? 'unknown commit' : `commit ${commit.slice(0, 7)}`;
  return dirty && commit !== 'unknown' ? `${short} with changes` : short;
}

/** Whether any input was generated. */
export function isSynthetic(stamp: Stamp): boolean {
  return stamp.notes.some((note) => /\bsynthetic\b/i.test(note));
}

/** The line at the foot of a figure, in parts: `measured`, `stored results of a quick run`, device, date, commit. */
export function stampParts(stamp: Stamp): string[] {
  const run = stamp.modes.map((m) => (m === 'stored' ? 'no run' : `${m} run`)).join(' and ');
  const origin = stamp.origins.length > 1 ? 'stored and fresh results' : `${stamp.origins[0]} results`;
  const dates =
    stamp.dates.length > 1 ? `${stamp.dates[0]} to ${stamp.dates[stamp.dates.length - 1]}` : stamp.dates[0];
  return [
    ...(isSynthetic(stamp) ? ['synthetic head'] : []),
    stamp.kinds.map((k) => kindWord[k]).join(', '),
    // Published values alone: nothing was run for this figure.
    ...(stamp.devices.length > 0
      ? [
          `${origin}, ${run}`,
          stamp.devices.map(plainDevice).join(', '),
          dates,
          stamp.commits.map(shortCommit).join(', '),
        ]
      : stamp.notes),
  ];
}

/** The stamp as keywords of a file (PDF): each says by itself what it is, the commits are whole. */
export function stampKeywords(stamp: Stamp): string[] {
  return [
    ...stampParts(stamp),
    ...stamp.origins.map((origin) => `origin: ${origin}`),
    ...stamp.modes.map((mode) => `mode: ${mode}`),
    ...stamp.devices.map((device) => `device: ${device}`),
    ...stamp.commits.map(({ commit, dirty }) => `commit: ${commit}${dirty ? ' with changes' : ''}`),
  ];
}

/** Texts for a PNG under the keywords that the format has for them; the whole stamp is in `Source`. */
export function stampTexts(figure: {
  title: string;
  alt: string;
  stamp: Stamp | null;
}): Record<string, string> {
  return {
    Title: figure.title,
    Description: figure.alt,
    Software: 'cost-of-consistency',
    ...(figure.stamp && { Source: canonicalJson(figure.stamp) }),
  };
}
