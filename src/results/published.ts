// Published tables: paper/published.yaml, numbers of other works that are no claim of the source documents.
//
// Both towers read them: studies derive from them, the paper and the notebooks show them. What a study derives from a
// table depends on the table, so its digest goes into the study's inputs (`publishedInput`).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { sha256OfValue } from '../base/hash';
import { inRepo } from '../base/paths';
import type { Device, Result, Table } from './result';

const identifier = z
  .string()
  .regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/, 'ids are lower-case words joined by dots and hyphens');

const tableSchema = z
  .strictObject({
    id: identifier,
    title: z.string().min(10),
    /** Where it was published; may stand with the rows instead. */
    source: z.string().min(5).optional(),
    /** What a reader must know beside the numbers. */
    note: z.string().optional(),
    /** A column holds numbers of one unit, or text. */
    columns: z
      .array(
        z.union([
          z.strictObject({ key: identifier, title: z.string().min(2), text: z.literal(true) }),
          z.strictObject({
            key: identifier,
            title: z.string().min(2),
            unit: z.string().min(1),
            digits: z.number().int().min(0).max(6),
          }),
        ]),
      )
      .min(2),
    rows: z
      .array(
        z.strictObject({
          id: identifier,
          /** Where in the table's source it stands, or a source of its own. */
          source: z.string().min(5).optional(),
          /** One a column; null where nothing was published. */
          cells: z.array(z.union([z.string().min(1), z.number(), z.null()])),
        }),
      )
      .min(1),
  })
  .superRefine((table, context) => {
    const complain = (message: string): void => void context.addIssue({ code: 'custom', message });
    const keys = table.columns.map((c) => c.key);
    if (new Set(keys).size < keys.length) complain('two columns have one key');
    const ids = table.rows.map((r) => r.id);
    if (new Set(ids).size < ids.length) complain('two rows have one id');
    for (const row of table.rows) {
      if (!table.source && !row.source) complain(`row ${row.id}: neither it nor the table has a source`);
      if (row.cells.length !== table.columns.length)
        complain(`row ${row.id}: ${row.cells.length} cells for ${table.columns.length} columns`);
      table.columns.forEach((column, k) => {
        const cell = row.cells[k];
        if (cell === null || cell === undefined) return;
        if (typeof cell !== ('text' in column ? 'string' : 'number'))
          complain(
            `row ${row.id}, ${column.key}: ${JSON.stringify(cell)} where ${'text' in column ? 'text' : 'a number'} belongs`,
          );
      });
    }
  });

export type PublishedTable = z.infer<typeof tableSchema>;

/** Where the tables lie. */
export const publishedFile = (): string => inRepo('paper', 'published.yaml');

/**
 * Check the text of published tables.
 * @param text   YAML: a list of tables
 * @param where  the name errors give it
 * @throws InputError that names the table and what is wrong with it
 */
export function parsePublished(text: string, where: string): PublishedTable[] {
  const refuse = (given: string, expected: string, fix: string): never => {
    throw new InputError({ what: `cannot use the published tables in ${where}`, given, expected, fix });
  };
  const document = parseDocument(text);
  if (document.errors.length > 0)
    refuse(document.errors[0].message.split('\n')[0], 'valid YAML', 'mend the YAML at that place');
  const list = document.toJS() as unknown;
  if (!Array.isArray(list)) return refuse('no list', 'a list of tables', 'begin each table with `- id:`');
  const tables: PublishedTable[] = [];
  for (const [i, given] of (list as unknown[]).entries()) {
    const name = (given as { id?: unknown } | null)?.id;
    const label = typeof name === 'string' ? name : `table ${i + 1}`;
    const parsed = tableSchema.safeParse(given);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return refuse(
        `${label}, ${issue.path.join('.') || 'the table'}: ${issue.message}`,
        'a table as src/results/published.ts describes it',
        'correct that field',
      );
    }
    if (tables.some((t) => t.id === parsed.data.id))
      refuse(`the id ${label} twice`, 'each id once', 'rename or join the two tables');
    tables.push(parsed.data);
  }
  return tables;
}

/** Read and check the published tables. @throws InputError */
export function loadPublished(file: string = publishedFile()): PublishedTable[] {
  const where = path.relative(inRepo(), file);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new InputError({
      what: 'cannot read the published tables',
      given: `no file ${where}`,
      expected: 'the tables that other works published',
      fix: `restore it with \`git checkout ${where}\``,
    });
  }
  return parsePublished(text, where);
}

/** A published table with its cells by row and column. */
export class PublishedValues {
  constructor(readonly table: PublishedTable) {}

  /** The ids of the rows, in their order. */
  get rows(): string[] {
    return this.table.rows.map((r) => r.id);
  }

  /** A number. @throws Error when the table has no such cell, or no number in it */
  number(row: string, column: string): number {
    const cell = this.cell(row, column);
    if (typeof cell !== 'number') throw new Error(`${this.table.id}.${row}.${column} holds no number`);
    return cell;
  }

  /** A text. @throws Error when the table has no such cell, or no text in it */
  text(row: string, column: string): string {
    const cell = this.cell(row, column);
    if (typeof cell !== 'string') throw new Error(`${this.table.id}.${row}.${column} holds no text`);
    return cell;
  }

  private cell(row: string, column: string): string | number | null {
    const cells = this.table.rows.find((r) => r.id === row)?.cells;
    const k = this.table.columns.findIndex((c) => c.key === column);
    if (!cells || k < 0) throw new Error(`${this.table.id} has no cell ${row}.${column}`);
    return cells[k];
  }

  /** How a study that derives from this table names it among its inputs. */
  get input(): { name: string; sha256: string } {
    return { name: `paper/published.yaml, ${this.table.id}`, sha256: sha256OfValue(this.table) };
  }
}

/** One published table by its id. @throws InputError when there is none */
export function published(id: string, tables: PublishedTable[] = loadPublished()): PublishedValues {
  const table = tables.find((t) => t.id === id);
  if (table) return new PublishedValues(table);
  throw new InputError({
    what: 'cannot find a published table',
    given: id,
    expected: `one of ${tables.map((t) => t.id).join(', ')}`,
    fix: 'mend the id, or add the table with its source to paper/published.yaml',
  });
}

/** Nothing was run: a published number has no machine of ours. */
const noDevice: Device = {
  cpu: 'none (published)',
  cores: 0,
  memoryGiB: 0,
  platform: 'none',
  gpu: null,
  driver: null,
};

/** A published number, table or figure as a result: no run, no machine, the source in place of a formula. */
export function publishedResult(
  stated: Pick<Result, 'id' | 'title' | 'unit' | 'value' | 'table' | 'figure' | 'source'> & {
    notes?: string[];
  },
  identity: string,
): Result {
  return {
    kind: 'paper',
    uncertainty: null,
    mode: 'stored',
    date: 'published',
    commit: 'published',
    dirty: false,
    device: noDevice,
    versions: {},
    seed: null,
    inputs: [],
    identity: { hash: identity, spec: identity, code: '', modules: {}, packages: {}, data: {}, backend: {} },
    cost: { seconds: 0, memoryMB: 0 },
    notes: [],
    study: 'paper',
    origin: 'stored',
    ...stated,
  };
}

/** The form in which a table is shown: sources in a column of their own where rows have their own. */
export function shownTable(table: PublishedTable): Table {
  const sources = !table.source;
  return {
    columns: [
      ...table.columns.map((c) =>
        'text' in c
          ? { key: c.key, title: c.title, align: 'left' as const }
          : { key: c.key, title: c.title, digits: c.digits, ...(c.unit !== '1' && { unit: c.unit }) },
      ),
      ...(sources ? [{ key: 'source', title: 'Source', align: 'left' as const }] : []),
    ],
    rows: table.rows.map((row) => ({
      ...Object.fromEntries(table.columns.map((c, k) => [c.key, row.cells[k]])),
      ...(sources && { source: row.source! }),
    })),
  };
}
