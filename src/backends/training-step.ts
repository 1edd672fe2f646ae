// A training step, in words that every way of running it shares: called eagerly, replayed as a graph, run on shapes alone.
import type { Tensor } from '@tensorflow/tfjs';
import { InputError } from '../base/errors';
import { leavesOf, mapLeaves, type Tree } from './tree';
import { tf } from './tf';

/** Tensors in objects and lists, as deep as a model likes. */
export type TensorTree = Tree<Tensor>;
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

/**
 * The scalars of one call, as tensors.
 * @param defaults  all that there are, with their values where the call does not say others
 * @throws InputError naming those that there are not: a wrong name is no learning rate
 */
export function scalarTensors(
  name: string,
  defaults: Readonly<Record<string, number>>,
  given: Readonly<Record<string, number>>,
): Tensors {
  const unknown = Object.keys(given).filter((key) => !(key in defaults));
  if (unknown.length > 0)
    throw new InputError({
      what: name,
      given: `scalars that it does not have: ${unknown.join(', ')}`,
      expected: Object.keys(defaults).join(', ') || 'none: it has no scalars',
      fix: "use their names, or add yours to the definition's `scalars`",
    });
  return Object.fromEntries(
    Object.entries({ ...defaults, ...given }).map(([key, value]) => [key, tf.scalar(value)]),
  );
}

/** Tensors of one's own with the same values, kept from every scope. */
export const keptCopies = (tensors: Tensors): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tf.keep(tensor.clone())]));

/** All scalars of a step, the optimiser's and the loss's, with their values where a call does not say others. */
export const scalarsOf = ({
  optimiser,
  scalars,
}: Pick<StepDefinition, 'optimiser' | 'scalars'>): Readonly<Record<string, number>> => ({
  ...optimiser.scalars,
  ...scalars,
});

/** The error of a step or session that is used after its end. @param fix  how to go on */
export const disposedError = (name: string, what: 'step' | 'session', fix: string): InputError =>
  new InputError({ what: name, given: `a ${what} that was disposed of`, expected: 'one that is open', fix });

export interface StepDefinition<P extends Parameters = Parameters, I extends TensorTree = TensorTree> {
  /** In words, for errors and provenance: `LoRA-ViT XS, three views`. */
  name: string;
  loss: LossFunction<P, I>;
  /** Values at the start. The step keeps its own: these stay the caller's, who may free them. */
  parameters: P;
  optimiser: Optimiser;
  /** Scalars of the loss that may change from step to step, with their values where a step is not told others. */
  scalars?: Readonly<Record<string, number>>;
  /** How the loss and its gradients are found, where not by one tape over `loss`: a memory policy (see memory/). */
  differentiate?: Differentiate<P, I>;
}

/** What `loss` gives, and its gradient by every trained parameter, by path. Pure; what it returns is new tensors. */
export type Differentiate<P extends Parameters = Parameters, I extends TensorTree = TensorTree> = (
  parameters: P,
  inputs: I,
  scalars: Tensors,
) => { outputs: { loss: Tensor } & Tensors; gradients: Tensors };

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

const isTensor = (node: TensorTree): node is Tensor => node instanceof tf.Tensor;

/** The tensors of a tree by their paths, in the order in which they stand. */
export const flattenTree = (tree: TensorTree): Tensors => leavesOf<Tensor>(tree, isTensor);

/** A tree of the same form with other tensors, found by path. */
export const unflattenTree = <T extends TensorTree>(like: T, tensors: Tensors): T =>
  mapLeaves<Tensor, Tensor>(like, isTensor, (_, path) => tensors[path]) as T;

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
 * Loss and gradients by one tape over the whole loss.
 * @throws InputError when the loss is no scalar, or does not depend on a trained parameter (it is named)
 */
export function byOneTape<P extends Parameters, I extends TensorTree>(
  { name, loss }: Pick<StepDefinition<P, I>, 'name' | 'loss'>,
  parameters: P,
  inputs: I,
  scalars: Tensors,
): ReturnType<Differentiate> {
  const trained = flattenTree(parameters.trained);
  const names = Object.keys(trained);
  const { outputs, gradients } = withGradients((...tensors) => {
    const byName = Object.fromEntries(names.map((path, k) => [path, tensors[k]]));
    const own = { trained: unflattenTree(parameters.trained, byName), frozen: parameters.frozen } as P;
    const returned = loss(own, inputs, scalars);
    const found = returned instanceof tf.Tensor ? { loss: returned } : returned;
    checkReturned(name, found);
    if (found.loss.rank !== 0 || found.loss.dtype !== 'float32')
      throw new InputError({
        what: name,
        given: `a loss of shape [${found.loss.shape.join(', ')}], ${found.loss.dtype}`,
        expected: 'a scalar of float32',
        fix: 'take its mean or sum',
      });
    return found;
  }, names.map((path) => trained[path])); // prettier-ignore
  return { outputs, gradients: Object.fromEntries(names.map((path, k) => [path, gradients[k]])) };
}

/**
 * What a function gives, and the gradients of its `loss` by tensors.
 * @returns outputs that are kept by every scope, and gradients; nothing is kept when it throws
 */
export function withGradients(
  f: (...xs: Tensor[]) => { loss: Tensor } & Tensors,
  xs: Tensor[],
): { outputs: { loss: Tensor } & Tensors; gradients: Tensor[] } {
  const kept: { outputs?: { loss: Tensor } & Tensors } = {};
  const lossOf = (...given: Tensor[]): Tensor => {
    const outputs = f(...given);
    kept.outputs = keptCopies(outputs) as { loss: Tensor } & Tensors;
    return outputs.loss;
  };
  try {
    const { value, grads } = tf.valueAndGrads(lossOf)(xs);
    value.dispose();
    return { outputs: kept.outputs!, gradients: grads };
  } catch (error) {
    if (kept.outputs) tf.dispose(kept.outputs);
    throw error;
  }
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
  const { optimiser, parameters, differentiate } = definition;
  const { trained, frozen, state, inputs, scalars } = given;
  return tf.tidy(() => {
    const own = { trained: unflattenTree(parameters.trained, trained), frozen } as P;
    const { outputs, gradients } = differentiate
      ? differentiate(own, inputs, scalars)
      : byOneTape(definition, own, inputs, scalars);
    try {
      return { outputs, ...optimiser.update({ trained, gradients, state, scalars }) };
    } catch (error) {
      tf.dispose(outputs);
      throw error;
    }
  });
}
