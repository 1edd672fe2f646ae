// A tape that holds less. TensorFlow.js's own keeps all that its kernels save, read or not, and every gradient between, until
// the backward pass has ended. This one
//   - keeps of what a kernel saves only what is read by gradients that are asked for (reads.ts); a shape stays a shape;
//   - frees what an operation kept, and the gradient that came to it, as soon as its own gradients are there.
// The kernels that run and their order are the same, and so are all numbers, to the bit.
import { InputError } from '../base/errors';
import { replacing } from '../base/replacing';
import { tf } from '../backends/tf';
import type { Reads } from './reads';
import { reads } from './reads';

type Gradient = (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;

/** The parts of TensorFlow.js's engine that this leans on (4.22; some are private there, so a test watches them). */
interface Engine {
  state: { activeTape: { gradient?: Gradient }[]; gradientDepth: number };
  gradients(f: () => tf.Tensor, xs: tf.Tensor[], dy?: tf.Tensor | null, allowNone?: boolean): unknown;
  addTapeNode(
    kernel: string,
    inputs: Record<string, tf.Tensor>,
    outputs: tf.Tensor[],
    own: unknown,
    saved: tf.Tensor[],
    attributes: unknown,
  ): void;
}

/**
 * Call a function; every gradient that it takes is found with a lean tape.
 * @throws InputError for a gradient of a gradient: what the inner one drops, the outer one would miss
 * @throws what the function throws
 */
export function leanly<T>(f: () => T): T {
  const engine = tf.engine() as unknown as Engine;
  const outermost = (): void => {
    if (engine.state.gradientDepth === 0) return;
    throw new InputError({
      what: 'cannot take a gradient with a lean tape',
      given: 'a gradient inside a gradient',
      expected: 'one at a time',
      fix: 'take gradients of gradients with the plain tape',
    });
  };
  outermost();
  const gradients = engine.gradients.bind(engine);
  const addTapeNode = engine.addTapeNode.bind(engine);
  let pass: Pass | undefined;
  const restore = replacing(engine, {
    gradients(of, xs, dy, allowNone) {
      outermost();
      pass = new Pass(xs, dy);
      return gradients(of, xs, dy, allowNone);
    },
    addTapeNode(kernel, inputs, outputs, own, saved, attributes) {
      const asked = pass!.record(inputs, outputs);
      // Gradients written for one operation (customGrad) may read all that they saved.
      const known = asked.length === 0 ? {} : own ? undefined : reads[kernel];
      if (known) keepWhatIsRead(kernel, saved, known, asked);
      addTapeNode(kernel, inputs, outputs, own, saved, attributes);
      const node = engine.state.activeTape.at(-1)!;
      if (node.gradient) node.gradient = pass!.freeing(node.gradient, { inputs, outputs, asked, saved });
    },
  });
  try {
    return f();
  } finally {
    restore();
  }
}

/** Free the saved tensors that no gradient by these inputs reads; shapes take their places. */
function keepWhatIsRead(kernel: string, saved: tf.Tensor[], known: Reads, asked: readonly string[]): void {
  const read = new Set(asked.flatMap((input) => known[input] ?? []));
  saved.forEach((tensor, k) => {
    if (read.has(k)) return;
    saved[k] = shapeOnly(kernel, tensor);
    tensor.dispose();
  });
}

/** What stands for a tensor whose numbers were not kept. */
function shapeOnly(kernel: string, { shape, dtype, size, rank }: tf.Tensor): tf.Tensor {
  const known: object = { shape, dtype, size, rank, dispose: () => undefined };
  return new Proxy(known, {
    get(target, property) {
      if (property in target) return target[property as keyof typeof target];
      throw new Error(`the gradient of ${kernel} reads what a lean tape did not keep: mend memory/reads.ts`);
    },
  }) as tf.Tensor;
}

/** One operation of the tape. */
interface Operation {
  inputs: Record<string, tf.Tensor>;
  outputs: readonly tf.Tensor[];
  /** Names of the inputs that a gradient is asked for. */
  asked: readonly string[];
  saved: readonly tf.Tensor[];
}

/** A gradient that is being taken, by tensors xs. */
class Pass {
  private readonly xs: ReadonlySet<number>;
  /** Tensors that depend on one of xs. */
  private readonly depending: Set<number>;
  /** Tensors that a part of their gradient has arrived at. */
  private readonly arrived = new Set<number>();
  /** Parts that the engine has added to what was there, and then leaves lying. */
  private added: tf.Tensor[] = [];

  constructor(
    xs: readonly tf.Tensor[],
    private readonly dy: tf.Tensor | null | undefined,
  ) {
    this.xs = new Set(xs.map(({ id }) => id));
    this.depending = new Set(this.xs);
  }

  /** @returns names of the inputs that a gradient is asked for */
  record(inputs: Operation['inputs'], outputs: Operation['outputs']): string[] {
    const asked = Object.keys(inputs).filter((name) => this.depending.has(inputs[name].id));
    if (asked.length > 0) for (const { id } of outputs) this.depending.add(id);
    return asked;
  }

  /** The gradient of an operation, which leaves nothing of the operation but its result. */
  freeing(gradient: Gradient, { inputs, outputs, asked, saved }: Operation): Gradient {
    return (dys) => {
      tf.dispose(this.added);
      this.added = [];
      const found = tf.tidy(() => {
        const each = gradient(dys);
        const known = asked.filter((name) => name in each).map((name) => [name, each[name]()] as const);
        return Object.fromEntries(known.map(([name, dx]) => [name, dys.includes(dx) ? tf.clone(dx) : dx]));
      });
      for (const tensor of saved) tensor.dispose();
      dys.forEach((dy, k) => {
        if (dy !== this.dy && !this.xs.has(outputs[k].id)) dy?.dispose();
      });
      return Object.fromEntries(
        Object.entries(found).map(([name, dx]) => [name, () => this.handOut(inputs[name].id, dx)]),
      );
    };
  }

  private handOut(id: number, dx: tf.Tensor): tf.Tensor {
    if (this.arrived.has(id)) this.added.push(dx);
    this.arrived.add(id);
    return dx;
  }
}
