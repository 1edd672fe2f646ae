// A computation as a list of operations on shapes: what each makes, what autograd of PyTorch's kind keeps of it for the backward
// pass, and what its backward pass makes. Nothing is computed; replay.ts walks through such a list and counts what is alive.
//
// An operation keeps what its derivative reads and no more: a product keeps each factor for the gradient of the other, if that is
// asked for; softmax keeps its result; GELU its argument; a sum nothing. So a frozen linear layer keeps no activation.
import type { Category } from '../../backends/ledger';
import type { Numbers, Operation, Width } from './precision';

/** One piece of memory. Views share one. */
export interface Storage {
  readonly bytes: number;
  /** There before the step and after it: parameters and data. */
  readonly given: boolean;
  readonly category: Category;
}

/** A tensor: numbers in a storage. */
export interface Value {
  readonly shape: readonly number[];
  readonly width: Width;
  readonly storage: Storage;
  /** Whether a gradient is asked for. */
  readonly grad: boolean;
  /** A trained parameter: its gradient is kept to the end of the step. */
  readonly parameter: boolean;
}

/** For what something is kept. */
export type Reason =
  | 'norm'
  | 'linear'
  | 'product'
  | 'map'
  | 'bias'
  | 'activation'
  | 'convolution'
  | 'loss'
  | 'block'
  | 'weights';

export interface Kept {
  readonly value: Value;
  readonly reason: Reason;
}

export interface Step {
  /** The part of the model that it belongs to. */
  readonly layer: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly keeps: readonly Kept[];
  /** What the code that calls it still holds while it runs. */
  readonly holds: readonly Value[];
  /** Whether an input's gradient is a view of what comes from above; else it is made anew. One for each input. */
  readonly passesOn: readonly boolean[];
  /** Bytes that are alive while it runs, forward and backward, and gone afterwards. */
  readonly working: number;
  readonly workingBack: number;
  /** Multiply-adds, forward and backward. */
  readonly macs: number;
  readonly macsBack: number;
  /** Steps that are done again in the backward pass: nothing of them is kept but what goes in. */
  readonly body?: readonly Step[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** What an operation is beyond inputs and output. */
export type Extras = Partial<Pick<Step, 'working' | 'workingBack' | 'macs' | 'macsBack' | 'passesOn'>> & {
  readonly keeps?: readonly (Kept | false)[];
};

/** Writes a computation step by step. */
export class Program {
  steps: Step[] = [];
  /** Parameters and data, as they were declared. */
  readonly given: Value[] = [];
  private layer = '';
  private readonly casts = new Map<Value, Value>();
  /** Operands that were cast for the next step. */
  private uncast: Value[] = [];

  /** @param trainedAs  what trained parameters are called: adapters, if there are frozen ones beside them */
  constructor(
    readonly numbers: Numbers,
    private readonly trainedAs: 'adapters' | 'weights',
  ) {}

  /** Everything that `body` writes belongs to a part of the model. */
  in<T>(layer: string, body: () => T): T {
    const before = this.layer;
    this.layer = before === '' ? layer : `${before}/${layer}`;
    const made = body();
    this.layer = before;
    return made;
  }

  /** What `body` makes of a value is done again in the backward pass. */
  again(input: Value, body: (input: Value) => Value): Value {
    const outside = this.steps;
    this.steps = [];
    const made = body(input);
    const own = this.steps;
    this.steps = outside;
    this.write([input], [made], { keeps: [{ value: input, reason: 'block' }], passesOn: [true] }, own);
    return made;
  }

  /** A parameter. */
  parameter(shape: readonly number[], trained: boolean): Value {
    return this.declare(shape, this.numbers.stored, trained ? this.trainedAs : 'weights', trained);
  }

  /** Data. */
  data(shape: readonly number[], width: Width = this.numbers.stored): Value {
    return this.declare(shape, width, 'inputs', false);
  }

  /** Something there is before the steps of this program. @param trained  whether its gradient is kept */
  declare(shape: readonly number[], width: Width, category: Category, trained: boolean): Value {
    const storage: Storage = { bytes: sizeOf(shape) * width, given: true, category };
    const value = { shape, width, storage, grad: trained, parameter: trained };
    this.given.push(value);
    return value;
  }

  /** A new tensor of one operation. Its inputs' gradients are made anew unless `passesOn` says otherwise. */
  make(
    shape: readonly number[],
    width: Width,
    inputs: readonly Value[],
    extras: Extras = {},
    category: Category = 'temporary',
  ): Value {
    const storage = { bytes: sizeOf(shape) * width, given: false, category };
    const made = { shape, width, storage, grad: inputs.some((input) => input.grad), parameter: false };
    this.write(inputs, [made], extras);
    return made;
  }

  /**
   * Numbers seen in the same memory in other shapes, all or some of them.
   * @param passesOn  whether the gradient comes back as a view, too; else it is made anew, of several together
   */
  views(x: Value, shapes: readonly (readonly number[])[], passesOn: boolean): Value[] {
    const made = shapes.map((shape): Value => ({ ...x, shape, parameter: false }));
    this.write([x], made, { passesOn: [passesOn] });
    return made;
  }

  /** A value in the precision that an operation computes in. Trained weights are cast once, all else at every use. */
  cast(operation: Operation, x: Value): Value {
    return this.castTo(this.numbers.table[operation] ?? x.width, x);
  }

  castTo(width: Width, x: Value): Value {
    if (width === x.width) return x;
    const ofWeights = x.storage.given && x.storage.category !== 'inputs';
    const others = this.uncast;
    this.uncast = [];
    const made = this.casts.get(x) ?? this.make(x.shape, width, [x], {}, ofWeights ? 'weights' : 'temporary');
    if (x.parameter) this.casts.set(x, made);
    this.uncast = [...others, x];
    return made;
  }

  /** What a module is given stays while it runs: whoever calls it holds its arguments. */
  holding<T>(x: Value, body: (x: Value) => T): T {
    const made = body(x);
    const last = this.steps.pop()!;
    this.steps.push({ ...last, holds: [...last.holds, x] });
    return made;
  }

  /** The last step keeps what it made. */
  keepResult(kept: Kept): void {
    const last = this.steps.pop()!;
    this.steps.push({ ...last, keeps: [...last.keeps, kept] });
  }

  private write(
    inputs: readonly Value[],
    outputs: readonly Value[],
    {
      keeps = [],
      passesOn = inputs.map(() => false),
      working = 0,
      workingBack = 0,
      macs = 0,
      macsBack = 0,
    }: Extras,
    body?: readonly Step[],
  ): void {
    const grad = outputs.some((output) => output.grad);
    const kept = grad ? keeps.filter((each) => each !== false) : [];
    const rest = { layer: this.layer, passesOn, working, workingBack, macs, macsBack, holds: this.uncast };
    this.uncast = [];
    this.steps.push({ ...rest, inputs, outputs, keeps: kept, ...(body && { body }) });
  }
}
