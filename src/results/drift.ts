// Drift: how far a fresh result lies from the recorded one, and whether the machine explains it.
//
//   identical            every number, text and picture is the same
//   within tolerance     numbers differ by no more than rounding (1e-12 of their size), or, where both have an interval,
//                        the intervals overlap; in tables and figures of a study that measures, where numbers stand
//                        without their intervals, by no more than a quarter of the recorded one (lists of ten numbers
//                        and more are observations: their medians are compared)
//   explained by device  anything else, where spec, code and data are the same and device, Node's major version, backend
//                        or packages are not
//   unexplained          anything else
//
// A published or assumed number is a constant: no device explains a change of it.
import { median } from '../base/interval';
import { canonicalJson } from '../base/hash';
import { changesText, listChanges } from './changes';
import { formatInterval, formatNumber, formatQuantity } from './format';
import type { Finding, Result } from './result';

export const driftClasses = ['identical', 'within tolerance', 'explained by device', 'unexplained'] as const;
export type DriftClass = (typeof driftClasses)[number];

/** A fresh result beside the recorded one. */
export interface Drift {
  id: string;
  class: DriftClass;
  recorded: Result;
  fresh: Result;
  /** What differs and by how much, in a line. */
  text: string;
}

/** All results of two folders beside each other. */
export interface DriftReport {
  drifts: Drift[];
  counts: Record<DriftClass, number>;
  /** Ids that only one of the two has, of studies that both have. */
  onlyRecorded: string[];
  onlyFresh: string[];
}

/** What rounding may change. */
const rounding = 1e-12;
/** What a number without interval may move from run to run in a study that measures. */
const loose = 0.25;
/** From this length on a list of numbers is a list of observations. */
const observations = 10;

/**
 * Compare a fresh result with the recorded one.
 * @param measures  whether its study measures: then a table's numbers may move; told by the kind where left out
 */
export function driftOf(
  recorded: Result,
  fresh: Result,
  measures: boolean = recorded.kind === 'measured',
): Drift {
  const drift = (cls: DriftClass, text: string): Drift => ({
    id: recorded.id,
    class: cls,
    recorded,
    fresh,
    text,
  });
  const [before, now] = [contentOf(recorded), contentOf(fresh)].map(canonicalJson);
  if (before === now) return drift('identical', 'identical');
  const compared = compare(recorded, fresh, measures);
  if (compared.close) return drift('within tolerance', compared.text);
  const changed = listChanges(recorded.identity, fresh.identity);
  const causes = changed.filter(({ part }) => part === 'spec' || part === 'code' || part === 'data');
  if (causes.length > 0)
    return drift('unexplained', `${compared.text}; ${changesText(causes.map((c) => c.text))}`);
  const differing = surroundings(recorded, fresh);
  const constant = recorded.kind === 'paper' || recorded.kind === 'assumed';
  if (constant || differing.length === 0) return drift('unexplained', compared.text);
  return drift('explained by device', `${compared.text}; ${differing.join(', ')}`);
}

/** Compare the results of a run with the record, study by study; studies that only one of them has do not count. */
export function driftBetween(
  recorded: ReadonlyMap<string, Result>,
  fresh: ReadonlyMap<string, Result>,
): DriftReport {
  const studiesOf = (results: ReadonlyMap<string, Result>): Set<string> =>
    new Set([...results.values()].map((r) => r.study));
  const [before, now] = [studiesOf(recorded), studiesOf(fresh)];
  const measuring = new Set(
    [...recorded.values()].filter((r) => r.kind === 'measured' && r.uncertainty).map((r) => r.study),
  );
  const report: DriftReport = {
    drifts: [],
    counts: { identical: 0, 'within tolerance': 0, 'explained by device': 0, unexplained: 0 },
    onlyRecorded: [...recorded.values()].filter((r) => now.has(r.study) && !fresh.has(r.id)).map((r) => r.id),
    onlyFresh: [...fresh.values()].filter((r) => before.has(r.study) && !recorded.has(r.id)).map((r) => r.id),
  };
  for (const result of fresh.values()) {
    const other = recorded.get(result.id);
    if (!other) continue;
    const drift = driftOf(other, result, measuring.has(other.study) || other.kind === 'measured');
    report.drifts.push(drift);
    report.counts[drift.class]++;
  }
  return report;
}

/** What is compared: all that a reader would see. */
function contentOf({ kind, unit, value, uncertainty, table, figure }: Result): Partial<Finding> {
  return { kind, unit, value, uncertainty, table, figure };
}

interface Compared {
  close: boolean;
  text: string;
}

function compare(recorded: Result, fresh: Result, measures: boolean): Compared {
  for (const field of ['kind', 'unit'] as const)
    if (recorded[field] !== fresh[field])
      return { close: false, text: `${field} ${recorded[field]} recorded, ${fresh[field]} now` };
  if (recorded.value !== undefined && fresh.value !== undefined)
    return compareValues({ ...recorded, value: recorded.value }, { ...fresh, value: fresh.value });
  return compareNumbers(
    recorded.table ?? recorded.figure,
    fresh.table ?? fresh.figure,
    measures ? loose : rounding,
  );
}

function compareValues(recorded: Result & { value: number }, fresh: Result & { value: number }): Compared {
  const shown = (r: Result & { value: number }): string =>
    formatQuantity(r.value, r.unit, { significant: 4 }) +
    (r.uncertainty
      ? ` (${formatInterval(r.uncertainty.low, r.uncertainty.high, '', { significant: 4 })})`
      : '');
  const text = `${shown(recorded)} recorded, ${shown(fresh)} now`;
  if (isNear(recorded.value, fresh.value, rounding)) return { close: true, text: `${text}: rounding` };
  const [a, b] = [recorded.uncertainty, fresh.uncertainty];
  if (!a || !b) return { close: false, text };
  const overlap = a.low <= b.high && b.low <= a.high;
  return { close: overlap, text: `${text}: the intervals ${overlap ? 'overlap' : 'lie apart'}` };
}

/** Compare tables or the data of figures: their shape and texts must be the same, their numbers near. */
function compareNumbers(before: unknown, now: unknown, tolerance: number): Compared {
  let numbers = 0;
  let far = 0;
  let worst = { by: 0, text: '' };
  let other: string | undefined;
  const number = (a: number, b: number, where: string): void => {
    numbers++;
    if (isNear(a, b, tolerance)) return;
    far++;
    const by = Math.abs(b - a) / Math.max(Math.abs(a), Number.MIN_VALUE);
    if (by > worst.by)
      worst = {
        by,
        text: `${formatNumber(a, { significant: 4 })} recorded, ${formatNumber(b, { significant: 4 })} now at ${where}`,
      };
  };
  const visit = (a: unknown, b: unknown, where: string): void => {
    if (typeof a === 'number' && typeof b === 'number') number(a, b, where);
    else if (tolerance > rounding && isObservations(a) && isObservations(b))
      number(median(a), median(b), `the median of ${where}`);
    else if (isTree(a) && isTree(b) && Array.isArray(a) === Array.isArray(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        visit(a[key], b[key], where ? `${where}.${key}` : key);
    } else if (a !== b) other ??= where;
  };
  visit(before, now, '');
  if (other !== undefined) return { close: false, text: `another content at ${other}` };
  if (far === 0)
    return {
      close: true,
      text: tolerance > rounding ? 'numbers within a quarter' : 'numbers within rounding',
    };
  return { close: false, text: `${far} of ${numbers} numbers differ; most: ${worst.text}` };
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isObservations(value: unknown): value is number[] {
  return Array.isArray(value) && value.length >= observations && value.every((v) => typeof v === 'number');
}

function isNear(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), tolerance > rounding ? 0 : Math.abs(b));
}

/** What may move a number though nothing it is made from has changed: machine, Node's major version, backend, packages. */
function surroundings(recorded: Result, fresh: Result): string[] {
  const device = (['cpu', 'gpu', 'driver', 'platform', 'cores', 'memoryGiB'] as const)
    .filter((field) => recorded.device[field] !== fresh.device[field])
    .map((field) => `${field} ${recorded.device[field] ?? 'none'} -> ${fresh.device[field] ?? 'none'}`);
  const major = (r: Result): string => (r.versions.node ?? 'unknown').split('.')[0];
  const node = major(recorded) === major(fresh) ? [] : [`Node ${major(recorded)} -> ${major(fresh)}`];
  const code = listChanges(recorded.identity, fresh.identity)
    .filter(({ part }) => part === 'packages' || part === 'backend')
    .map((change) => change.text);
  return [...device, ...node, ...code];
}
