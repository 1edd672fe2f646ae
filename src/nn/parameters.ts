// Parameters before they have values: the shape of each and how it starts. From such a tree tensors are drawn or left
// blank, and counted without allocating.
import { tf } from '../backends/tf';
import type { TensorTree } from '../backends/training-step';
import { leavesOf, mapLeaves, type Tree } from '../backends/tree';
import type { Random } from '../base/random';

/** How a parameter starts. */
export type Start =
  | { kind: 'constant'; value: number }
  | { kind: 'normal'; deviation: number }
  | { kind: 'uniform'; low: number; high: number };

export const constant = (value: number): Start => ({ kind: 'constant', value });
export const normal = (deviation: number): Start => ({ kind: 'normal', deviation });
export const uniform = (low: number, high: number): Start => ({ kind: 'uniform', low, high });

/** One parameter to be. A class, so that a tree of them is told from its leaves. */
export class Parameter {
  constructor(
    readonly shape: readonly number[],
    readonly start: Start,
  ) {}

  /** Number of values. */
  get size(): number {
    return this.shape.reduce((product, length) => product * length, 1);
  }
}

/** Parameters in objects and lists: the form of a model. */
export type ParameterTree = Tree<Parameter>;

/** The same tree with tensors in it. */
export type TensorsOf<S> = ParameterTree extends S
  ? TensorTree
  : S extends Parameter
    ? tf.Tensor
    : { [K in keyof S]: TensorsOf<S[K]> };

const isParameter = (node: ParameterTree): node is Parameter => node instanceof Parameter;

/** A tree of parameters with a tensor in the place of each. */
export const mapParameters = <S extends ParameterTree>(
  tree: S,
  leaf: (parameter: Parameter, path: string) => tf.Tensor,
): TensorsOf<S> => mapLeaves<Parameter, tf.Tensor>(tree, isParameter, leaf) as TensorsOf<S>;

/** Every parameter by its path, in the order in which they stand. */
export const flattenParameters = (tree: ParameterTree): Record<string, Parameter> =>
  leavesOf<Parameter>(tree, isParameter);

/** How many values a model has. Nothing is allocated. */
export function countParameters(tree: ParameterTree): number {
  return Object.values(flattenParameters(tree)).reduce((sum, { size }) => sum + size, 0);
}

/**
 * Tensors with the values that `values` gives; they are the caller's to free, and kept by every scope.
 * @param values  of one parameter in row order, `parameter.size` of them
 */
export function filled<S extends ParameterTree>(
  tree: S,
  values: (parameter: Parameter, path: string) => Float32Array,
): TensorsOf<S> {
  return mapParameters(tree, (parameter, path) =>
    tf.keep(tf.tensor(values(parameter, path), [...parameter.shape], 'float32')),
  );
}

/**
 * Tensors as the parameters say they start, the same for one seed on every machine. A parameter's values depend on its
 * path and not on what stands beside it.
 */
export function drawn<S extends ParameterTree>(tree: S, random: Random): TensorsOf<S> {
  return filled(tree, ({ size, start }, path) => {
    const values = new Float32Array(size);
    if (start.kind === 'constant') return values.fill(start.value);
    const stream = random.fork(path);
    for (let i = 0; i < size; i++)
      values[i] =
        start.kind === 'normal'
          ? start.deviation * stream.normal()
          : start.low + (start.high - start.low) * stream.uniform();
    return values;
  });
}

/** Zeros in every place, made on the device: for a dry run, which has shapes and no data. */
export function blank<S extends ParameterTree>(tree: S): TensorsOf<S> {
  return mapParameters(tree, ({ shape }) => tf.keep(tf.fill([...shape], 0)));
}
