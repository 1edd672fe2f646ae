// Notebook files, format 4.5: read with our own schema, written as Jupyter writes them, so that a run changes only what
// really changed. Source: https://nbformat.readthedocs.io/en/latest/format_description.html
import { z } from 'zod';
import { InputError } from '../base/errors';
import { readJson, writeFileAtomic } from '../base/files';

/** Text, whole or as lines. Reading joins it; writing splits it. */
const text = z.union([z.string(), z.array(z.string()).transform((lines) => lines.join(''))]);
const anything = z.record(z.string(), z.unknown());
const bundle = z.record(z.string(), z.unknown()).transform((data) =>
  Object.fromEntries(
    Object.entries(data).map(([mime, value]) => {
      const lines =
        !isJsonMime(mime) && Array.isArray(value) && value.every((line) => typeof line === 'string');
      return [mime, lines ? value.join('') : value];
    }),
  ),
);

const outputSchema = z.discriminatedUnion('output_type', [
  z.strictObject({ output_type: z.literal('stream'), name: z.string(), text }),
  z.strictObject({ output_type: z.literal('display_data'), data: bundle, metadata: anything }),
  z.strictObject({
    output_type: z.literal('execute_result'),
    data: bundle,
    metadata: anything,
    execution_count: z.number().int().nonnegative().nullable(),
  }),
  z.strictObject({
    output_type: z.literal('error'),
    ename: z.string(),
    evalue: z.string(),
    traceback: z.array(z.string()),
  }),
]);

const id = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, - or _');
const metadata = z.looseObject({
  tags: z
    .array(z.string().regex(/^[^,]+$/, 'a tag has no comma'))
    .refine((tags) => new Set(tags).size === tags.length, 'a tag stands there twice')
    .optional(),
});
const attachments = z.record(z.string(), anything).optional();
const cellSchema = z.discriminatedUnion('cell_type', [
  z.strictObject({ cell_type: z.literal('markdown'), id, metadata, source: text, attachments }),
  z.strictObject({ cell_type: z.literal('raw'), id, metadata, source: text, attachments }),
  z.strictObject({
    cell_type: z.literal('code'),
    id,
    metadata,
    source: text,
    outputs: z.array(outputSchema),
    execution_count: z.number().int().nonnegative().nullable(),
  }),
]);

const notebookSchema = z.strictObject({
  nbformat: z.literal(4),
  nbformat_minor: z.literal(5),
  metadata: z.looseObject({
    kernelspec: z.looseObject({ name: z.string(), display_name: z.string() }).optional(),
    language_info: z.looseObject({ name: z.string() }).optional(),
  }),
  cells: z.array(cellSchema).superRefine((cells, context) => {
    const seen = new Set<string>();
    cells.forEach((cell, i) => {
      if (seen.has(cell.id))
        context.addIssue({ code: 'custom', path: [i, 'id'], message: `"${cell.id}" stands there twice` });
      seen.add(cell.id);
    });
  }),
});

/** A notebook in memory: every text in one piece. */
export type Notebook = z.infer<typeof notebookSchema>;
export type NotebookCell = Notebook['cells'][number];
export type CodeCell = Extract<NotebookCell, { cell_type: 'code' }>;
export type Output = z.infer<typeof outputSchema>;

function isJsonMime(mime: string): boolean {
  return mime === 'application/json' || mime.endsWith('+json');
}

/**
 * Check a value against the format.
 * @param name  the file, for the message
 * @throws InputError that names each place that is wrong
 */
export function parseNotebook(value: unknown, name: string): Notebook {
  const parsed = notebookSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const old = (value as { nbformat?: unknown; nbformat_minor?: unknown } | null) ?? {};
  const otherFormat = old.nbformat !== 4 || old.nbformat_minor !== 5;
  throw new InputError({
    what: `${name} is not a notebook that can be run`,
    given: otherFormat
      ? `format ${String(old.nbformat)}.${String(old.nbformat_minor)}`
      : z.prettifyError(parsed.error).replace(/\n/g, ' '),
    expected: 'a notebook of format 4.5',
    fix: otherFormat ? 'open it in JupyterLab and save it' : 'mend the places that are named',
  });
}

/** Read a notebook. @throws InputError */
export function readNotebook(file: string): Notebook {
  let value: unknown;
  try {
    value = readJson(file);
  } catch (error) {
    throw new InputError(
      {
        what: `cannot read the notebook ${file}`,
        given: (error as Error).message,
        expected: 'a JSON file',
        fix: 'check the path; a file with merge marks must be mended by hand',
      },
      { cause: error },
    );
  }
  return parseNotebook(value, file);
}

/** Where Python's `splitlines` breaks a text; Jupyter writes its lines that way. */
const lineEnd = /(?<=\n|\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029])/;

function splitLines(value: string): string[] {
  return value === '' ? [] : value.split(lineEnd);
}

/** The text of a notebook file, as Jupyter writes it: sorted keys, one space, lines as lists. */
export function notebookText(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: splitLines(cell.source),
    ...(cell.cell_type === 'code' ? { outputs: cell.outputs.map(splitOutput) } : {}),
  }));
  return `${JSON.stringify(sorted({ ...notebook, cells }), null, 1)}\n`;
}

function splitOutput(output: Output): unknown {
  if (output.output_type === 'stream') return { ...output, text: splitLines(output.text) };
  if (output.output_type === 'error') return output;
  const data = Object.entries(output.data).map(([mime, value]) => [
    mime,
    typeof value === 'string' && mime !== 'application/json' ? splitLines(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) as unknown };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

/** Write a notebook, whole or not at all; it is checked first. */
export function writeNotebook(file: string, notebook: Notebook): void {
  const written = notebookText(notebook);
  parseNotebook(JSON.parse(written), file);
  writeFileAtomic(file, written);
}
