// A ledger for readers: a table of the peak, and every event as CSV.
import type { Count, Ledger } from './ledger';

const gib = 2 ** 30;
const mib = 2 ** 20;
/** `1.25 GiB`, `3.4 MiB`, `512 bytes`. */
export const bytesText = (bytes: number): string =>
  Math.abs(bytes) >= gib
    ? `${(bytes / gib).toFixed(2)} GiB`
    : Math.abs(bytes) >= mib
      ? `${(bytes / mib).toFixed(2)} MiB`
      : `${bytes} bytes`;

/**
 * What the peak is made of, by category, kernel and part of the model.
 * @param most   lines a list, the rest in one more
 * @param depth  names of a part that are told apart
 */
export function ledgerTable(ledger: Ledger, { most = 12, depth = 2 } = {}): string {
  const peak = ledger.peak();
  const withTemporaries = ledger.peak({ kernelTemporaries: true });
  const lines = [
    `${ledger.backend}: peak ${bytesText(peak.bytes)} (${peak.bytes} bytes), ${bytesText(peak.beyondGiven)} beyond what was given`,
    `with kernel temporaries ${bytesText(withTemporaries.bytes)} (+${withTemporaries.bytes - peak.bytes} bytes)`,
    `${ledger.allocations().length} allocations, ${bytesText(ledger.left())} left at the end`,
  ];
  for (const by of ['category', 'op', 'scope'] as const) {
    const shares = ledger.composition(by, { depth });
    lines.push('', `at the peak by ${by === 'op' ? 'kernel' : by}`);
    for (const { name, bytes, allocations } of shares.slice(0, most))
      lines.push(line(name || '(outside all)', bytes, peak.bytes, allocations));
    const rest = shares.slice(most);
    if (rest.length > 0) {
      const sum = (of: 'bytes' | 'allocations'): number => rest.reduce((n, share) => n + share[of], 0);
      lines.push(line(`${rest.length} more`, sum('bytes'), peak.bytes, sum('allocations')));
    }
  }
  return `${lines.join('\n')}\n`;
}

const line = (name: string, bytes: number, of: number, allocations: number): string =>
  `  ${name.padEnd(32)} ${bytesText(bytes).padStart(14)} ${`${((100 * bytes) / (of || 1)).toFixed(1)} %`.padStart(8)} ${`${allocations}`.padStart(7)}`;

/** Every event, one a line: sequence, change and total of live bytes, and what was made or freed. */
export function ledgerCsv(ledger: Ledger, count: Count = {}): string {
  const head = 'sequence,change,live,allocation,op,shape,dtype,bytes,scope,phase,category,kernel temporary';
  const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  let live = 0;
  const rows = ledger.events(count).map(({ sequence, type, allocation: a }) => {
    const change = type === 'allocation' ? a.bytes : -a.bytes;
    live += change;
    const shape = a.shape.join('x');
    const cells = [sequence, change, live, a.index, a.op, shape, a.dtype, a.bytes, a.scope, a.phase, a.category, a.kernelTemporary]; // prettier-ignore
    return cells.map((cell) => quoted(String(cell))).join(',');
  });
  return `${[head, ...rows].join('\n')}\n`;
}
