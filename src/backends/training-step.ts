// A training step, in words that every way of running it shares: called eagerly, replayed as a graph, run on shapes alone.
import type { Tensor } from '@tensorflow/tfjs';
import { InputError } from '../base/errors';
import { tf } from './tf';

/** Tensors in objects and lists, as deep as a model likes. */
export type TensorTree = Tensor | readonly TensorTree[] | { readonly [name: string]: TensorTree };
/** Tensors by name; of a tree the path: `blocks/0/qkv/weight`. */
export type Tensors = Record<string, Tensor>;

/** What a step computes with: parameters that are trained, and such as stay as they are. */
export interface Parameters<Trained extends TensorTree = TensorTree, Frozen extends TensorTree = TensorTree> {
  trained: Trained;
  frozen: Frozen;
}

/**
 * The loss of one step, a pure function of its arguments: a scalar, or an object with the scalar `loss` and whatever else
 * the step is to give back.
 */
export type LossFunction<P extends Parameters = Parameters, I extends TensorTree = TensorTree> = (
  parameters: P,
  inputs: I,
  scalars: Tensors,
) => Tensor | ({ loss: Tensor } & Tensors);

/** How gradients change parameters: a pure function, in operations of TensorFlow.js, so that it runs wherever they do. */
export interface Optimiser {
  name: string;
  /** What may change from step to step, with its value where the step is not told another: `learningRate`. */
  scalars: Readonly<Record<string, number>>;
  /** The state before the first step, for parameters of these shapes. Zeros mostly, by name: `m/blocks/0/qkv/weight`, `step`. */
  start(trained: Tensors): Tensors;
  /** One update; gradients by the parameters' names. What it returns is new tensors. */
  update(given: { trained: Tensors; gradients: Tensors; state: Tensors; scalars: Tensors }): {
    trained: Tensors;
    state: Tensors;
  };
}

export interface StepDefinition<P extends Parameters = Parameters, I extends TensorTree = TensorTree> {
  /** In words, for errors and provenance: `LoRA-ViT XS, three views`. */
  name: string;
  loss: LossFunction<P, I>;
  /** Values at the start. The step keeps its own: these stay the caller's, who may free them. */
  parameters: P;
  optimiser: Optimiser;
  /** Scalars of the loss that may change from step to step, with their values where a step is not told others. */
  scalars?: Readonly<Record<string, number>>;
}

/** A step that can be run: its parameters and its optimiser's state live in it. */
export interface TrainingStep<I extends TensorTree = TensorTree> {
  /**
   * One step: loss, gradients, update.
   * @param scalars  by name, of the loss and of the optimiser; those not named have the definition's values
   * @returns `loss` and whatever else the loss function returned: the caller's to free
   * @throws Error with the step's name when the device fails
   */
  run(inputs: I, scalars?: Readonly<Record<string, number>>): Promise<{ loss: Tensor } & Tensors>;
  /** Copies of the trained parameters and the optimiser's state (`trained/...`, `optimiser/...`): the caller's to free. */
  read(): Promise<Tensors>;
  /** Put back what `read` gave, here or in another process. @throws InputError naming what is missing, too much, or of another shape */
  write(state: Tensors): Promise<void>;
  /** Free everything. A step that is used afterwards throws. */
  dispose(): void;
}

/** The tensors of a tree by their paths, in the order in which they stand. */
export function flattenTree(tree: TensorTree, path = ''): Tensors {
  if (tree instanceof tf.Tensor) return { [path]: tree };
  const below = (key: string): string => (path === '' ? key : `${path}/${key}`);
  const entries = Object.entries(tree as Record<string, TensorTree>);
  return Object.assign({}, ...entries.map(([key, value]) => flattenTree(value, below(key)))) as Tensors;
}

/** A tree of the same form with other tensors, found by path. */
export function unflattenTree<T extends TensorTree>(like: T, tensors: Tensors, path = ''): T {
  const fill = (tree: TensorTree, at: string): TensorTree => {
    if (tree instanceof tf.Tensor) return tensors[at];
    const below = (key: string | number): string => (at === '' ? String(key) : `${at}/${key}`);
    if (Array.isArray(tree)) return (tree as TensorTree[]).map((value, k) => fill(value, below(k)));
    const entries = Object.entries(tree as Record<string, TensorTree>);
    return Object.fromEntries(entries.map(([key, value]) => [key, fill(value, below(key))]));
  };
  return fill(like, path) as T;
}

/** What one step gives: new parameters and state, and what the loss function returned. */
export interface StepResult {
  outputs: { loss: Tensor } & Tensors;
  trained: Tensors;
  state: Tensors;
}

/** @throws InputError when a loss function gave something else than tensors: a promise, a number */
function checkReturned(name: string, outputs: unknown): void {
  const refuse = (given: string, fix: string): InputError =>
    new InputError({
      what: name,
      given,
      expected: 'a scalar tensor, or an object of tensors with `loss` among them',
      fix,
    });
  if (outputs instanceof Promise)
    throw refuse('a loss function that is async', 'return the tensor itself, and wait for nothing inside');
  const entries = typeof outputs === 'object' && outputs !== null ? Object.entries(outputs) : [];
  const other = entries.find(([, value]) => !(value instanceof tf.Tensor));
  if (other) throw refuse(`an output \`${other[0]}\` that is no tensor`, 'return tensors only');
  if (!entries.some(([key]) => key === 'loss'))
    throw refuse(
      `a loss function that returns no loss`,
      'return the loss, or an object with it under `loss`',
    );
}

/**
 * The step itself, once, on the current backend: every way of running a step calls this function and no other.
 * All tensors that it returns are new; everything between is freed.
 * @throws InputError when the loss is no scalar, or does not depend on a trained parameter (it is named)
 */
export function computeStep<P extends Parameters, I extends TensorTree>(
  definition: StepDefinition<P, I>,
  given: { trained: Tensors; frozen: P['frozen']; state: Tensors; inputs: I; scalars: Tensors },
): StepResult {
  const { loss, optimiser, parameters } = definition;
  const names = Object.keys(given.trained);
  const kept: { outputs?: StepResult['outputs'] } = {};
  return tf.tidy(() => {
    const scalarLoss = (...trained: Tensor[]): Tensor => {
      const byName = Object.fromEntries(names.map((name, k) => [name, trained[k]]));
      const own = { trained: unflattenTree(parameters.trained, byName), frozen: given.frozen } as P;
      const returned = loss(own, given.inputs, given.scalars);
      const outputs = returned instanceof tf.Tensor ? { loss: returned } : returned;
      checkReturned(definition.name, outputs);
      if (outputs.loss.rank !== 0 || outputs.loss.dtype !== 'float32')
        throw new InputError({
          what: definition.name,
          given: `a loss of shape [${outputs.loss.shape.join(', ')}], ${outputs.loss.dtype}`,
          expected: 'a scalar of float32',
          fix: 'take its mean or sum',
        });
      kept.outputs = Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [name, tf.keep(tensor.clone())]),
      ) as StepResult['outputs'];
      return outputs.loss;
    };
    try {
      const { value, grads } = tf.valueAndGrads(scalarLoss)(names.map((name) => given.trained[name]));
      value.dispose();
      const gradients = Object.fromEntries(names.map((name, k) => [name, grads[k]]));
      const { trained, state } = optimiser.update({
        trained: given.trained,
        gradients,
        state: given.state,
        scalars: given.scalars,
      });
      return { outputs: kept.outputs!, trained, state };
    } catch (error) {
      if (kept.outputs) tf.dispose(kept.outputs);
      throw error;
    }
  });
}
