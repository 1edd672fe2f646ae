// Recorded steps over the same variables, as one graph of TensorFlow: variables that live in the session, and for each
// step what is fed, what is computed and what is assigned.
import type { Attribute, DataType, GraphNode, GraphSlot, RecordedStep } from './graph';

/** How one recorded step is asked for: names of nodes in the session's graph. */
export interface StepNames {
  /** By the recorded step's names. */
  inputs: ReadonlyMap<string, string>;
  outputs: ReadonlyMap<string, string>;
  /** Fetched beside the outputs: it is there when the variables have their new values. */
  done: string;
}

export interface SessionGraph {
  nodes: readonly GraphNode[];
  steps: readonly StepNames[];
  /** By variable: where a value is fed, the node that puts it in place, the node that reads it. */
  variables: ReadonlyMap<string, { given: string; assigned: string; read: string }>;
}

const type = (value: DataType): Attribute => ({ kind: 'type', value });
const shape = (value: readonly number[]): Attribute => ({ kind: 'shape', value });
const zero: Attribute = { kind: 'tensor', dtype: 1, shape: [], bytes: new Uint8Array(4) };

const placeholder = (name: string, { dtype, shape: size }: GraphSlot): GraphNode => ({
  name,
  op: 'Placeholder',
  inputs: [],
  attributes: { dtype: type(dtype), shape: shape(size) },
});
const read = (name: string, handle: string, dtype: DataType, after: readonly string[] = []): GraphNode => ({
  name,
  op: 'ReadVariableOp',
  inputs: [`${handle}:0`, ...after],
  attributes: { dtype: type(dtype) },
});
const assign = (
  name: string,
  handle: string,
  value: string,
  dtype: DataType,
  after: readonly string[] = [],
): GraphNode => ({
  name,
  op: 'AssignVariableOp',
  inputs: [`${handle}:0`, value, ...after],
  attributes: { dtype: type(dtype) },
});
/** Something to fetch when what matters is that other nodes have run: the binding asks for values only. */
const finished = (name: string, after: readonly string[]): GraphNode => ({
  name,
  op: 'Const',
  inputs: after,
  attributes: { dtype: type(1), value: zero },
});

/**
 * Put recorded steps into one graph.
 *
 * The order within a step: every variable is read once; when all outputs and all new values are computed (`ready`), the
 * new values are assigned; outputs are handed over after that. So a step reads no value that it has written itself,
 * whichever variables its new values come from, and a step that fails inside has written none. Nothing is written in
 * place: `AssignVariableOp` lets a variable take another buffer, and what holds the old one (a value that was read, a
 * copy for the caller) keeps it.
 *
 * A variable that steps write takes a copy of what it is given; one that they do not write shares the buffer, for frozen
 * weights may be gigabytes. The copy is also what keeps TensorFlow's threads from freeing memory of JavaScript's when a step
 * replaces it: a small tensor's values may lie there, and only this thread may let go of them.
 * @param variables  of all steps
 */
export function sessionGraph(variables: readonly GraphSlot[], steps: readonly RecordedStep[]): SessionGraph {
  const names = new Map(
    variables.map(({ name }, k) => [
      name,
      { handle: `v${k}`, given: `g${k}`, assigned: `w${k}`, read: `r${k}` },
    ]),
  );
  const updated = new Set(steps.flatMap((step) => Object.keys(step.updates)));
  const nodes = variables.flatMap((slot): GraphNode[] => {
    const { handle, given, assigned, read: readName } = names.get(slot.name)!;
    return [
      {
        name: handle,
        op: 'VarHandleOp',
        inputs: [],
        attributes: {
          dtype: type(slot.dtype),
          shape: shape(slot.shape),
          shared_name: { kind: 'string', value: handle },
          container: { kind: 'string', value: '' },
        },
      },
      placeholder(given, slot),
      ...(updated.has(slot.name)
        ? [
            {
              name: `${given}/own`,
              op: 'DeepCopy',
              inputs: [`${given}:0`],
              attributes: { T: type(slot.dtype) },
            },
            assign(`${assigned}/assign`, handle, `${given}/own:0`, slot.dtype),
          ]
        : [assign(`${assigned}/assign`, handle, `${given}:0`, slot.dtype)]),
      finished(assigned, [`^${assigned}/assign`]),
      read(readName, handle, slot.dtype),
    ];
  });
  const handles = new Map([...names].map(([name, { handle }]) => [name, handle]));
  const stepNames = steps.map((step, k) => addStep(nodes, `s${k}`, step, handles));
  return { nodes, steps: stepNames, variables: names };
}

function addStep(
  nodes: GraphNode[],
  prefix: string,
  step: RecordedStep,
  handles: ReadonlyMap<string, string>,
): StepNames {
  const inputs = new Map(step.inputs.map(({ name }, k) => [name, `${prefix}/x${k}`]));
  const reads = new Map(step.variables.map(({ name }, k) => [name, `${prefix}/v${k}`]));
  /** What the recording calls `node:output` or `^node`, as it is called in this graph. */
  const renamed = (value: string): string => {
    if (value.startsWith('^')) return `^${renamed(`${value.slice(1)}:0`).split(':')[0]}`;
    const at = value.lastIndexOf(':');
    const node = value.slice(0, at);
    return `${inputs.get(node) ?? reads.get(node) ?? `${prefix}/n/${node}`}${value.slice(at)}`;
  };
  for (const slot of step.inputs) nodes.push(placeholder(inputs.get(slot.name)!, slot));
  for (const { name, dtype } of step.variables) nodes.push(read(reads.get(name)!, handles.get(name)!, dtype));
  for (const node of step.nodes)
    nodes.push({ ...node, name: `${prefix}/n/${node.name}`, inputs: node.inputs.map(renamed) });

  // TensorFlow refuses to hand back the very tensor that was fed.
  const slots = new Map([...step.inputs, ...step.variables].map((slot) => [`${slot.name}:0`, slot]));
  const outputs = Object.entries(step.outputs).map(([name, value], k): [string, string] => {
    const slot = slots.get(value);
    if (!slot) return [name, renamed(value)];
    const node = `${prefix}/o${k}`;
    nodes.push({ name: node, op: 'Identity', inputs: [renamed(value)], attributes: { T: type(slot.dtype) } });
    return [name, `${node}:0`];
  });
  const values = [...outputs.map(([, value]) => value), ...Object.values(step.updates).map(renamed)];
  const nodesOf = (of: readonly string[]): string[] => [...new Set(of.map((v) => `^${v.split(':')[0]}`))];
  const ready = `${prefix}/ready`;
  nodes.push({ name: ready, op: 'NoOp', inputs: nodesOf(values), attributes: {} });
  const dtypes = new Map(step.variables.map(({ name, dtype }) => [name, dtype]));
  const assigned = Object.entries(step.updates).map(([name, value], k) => {
    const node = `${prefix}/w${k}`;
    const after = [`^${ready}`, `^${reads.get(name)!}`];
    nodes.push(assign(node, handles.get(name)!, renamed(value), dtypes.get(name)!, after));
    return `^${node}`;
  });
  const done = `${prefix}/done`;
  nodes.push(finished(done, [`^${ready}`, ...assigned]));
  return { inputs, outputs: new Map(outputs), done };
}
