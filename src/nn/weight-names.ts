// Where each parameter of ours lies among the tensors of another program, as data that is read in both directions.
import { InputError } from '../base/errors';
import type { Parameter, ParameterTree } from './parameters';
import { flattenParameters } from './parameters';
import { gather, transposed } from './row-order';

/** Where the values of one of our parameters lie in a tensor of theirs. */
export interface Theirs {
  name: string;
  /** The shape of the whole tensor. */
  shape: readonly number[];
  /** Our part of its first axis, from the first row to before the last: q of q, k and v in one. All of it unless told. */
  rows?: readonly [number, number];
  /** Ours is theirs with its axes in this order, as `transpose` takes them, then reshaped to our shape. As they are unless told. */
  axes?: readonly number[];
}

/**
 * Theirs by our paths. A list where ours is several of theirs, each with its axes in order, side by side on the last
 * axis: q, k and v apart there and in one here.
 */
export type WeightNames = Readonly<Record<string, Theirs | readonly Theirs[]>>;

/** Our own paths as names, in our own shapes: what a file has that we wrote. */
export function ownNames(spec: ParameterTree): WeightNames {
  const entries = Object.entries(flattenParameters(spec));
  return Object.fromEntries(entries.map(([path, { shape }]) => [path, { name: path, shape }]));
}

/**
 * Every parameter's places as a list.
 * @throws InputError when the names are not those of these parameters or do not fill them
 */
export function placesOf(
  parameters: Readonly<Record<string, Parameter>>,
  names: WeightNames,
): Record<string, readonly Theirs[]> {
  const wrong = [
    ...Object.keys(names).filter((path) => !(path in parameters)),
    ...Object.keys(parameters).filter((path) => !(path in names)),
  ];
  const places = Object.fromEntries(Object.entries(names).map(([path, theirs]) => [path, [theirs].flat()]));
  for (const [path, theirs] of Object.entries(places)) {
    const sizes = theirs.map((place) => product(partShape(place)));
    if (path in parameters && sizes.reduce((a, b) => a + b, 0) !== parameters[path].size) wrong.push(path);
  }
  if (wrong.length === 0) return places;
  throw new InputError({
    what: 'cannot use this table of names',
    given: `${[...new Set(wrong)].join(', ')}: there and no parameter, a parameter and not there, or of another size`,
    expected: 'a place for every parameter, with as many values',
    fix: 'mend the table of names',
  });
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const inOrder = (axes: readonly number[] | undefined, list: readonly number[]): readonly number[] =>
  axes?.map((axis) => list[axis]) ?? list;

/** The shape of our part of a tensor of theirs, with its axes in their order. */
const partShape = ({ shape, rows }: Theirs): readonly number[] =>
  rows ? [rows[1] - rows[0], ...shape.slice(1)] : shape;

/** Our part of the values of a tensor of theirs, not copied. */
function partOf(values: Float32Array, { shape, rows }: Theirs): Float32Array {
  if (!rows) return values;
  const width = product(shape.slice(1));
  return values.subarray(rows[0] * width, rows[1] * width);
}

/** One parameter's values from its places. @param values  of the whole tensor of each place */
export function fromTheirs(values: readonly Float32Array[], places: readonly Theirs[]): Float32Array {
  const parts = places.map((place, k) => {
    const part = partOf(values[k], place);
    return place.axes ? transposed(part, partShape(place), place.axes) : part;
  });
  if (parts.length === 1) return parts[0];
  const widths = places.map(lastLength);
  const all = widths.reduce((a, b) => a + b, 0);
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let column = 0;
  parts.forEach((part, k) => {
    for (let row = 0; row * widths[k] < part.length; row++)
      joined.set(part.subarray(row * widths[k], (row + 1) * widths[k]), row * all + column);
    column += widths[k];
  });
  return joined;
}

/**
 * One parameter's values into its places.
 * @param targets  values of the whole tensor of each place; our part of them is written
 * @returns how many values each got
 */
export function intoTheirs(
  values: Float32Array,
  places: readonly Theirs[],
  targets: readonly Float32Array[],
): number[] {
  const widths = places.map(lastLength);
  const all = widths.reduce((a, b) => a + b, 0);
  let column = 0;
  return places.map((place, k) => {
    const shape = inOrder(place.axes, partShape(place));
    const part = new Float32Array(product(shape));
    const rows = part.length / (widths[k] || 1);
    gather(values, [rows, widths[k]], [all, 1], column, part);
    column += widths[k];
    const back = place.axes?.map((_, axis) => place.axes!.indexOf(axis));
    partOf(targets[k], place).set(back ? transposed(part, shape, back) : part);
    return part.length;
  });
}

const lastLength = (place: Theirs): number => inOrder(place.axes, partShape(place)).at(-1) ?? 1;
