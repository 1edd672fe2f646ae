// Values for a step that is known by its shapes: drawn, so that it can really be run. Memory does not depend on them.
import { tf } from '../../backends/tf';
import type { Blank, BlankTree } from '../../backends/meta/dry-run';
import { mapLeaves } from '../../backends/tree';
import { Random } from '../../base/random';
import type { TensorsOf, Parameter, ParameterTree } from '../../nn/parameters';
import { mapParameters } from '../../nn/parameters';

/** So many numbers are drawn, and repeated where a tensor has more. */
const drawnNumbers = 2 ** 16;

/** Numbers of a deviation around a centre, from a table that is drawn once; each tensor begins elsewhere in it. */
function numbersFrom(random: Random): (size: number, centre: number, deviation: number) => Float32Array {
  const table = Float32Array.from({ length: drawnNumbers }, () => random.normal());
  return (size, centre, deviation) => {
    const values = new Float32Array(size);
    const from = random.below(drawnNumbers);
    for (let i = 0; i < size; i++) values[i] = centre + deviation * table[(from + i) % drawnNumbers];
    return values;
  };
}

const isBlank = (tree: BlankTree): tree is Blank => Array.isArray((tree as Blank).shape);

/** A step's parameters and inputs as tensors. */
export interface StepValues {
  readonly parameters: TensorsOf<ParameterTree>;
  readonly inputs: unknown;
}

/**
 * Draw values for a step: parameters near what training begins with, with noise in everything that would start at zero; inputs
 * 0 or 1, which will do for pictures, labels and lines. The same seed gives the same values.
 * @param made  called with each tensor as soon as it is there
 * @returns tensors that are kept: the caller's to free
 */
export function drawnValues(
  { step, inputs }: { step: { parameters: unknown }; inputs: BlankTree },
  seed: number,
  made: (tensor: tf.Tensor) => void = () => undefined,
): StepValues {
  const numbers = numbersFrom(new Random(seed));
  const tensor = (values: Float32Array, shape: readonly number[]): tf.Tensor => {
    const one = tf.keep(tf.tensor(values, [...shape]));
    made(one);
    return one;
  };
  const valuesOf = ({ size, start }: Parameter): Float32Array =>
    start.kind === 'normal'
      ? numbers(size, 0, start.deviation)
      : numbers(size, start.kind === 'constant' ? start.value : 0, 0.02);
  return {
    parameters: mapParameters(step.parameters as ParameterTree, (one) => tensor(valuesOf(one), one.shape)),
    inputs: mapLeaves<Blank, tf.Tensor>(inputs, isBlank, ({ shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return tensor(numbers(size, 0, 1).map((x) => Number(x > 0)), shape); // prettier-ignore
    }),
  };
}
