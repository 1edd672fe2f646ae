// How a step's memory and arithmetic grow with the batch, of one dry run.
//
// Every buffer of a step either does not depend on the batch or holds as much for each sample. So a dry run with a batch that is
// a prime, and divides nothing else there, tells the two apart: what it divides is of samples. The live bytes after each event
// are then a straight line over the batch, and the peak is the upper envelope of these lines: exact for every batch.
import type { Category, Kind, Ledger } from '../../backends/ledger';
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
  const all: At[] = [];
  const saved: At[] = [];
  forEachTop(ledger, line, ({ sequence, total, alive }) => {
    all.push({ sequence, ...total });
    saved.push({ sequence, ...alive.activations });
  });
  const wanted = new Set(envelope(all).map(({ sequence }) => sequence));
  const moments: Moment[] = [];
  forEachTop(ledger, line, (top) => {
    if (wanted.has(top.sequence)) moments.push(momentOf(top));
  });
  return {
    moments,
    saved: envelope(saved).map(({ fixed, each }) => ({ fixed, each })),
    weights: weightsIn(ledger),
  };
}

/** The same of a dry run of one batch, of which alone it tells: the highest moment of every layer and phase, the peak first. */
export function memoryByLayer(ledger: Ledger): MemoryGrowth {
  const highestIn = new Map<string, Moment>();
  let saved = 0;
  const level = (fixed: number): Line => ({ fixed, each: 0 });
  forEachTop(ledger, level, (top) => {
    const { layer, total, alive } = top;
    if (total.fixed > (highestIn.get(layer)?.fixed ?? 0)) highestIn.set(layer, momentOf(top));
    saved = Math.max(saved, alive.activations.fixed);
  });
  return {
    moments: [...highestIn.values()].sort((a, b) => b.fixed - a.fixed),
    saved: [{ fixed: saved, each: 0 }],
    weights: weightsIn(ledger),
  };
}

type MemoryGrowth = Pick<Growth, 'moments' | 'saved' | 'weights'>;
type Alive = Readonly<Record<Category, Line>>;

/** A moment after which something is freed: a peak is one of these. */
interface Top {
  readonly sequence: number;
  readonly total: Line;
  readonly alive: Alive;
  readonly layer: string;
}

/** To keep. */
const momentOf = ({ total, alive, layer }: Top): Moment => ({
  ...total,
  byCategory: Object.fromEntries(categories.map((name) => [name, { ...alive[name] }])) as Alive,
  layer,
});

/**
 * Visit every top of a ledger. What is visited changes with the next: tens of thousands of them are not kept.
 * @param line  of an allocation's bytes
 */
function forEachTop(ledger: Ledger, line: (bytes: number) => Line, visit: (top: Top) => void): void {
  const nothing = (): { fixed: number; each: number } => ({ fixed: 0, each: 0 });
  const total = nothing();
  const alive = Object.fromEntries(categories.map((name) => [name, nothing()])) as Record<Category, ReturnType<typeof nothing>>; // prettier-ignore
  const known = new Map<Kind, { own: Line; layer: string }>();
  const knownOf = (kind: Kind): { own: Line; layer: string } => {
    let found = known.get(kind);
    if (!found) {
      found = { own: line(kind.bytes), layer: `${layerOf(kind.scope)}, ${kind.phase}` };
      known.set(kind, found);
    }
    return found;
  };
  let last: { sequence: number; layer: string } | undefined;
  const visitLast = (): void => {
    if (last) visit({ sequence: last.sequence, total, alive, layer: last.layer });
    last = undefined;
  };
  ledger.forEachChange((kind, sign, sequence) => {
    if (sign < 0) visitLast();
    const { own, layer } = knownOf(kind);
    const sum = alive[kind.category];
    sum.fixed += sign * own.fixed;
    sum.each += sign * own.each;
    total.fixed += sign * own.fixed;
    total.each += sign * own.each;
    if (sign > 0) last = { sequence, layer };
  });
  visitLast();
}

const weightsIn = (ledger: Ledger): number => {
  let sum = 0;
  ledger.forEachChange(({ phase, category, bytes }, sign) => {
    if (sign > 0 && phase === 'given' && (category === 'weights' || category === 'adapters')) sum += bytes;
  });
  return sum;
};

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
