// Figure: what a builder makes of results, and what every output (picture, page, notebook) is made from.
import type { z } from 'zod';
import { InputError } from '../base/errors';
import type { LinkedPlanes } from '../results/linked-planes';
import type { Kind, Result } from '../results/result';
import { formatInterval, formatNumber, titleWithUnit } from '../results/format';
import type { JsonObject, PlotSpec } from './spec';
import type { Stamp } from './stamp';
import { grey } from './theme';

/** One number of a figure, as it stands in the CSV. */
export interface DataRow {
  /** The result it comes from; the figure's own id for single observations. */
  result: string;
  /** What was counted or measured. */
  quantity: string;
  /** What it belongs to: a plane, a number of views. */
  group: string;
  kind: Kind;
  value: number;
  unit: string;
  /** The ends of the interval, and its confidence. */
  low: number | null;
  high: number | null;
  level: number | null;
  /** The run it comes from; `figure()` adds it. */
  run?: Pick<Result, 'origin' | 'mode' | 'date' | 'commit' | 'dirty' | 'device'>;
}

/** A picture with all that must stand beside it. */
export interface Figure {
  /** The id of the result that asks for it; file names come from it. */
  id: string;
  title: string;
  /** The caption: what is shown, of what kind, with what reservations. Plain text. */
  caption: string;
  /** What the picture shows, for those who do not see it. */
  alt: string;
  spec: PlotSpec;
  /** The numbers in tidy long form. */
  rows: DataRow[];
  stamp: Stamp;
  /** Where the live form is the viewer of linked planes and not plotly: what it shows. */
  viewer?: LinkedPlanes;
}

/** Results by id, as the store gives them. */
export type Results = ReadonlyMap<string, Result>;

/** What a builder states; `figure()` adds id and stamp. */
export interface Drawing {
  title: string;
  caption: string;
  alt: string;
  spec: PlotSpec;
  rows: DataRow[];
  /** The results drawn; the figure's own among them where its data holds observations. */
  uses: Result[];
  viewer?: LinkedPlanes;
}

/** A pure function from a figure's data and the results to a drawing. */
export type Builder = (own: Result, results: Results) => Drawing;

/** A result that holds a number. */
export type Quantity = Result & { value: number };

/** A number by its id. @throws InputError where it is missing or is no number */
export function quantity(results: Results, id: string, figure: string): Quantity {
  const result = results.get(id);
  if (result?.value === undefined) {
    throw new InputError({
      what: `cannot draw ${figure}`,
      given: result ? `${id}, which is not a number` : `no result ${id}`,
      expected: 'a result with a value and a unit',
      fix: 'run the study that finds it (`npm run reproduce`), or mend the id in the figure',
    });
  }
  return result as Quantity;
}

/** The row of a number. */
export function rowOf(
  result: Pick<Quantity, 'id' | 'kind' | 'value' | 'unit' | 'uncertainty'>,
  name: string,
  group: string,
): DataRow {
  const { low = null, high = null, level = null } = result.uncertainty ?? {};
  return {
    result: result.id,
    quantity: name,
    group,
    kind: result.kind,
    value: result.value,
    unit: result.unit,
    low,
    high,
    level,
  };
}

/** The row of a number that a figure's own data holds, which has no interval. */
export const pointRow = (
  { id, kind }: Pick<Result, 'id' | 'kind'>,
  name: string,
  group: string,
  value: number,
  unit: string,
): DataRow => rowOf({ id, kind, value, unit, uncertainty: null }, name, group);

/** A number and its interval as they stand in captions and hovers: `0.747 (0.742 to 0.752)`. */
export const wordsOf = ({ value, uncertainty }: Quantity, digits: number): string =>
  formatNumber(value, { digits }) +
  (uncertainty ? ` (${formatInterval(uncertainty.low, uncertainty.high, '', { digits })})` : '');

/**
 * Error bars from the results' intervals; a number without one has none.
 * @param shown  a value in the unit that is drawn
 * @returns plotly's `error_x` or `error_y`; undefined where no result has an interval
 */
export function errorBars(
  quantities: readonly Quantity[],
  shown: (value: number, q: Quantity) => number = (value) => value,
): JsonObject | undefined {
  if (quantities.every((q) => q.uncertainty === null)) return undefined;
  const upTo = (q: Quantity, end: number): number => Math.abs(shown(end, q) - shown(q.value, q));
  return {
    type: 'data',
    symmetric: false,
    array: quantities.map((q) => upTo(q, q.uncertainty?.high ?? q.value)),
    arrayminus: quantities.map((q) => upTo(q, q.uncertainty?.low ?? q.value)),
    color: grey.ink,
    thickness: 1.5,
    width: 4,
  };
}

/** An axis's title with the unit of its numbers. @throws InputError when the numbers have several units */
export function axisTitle(title: string, quantities: readonly Quantity[]): JsonObject {
  const units = [...new Set(quantities.map((q) => q.unit))];
  if (units.length !== 1) {
    throw new InputError({
      what: `cannot draw the axis ${title}`,
      given: `the units ${units.join(', ') || '(none)'}`,
      expected: 'one unit',
      fix: 'give these results the same unit',
    });
  }
  return { text: titleWithUnit(title, units[0]) };
}

/** The data of a figure's result, checked. @throws InputError that names the field which is wrong */
export function dataOf<T>(own: Result, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(own.figure?.data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InputError({
    what: `cannot draw ${own.id}`,
    given: `data${issue.path.map((p) => `.${String(p)}`).join('')}: ${issue.message}`,
    expected: `the data that the builder ${own.figure?.builder ?? '(none)'} describes in its file`,
    fix: 'mend the study that makes this figure',
  });
}
