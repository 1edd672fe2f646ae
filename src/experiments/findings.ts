// How a study states what it found: numbers that are derived or observed, tables, figures; one list, one prefix.
import { bootstrap, median } from '../base/interval';
import { Random } from '../base/random';
import type { Finding, Table } from '../results/result';

/** The findings of one study. Ids get its name in front; each interval comes from a random stream of its own. */
export class Findings {
  readonly all: Finding[] = [];
  private readonly random: Random;

  constructor(
    readonly study: string,
    seed: number,
  ) {
    this.random = new Random(seed);
  }

  /** A number that follows from others by arithmetic; `source` is the formula. */
  derived(id: string, title: string, unit: string, value: number, source: string): void {
    this.add({ id, title, unit, value, kind: 'derived', uncertainty: null, source });
  }

  /** A statistic of observations, with its bootstrap interval over them; the median where none is given. */
  observed<Row>(
    id: string,
    title: string,
    unit: string,
    rows: readonly Row[],
    statistic: (rows: Row[]) => number = (values) => median(values as number[]),
    { kind = 'measured', source }: { kind?: 'measured' | 'derived'; source?: string } = {},
  ): void {
    const uncertainty = bootstrap(rows, statistic, this.random.fork(id));
    this.add({ id, title, unit, kind, value: statistic([...rows]), uncertainty, ...(source && { source }) });
  }

  table(id: string, title: string, kind: Finding['kind'], table: Table): void {
    this.add({ id, title, kind, unit: '', uncertainty: null, table });
  }

  figure(
    id: string,
    title: string,
    builder: string,
    data: unknown,
    kind: Finding['kind'] = 'measured',
  ): void {
    const figure = { builder, data: data as NonNullable<Finding['figure']>['data'] };
    this.add({ id, title, kind, unit: '', uncertainty: null, figure });
  }

  /** A finding of any other form. */
  add(finding: Finding): void {
    this.all.push({ ...finding, id: `${this.study}.${finding.id}` });
  }

  /** The value of a number that was found. @throws Error when there is none of this id */
  value(id: string): number {
    const value = this.all.find((f) => f.id === `${this.study}.${id}`)?.value;
    if (value === undefined) throw new Error(`no finding ${id} with a value`);
    return value;
  }
}

/** The arithmetic mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
