// Weights of others in models of ours: loading them tensor by tensor, and the way back.
import { tf } from '../backends/tf';
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import type { ParameterTree, TensorsOf } from './parameters';
import { flattenParameters, mapParameters } from './parameters';
import type { TensorSource } from './tensor-source';
import type { WeightNames } from './weight-names';
import { fromTheirs, intoTheirs, ownNames, placesOf } from './weight-names';

export interface LoadOptions extends Long {
  /** Tensors of theirs that may be there and are not needed, such as second copies of shared ones. */
  ignore?: readonly string[];
}

/**
 * Fill a model from a file, tensor by tensor.
 * @param names  where each parameter lies; under our own paths unless told
 * @returns tensors that are the caller's to free, kept by every scope
 * @throws InputError with every tensor by name that is missing, of another shape, or there and not needed; nothing has
 *   been read then. Interrupted. No tensor stays behind.
 */
export async function loadWeights<S extends ParameterTree>(
  spec: S,
  source: TensorSource,
  names: WeightNames = ownNames(spec),
  { ignore = [], ...long }: LoadOptions = {},
): Promise<TensorsOf<S>> {
  const parameters = flattenParameters(spec);
  const places = placesOf(parameters, names);
  const uses = checkSource(source, places, ignore);
  const bytes = 4 * Object.values(parameters).reduce((sum, { size }) => sum + size, 0);
  const meter = new Meter(`load ${source.file}`, 'B', bytes, long);
  // A tensor of theirs that fills several of ours is read once and kept until the last of them has come.
  const held = new Map<string, Float32Array>();
  const read = async (name: string): Promise<Float32Array> => {
    const values = held.get(name) ?? (await source.read(name));
    const left = uses.get(name)! - 1;
    uses.set(name, left);
    if (left > 0) held.set(name, values);
    else held.delete(name);
    return values;
  };
  const loaded: Record<string, tf.Tensor> = {};
  try {
    for (const [path, { shape, size }] of Object.entries(parameters)) {
      const theirs = [];
      for (const { name } of places[path]) theirs.push(await read(name));
      loaded[path] = tf.keep(tf.tensor(fromTheirs(theirs, places[path]), [...shape], 'float32'));
      meter.add(4 * size, path);
    }
  } catch (error) {
    tf.dispose(loaded);
    throw error;
  }
  meter.finish();
  return mapParameters(spec, (_, path) => loaded[path]);
}

/** How often each tensor of theirs is needed. @throws InputError when the source has others, or others in shape */
function checkSource(
  source: TensorSource,
  places: ReturnType<typeof placesOf>,
  ignore: readonly string[],
): Map<string, number> {
  const there = new Set(source.names());
  const uses = new Map<string, number>();
  const misshaped: string[] = [];
  for (const { name, shape } of Object.values(places).flat()) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
    if (!there.has(name) || uses.get(name)! > 1) continue;
    const found = source.shapeOf(name);
    if (String(found) !== String(shape))
      misshaped.push(`${name} [${found.join(', ')}] where [${shape.join(', ')}] is needed`);
  }
  const missing = [...uses.keys()].filter((name) => !there.has(name));
  const extra = [...there].filter((name) => !uses.has(name) && !ignore.includes(name));
  const faults = [
    { what: 'missing', names: missing },
    { what: 'of another shape', names: misshaped },
    { what: 'not of this model', names: extra },
  ].filter(({ names }) => names.length > 0);
  if (faults.length === 0) return uses;
  throw new InputError({
    what: `cannot load ${source.file}`,
    given: faults.map(({ what, names }) => `${names.length} ${what}: ${names.join(', ')}`).join('; '),
    expected: `the ${uses.size} tensors of the model`,
    fix: 'give the configuration that the weights were made with, or the weights of this model',
  });
}

/** One of their tensors with the values of ours. */
export interface TheirTensor {
  name: string;
  shape: readonly number[];
  data: Float32Array;
}

/**
 * The way back: their tensors from our values, in the order of our parameters.
 * @param values  of every parameter by its path, in row order
 * @throws InputError when the names leave a tensor of theirs filled in part, or fill it twice
 */
export function toTheirs(
  spec: ParameterTree,
  values: Readonly<Record<string, Float32Array>>,
  names: WeightNames = ownNames(spec),
): TheirTensor[] {
  const found = new Map<string, TheirTensor & { filled: number }>();
  for (const [path, places] of Object.entries(placesOf(flattenParameters(spec), names))) {
    for (const { name, shape } of places)
      if (!found.has(name)) {
        const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
        found.set(name, { name, shape, data, filled: 0 });
      }
    const targets = places.map(({ name }) => found.get(name)!);
    const counts = intoTheirs(
      values[path],
      places,
      targets.map(({ data }) => data),
    );
    targets.forEach((target, k) => (target.filled += counts[k]));
  }
  const tensors = [...found.values()];
  const partly = tensors.filter(({ data, filled }) => data.length !== filled).map(({ name }) => name);
  if (partly.length === 0) return tensors.map(({ name, shape, data }) => ({ name, shape, data }));
  throw new InputError({
    what: 'cannot give these weights as theirs',
    given: `names that fill ${partly.join(', ')} in part or twice`,
    expected: 'every tensor of theirs filled once',
    fix: 'mend the table of names',
  });
}
