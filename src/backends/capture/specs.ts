// Shapes and types of tensors in trees: what recording needs of its inputs, with or without numbers.
import type { tf } from '../tf';
import type { Tensors, TensorTree } from '../training-step';

/** What recording must know of a tensor. A tensor is one too. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
}

/** Tensors, or only their shapes and types, in objects and lists. */
export type SpecTree = TensorSpec | readonly SpecTree[] | { readonly [name: string]: SpecTree };
export type Specs = Record<string, TensorSpec>;

const isSpec = (tree: SpecTree): tree is TensorSpec =>
  'dtype' in tree && typeof tree.dtype === 'string' && 'shape' in tree && Array.isArray(tree.shape);

const below = (path: string, key: string | number): string => (path === '' ? String(key) : `${path}/${key}`);

/** The specs of a tree by path, with a name in front: `inputs/views/0`; of a single tensor `inputs`. */
export function specsOf(tree: SpecTree, path: string): Specs {
  if (isSpec(tree)) return { [path]: tree };
  return Object.assign(
    {},
    ...Object.entries(tree).map(([key, value]) => specsOf(value, below(path, key))),
  ) as Specs;
}

/** A tree of the same form with tensors found by the same paths. */
export function treeOf(tree: SpecTree, tensors: Tensors, path: string): TensorTree {
  if (isSpec(tree)) return tensors[path];
  if (Array.isArray(tree))
    return (tree as SpecTree[]).map((value, k) => treeOf(value, tensors, below(path, k)));
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [key, treeOf(value, tensors, below(path, key))]),
  );
}

/** What two sets of inputs must share to be run by one graph: names, shapes and types. */
export const signatureOf = (specs: Specs): string =>
  Object.entries(specs)
    .map(([name, { shape, dtype }]) => `${name} ${dtype}[${shape.join(',')}]`)
    .join(' ');

/** Tensors by their names without the name in front: `trained/w` of `trained` is `w`. */
export const under = (prefix: string, tensors: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, tensor]) =>
      name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), tensor]] : [],
    ),
  );

/** Tensors by names with another in front. */
export const prefixed = <T>(prefix: string, tensors: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}/${name}`, tensor]));
