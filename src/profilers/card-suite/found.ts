// What the parts of the suite found, and what tables of it are made of.
import type { Table } from '../../results/result';
import type { Part, PartState } from './part';

/** The parts with what was found. */
export interface PartsFound {
  parts: readonly Part[];
  states: Readonly<Record<string, PartState>>;
}

export type Row = Table['rows'][number];
type Column = Table['columns'][number];

export const text = (key: string, title: string): Column => ({ key, title });
export const number = (key: string, title: string, unit: string, digits: number): Column => ({
  key,
  title,
  unit,
  digits,
  align: 'right',
});

export const short = (value: number, digits = 4): number => Number(value.toPrecision(digits));
export const shortOrNull = (value: number | null): number | null => (value === null ? null : short(value));

/** What became of a part, in words. */
export function stateOf(part: Part, state: PartState | undefined): string {
  if (!state) return 'not run';
  if (state.refused) return `not testable here: ${state.refused.reason}`;
  const missing = part.units.filter((id) => !(id in state.units)).length;
  return missing > 0 ? `not finished: ${missing} of ${part.units.length} units are missing` : 'done';
}

/** The engine of a part, and what it does: `tensorflow`, `times tf32`. */
function nameOf(part: Part): { engine: string; task: string } {
  const [engine, ...rest] = part.name.split(' ');
  return { engine, task: rest.join(' ') };
}

/** Every unit of the parts that do this, with what came of it. */
export const outcomesOf = (
  { parts, states }: PartsFound,
  wanted: string,
): { engine: string; id: string; outcome: PartState['units'][string] }[] =>
  parts.flatMap((part) => {
    const { engine, task } = nameOf(part);
    const units = states[part.name]?.units ?? {};
    return task === wanted
      ? part.units.filter((id) => id in units).map((id) => ({ engine, id, outcome: units[id] }))
      : [];
  });
