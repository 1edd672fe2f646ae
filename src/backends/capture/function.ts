// Any function of tensors as a graph: a model's prediction, a loss, a transformation of images.
import type { Tensor } from '@tensorflow/tfjs';
import type { Backend } from '../backend';
import type { Tensors, TensorTree } from '../training-step';
import { flattenTree, keptCopies, scalarTensors, unflattenTree } from '../training-step';
import { prefixed, under } from '../tree';
import { tf } from '../tf';
import type { CaptureOptions } from './capture';
import { type CaptureProvenance, eagerProvenance } from './provenance';
import { CaptureRefusal, refuseCapture, requireTensorflow } from './refusal';
import { Replay } from './replay';

/** A function of parameters, inputs and scalars: pure, and not async. */
export interface FunctionDefinition<P extends TensorTree = TensorTree, I extends TensorTree = TensorTree> {
  /** In words, for errors and provenance. */
  name: string;
  /** Copied into the session, where they stay from call to call. */
  parameters: P;
  /** By name, with their values where a call does not say others. */
  scalars?: Readonly<Record<string, number>>;
  compute(parameters: P, inputs: I, scalars: Tensors): Tensor | Tensors;
}

/** A function that is replayed as a graph. */
export interface CapturedFunction<I extends TensorTree = TensorTree> {
  /** @returns what the function returns, by name; a single tensor as `value`. The caller's to free */
  run(inputs: I, scalars?: Readonly<Record<string, number>>): Promise<Tensors>;
  /** Give parameters, by path, other values; those not named stay. @throws InputError naming what is unknown, or of another shape */
  write(parameters: Tensors): void;
  dispose(): void;
  readonly provenance: CaptureProvenance;
}

/**
 * Capture a function that trains nothing: as `captureStep`, without gradients and optimiser.
 * @throws CaptureRefusal (an InputError) when it cannot be captured, unless `onRefusal` is `eager`
 */
export async function captureFunction<P extends TensorTree, I extends TensorTree>(
  backend: Backend,
  definition: FunctionDefinition<P, I>,
  { inputs, compiler = 'graph', recordBy, onRefusal }: CaptureOptions,
): Promise<CapturedFunction<I>> {
  const { name, scalars = {} } = definition;
  try {
    requireTensorflow(backend, name);
    const variables = prefixed('parameters', flattenTree(definition.parameters));
    const compute = (given: TensorTree, slots: Tensors): { outputs: Tensors; updates: Tensors } => ({
      outputs: computeFunction(definition, under('parameters', slots), given as I, under('scalars', slots)),
      updates: {},
    });
    const replay = await Replay.open({ name, variables, scalars, compute }, inputs, { compiler, recordBy });
    return {
      run: (given, values = {}) => replay.run(given, values),
      write: (values) => replay.write(prefixed('parameters', values)),
      dispose: () => replay.dispose(),
      get provenance() {
        return replay.provenance;
      },
    };
  } catch (error) {
    if (error instanceof CaptureRefusal && onRefusal === 'eager')
      return eagerFunction(backend, definition, eagerProvenance(error));
    throw error;
  }
}

/** The function, once, on the current backend. @throws CaptureRefusal when it returns something else than tensors */
function computeFunction<P extends TensorTree, I extends TensorTree>(
  definition: FunctionDefinition<P, I>,
  byPath: Tensors,
  inputs: I,
  scalars: Tensors,
): Tensors {
  const { name, parameters } = definition;
  const returned: unknown = definition.compute(unflattenTree(parameters, byPath), inputs, scalars);
  if (returned instanceof tf.Tensor) return { value: returned as Tensor };
  const entries = typeof returned === 'object' && returned !== null ? Object.entries(returned) : [];
  if (entries.length > 0 && entries.every(([, value]) => value instanceof tf.Tensor))
    return returned as Tensors;
  throw refuseCapture(
    name,
    returned instanceof Promise
      ? 'a function that is async'
      : 'a function that returns something else than tensors',
    { expected: 'a tensor, or an object of tensors', fix: 'return tensors, and wait for nothing inside' },
  );
}

function eagerFunction<P extends TensorTree, I extends TensorTree>(
  backend: Backend,
  definition: FunctionDefinition<P, I>,
  provenance: CaptureProvenance,
): CapturedFunction<I> {
  let parameters = keptCopies(flattenTree(definition.parameters));
  return {
    provenance,
    run: (inputs, scalars = {}) =>
      backend.step(definition.name, () => {
        const tensors = scalarTensors(definition.name, definition.scalars ?? {}, scalars);
        const outputs = computeFunction(definition, parameters, inputs, tensors);
        // Of its own, also where the function gives an input back.
        return Object.fromEntries(Object.entries(outputs).map(([key, tensor]) => [key, tensor.clone()]));
      }),
    write(values) {
      const next = keptCopies({ ...parameters, ...values });
      tf.dispose(parameters);
      parameters = next;
    },
    dispose: () => tf.dispose(parameters),
  };
}
