// The table with an id among a study's results.
import { InputError } from '../base/errors';
import type { Result, Table } from '../results/result';

/** @throws InputError when the study has no such table; the message names those it has */
export function pickTable(id: string, study: { results: readonly Result[] }): Result & { table: Table } {
  const result = study.results.find((r) => r.id === id);
  if (result?.table) return result as Result & { table: Table };
  throw new InputError({
    what: `cannot show the table ${id}`,
    given: result ? 'a result that is no table' : 'no such result',
    expected: study.results.flatMap((r) => (r.table ? [r.id] : [])).join(', ') || 'a study with a table',
    fix: 'use the id of a table of this study',
  });
}
