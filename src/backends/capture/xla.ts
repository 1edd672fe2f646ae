// A recorded step as one function that XLA compiles. `_XlaMustCompile` on its call is what `tf.function(jit_compile=True)`
// sets: TensorFlow gives such a call to XLA whatever its flags say, so that compiling is chosen step by step.
//
// On processors its sums over a whole tensor run one after another in float32: the mean of a million squares came out 5e-4
// beside the graph's. `auto` compares before it takes XLA; who asks for `xla` by name should look.
import { InputError } from '../../base/errors';
import type { GraphNode, RecordedStep } from './graph';
import { outputOf } from './op-outputs';
import { splitReference } from './step-body';
import type { StepBody } from './step-body';

/**
 * A call of the function in place of the recorded nodes.
 * @param slots  where inputs and variables are found in the graph
 * @throws InputError naming operations that XLA has wrong, or whose outputs are not known by name
 */
export function compiledBody(
  what: string,
  prefix: string,
  step: RecordedStep,
  slots: ReadonlyMap<string, string>,
): StepBody {
  requireRight(what, step.nodes);
  requireKnown(what, step.nodes);
  const given = [...step.inputs, ...step.variables].map((slot, k) => ({ ...slot, argument: `a${k}` }));
  const argumentsByName = new Map(given.map((slot) => [slot.name, slot]));
  const nodesByName = new Map(step.nodes.map((node) => [node.name, { ...node, name: `n/${node.name}` }]));
  const inBody = (value: string): { reference: string; dtype: number } => {
    const [name, output] = splitReference(value);
    const slot = argumentsByName.get(name);
    return slot ? { reference: slot.argument, dtype: slot.dtype } : outputOf(nodesByName.get(name)!, output)!;
  };
  const input = (value: string): string =>
    value.startsWith('^') ? `^n/${value.slice(1)}` : inBody(value).reference;
  const wanted = [...new Set([...Object.values(step.outputs), ...Object.values(step.updates)])];
  const results = wanted.map((value, k) => {
    const { reference, dtype } = inBody(value);
    return { name: `r${k}`, dtype, value: reference };
  });
  const name = `${prefix}_compiled`;
  const call = `${prefix}/call`;
  const types = (of: readonly { dtype: number }[]) =>
    ({ kind: 'list', of: 'type', value: of.map(({ dtype }) => dtype) }) as const;
  return {
    nodes: [
      {
        name: call,
        op: 'StatefulPartitionedCall',
        inputs: given.map((slot) => `${slots.get(slot.name)!}:0`),
        attributes: {
          Tin: types(given),
          Tout: types(results),
          f: { kind: 'function', value: name },
          _XlaMustCompile: { kind: 'bool', value: true },
        },
      },
    ],
    functions: [
      {
        name,
        arguments: given.map(({ argument, dtype }) => ({ name: argument, dtype })),
        results,
        nodes: [...nodesByName.values()].map((node) => ({ ...node, inputs: node.inputs.map(input) })),
      },
    ],
    values: new Map(wanted.map((value, k) => [value, `${call}:${k}`])),
  };
}

/** What XLA of TensorFlow 2.21 has wrong, found by the cases of the proof. */
const wrong: Readonly<Record<string, string>> = {
  ResizeBilinear:
    'other numbers at some sizes, 5 pixels to 15 among them (https://github.com/tensorflow/tensorflow/issues/118344)',
};

/** @throws InputError naming what XLA would compute wrong */
function requireRight(what: string, nodes: readonly GraphNode[]): void {
  const found = nodes.find((node) => node.op in wrong);
  if (!found) return;
  throw new InputError({
    what,
    given: `${found.op}, which XLA has wrong: ${wrong[found.op]}`,
    expected: 'operations that XLA computes as the eager step does',
    fix: 'use the compiler graph',
  });
}

function requireKnown(what: string, nodes: readonly GraphNode[]): void {
  const unknown = new Set(nodes.filter((node) => !outputOf(node, 0)).map((node) => node.op));
  if (unknown.size === 0) return;
  throw new InputError({
    what,
    given: `operations that this project does not hand to XLA: ${[...unknown].join(', ')}`,
    expected: 'operations with outputs of known names',
    fix: 'use the compiler graph',
  });
}
