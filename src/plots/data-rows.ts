// The numbers of a figure: as CSV in tidy long form, and as a table for its page.
import type { Kind, Table } from '../results/result';
import type { DataRow, Figure } from './figure';
import { kindWord, unitText } from '../results/format';

/** What a cell of a CSV holds; null is an empty cell. */
type CsvCell = string | number | null;

/** Records as CSV, RFC 4180: quoted where needed, CRLF, heads first. */
export function csvOf(records: readonly Record<string, CsvCell>[], columns: readonly string[]): string {
  const cell = (value: CsvCell): string => {
    const text = value === null ? '' : `${value}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [
    columns.join(','),
    ...records.map((row) => columns.map((c) => cell(row[c] ?? null)).join(',')),
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

const columns = ['result', 'quantity', 'group', 'kind', 'value', 'unit', 'low', 'high', 'level'] as const;
/** The columns that say of which run a row is. */
export const runColumns = ['origin', 'mode', 'device', 'date', 'commit'] as const;

/** One line a number. Units are codes (`us`), numbers have all their digits, each row says of which run it is. */
export function toCsv(rows: readonly DataRow[]): string {
  return csvOf(
    rows.map(({ run, ...row }) => ({ ...row, ...(run && runCells(run, row.kind)) })),
    [...columns, ...runColumns],
  );
}

/** The run of a row; a published number comes from no device of ours. */
export function runCells(
  { origin, mode, date, commit, dirty, device }: NonNullable<DataRow['run']>,
  kind: Kind,
): Record<(typeof runColumns)[number], string> {
  return {
    origin,
    mode,
    device: kind === 'paper' ? '' : (device.gpu ?? device.cpu),
    date,
    commit: dirty && commit !== 'unknown' ? `${commit} with changes` : commit,
  };
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
