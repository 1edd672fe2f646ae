// A computation on shapes alone: its ledger of allocations and its FLOPs, in seconds where the computation takes hours and
// in megabytes where it takes a card.
import type { DataType, Tensor } from '@tensorflow/tfjs';
import { InputError } from '../../base/errors';
import { replacing } from '../../base/replacing';
import type { AllocationWatch, Declared } from '../allocations';
import { watchAllocations } from '../allocations';
import type { BackendName } from '../backend';
import type { KernelCall } from '../engine-events';
import { watchEngine } from '../engine-events';
import { imitating } from '../fused/kernels';
import type { Category, Ledger } from '../ledger';
import { freeingSaved } from '../saved-tensors';
import { stepError } from '../step';
import type { Parameters, StepDefinition, TensorTree } from '../training-step';
import { flattenTree } from '../training-step';
import { mapLeaves, type Tree } from '../tree';
import { tf } from '../tf';
import { givenToStep, watchedStep } from '../watched-step';
import { enterMeta, type MetaBackend, metaName } from './backend';
import type { Flops } from './flops';
import { FlopCounter } from './flops';
import { sizeOf } from './rule';
import { elementBytes } from './sharing';

/** A tensor to be: its shape, and its type where it is not float32. A tensor of any backend is one; its numbers stay there. */
export interface Blank {
  readonly shape: readonly number[];
  readonly dtype?: DataType;
}
/** Such in objects and lists. */
export type BlankTree = Tree<Blank>;

/** Tensors that are there at the beginning, by what they are for. */
export type Given = Partial<Record<Category, BlankTree>>;
type GivenTensors<G> = { [category in keyof G]: TensorTree };

export interface DryRunOptions {
  /** The backend whose way of sharing buffers, and bytes of a bool, are counted with; wasm where none is named. */
  like?: BackendName;
  /** Told of every kernel and its FLOPs. */
  kernel?: (flops: Flops, call: KernelCall) => void;
}

export interface DryRun {
  /** Every allocation and release. Kernel temporaries, which a backend decides on, are not in it. */
  ledger: Ledger;
  flops: FlopCounter;
  /** What the dry run itself took. */
  milliseconds: number;
}

/**
 * Run a function on shapes. It runs on the backend `meta`, which is taken away again when it ends, also when it fails.
 * Tensors from outside that are not `given` may be used, and are not in the ledger.
 * @param what   the computation, in words, for errors
 * @param given  tensors or shapes; the function gets tensors without numbers
 * @param f      what it makes and returns is freed; it may tell the watch what its tensors are for
 * @throws InputError, beginning with `what`: when numbers are read (with the line that does), when a kernel's result has a shape
 *   that the numbers decide, inside another dry run or a gradient; else what `f` throws
 */
export function dryRun<G extends Given>(
  what: string,
  given: G,
  f: (given: GivenTensors<G>, watch: AllocationWatch) => unknown,
  options: DryRunOptions = {},
): DryRun {
  return onShapes(what, options, (blank) => {
    const trees = Object.entries(given).map(([category, tree]) => [category, blank(tree)] as const);
    const flat = trees.map(([category, tree]) => [category, Object.values(flattenTree(tree))]);
    return {
      given: Object.fromEntries(flat) as Declared,
      run: (watch) => f(Object.fromEntries(trees) as GivenTensors<G>, watch),
    };
  });
}

/** A training step whose parameters may be shapes alone. */
export type BlankStep<P extends Parameters, I extends TensorTree> = Omit<
  StepDefinition<P, I>,
  'parameters'
> & { parameters: { trained: BlankTree; frozen: BlankTree } };

/**
 * Run a training step on shapes: loss, gradients and update, the same calls in the same order as on a real backend.
 * @param inputs   tensors or shapes
 * @param scalars  by name, of the loss and of the optimiser, as for a real step
 * @throws as `dryRun`, beginning with the step's name
 */
export function dryRunStep<P extends Parameters, I extends TensorTree>(
  definition: BlankStep<P, I>,
  inputs: BlankTree,
  { scalars, ...options }: DryRunOptions & { scalars?: Readonly<Record<string, number>> } = {},
): DryRun {
  return onShapes(definition.name, options, (blank) => {
    const parameters = {
      trained: blank(definition.parameters.trained),
      frozen: blank(definition.parameters.frozen),
    } as P;
    const trained = flattenTree(parameters.trained);
    const state = definition.optimiser.start(trained);
    const tensors = { trained, frozen: parameters.frozen as P['frozen'], state, inputs: blank(inputs) as I };
    return {
      given: givenToStep(tensors),
      run: (watch) => watchedStep(watch, { ...definition, parameters }, tensors, scalars),
    };
  });
}

/** What is there at the beginning, and what is run with it. */
interface Prepared {
  given: Declared;
  run(watch: AllocationWatch): unknown;
}

function onShapes(
  what: string,
  { like = 'wasm', kernel }: DryRunOptions,
  prepare: (blank: (tree: BlankTree) => TensorTree) => Prepared,
): DryRun {
  const began = performance.now();
  refuseInside(what);
  const { backend, leave } = enterMeta(like);
  const kept = accountOfKept();
  const flops = new FlopCounter();
  let stopKernels = (): void => undefined;
  let watch: AllocationWatch | undefined;
  let ledger: Ledger | undefined;
  try {
    tf.tidy(() => {
      const prepared = prepare((tree) => blankTree(backend, tree));
      watch = watchAllocations({
        backend: `dry run like ${like}`,
        given: prepared.given,
        bytes: bytesLike(like),
      });
      stopKernels = watchEngine({
        kernel(call) {
          const own = flops.add(call);
          kernel?.(own, call);
        },
      });
      // Kernels of ours that the backend has, and `meta` by itself has not.
      const run = (): unknown => imitating(like, () => prepared.run(watch!));
      const returned = freeingSaved(() => tf.tidy(run as () => tf.TensorContainer));
      if (returned instanceof Promise) throw new TypeError('what is run on shapes must not be asynchronous');
      ledger = watch.stop();
    });
    if (backend.refusal) throw backend.refusal;
    return { ledger: ledger!, flops, milliseconds: performance.now() - began };
  } catch (error) {
    throw stepError(what, error);
  } finally {
    if (!ledger) watch?.stop();
    stopKernels();
    kept.free();
    leave();
  }
}

function refuseInside(what: string): void {
  const { gradientDepth } = (tf.engine() as unknown as Engine).state;
  const inside =
    tf.getBackend() === metaName ? 'another dry run' : gradientDepth > 0 ? 'a gradient' : undefined;
  if (inside !== undefined)
    throw new InputError({
      what: `cannot run ${what} on shapes`,
      given: `a call inside ${inside}`,
      expected: 'a call of its own',
      fix: 'call it before or after, or give its function as a part of the outer one',
    });
}

const bytesLike = (like: BackendName): ((buffer: Required<Blank>) => number) | undefined =>
  like === 'webgpu' ? ({ shape, dtype }) => sizeOf(shape) * elementBytes(like, dtype) : undefined;

const isBlank = (tree: BlankTree): tree is Blank =>
  'shape' in tree &&
  Array.isArray(tree.shape) &&
  (tree.shape as unknown[]).every((n) => typeof n === 'number');

/** Tensors without numbers. */
const blankTree = (backend: MetaBackend, tree: BlankTree): TensorTree =>
  mapLeaves<Blank, Tensor>(tree, isBlank, ({ shape, dtype = 'float32' }) =>
    tf.engine().makeTensorFromTensorInfo(backend.blank({ shape, dtype }), backend),
  );

/** The parts of TensorFlow.js's engine that this leans on (4.22; some are private there, so a test watches them). */
interface Engine {
  state: { gradientDepth: number; registeredVariables: Record<string, tf.Variable> };
  keep(tensor: Tensor): Tensor;
  nextTensorId(): number;
}

/** What no scope frees: tensors that are kept, and variables. */
function accountOfKept(): { free(): void } {
  const engine = tf.engine() as unknown as Engine;
  const keep = engine.keep.bind(engine);
  const kept: Tensor[] = [];
  const first = engine.nextTensorId();
  const variables = new Set(Object.values(engine.state.registeredVariables));
  const restore = replacing(engine, {
    keep(tensor) {
      // What was there before is not ours to free.
      if (tensor.id > first) kept.push(tensor);
      return keep(tensor);
    },
  });
  return {
    free() {
      restore();
      tf.dispose(kept);
      for (const variable of Object.values(engine.state.registeredVariables))
        if (!variables.has(variable)) variable.dispose();
    },
  };
}
