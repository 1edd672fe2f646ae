// The numbers of a figure: as CSV in tidy long form, and as a table for its page.
import type { Table } from '../results/result';
import type { DataRow, Figure } from './figure';
import { kindWord, unitText } from '../results/format';

const columns = ['result', 'quantity', 'group', 'kind', 'value', 'unit', 'low', 'high', 'level'] as const;

/** One line a number, RFC 4180: quoted where needed, CRLF. Units are codes (`us`), numbers have all their digits. */
export function toCsv(rows: readonly DataRow[]): string {
  const cell = (value: string | number | null): string => {
    const text = value === null ? '' : `${value}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns.join(','), ...rows.map((row) => columns.map((c) => cell(row[c])).join(','))];
  return lines.map((line) => `${line}\r\n`).join('');
}

/** The figure's numbers as a table; single observations are counted in the caption and listed in the CSV. */
export function dataTable(figure: Pick<Figure, 'id' | 'rows'>): { table: Table; singles: number } {
  const rows = figure.rows.filter((row) => row.result !== figure.id);
  return {
    singles: figure.rows.length - rows.length,
    table: {
      columns: [
        { key: 'quantity', title: 'Quantity', align: 'left' },
        { key: 'group', title: 'Of', align: 'left' },
        { key: 'value', title: 'Value' },
        { key: 'unit', title: 'Unit', align: 'left' },
        { key: 'low', title: 'From' },
        { key: 'high', title: 'To' },
        { key: 'kind', title: 'Kind', align: 'left' },
        { key: 'result', title: 'Result', align: 'left' },
      ],
      rows: rows.map(({ quantity, group, value, unit, low, high, kind, result }) => ({
        quantity,
        group,
        value,
        unit: unitText(unit),
        low,
        high,
        kind: kindWord[kind],
        result,
      })),
    },
  };
}
