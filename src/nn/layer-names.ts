// Tables of names, written layer by layer: what each parameter of ours is called in a program of PyTorch's, and in which order
// its axes stand there. Shapes follow from our own; they are written out only where theirs has other axes than ours.
import type { ParameterTree } from './parameters';
import { flattenParameters } from './parameters';
import type { Theirs, WeightNames } from './weight-names';

/** A tensor of theirs before its shape is known. */
type Name = Omit<Theirs, 'shape' | 'rows'> & Partial<Pick<Theirs, 'shape'>>;
/** Names by our paths. */
export type Names<N extends Name | readonly Name[] = Name> = Readonly<Record<string, N>>;

/** [to, from] as [from, to]. */
const linearAxes = [1, 0];
/** [to, from, height, width] as [height, width, from, to]. */
const convolutionAxes = [2, 3, 1, 0];
/** [from, to, height, width] as [from, height, width, to]. */
const transposedAxes = [0, 2, 3, 1];

/** One tensor that lies as ours does, such as an embedding. @param shape  where theirs has other axes than ours */
export const tensor = (path: string, name: string, shape?: readonly number[]): Names => ({
  [path]: { name, ...(shape && { shape }) },
});

/** A layer: what we call its first tensor, and how the axes of that stand. */
const layer = (path: string, theirs: string, ours: string, how: Omit<Name, 'name'> = {}): Names => ({
  [`${path}/${ours}`]: { name: `${theirs}.weight`, ...how },
  [`${path}/bias`]: { name: `${theirs}.bias` },
});

export const linear = (path: string, theirs: string): Names =>
  layer(path, theirs, 'weight', { axes: linearAxes });

/** A linear layer that is several there, each of as many outputs, side by side: q, k and v. */
export const joinedLinear = (path: string, theirs: readonly string[]): Names<readonly Name[]> => ({
  [`${path}/weight`]: theirs.map((name) => ({ name: `${name}.weight`, axes: linearAxes })),
  [`${path}/bias`]: theirs.map((name) => ({ name: `${name}.bias` })),
});

export const norm = (path: string, theirs: string): Names => layer(path, theirs, 'gain');

export const convolution = (path: string, theirs: string): Names =>
  layer(path, theirs, 'filter', { axes: convolutionAxes });

/** A convolution that is a product here: of patches, or of pixels one by one. @param shape  [to, from, height, width] */
export const convolutionAsProduct = (path: string, theirs: string, shape: readonly number[]): Names =>
  layer(path, theirs, 'weight', { axes: convolutionAxes, shape });

export const transposedConvolution = (path: string, theirs: string): Names =>
  layer(path, theirs, 'weight', { axes: transposedAxes });

/**
 * The table of a model. Names of what it does not have are left out, such as the biases of layers that have none; what it has
 * and no name leads to is found by whoever uses the table (`placesOf`).
 */
export function namesOf(model: ParameterTree, layers: readonly Names[]): Record<string, Theirs>;
export function namesOf(
  model: ParameterTree,
  layers: readonly Names<Name | readonly Name[]>[],
): Record<string, Theirs | readonly Theirs[]>;
export function namesOf(model: ParameterTree, layers: readonly Names<Name | readonly Name[]>[]): WeightNames {
  const names = Object.assign({}, ...layers) as Names<Name | readonly Name[]>;
  const found: Record<string, Theirs | readonly Theirs[]> = {};
  for (const [path, { shape }] of Object.entries(flattenParameters(model))) {
    if (!(path in names)) continue;
    const name = names[path];
    found[path] =
      'length' in name ? name.map((one) => placed(one, partOf(shape, name.length))) : placed(name, shape);
  }
  return found;
}

/** One of so many equal parts along the last axis. */
const partOf = (shape: readonly number[], parts: number): number[] => [
  ...shape.slice(0, -1),
  shape[shape.length - 1] / parts,
];

/** A name with the shape there of what is of this shape here. */
const placed = (name: Name, shape: readonly number[]): Theirs => ({
  ...name,
  shape: name.shape ?? name.axes?.map((_, axis) => shape[name.axes!.indexOf(axis)]) ?? shape,
});
