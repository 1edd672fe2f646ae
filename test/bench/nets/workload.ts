// A step that is timed, dry-run, tracked and captured: a plan says what it is, and opens with values or without.
import type {
  LossFunction,
  Optimiser,
  Parameters,
  StepDefinition,
  Tensors,
  TensorTree,
} from '../../../src/backends/training-step';
import { flattenTree } from '../../../src/backends/training-step';
import { tf } from '../../../src/backends/tf';
import type { ParameterTree, TensorsOf } from '../../../src/nn/parameters';
import { flattenParameters } from '../../../src/nn/parameters';
import { tensorsFor } from './values';

/** What a step is before it has values: enough for a peer to build the same. */
export interface Plan {
  /** The row of the bench: `LoRA-ViT 64 px, width 192, 6 blocks, 1 view`. */
  name: string;
  /** Which function of the peers: `loraVit`. */
  kind: string;
  size: Readonly<Record<string, number | string | boolean | readonly number[]>>;
  trained: ParameterTree;
  frozen: ParameterTree;
  /** What is fed at every step; all of it float32. */
  inputs: ParameterTree;
  loss: LossFunction;
  optimiser: Optimiser;
  /** FLOP of a step (2 a multiply-add), of products and convolutions alone, by a formula: a dry run counts the same. */
  flop: number;
}

/** A plan whose loss knows the trees it is given; the list of plans does not. */
export function plan<T extends ParameterTree, F extends ParameterTree, I extends ParameterTree>(
  given: Omit<Plan, 'trained' | 'frozen' | 'inputs' | 'loss'> & {
    trained: T;
    frozen: F;
    inputs: I;
    loss: (parameters: { trained: TensorsOf<T>; frozen: TensorsOf<F> }, inputs: TensorsOf<I>) => tf.Tensor;
  },
): Plan {
  return { ...given, loss: given.loss as unknown as LossFunction };
}

/** A plan with tensors on the current backend. */
export interface Workload {
  definition: StepDefinition;
  inputs: TensorTree;
  /** Free parameters and inputs; a step that was opened keeps its own. */
  dispose(): void;
}

/** Give a plan its tensors: values by name and index, or zeros, which a dry run takes as well as any (`blank`). */
export function open(plan: Plan, values: 'set' | 'blank' = 'set'): Workload {
  const parameters: Parameters = {
    trained: tensorsFor(plan.trained, 'trained', values),
    frozen: tensorsFor(plan.frozen, 'frozen', values),
  };
  const inputs = tensorsFor(plan.inputs, 'inputs', values);
  const { name, loss, optimiser } = plan;
  const all = (): Tensors[] =>
    [parameters.trained, parameters.frozen, inputs].map((tree) => flattenTree(tree));
  return {
    definition: { name, loss, optimiser, parameters },
    inputs,
    dispose: () => tf.dispose(all()),
  };
}

/** A plan as a peer reads it: shapes, starts and seeds of everything. */
export function planForPeer({ name, kind, size, optimiser, trained, frozen, inputs }: Plan): object {
  const listed = (tree: ParameterTree, group: string): object[] =>
    Object.entries(flattenParameters(tree)).map(([path, { shape, start }]) => ({
      path,
      group,
      shape,
      start,
    }));
  return {
    name,
    kind,
    size,
    optimiser: { name: optimiser.name, ...optimiser.scalars },
    tensors: [...listed(trained, 'trained'), ...listed(frozen, 'frozen'), ...listed(inputs, 'inputs')],
  };
}
