// A training step that is recorded once and replayed as one graph of TensorFlow, its parameters and the state of its
// optimiser staying on the device from step to step.
import type { Backend } from '../backend';
import { checkState, eagerStep } from '../eager-step';
import type { Parameters, StepDefinition, Tensors, TensorTree, TrainingStep } from '../training-step';
import { computeStep, disposedError, flattenTree, scalarsOf, unflattenTree } from '../training-step';
import { prefixed, under } from '../tree';
import { tf } from '../tf';
import { type CaptureProvenance, eagerProvenance } from './provenance';
import { record, type Recorded, type RecordedBy } from './record';
import { CaptureRefusal, refuseCapture, requireTensorflow } from './refusal';
import { recordableOf, Replay, type Replayable } from './replay';
import type { Compiler } from './session';
import { bareSpecs, type SpecTree } from './specs';

export interface CaptureOptions {
  /** Inputs of the shapes to begin with, or those shapes: `{ image: { shape: [1, 64, 64, 3], dtype: 'float32' } }`. */
  inputs: SpecTree;
  /** `graph` unless told; `auto` times both where it pays (compiler.ts). Further shapes get the same. */
  compiler?: Compiler | 'auto';
  /** What cannot be captured is an error, or runs eagerly: `provenance.refusal` says why then. */
  onRefusal?: 'throw' | 'eager';
  /** How shapes are to be found; else by shapes alone where that can be. */
  recordBy?: RecordedBy;
}

/** A training step that is replayed as a graph. */
export interface CapturedStep<I extends TensorTree = TensorTree> extends TrainingStep<I> {
  readonly provenance: CaptureProvenance;
}

/**
 * Capture a training step: record it (by shapes alone where they are known, so that it costs no step) and replay it as one
 * graph. It gives what the eager step gives. Inputs of new shapes are recorded when they first come.
 *
 * What a graph cannot hold is refused, with the line of the caller's source: numbers read by the host, variables assigned
 * inside, tensors from outside, what is drawn, counted or read from a clock on the host. For the last, the step is recorded
 * twice and compared; it is recorded again before runs 2, 17, 257, ..., so that a number which the host changes later (a
 * learning rate in a closure) is found then. Random numbers from a fixed seed are the same at every step, as they are eagerly.
 * @throws CaptureRefusal (an InputError) when it cannot be captured, unless `onRefusal` is `eager`; InputError when the step
 *   itself is wrong
 */
export async function captureStep<P extends Parameters, I extends TensorTree>(
  backend: Backend,
  definition: StepDefinition<P, I>,
  options: CaptureOptions,
): Promise<CapturedStep<I>> {
  const eager = (refusal: CaptureRefusal): CapturedStep<I> =>
    Object.assign(eagerStep(backend, definition), { provenance: eagerProvenance(refusal) });
  try {
    requireTensorflow(backend, definition.name);
    if (definition.differentiate)
      throw refuseCapture(definition.name, 'a memory policy other than one tape', {
        expected: 'a loss, which a graph differentiates as it likes',
        fix: "run it eagerly (onRefusal: 'eager'): as a graph TensorFlow computes planes at once, and what is computed twice once",
      });
    return await open(definition, options, eager);
  } catch (error) {
    if (error instanceof CaptureRefusal && options.onRefusal === 'eager') return eager(error);
    throw error;
  }
}

async function open<P extends Parameters, I extends TensorTree>(
  definition: StepDefinition<P, I>,
  { inputs, compiler = 'graph', recordBy, onRefusal }: CaptureOptions,
  eager: (refusal: CaptureRefusal) => CapturedStep<I>,
): Promise<CapturedStep<I>> {
  const { name } = definition;
  const { replayable, state } = replayableOf(definition);
  const own = Object.fromEntries(
    Object.entries(replayable.variables).filter(([key]) => !key.startsWith('frozen/')),
  );
  let running: Replay | CapturedStep<I>;
  try {
    running = await Replay.open(replayable, inputs, { compiler, recordBy });
  } finally {
    tf.dispose(state);
  }
  const specs = bareSpecs(own) as Tensors;
  const names = Object.keys(own);
  let disposed = false;
  const now = (): typeof running => {
    if (!disposed) return running;
    throw disposedError(name, 'step', 'capture it again, and write the state that was read before');
  };
  const goOnEagerly = async (replay: Replay, refusal: CaptureRefusal): Promise<CapturedStep<I>> => {
    const step = eager(refusal);
    const values = replay.read(names);
    await step.write(values);
    tf.dispose(values);
    replay.dispose();
    return (running = step);
  };

  return {
    async run(given, values = {}) {
      const step = now();
      if (!(step instanceof Replay)) return step.run(given, values);
      try {
        return (await step.run(given, values)) as { loss: tf.Tensor } & Tensors;
      } catch (error) {
        if (!(error instanceof CaptureRefusal) || onRefusal !== 'eager') throw error;
        return (await goOnEagerly(step, error)).run(given, values);
      }
    },
    async read() {
      const step = now();
      return step instanceof Replay ? step.read(names) : step.read();
    },
    async write(given) {
      const step = now();
      checkState(name, specs, given);
      await step.write(given);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      running.dispose();
    },
    get provenance() {
      return running.provenance;
    },
  };
}

/**
 * The graph of a step alone: recorded as `captureStep` does it, and not opened. By shapes it computes nothing, so a step of any
 * size can be recorded on any machine with TensorFlow, which must be the current backend.
 * @throws CaptureRefusal; InputError when the step itself is wrong
 */
export async function recordStep<P extends Parameters, I extends TensorTree>(
  definition: StepDefinition<P, I>,
  inputs: SpecTree,
  by?: RecordedBy,
): Promise<Recorded> {
  const { replayable, state } = replayableOf(definition);
  try {
    return await record(recordableOf(replayable, replayable.variables, inputs), by);
  } finally {
    tf.dispose(state);
  }
}

/** A step as something to replay; `state` is the caller's to free. */
function replayableOf<P extends Parameters, I extends TensorTree>(
  definition: StepDefinition<P, I>,
): { replayable: Replayable; state: Tensors } {
  const { name, parameters, optimiser } = definition;
  const trained = flattenTree(parameters.trained);
  const state = tf.tidy(() => optimiser.start(trained));
  const variables = {
    ...prefixed('trained', trained),
    ...prefixed('optimiser', state),
    ...prefixed('frozen', flattenTree(parameters.frozen)),
  };
  const scalars = scalarsOf(definition);
  return { replayable: { name, variables, scalars, compute: stepOf(definition) }, state };
}

/** The step as a function of slots: `computeStep`, which every way of running a step calls. */
function stepOf<P extends Parameters, I extends TensorTree>(definition: StepDefinition<P, I>) {
  return (inputs: TensorTree, slots: Tensors): { outputs: Tensors; updates: Tensors } => {
    const { outputs, trained, state } = computeStep(definition, {
      trained: under('trained', slots),
      frozen: unflattenTree<P['frozen']>(definition.parameters.frozen, under('frozen', slots)),
      state: under('optimiser', slots),
      inputs: inputs as I,
      scalars: under('scalars', slots),
    });
    return { outputs, updates: { ...prefixed('trained', trained), ...prefixed('optimiser', state) } };
  };
}
