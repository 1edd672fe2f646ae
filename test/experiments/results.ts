// Findings of a study as recorded results, for what is drawn or judged from them in tests.
import type { Finding, Result } from '../../src/results/result';
import { publishedResult } from '../../src/results/published';

/** Each finding as a stored result of a quick run on no machine, by id. */
export function asResults(findings: Finding[], study: string): Map<string, Result> {
  return new Map(
    findings.map((f) => [
      f.id,
      {
        ...publishedResult(f, 'made up'),
        ...f,
        study,
        mode: 'quick',
        commit: 'unknown',
        date: '2026-01-01T00:00:00Z',
      },
    ]),
  );
}
