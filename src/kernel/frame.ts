// A result's table as a danfojs DataFrame: `const times = await frame('strides.table', study); display(times)`.
//
// danfojs brings TensorFlow.js along and takes a second to load, so it is loaded by the first frame and by nothing
// else. Its type declarations would double what the notebook's type checker reads before the first cell; hence the
// short interfaces below. A cell that wants all of them writes
// `import type { DataFrame } from 'danfojs-node'` and `as DataFrame`.
import { tableHtml, tableText } from '../plots/tables';
import { titleWithUnit } from '../results/format';
import type { Result, Table } from '../results/result';
import { displayBundle } from './cell';
import { pickTable } from './pick-table';

type Cell = string | number | null;

/** What notebooks use of a danfojs Series: one column. */
export interface Series {
  readonly values: unknown[];
  mean(): number;
  median(): number;
  std(): number;
  min(): number;
  max(): number;
  sum(): number;
  unique(): Series;
  /** Element by element: a mask for `frame.loc({ rows })`. */
  eq(other: number): Series;
  gt(other: number): Series;
  lt(other: number): Series;
}

/** Rows with equal entries in some columns; `col` chooses the columns of numbers that are then reduced. */
export interface Groups {
  col(columns: string[]): Groups;
  mean(): DataFrame;
  sum(): DataFrame;
  count(): DataFrame;
  size(): DataFrame;
}

/** What notebooks use of a danfojs DataFrame. */
export interface DataFrame {
  /** Rows and columns. */
  readonly shape: number[];
  /** Names with units: `Time (µs)`. */
  readonly columns: string[];
  readonly index: (string | number)[];
  readonly values: unknown[];
  column(name: string): Series;
  loc(where: { rows?: unknown; columns?: string[] }): DataFrame;
  head(rows?: number): DataFrame;
  sortValues(by: string, options?: { ascending?: boolean }): DataFrame;
  groupby(columns: string[]): Groups;
  /** Count, mean, standard deviation, least, median, greatest of each column of numbers. */
  describe(): DataFrame;
  toCSV(): string | void;
}

/** Rows of a frame that are shown; a longer one says how many it has. */
const shownRows = 50;

/**
 * A result's table as a DataFrame. Numbers stay numbers with all their digits; a missing one is NaN.
 * @param id  the id of a table of the study
 * @returns columns in the table's order, named as in the table with their units in brackets: `Time (µs)`; two columns
 *   of one title have their keys in their names
 * @throws InputError when the study has no such table
 */
export async function frame(id: string, study: { results: readonly Result[] }): Promise<DataFrame> {
  const { table } = pickTable(id, study);
  const danfo = await import('danfojs-node');
  const kinds = table.columns.map(({ key }) => kindOf(table.rows.map((row) => row[key] ?? null)));
  const made = new danfo.DataFrame(
    table.rows.map((row) =>
      table.columns.map(({ key }, k) => row[key] ?? (kinds[k] === 'string' ? null : NaN)),
    ),
    { columns: namesOf(table), dtypes: kinds },
  );
  return made;
}

/** A frame's columns need names of their own: two that share a title have their keys beside it, `measured, mc (µs)`. */
function namesOf({ columns }: Table): string[] {
  const titles = columns.map((c) => titleWithUnit(c.title, c.unit));
  return columns.map(({ key, title, unit }, k) =>
    titles.indexOf(titles[k]) === titles.lastIndexOf(titles[k])
      ? titles[k]
      : titleWithUnit(`${title}, ${key}`, unit),
  );
}

/** danfojs's name for what a column holds; a column of words and numbers counts as words, and keeps both. */
function kindOf(cells: Cell[]): 'string' | 'int32' | 'float32' {
  const given = cells.filter((cell) => cell !== null);
  if (given.some((cell) => typeof cell === 'string')) return 'string';
  return given.length === cells.length && given.every(Number.isInteger) ? 'int32' : 'float32';
}

/** Show a DataFrame as a table; the text form stands beside it for front ends without HTML. */
export function display(shown: DataFrame): void {
  displayBundle(frameBundle(shown));
}

/** A DataFrame as HTML and text, in the look of all tables; row names only where they are not 0, 1, 2 ... */
export function frameBundle({ columns, index, values, shape }: DataFrame): Record<string, string> {
  const named = index.some((name, i) => name !== i);
  const rows = (values as Cell[][]).slice(0, shownRows).map((cells, i) => {
    const entries = cells.map((cell, k): [string, Cell] => [`${k}`, Number.isNaN(cell) ? null : cell]);
    return Object.fromEntries(named ? [['index', `${index[i]}`] as [string, Cell], ...entries] : entries);
  });
  const table: Table = {
    columns: [
      ...(named ? [{ key: 'index', title: '' }] : []),
      ...columns.map((title, k) => ({ key: `${k}`, title })),
    ],
    rows,
  };
  const count = `${shape[0]} rows, ${shape[1]} columns${shape[0] > shownRows ? `; the first ${shownRows}` : ''}`;
  return { 'text/html': tableHtml(table, count), 'text/plain': `${tableText(table)}\n${count}` };
}
