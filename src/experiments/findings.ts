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
  ): void {
    const uncertainty = bootstrap(rows, statistic, this.random.fork(id));
    this.add({ id, title, unit, kind: 'measured', value: statistic([...rows]), uncertainty });
  }

  table(id: string, title: string, kind: Finding['kind'], table: Table): void {
    this.add({ id, title, kind, unit: '', uncertainty: null, table });
  }

  figure(id: string, title: string, kind: Finding['kind'], builder: string, data: unknown): void {
    const figure = { builder, data: data as NonNullable<Finding['figure']>['data'] };
    this.add({ id, title, kind, unit: '', uncertainty: null, figure });
  }

  /** The value of a number that was found; null where there is none, as in a cell of a table. */
  value(id: string): number | null {
    return this.all.find((f) => f.id === `${this.study}.${id}`)?.value ?? null;
  }

  private add(finding: Finding): void {
    this.all.push({ ...finding, id: `${this.study}.${finding.id}` });
  }
}

/** The arithmetic mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
