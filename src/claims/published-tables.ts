// Published tables as results of kind `paper`: the table for a reader, each number for prose, figures and rules.
import { sha256OfValue } from '../base/hash';
import type { PublishedTable } from '../results/published';
import { loadPublished, publishedResult, shownTable } from '../results/published';
import type { Result } from '../results/result';

/** The id of a published table's result; a number's is this with `.<row>.<column>`. */
export const publishedTableId = (table: string): string => `paper.${table}`;

/** Each table, and each of its numbers, as a result. */
export function publishedTableResults(tables: PublishedTable[] = loadPublished()): Result[] {
  return tables.flatMap((table) => [tableResult(table), ...numbersOf(table)]);
}

/** What a notebook hands to `showTable`. */
export function publishedTables(): { results: Result[] } {
  return { results: publishedTableResults() };
}

function tableResult(table: PublishedTable): Result {
  const source = table.source ?? 'given with each row';
  return publishedResult(
    {
      id: publishedTableId(table.id),
      title: table.title,
      unit: '',
      table: shownTable(table),
      source,
      notes: table.note === undefined ? [] : [table.note],
    },
    sha256OfValue(table),
  );
}

function numbersOf(table: PublishedTable): Result[] {
  const names = table.columns.flatMap((c, k) => ('text' in c ? k : []));
  return table.rows.flatMap((row) => {
    const source = [table.source, row.source].filter(Boolean).join(', ');
    const label = names.map((k) => row.cells[k]).join(', ');
    return table.columns.flatMap((column, k) => {
      const value = row.cells[k];
      if ('text' in column || typeof value !== 'number') return [];
      const { key, title, unit } = column;
      return publishedResult(
        {
          id: `${publishedTableId(table.id)}.${row.id}.${key}`,
          title: `${title}, ${label}`,
          unit,
          value,
          source,
        },
        sha256OfValue({ source, value, unit }),
      );
    });
  });
}
