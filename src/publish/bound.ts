// Results as the sources of the paper see them: every number already written out, with where it comes from.
//
// The words are made here and not in Typst, so that the PDF, the web page, the figures and the terminal write one
// number in one way.
import { changesText } from '../results/changes';
import { formatNumber, kindWord, titleWithUnit, unitFor, unitText } from '../results/format';
import type { Result, Table } from '../results/result';

/** A number written out for any count of decimals; `auto` has three significant digits, `%0` to `%2` are of a hundred. */
type Written = Record<string, string>;

/** A bound number, as `#num("id")` finds it. */
export interface BoundNumber {
  id: string;
  title: string;
  value: number;
  text: Written;
  /** The unit behind each of these: `1 view`, `1.5 views`. */
  units: Written;
  unit: string;
  interval: { low: Written; high: Written; level: string; method: string; n: string } | null;
  /** Kind, study, device and date in one line: shown on hover and focus. */
  origin: string;
}

/** A table with every cell written out. */
export interface BoundTable {
  title: string;
  columns: { title: string; align: 'left' | 'right' }[];
  rows: string[][];
  origin: string;
}

/** Where the numbers of one study come from, as text. */
export interface StudyFacts {
  study: string;
  mode: string;
  date: string;
  commit: string;
  device: string;
  seed: string;
  versions: string;
  inputs: { name: string; sha256: string }[];
  notes: string[];
  /** What changed in its spec, code or data since it was recorded; empty where nothing did. */
  changed: string;
}

/** Changes since they were recorded, by study. */
export type ChangedSince = ReadonlyMap<string, readonly string[]>;

const unchanged: ChangedSince = new Map();

function written(value: number): Written {
  const text: Written = { auto: formatNumber(value) };
  for (let digits = 0; digits <= 6; digits++) text[digits] = formatNumber(value, { digits });
  for (let digits = 0; digits <= 2; digits++) text[`%${digits}`] = formatNumber(100 * value, { digits });
  return text;
}

const day = (iso: string): string => iso.slice(0, 10);

/** The machine of a result in a few words. */
function deviceText({ device }: Result): string {
  return [device.gpu, device.cpu].find((d) => d !== null && d !== '') ?? device.platform;
}

function shortCommit(result: Result): string {
  return `${result.commit.slice(0, 10)}${result.dirty ? ' with uncommitted changes' : ''}`;
}

/** Kind, study, device, date: what a reader must know to trust a number, in one line. */
export function originOf(result: Result, changed: ChangedSince = unchanged): string {
  if (result.kind === 'paper') return `${kindWord.paper}: ${result.source ?? result.study}`;
  const parts = [kindWord[result.kind], `study ${result.study}`];
  // A published or derived number is the same on every machine.
  if (result.kind === 'measured' || result.kind === 'dry-run') parts.push(deviceText(result));
  if (result.source) parts.push(result.source);
  parts.push(day(result.date));
  if (changed.has(result.study)) parts.push(`code changed since ${shortCommit(result)}`);
  return parts.join('; ');
}

/** A result that is one number. */
export function boundNumber(
  result: Result & { value: number },
  changed: ChangedSince = unchanged,
): BoundNumber {
  const u = result.uncertainty;
  const text = written(result.value);
  return {
    id: result.id,
    title: result.title,
    value: result.value,
    text,
    units: Object.fromEntries(Object.entries(text).map(([key, t]) => [key, unitFor(t, result.unit)])),
    unit: unitText(result.unit),
    interval: u && {
      low: written(u.low),
      high: written(u.high),
      level: formatNumber(100 * u.level, { digits: 0 }),
      method: u.method,
      n: formatNumber(u.n, { digits: 0 }),
    },
    origin: originOf(result, changed),
  };
}

/** A result that is a table. */
export function boundTable(result: Result & { table: Table }, changed: ChangedSince = unchanged): BoundTable {
  const { columns, rows } = result.table;
  return {
    title: result.title,
    columns: columns.map((c) => ({
      title: titleWithUnit(c.title, c.unit),
      align: c.align ?? (rows.every((r) => typeof r[c.key] !== 'string') ? 'right' : 'left'),
    })),
    rows: rows.map((row) =>
      columns.map((c) => {
        const cell = row[c.key] ?? null;
        if (cell === null) return '–';
        return typeof cell === 'string' ? cell : formatNumber(cell, { digits: c.digits });
      }),
    ),
    origin: originOf(result, changed),
  };
}

/** The numbers and tables among some results, by id. */
export function boundResults(
  results: Iterable<Result>,
  changed: ChangedSince = unchanged,
): {
  numbers: Record<string, BoundNumber>;
  tables: Record<string, BoundTable>;
  studies: Record<string, StudyFacts>;
} {
  const bound: ReturnType<typeof boundResults> = { numbers: {}, tables: {}, studies: {} };
  for (const result of results) {
    if (result.value !== undefined)
      bound.numbers[result.id] = boundNumber({ ...result, value: result.value }, changed);
    if (result.table) bound.tables[result.id] = boundTable({ ...result, table: result.table }, changed);
    bound.studies[result.study] ??= {
      study: result.study,
      mode: result.mode,
      date: day(result.date),
      commit: shortCommit(result),
      device: `${deviceText(result)}, ${result.device.cores} cores, ${result.device.memoryGiB} GiB, ${result.device.platform}`,
      seed: result.seed === null ? 'none' : String(result.seed),
      versions: Object.entries(result.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
      inputs: result.inputs.map((i) => ({ name: i.name, sha256: `${i.sha256.slice(0, 12)}…` })),
      notes: result.notes,
      changed: changesText(changed.get(result.study) ?? []),
    };
  }
  return bound;
}
