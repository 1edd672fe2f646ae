// Tables as text for a terminal and as HTML; the paper's own setting is in publish/, with the same cells.
import type { Table } from '../results/result';
import { formatNumber, titleWithUnit } from '../results/format';
import { escape } from './xml';

type Column = Table['columns'][number];

/** A cell as it is written everywhere; a missing number is a dash. */
export function cellText(column: Column, value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return typeof value === 'number' ? formatNumber(value, { digits: column.digits }) : value;
}

/** Where a column's cells stand: numbers to the right unless the table says otherwise. */
export function alignment(table: Table, column: Column): 'left' | 'right' {
  return column.align ?? (table.rows.some((row) => typeof row[column.key] === 'number') ? 'right' : 'left');
}

/** Heads and cells as text. */
function grid(table: Table): { heads: string[]; rows: string[][] } {
  return {
    heads: table.columns.map((c) => titleWithUnit(c.title, c.unit)),
    rows: table.rows.map((row) => table.columns.map((c) => cellText(c, row[c.key]))),
  };
}

/** A table for a terminal: columns aligned, one rule under the heads. */
export function tableText(table: Table): string {
  const { heads, rows } = grid(table);
  const widths = heads.map((head, k) =>
    Math.max(...[head, ...rows.map((r) => r[k])].map((s) => [...s].length)),
  );
  const line = (cells: string[]): string =>
    cells
      .map((cell, k) => {
        const space = ' '.repeat(widths[k] - [...cell].length);
        return alignment(table, table.columns[k]) === 'right' ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  return [line(heads), widths.map((w) => '-'.repeat(w)).join('  '), ...rows.map(line)].join('\n');
}

/** A table as HTML, with a caption where one is given. It brings its own alignment and needs no style sheet. */
export function tableHtml(table: Table, caption?: string): string {
  const { heads, rows } = grid(table);
  const style = (k: number): string => ` style="text-align:${alignment(table, table.columns[k])}"`;
  const head = heads.map((h, k) => `<th scope="col"${style(k)}>${escape(h)}</th>`).join('');
  const body = rows.map(
    (row) => `<tr>${row.map((cell, k) => `<td${style(k)}>${escape(cell)}</td>`).join('')}</tr>`,
  );
  return [
    '<table>',
    ...(caption ? [`<caption>${escape(caption)}</caption>`] : []),
    `<thead><tr>${head}</tr></thead>`,
    `<tbody>`,
    ...body,
    '</tbody>',
    '</table>',
  ].join('\n');
}
