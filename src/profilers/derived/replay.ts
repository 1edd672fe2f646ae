// Walks through a program as PyTorch's engine does and counts what is alive: forward, each tensor until nothing reads it any
// more; backward, node by node in the opposite order, what was kept until its node has run, gradients until they are used.
import type { Category } from '../../backends/ledger';
import { categories } from '../../backends/ledger';
import type { Reason, Step, Storage, Value } from './program';
import { sizeOf } from './program';

/** Bytes that are kept, by part of the model and for what. */
export interface KeptBytes {
  readonly layer: string;
  readonly reason: Reason;
  readonly bytes: number;
}

/** The most that was alive. */
export interface Peak {
  readonly bytes: number;
  readonly byCategory: Readonly<Record<Category, number>>;
  readonly layer: string;
}

interface Holding {
  holders: number;
  category: Category;
}

/** What is alive. One step of training is one of these. */
export class Memory {
  private readonly held = new Map<Storage, Holding>();
  private readonly totals = Object.fromEntries(categories.map((name) => [name, 0])) as Record<
    Category,
    number
  >;
  private live = 0;
  private found: Peak = { bytes: 0, byCategory: { ...this.totals }, layer: '' };
  private gradients = new Map<Value, Storage>();
  macs = 0;

  get peak(): Peak {
    return this.found;
  }

  /** Memory that is there throughout. */
  give(category: Category, bytes: number): void {
    this.count(category, bytes);
  }

  /** Bytes that are there for a moment beside all else. */
  moment(layer: string, bytes: number): void {
    if (this.live + bytes <= this.found.bytes) return;
    const byCategory = { ...this.totals, temporary: this.totals.temporary + bytes };
    this.found = { bytes: this.live + bytes, byCategory, layer };
  }

  /**
   * Run steps forward.
   * @param recording  whether what their gradients need is kept
   * @param results  what is not freed once nobody in the program reads it any more
   */
  forward(steps: readonly Step[], recording: boolean, results: readonly Value[]): void {
    const last = new Map<Storage, number>();
    steps.forEach(({ inputs, outputs, holds }, k) => {
      for (const { storage } of [...inputs, ...outputs, ...holds]) last.set(storage, k);
    });
    const staying = new Set(results.map(({ storage }) => storage));
    const own = new Set<Storage>();
    steps.forEach((step, k) => {
      const { layer, inputs, outputs, keeps, holds, body, working, macs } = step;
      if (body) this.forward(body, false, outputs);
      for (const { storage } of outputs) {
        if (storage.given || own.has(storage) || inputs.some((input) => input.storage === storage)) continue;
        if (!body) this.take(storage, storage.category);
        own.add(storage);
      }
      if (recording) for (const { value } of keeps) this.take(value.storage, keptAs(value.storage));
      this.moment(layer, working);
      this.macs += macs;
      for (const storage of new Set([...inputs, ...outputs, ...holds].map((value) => value.storage)))
        if (last.get(storage) === k && own.has(storage) && !staying.has(storage)) this.drop(storage);
    });
  }

  /** Something sends a gradient. */
  send(value: Value): void {
    const storage = this.newGradient(value);
    this.take(storage, storage.category);
    this.gradients.set(value, storage);
  }

  /** Run recorded steps backward, from the gradients that were sent. */
  backward(steps: readonly Step[]): void {
    for (const step of [...steps].reverse()) {
      const { layer, inputs, outputs, keeps, passesOn, body, workingBack, macsBack } = step;
      const above = outputs.flatMap((output) => this.gradients.get(output) ?? []);
      if (above.length === 0) {
        for (const { value } of keeps) this.drop(value.storage);
        continue;
      }
      if (body) {
        // PyTorch stops as soon as it has all that is kept.
        const keeping = body.map((each) => each.keeps.length > 0).lastIndexOf(true);
        this.forward(body.slice(0, keeping + 1), true, []);
        this.backward(body);
        for (const { value } of keeps) this.drop(value.storage);
        continue;
      }
      const made = inputs.map((input, k) => {
        if (!input.grad) return undefined;
        const storage = passesOn[k] && !input.parameter ? above[0] : this.newGradient(input);
        this.take(storage, storage.category);
        return storage;
      });
      this.moment(layer, workingBack);
      if (made.some((storage) => storage)) this.macs += macsBack;
      for (const { value } of keeps) this.drop(value.storage);
      for (const output of outputs) this.gradients.delete(output);
      for (const storage of above) this.drop(storage);
      inputs.forEach((input, k) => made[k] && this.accumulate(layer, input, made[k]));
    }
  }

  private newGradient({ shape, width, parameter }: Value): Storage {
    return { bytes: sizeOf(shape) * width, given: false, category: parameter ? 'gradients' : 'temporary' };
  }

  private accumulate(layer: string, value: Value, made: Storage): void {
    const before = this.gradients.get(value);
    if (before === undefined) this.gradients.set(value, made);
    else if (this.held.get(before)!.holders === 1) this.drop(made);
    else {
      const both = this.newGradient(value);
      this.take(both, both.category);
      this.moment(layer, 0);
      this.drop(before);
      this.drop(made);
      this.gradients.set(value, both);
    }
  }

  private take(storage: Storage, category: Category): void {
    if (storage.given) return;
    const holding = this.held.get(storage);
    if (!holding) {
      this.held.set(storage, { holders: 1, category });
      this.count(category, storage.bytes);
      return;
    }
    holding.holders += 1;
    if (holding.category !== 'temporary' || category === 'temporary') return;
    this.count('temporary', -storage.bytes);
    this.count(category, storage.bytes);
    holding.category = category;
  }

  drop(storage: Storage): void {
    const holding = this.held.get(storage);
    if (!holding) return;
    holding.holders -= 1;
    if (holding.holders > 0) return;
    this.held.delete(storage);
    this.count(holding.category, -storage.bytes);
  }

  private count(category: Category, bytes: number): void {
    this.totals[category] += bytes;
    this.live += bytes;
  }
}

/** What is kept of a forward pass is an activation, unless it is a copy of weights. */
const keptAs = ({ category }: Storage): Category => (category === 'temporary' ? 'activations' : category);

/** What recorded steps keep when the backward pass begins: each storage once, by its first reason; nothing that was given. */
export function keptBytes(steps: readonly Step[]): KeptBytes[] {
  const counted = new Set<Storage>();
  return steps.flatMap(({ layer, keeps }) =>
    keeps.flatMap(({ value: { storage }, reason }) => {
      if (storage.given || counted.has(storage)) return [];
      counted.add(storage);
      return [{ layer, reason, bytes: storage.bytes }];
    }),
  );
}
