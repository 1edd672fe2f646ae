// Rows of the bench: what was measured, beside what it is to be.
import { median } from '../../../src/base/interval';

/** What `--json` gives. Times are medians, in milliseconds. */
export interface Row {
  name: string;
  oursMs: number;
  /** The fastest peer; null where there was none. */
  peer: string | null;
  peerMs: number | null;
  /** Our time by the peer's. */
  ratio: number | null;
  /** The most that the ratio may be; null where there is none. */
  goal: number | null;
  /** The smallest times. */
  oursLeastMs: number;
  peerLeastMs: number | null;
  /** Every peer's median. */
  peers: Readonly<Record<string, number>>;
  /** How ours ran: `captured, graph`. */
  how: string;
  /** No machine of this rate could do it faster, in milliseconds; and what limits it. */
  limitMs: number;
  limitedBy: 'FLOP' | 'bytes';
  /** Whoever gave other losses, with the first that differs: such a row has missed, whatever its time. */
  otherLosses: readonly string[];
}

/** What a machine can do at most, as measured in the same run. */
export interface Rates {
  /** Of products, 1e9 FLOP a second. */
  gigaflops: number;
  /** Of memory, read and written, 1e9 bytes a second. */
  gigabytes: number;
}

/** What one side measured: milliseconds of single steps, and its first losses. */
export interface Measured {
  milliseconds: readonly number[];
  losses: readonly number[];
}

/** The share by which two sides' losses may differ: sums in another order. */
const tolerance = 1e-4;

/** A row of what was measured. @param peers  by name; those that gave other losses are not compared with */
export function rowOf(
  given: { name: string; goal: number | null; how: string; flop: number; bytes: number; rates: Rates },
  ours: Measured,
  peers: ReadonlyMap<string, Measured>,
): Row {
  const { flop, bytes, rates } = given;
  const otherLosses: string[] = [];
  const medians: [string, number][] = [];
  for (const [name, { milliseconds, losses }] of peers) {
    const k = losses.findIndex((loss, k) => !(Math.abs(loss - ours.losses[k]) <= tolerance * Math.abs(loss)));
    if (k < 0) medians.push([name, median(milliseconds)]);
    else otherLosses.push(`${name}: ${losses[k]} in step ${k + 1}, ours ${ours.losses[k]}`);
  }
  const [fastest] = [...medians].sort(([, a], [, b]) => a - b);
  const oursMs = median(ours.milliseconds);
  const byFlop = flop / rates.gigaflops / 1e6;
  const byBytes = bytes / rates.gigabytes / 1e6;
  return {
    name: given.name,
    oursMs,
    peer: fastest?.[0] ?? null,
    peerMs: fastest?.[1] ?? null,
    ratio: fastest ? oursMs / fastest[1] : null,
    goal: given.goal,
    oursLeastMs: Math.min(...ours.milliseconds),
    peerLeastMs: fastest ? Math.min(...peers.get(fastest[0])!.milliseconds) : null,
    peers: Object.fromEntries(medians),
    how: given.how,
    limitMs: Math.max(byFlop, byBytes),
    limitedBy: byFlop >= byBytes ? 'FLOP' : 'bytes',
    otherLosses,
  };
}

/** What is to be said of a row. `not judged`: it has a goal, and nobody to compare with. */
export type Verdict = 'held' | 'MISSED' | 'OTHER LOSSES' | 'not judged' | 'no goal';

export function verdictOf({ ratio, goal, otherLosses }: Row): Verdict {
  if (otherLosses.length > 0) return 'OTHER LOSSES';
  if (goal === null) return 'no goal';
  if (ratio === null) return 'not judged';
  return ratio <= goal ? 'held' : 'MISSED';
}

/** 1 when any row missed, gave other losses, or has a goal and could not be judged. */
export function exitCodeOf(rows: readonly Row[]): 0 | 1 {
  return rows.some((row) => !['held', 'no goal'].includes(verdictOf(row))) ? 1 : 0;
}

const ms = (value: number | null): string => (value === null ? '-' : value.toFixed(value < 10 ? 2 : 1));

/** Head of the table that `lineOf` continues. */
export const head = [
  `${'row'.padEnd(50)} ${'ours ms'.padStart(9)} ${'least'.padStart(8)}  ${'fastest peer'.padEnd(16)}`,
  `${'ms'.padStart(9)} ${'ratio'.padStart(6)} ${'goal'.padStart(5)}  ${'of limit'.padStart(8)}  verdict`,
].join(' ');

/** One line of the table. @param colour  red and green, for a terminal */
export function lineOf(row: Row, { colour = false } = {}): string {
  const verdict = verdictOf(row);
  const share = `${((100 * row.limitMs) / row.oursMs).toFixed(0)} % ${row.limitedBy === 'FLOP' ? 'F' : 'B'}`;
  const line = [
    `${row.name.padEnd(50)} ${ms(row.oursMs).padStart(9)} ${ms(row.oursLeastMs).padStart(8)}  ${(row.peer ?? '-').padEnd(16)}`,
    `${ms(row.peerMs).padStart(9)} ${(row.ratio?.toFixed(2) ?? '-').padStart(6)} ${String(row.goal ?? '-').padStart(5)}  ${share.padStart(8)}  ${verdict}`,
  ].join(' ');
  if (!colour || verdict === 'no goal') return line;
  return `\u001b[${verdict === 'held' ? 32 : 31}m${line}\u001b[0m`;
}
