// How a step's memory and arithmetic grow with the batch, of one dry run.
//
// Every buffer of a step either does not depend on the batch or holds as much for each sample. So a dry run with a batch that is
// a prime, and divides nothing else there, tells the two apart: what it divides is of samples. The live bytes after each event
// are then a straight line over the batch, and the peak is the upper envelope of these lines: exact for every batch.
import type { Category, Ledger, LedgerEvent } from '../../backends/ledger';
import { categories } from '../../backends/ledger';

/** `fixed + each * batch`. */
export interface Line {
  readonly fixed: number;
  readonly each: number;
}

/** A moment that is the peak of some batches. */
export interface Moment extends Line {
  /** Bytes alive then by what they are for. */
  readonly byCategory: Readonly<Record<Category, Line>>;
  /** The part of the model that computes then, and in which phase. */
  readonly layer: string;
}

export interface Growth {
  /** Lines whose highest is the peak. */
  readonly moments: readonly Moment[];
  /** Lines whose highest is the most bytes of activations that are alive at one time. */
  readonly saved: readonly Line[];
  /** Parameters, frozen and trained. */
  readonly weights: number;
  /** Arithmetic of the whole step. */
  readonly flops: Line;
}

const primes = [1009, 1013, 1019, 1021];

/** A batch that no number of a setting's shapes has as a factor. @param numbers  those that a user chooses */
export const markingBatch = (numbers: readonly number[]): number =>
  primes.find((prime) => numbers.every((n) => n % prime !== 0))!;

/** The value for a batch. */
export const valueOf = ({ fixed, each }: Line, batch: number): number => fixed + each * batch;

/** The highest of some lines for a batch. */
export const highest = <L extends Line>(lines: readonly L[], batch: number): L =>
  lines.reduce((best, line) => (valueOf(line, batch) > valueOf(best, batch) ? line : best));

/** A number that a dry run with the marking batch gives. @throws Error for what grows with the square of the batch */
export function lineOf(total: number, marking: number): Line {
  if (total === 0 || total % marking !== 0) return { fixed: total, each: 0 };
  const each = total / marking;
  if (each % marking === 0) throw new Error(`${total} grows with the square of the batch`);
  return { fixed: 0, each };
}

/** The same of a kernel's arithmetic, where a mean counts one operation more for each number that comes out. */
export const flopLineOf = (total: number, outputs: number, marking: number): Line =>
  total % marking !== 0 && total > outputs && (total - outputs) % marking === 0
    ? { fixed: outputs, each: (total - outputs) / marking }
    : lineOf(total, marking);

/** A line at an event of the ledger. */
interface At extends Line {
  readonly sequence: number;
}

/** Those of some lines that are the highest for a batch of 1 or more. */
function envelope(lines: readonly At[]): At[] {
  const byBatch: At[] = [];
  for (let batch = 1; ;) {
    // Of equals the steepest, which is the highest of the batches to come; of these the first.
    let best = lines[0];
    for (const line of lines) {
      const more = valueOf(line, batch) - valueOf(best, batch);
      if (more > 0 || (more === 0 && line.each > best.each)) best = line;
    }
    byBatch.push(best);
    let next = Infinity;
    for (const { fixed, each } of lines)
      if (each > best.each) next = Math.min(next, (best.fixed - fixed) / (each - best.each));
    if (next === Infinity) return byBatch;
    batch = Math.max(batch + 1, Math.ceil(next));
  }
}

/**
 * Read a ledger of a dry run with the marking batch.
 * @param marking  that batch
 */
export function memoryGrowth(ledger: Ledger, marking: number): MemoryGrowth {
  const line = (bytes: number): Line => lineOf(bytes, marking);
  const events = ledger.events();
  const tops = [...topsOf(events, line)].map(({ sequence, alive }) => ({
    sequence,
    all: sumOf(Object.values(alive)),
    saved: alive.activations,
  }));
  const moments = envelope(tops.map(({ sequence, all }) => ({ sequence, ...all })));
  const wanted = new Set(moments.map(({ sequence }) => sequence));
  const found = [...topsOf(events, line, wanted)].map(({ alive, layer }) => momentOf(alive, layer));
  const saved = envelope(tops.map(({ sequence, saved: own }) => ({ sequence, ...own })));
  return {
    moments: found,
    saved: saved.map(({ fixed, each }) => ({ fixed, each })),
    weights: weightsIn(ledger),
  };
}

/** The same of a dry run of one batch, of which alone it tells: the highest moment of every layer and phase, the peak first. */
export function memoryByLayer(ledger: Ledger): MemoryGrowth {
  const highestIn = new Map<string, Moment>();
  let saved = 0;
  for (const { alive, layer } of topsOf(ledger.events(), (fixed) => ({ fixed, each: 0 }))) {
    const moment = momentOf(alive, layer);
    if (moment.fixed > (highestIn.get(layer)?.fixed ?? 0)) highestIn.set(layer, moment);
    saved = Math.max(saved, alive.activations.fixed);
  }
  return {
    moments: [...highestIn.values()].sort((a, b) => b.fixed - a.fixed),
    saved: [{ fixed: saved, each: 0 }],
    weights: weightsIn(ledger),
  };
}

type MemoryGrowth = Pick<Growth, 'moments' | 'saved' | 'weights'>;
type Alive = Record<Category, Line>;

const momentOf = (alive: Alive, layer: string): Moment => ({
  ...sumOf(Object.values(alive)),
  byCategory: alive,
  layer,
});

/**
 * What is alive wherever something is freed next: a peak is there. Lines change from one to the next.
 * @param wanted  sequence numbers of events; all where left out
 */
function* topsOf(
  events: readonly LedgerEvent[],
  line: (bytes: number) => Line,
  wanted?: ReadonlySet<number>,
): Generator<{ sequence: number; alive: Alive; layer: string }> {
  const alive = Object.fromEntries(categories.map((name) => [name, { fixed: 0, each: 0 }])) as Alive;
  for (const [k, { sequence, type, allocation }] of events.entries()) {
    const { fixed, each } = line(allocation.bytes);
    const sign = type === 'allocation' ? 1 : -1;
    const before = alive[allocation.category];
    alive[allocation.category] = { fixed: before.fixed + sign * fixed, each: before.each + sign * each };
    if (sign < 0 || events[k + 1]?.type === 'allocation' || (wanted && !wanted.has(sequence))) continue;
    yield { sequence, alive: { ...alive }, layer: `${layerOf(allocation.scope)}, ${allocation.phase}` };
  }
}

const weightsIn = (ledger: Ledger): number =>
  ledger
    .allocations()
    .filter((a) => a.phase === 'given' && (a.category === 'weights' || a.category === 'adapters'))
    .reduce((sum, { bytes }) => sum + bytes, 0);

/** A path of names; a part that has its own name inside once more is named once. */
const layerOf = (scope: string): string =>
  scope
    .split('/')
    .filter((name, k, names) => name !== names[k - 1])
    .join('/') || 'outside the model';

/** The sum of lines. */
export const sumOf = (lines: readonly Line[]): Line => ({
  fixed: lines.reduce((sum, { fixed }) => sum + fixed, 0),
  each: lines.reduce((sum, { each }) => sum + each, 0),
});

/** The largest batch whose peak is within a limit; 0 where one sample is too much. */
export function largestBatch(moments: readonly Line[], limit: number): number {
  const most = moments.map(({ fixed, each }) =>
    each > 0 ? Math.floor((limit - fixed) / each) : fixed <= limit ? Infinity : 0,
  );
  return Math.max(0, Math.min(...most));
}
