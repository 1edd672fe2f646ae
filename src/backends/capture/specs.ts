// Shapes and types of tensors in trees: what recording needs of its inputs, with or without numbers.
import type { tf } from '../tf';
import type { Tensors, TensorTree } from '../training-step';
import { leavesOf, mapLeaves, type Tree } from '../tree';

/** What recording must know of a tensor. A tensor is one too. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
}

/** Tensors, or only their shapes and types, in objects and lists. */
export type SpecTree = Tree<TensorSpec>;
export type Specs = Record<string, TensorSpec>;

const isSpec = (tree: SpecTree): tree is TensorSpec =>
  'dtype' in tree && typeof tree.dtype === 'string' && 'shape' in tree && Array.isArray(tree.shape);

/** The specs of a tree by path, with a name in front: `inputs/views/0`; of a single tensor `inputs`. */
export const specsOf = (tree: SpecTree, path: string): Specs => leavesOf<TensorSpec>(tree, isSpec, path);

/** A tree of the same form with tensors found by the same paths. */
export const treeOf = (tree: SpecTree, tensors: Tensors, path: string): TensorTree =>
  mapLeaves<TensorSpec, Tensors[string]>(tree, isSpec, (_, at) => tensors[at], path);

const bareSpec = ({ shape, dtype }: TensorSpec): TensorSpec => ({ shape, dtype });

/** Shapes and types alone: without the tensors, which are the caller's to free. */
export const bareSpecs = (specs: Specs): Specs =>
  Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, bareSpec(spec)]));

/** The same of a tree. */
export const bareTree = (tree: SpecTree): SpecTree =>
  mapLeaves<TensorSpec, TensorSpec>(tree, isSpec, bareSpec);

/** What two sets of inputs must share to be run by one graph: names, shapes and types. */
export const signatureOf = (specs: Specs): string =>
  Object.entries(specs)
    .map(([name, { shape, dtype }]) => `${name} ${dtype}[${shape.join(',')}]`)
    .join(' ');
