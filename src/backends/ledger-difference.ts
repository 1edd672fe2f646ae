// Two ledgers of the same computation, on shapes and on a real backend: where they differ, and by which allocation.
import type { Allocation, Ledger } from './ledger';

/** One difference, with the allocation that differs. */
export interface LedgerDifference {
  kind:
    'bytes' | 'missing' | 'extra' | 'not freed' | 'freed though the other keeps it' | 'freed at another time';
  /** In the first ledger; null where it has none. */
  first: Allocation | null;
  /** In the second ledger; null where it has none. */
  second: Allocation | null;
  /** Bytes that the second has more at this place; negative for fewer. */
  bytes: number;
  /** In words. */
  message: string;
}

/** How far ahead the same allocation is looked for where two ledgers part. */
const window = 256;

const said = ({ index, op, shape, dtype, scope, phase }: Allocation): string =>
  `allocation ${index}, ${op} [${shape.join(', ')}] ${dtype}${scope && ` in ${scope}`} (${phase})`;
const same = (a: Allocation, b: Allocation): boolean =>
  a.op === b.op && a.dtype === b.dtype && a.shape.join() === b.shape.join() && a.scope === b.scope;

/**
 * Compare what two ledgers say of the engine's allocations: that both make the same ones in the same order, of as many
 * bytes, and free each between the same two allocations. (In which order several are freed between two allocations
 * changes no total.) Kernel temporaries are not compared.
 * @returns differences in the order in which they come; none when the ledgers agree to the byte
 */
export function ledgerDifferences(first: Ledger, second: Ledger): LedgerDifference[] {
  const [a, b] = [first.allocations(), second.allocations()];
  const found: LedgerDifference[] = [];
  const pairs: [Allocation, Allocation][] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && same(a[i], b[j])) {
      pairs.push([a[i++], b[j++]]);
      continue;
    }
    const [missing, extra] = shortestWay(a, b, i, j);
    for (const end = i + missing; i < end; i++)
      found.push({
        kind: 'missing',
        first: a[i],
        second: null,
        bytes: -a[i].bytes,
        message: `${said(a[i])}, ${a[i].bytes} bytes: not in the second ledger`,
      });
    for (const end = j + extra; j < end; j++)
      found.push({
        kind: 'extra',
        first: null,
        second: b[j],
        bytes: b[j].bytes,
        message: `${said(b[j])}, ${b[j].bytes} bytes: not in the first ledger`,
      });
  }
  const releases = pairedReleases(pairs);
  pairs.forEach(([one, other], k) => {
    if (one.bytes !== other.bytes)
      found.push({
        kind: 'bytes',
        first: one,
        second: other,
        bytes: other.bytes - one.bytes,
        message: `${said(one)}: ${one.bytes} bytes, and ${other.bytes} in the second ledger (${signed(other.bytes - one.bytes)})`,
      });
    const [freed, freedToo] = releases[k];
    const base = { first: one, second: other };
    if (freed !== null && freedToo === null)
      found.push({
        ...base,
        kind: 'not freed',
        bytes: other.bytes,
        message: `${said(one)}: ${other.bytes} bytes are never freed in the second ledger`,
      });
    else if (freed === null && freedToo !== null)
      found.push({
        ...base,
        kind: 'freed though the other keeps it',
        bytes: -other.bytes,
        message: `${said(one)}: ${one.bytes} bytes are freed in the second ledger only`,
      });
    else if (freed !== freedToo)
      found.push({
        ...base,
        kind: 'freed at another time',
        bytes: freedToo! > freed! ? other.bytes : -other.bytes,
        message: `${said(one)}: ${one.bytes} bytes are freed ${freedToo! > freed! ? 'later' : 'earlier'} in the second ledger, after ${freedToo!} of the allocations that both have instead of ${freed!}`,
      });
  });
  const place = ({ first: one, second: other }: LedgerDifference): number => (one ?? other)!.made;
  return found.sort((x, y) => place(x) - place(y));
}

/** The fewest allocations to skip in each ledger until both go on alike for two. */
function shortestWay(a: Allocation[], b: Allocation[], i: number, j: number): [number, number] {
  const alike = (m: number, n: number): boolean => {
    const [left, right] = [a.length - m, b.length - n];
    if (left === 0 || right === 0) return left === right;
    return same(a[m], b[n]) && (left === 1 || right === 1 || same(a[m + 1], b[n + 1]));
  };
  for (let skipped = 1; skipped <= window; skipped++)
    for (let missing = 0; missing <= skipped; missing++) {
      const [m, n] = [i + missing, j + skipped - missing];
      if (m <= a.length && n <= b.length && alike(m, n)) return [missing, skipped - missing];
    }
  return [a.length - i, b.length - j];
}

/** Of each pair, after how many of the paired allocations each one is freed; null for never. */
function pairedReleases(pairs: [Allocation, Allocation][]): (readonly [number | null, number | null])[] {
  const freedAfter = (side: 0 | 1): ((allocation: Allocation) => number | null) => {
    const made = pairs.map((pair) => pair[side].made);
    return ({ freed }) => {
      if (freed === null) return null;
      let [low, high] = [0, made.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (made[middle] < freed) low = middle + 1;
        else high = middle;
      }
      return low;
    };
  };
  const [one, other] = [freedAfter(0), freedAfter(1)];
  return pairs.map(([first, second]) => [one(first), other(second)]);
}

const signed = (bytes: number): string => `${bytes > 0 ? '+' : ''}${bytes}`;
