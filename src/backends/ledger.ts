// A ledger: every allocation of a computation and its release, in the order in which they came. A dry run writes one
// without computing, the tracker writes the same one of a real backend, and the two must agree to the byte.
import type { DataType } from '@tensorflow/tfjs';
import { z } from 'zod';

/**
 * What an allocation is for.
 * - `weights`, `adapters`, `optimiser`, `inputs`: tensors that were declared so, and those that take their place after the
 *   step. Trained parameters beside frozen ones are adapters, all others weights. Inputs are data and scalars of a step.
 * - `gradients`: of trained parameters, as they are handed to the optimiser.
 * - `activations`: made by a forward pass (also one that is done again) and alive when a backward pass begins; where there
 *   is none, alive at the end.
 * - `temporary`: all else. What a backward pass makes on its way to the parameters' gradients, its gradients with respect
 *   to activations among it, is temporary of the phase `backward`.
 */
export const categories = [
  'weights',
  'adapters',
  'optimiser',
  'inputs',
  'activations',
  'gradients',
  'temporary',
] as const;
export type Category = (typeof categories)[number];

/** When an allocation was made: `given` before the computation began; `forward` also means outside any pass. */
export const phases = ['given', 'forward', 'backward', 'update'] as const;
export type Phase = (typeof phases)[number];

/** One allocation, in all that does not depend on when it was made. */
export interface Kind {
  /** TensorFlow.js's name of the kernel that made it; `host` for numbers that code gave, `given` before the beginning. */
  op: string;
  shape: readonly number[];
  dtype: DataType;
  bytes: number;
  /** Names of the parts of the model it was made in (scope.ts): `encoder/block 3`; empty outside all. */
  scope: string;
  phase: Phase;
  category: Category;
  /**
   * Made and freed inside a kernel, by the backend itself: such allocations differ from backend to backend, and no total
   * counts them unless it is asked to.
   */
  kernelTemporary: boolean;
}

export interface Allocation extends Kind {
  /** Place among the allocations, from 0. */
  index: number;
  /** Sequence number of the event that made it. */
  made: number;
  /** Sequence number of the event that freed it; null for what was alive at the end. */
  freed: number | null;
}

/** One allocation or release. */
export interface LedgerEvent {
  sequence: number;
  type: 'allocation' | 'release';
  allocation: Allocation;
}

/** Which allocations a total counts. */
export interface Count {
  /** Count kernel temporaries too. Without it: what the engine holds, which is the same on every backend of a kind. */
  kernelTemporaries?: boolean;
}

export interface Peak {
  /** The most bytes that were alive at one time. */
  bytes: number;
  /** Of these, more than was given at the beginning. */
  beyondGiven: number;
  /** Sequence number of the first event after which so much was alive. */
  sequence: number;
}

/** A part of a total. */
export interface Share {
  name: string;
  bytes: number;
  allocations: number;
}

const json = z.object({
  format: z.literal('ledger/1'),
  backend: z.string(),
  strings: z.array(z.string()),
  shapes: z.array(z.array(z.number())),
  /** [op, shape, dtype, bytes, scope, phase, category, kernel temporary], strings and shapes by number. */
  kinds: z.array(z.array(z.number()).length(8)),
  /** By sequence: the kind of what is allocated, or -1 - the index of the allocation that is released. */
  events: z.array(z.number()),
});
/** The compact form: two numbers for each allocation. */
export type LedgerJson = z.infer<typeof json>;

export class Ledger {
  /**
   * @param backend  whose allocations they are, in words
   * @param kinds    distinct kinds
   * @param kindOf   of each allocation, its kind
   * @param made     of each allocation, the sequence number of its event
   * @param freed    of each allocation, that of its release; -1 for none
   */
  constructor(
    readonly backend: string,
    private readonly kinds: readonly Kind[],
    private readonly kindOf: readonly number[],
    private readonly made: readonly number[],
    private readonly freed: readonly number[],
  ) {}

  /** Number of allocations, kernel temporaries included. */
  get length(): number {
    return this.kindOf.length;
  }

  allocation(index: number): Allocation {
    const { made, freed } = this;
    return {
      ...this.kinds[this.kindOf[index]],
      index,
      made: made[index],
      freed: freed[index] < 0 ? null : freed[index],
    };
  }

  /** In the order in which they were made. */
  allocations({ kernelTemporaries = false }: Count = {}): Allocation[] {
    return this.indices(kernelTemporaries).map((index) => this.allocation(index));
  }

  /**
   * Every allocation (sign 1) and release (-1) in the order in which they came, without an object for each. Allocations that are
   * alike share one kind: what follows from it need be found only once.
   */
  forEachChange(
    visit: (kind: Kind, sign: 1 | -1, sequence: number, index: number) => void,
    { kernelTemporaries = false }: Count = {},
  ): void {
    const { kinds, kindOf, made, freed } = this;
    /** By sequence number: 1 + the index of what is made, or that less than 0 of what is freed. */
    const order = new Int32Array(2 * kindOf.length);
    kindOf.forEach((kind, index) => {
      if (kinds[kind].kernelTemporary && !kernelTemporaries) return;
      order[made[index]] = 1 + index;
      if (freed[index] >= 0) order[freed[index]] = -1 - index;
    });
    order.forEach((change, sequence) => {
      if (change === 0) return;
      const index = Math.abs(change) - 1;
      visit(kinds[kindOf[index]], change > 0 ? 1 : -1, sequence, index);
    });
  }

  /** Allocations and releases in the order in which they came. */
  events(count: Count = {}): LedgerEvent[] {
    const found: LedgerEvent[] = [];
    const allocations: Allocation[] = [];
    this.forEachChange((_, sign, sequence, index) => {
      const type = sign > 0 ? 'allocation' : 'release';
      const allocation = (allocations[index] ??= this.allocation(index));
      found.push({ sequence, type, allocation });
    }, count);
    return found;
  }

  /** Live bytes after each event. */
  timeline(count: Count = {}): { sequence: number; bytes: number }[] {
    const found: { sequence: number; bytes: number }[] = [];
    let live = 0;
    this.forEachChange(({ bytes }, sign, sequence) => {
      live += sign * bytes;
      found.push({ sequence, bytes: live });
    }, count);
    return found;
  }

  peak(count: Count = {}): Peak {
    const given = this.given();
    let peak = { sequence: -1, bytes: 0 };
    for (const at of this.timeline(count)) if (at.bytes > peak.bytes) peak = at;
    return { ...peak, beyondGiven: Math.max(0, peak.bytes - given) };
  }

  /** Bytes that were there before the computation began. */
  given(): number {
    return this.kindOf.reduce((sum, kind) => {
      const { phase, bytes } = this.kinds[kind];
      return phase === 'given' ? sum + bytes : sum;
    }, 0);
  }

  /** Bytes that are alive at the end. */
  left(count: Count = {}): number {
    return this.timeline(count).at(-1)?.bytes ?? 0;
  }

  /** What is alive after an event, in the order in which it was made. */
  alive(sequence: number, { kernelTemporaries = false }: Count = {}): Allocation[] {
    return this.indices(kernelTemporaries)
      .filter((i) => this.made[i] <= sequence && (this.freed[i] < 0 || this.freed[i] > sequence))
      .map((index) => this.allocation(index));
  }

  /**
   * What the peak is made of, largest first.
   * @param depth  of scopes: how many names of the path are told apart (all)
   */
  composition(
    by: 'category' | 'op' | 'scope' | 'phase',
    { depth = Infinity, ...count }: Count & { depth?: number } = {},
  ): Share[] {
    const shares = new Map<string, Share>();
    for (const allocation of this.alive(this.peak(count).sequence, count)) {
      const name = by === 'scope' ? allocation.scope.split('/').slice(0, depth).join('/') : allocation[by];
      const share = shares.get(name) ?? { name, bytes: 0, allocations: 0 };
      share.bytes += allocation.bytes;
      share.allocations++;
      shares.set(name, share);
    }
    return [...shares.values()].sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  }

  private indices(kernelTemporaries: boolean): number[] {
    const found: number[] = [];
    for (let i = 0; i < this.kindOf.length; i++)
      if (kernelTemporaries || !this.kinds[this.kindOf[i]].kernelTemporary) found.push(i);
    return found;
  }

  toJSON(): LedgerJson {
    const strings: string[] = [];
    const shapes: (readonly number[])[] = [];
    const numbers = new Map<string, number>();
    const numbered = <T>(list: T[], value: T, key: string): number => {
      const known = numbers.get(key);
      if (known !== undefined) return known;
      numbers.set(key, list.push(value) - 1);
      return list.length - 1;
    };
    const word = (text: string): number => numbered(strings, text, `word ${text}`);
    const kinds = this.kinds.map((kind) => [
      word(kind.op),
      numbered(shapes, kind.shape, `shape ${kind.shape.join()}`),
      word(kind.dtype),
      kind.bytes,
      word(kind.scope),
      phases.indexOf(kind.phase),
      categories.indexOf(kind.category),
      Number(kind.kernelTemporary),
    ]);
    const events: number[] = [];
    this.kindOf.forEach((kind, index) => {
      events[this.made[index]] = kind;
      if (this.freed[index] >= 0) events[this.freed[index]] = -1 - index;
    });
    return {
      format: 'ledger/1',
      backend: this.backend,
      strings,
      shapes: shapes.map((shape) => [...shape]),
      kinds,
      events,
    };
  }

  /** @throws ZodError when it is not what `toJSON` gave */
  static fromJSON(value: unknown): Ledger {
    const { backend, strings, shapes, kinds, events } = json.parse(value);
    const decoded = kinds.map(([op, shape, dtype, bytes, scope, phase, category, temporary]): Kind => ({
      op: strings[op],
      shape: shapes[shape],
      dtype: strings[dtype] as DataType,
      bytes,
      scope: strings[scope],
      phase: phases[phase],
      category: categories[category],
      kernelTemporary: temporary === 1,
    }));
    const [kindOf, made, freed]: number[][] = [[], [], []];
    events.forEach((event, sequence) => {
      if (event < 0) freed[-1 - event] = sequence;
      else {
        kindOf.push(event);
        made.push(sequence);
        freed.push(-1);
      }
    });
    return new Ledger(backend, decoded, kindOf, made, freed);
  }
}

/** Writes a ledger. Categories may be told late: whether something is an activation shows when it is freed. */
export class LedgerWriter {
  private readonly kinds: Kind[] = [];
  /** Numbers of the kinds of each part of the model and operation: few enough to look through. */
  private readonly numbers = new Map<string, Map<string, number[]>>();
  private readonly kindOf: number[] = [];
  private readonly made: number[] = [];
  private readonly freed: number[] = [];
  private sequence = 0;

  constructor(private readonly backend: string) {}

  /** @returns the allocation's index */
  allocate(kind: Kind): number {
    this.made.push(this.sequence++);
    this.freed.push(-1);
    return this.kindOf.push(this.numberOf(kind)) - 1;
  }

  release(index: number): void {
    if (this.freed[index] !== -1) throw new Error(`allocation ${index} of the ledger is released twice`);
    this.freed[index] = this.sequence++;
  }

  /** Say later what an allocation is. */
  change(
    index: number,
    known: Partial<Pick<Kind, 'category' | 'kernelTemporary' | 'shape' | 'dtype'>>,
  ): void {
    const before = this.kinds[this.kindOf[index]];
    this.kindOf[index] = this.numberOf({
      op: before.op,
      shape: known.shape ?? before.shape,
      dtype: known.dtype ?? before.dtype,
      bytes: before.bytes,
      scope: before.scope,
      phase: before.phase,
      category: known.category ?? before.category,
      kernelTemporary: known.kernelTemporary ?? before.kernelTemporary,
    });
  }

  finish(): Ledger {
    return new Ledger(this.backend, this.kinds, this.kindOf, this.made, this.freed);
  }

  private numberOf(kind: Kind): number {
    let byOperation = this.numbers.get(kind.scope);
    if (!byOperation) this.numbers.set(kind.scope, (byOperation = new Map<string, number[]>()));
    let alike = byOperation.get(kind.op);
    if (!alike) byOperation.set(kind.op, (alike = []));
    for (const number of alike) if (same(this.kinds[number], kind)) return number;
    alike.push(this.kinds.push(kind) - 1);
    return this.kinds.length - 1;
  }
}

/** Whether two kinds of one operation in one part of the model are the same. */
const same = (a: Kind, b: Kind): boolean =>
  a.bytes === b.bytes &&
  a.phase === b.phase &&
  a.category === b.category &&
  a.dtype === b.dtype &&
  a.kernelTemporary === b.kernelTemporary &&
  a.shape.length === b.shape.length &&
  a.shape.every((size, axis) => size === b.shape[axis]);
