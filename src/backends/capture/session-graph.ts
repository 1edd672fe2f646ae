// Recorded steps over the same variables, as one graph of TensorFlow: variables that live in the session, and for each
// step what is fed, what is computed and what is assigned.
import type { Attribute, DataType, GraphNode, GraphSlot, RecordedStep } from './graph';
import type { FileNode, GraphFunction } from './saved-model';
import { plainBody, splitReference } from './step-body';
import { compiledBody } from './xla';

/** How a step is computed: operation by operation (oneDNN's kernels), or compiled as a whole. */
export type Compiler = 'graph' | 'xla';

/** How one recorded step is asked for: names of nodes in the session's graph. */
export interface StepNames {
  /** By the recorded step's names. */
  inputs: ReadonlyMap<string, string>;
  outputs: ReadonlyMap<string, string>;
  /** Fetched beside the outputs: it is there when the variables have their new values. */
  done: string;
}

export interface SessionGraph {
  nodes: readonly FileNode[];
  functions: readonly GraphFunction[];
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
const unary = (op: string, name: string, value: string, dtype: DataType): GraphNode => ({
  name,
  op,
  inputs: [value],
  attributes: { T: type(dtype) },
});
const read = (name: string, handle: string, dtype: DataType): GraphNode => ({
  name,
  op: 'ReadVariableOp',
  inputs: [`${handle}:0`],
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
 * new values are assigned. So a step reads no value that it has written itself, whichever variables its new values come
 * from, and a step that fails inside has written none. Nothing is written in place: `AssignVariableOp` lets a variable take
 * another buffer, and what holds the old one (a value that was read, the caller's copy) keeps it.
 *
 * A variable that steps write takes a copy of what it is given; one that they do not write shares the buffer, for frozen
 * weights may be gigabytes. The copy is also what keeps TensorFlow's threads from freeing memory of JavaScript's when a step
 * replaces it: a small tensor's values may lie there, and only this thread may let go of them.
 * @param variables  of all steps
 */
export function sessionGraph(
  what: string,
  variables: readonly GraphSlot[],
  steps: readonly RecordedStep[],
  compiler: Compiler,
): SessionGraph {
  const names = new Map(
    variables.map(({ name }, k) => [
      name,
      { handle: `v${k}`, given: `g${k}`, assigned: `w${k}`, read: `r${k}` },
    ]),
  );
  const updated = new Set(steps.flatMap((step) => Object.keys(step.updates)));
  const nodes: FileNode[] = variables.flatMap((slot) => {
    const { handle, given, assigned, read: readName } = names.get(slot.name)!;
    const own = updated.has(slot.name) ? `${given}/own` : given;
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
      ...(own === given ? [] : [unary('DeepCopy', own, `${given}:0`, slot.dtype)]),
      assign(`${assigned}/assign`, handle, `${own}:0`, slot.dtype),
      finished(assigned, [`^${assigned}/assign`]),
      read(readName, handle, slot.dtype),
    ];
  });
  const functions: GraphFunction[] = [];
  const handles = new Map([...names].map(([name, { handle }]) => [name, handle]));
  const stepNames = steps.map((step, k) => {
    const prefix = `s${k}`;
    const slots = new Map<string, string>([
      ...step.inputs.map(({ name }, i): [string, string] => [name, `${prefix}/x${i}`]),
      ...step.variables.map(({ name }, i): [string, string] => [name, `${prefix}/v${i}`]),
    ]);
    for (const slot of step.inputs) nodes.push(placeholder(slots.get(slot.name)!, slot));
    for (const { name, dtype } of step.variables)
      nodes.push(read(slots.get(name)!, handles.get(name)!, dtype));
    const body =
      compiler === 'xla' ? compiledBody(what, prefix, step, slots) : plainBody(prefix, step, slots);
    nodes.push(...body.nodes);
    functions.push(...body.functions);
    return addEnd(nodes, prefix, step, { slots, handles, values: body.values });
  });
  return { nodes, functions, steps: stepNames, variables: names };
}

/** What follows the computation: outputs, the order, the new values. */
function addEnd(
  nodes: FileNode[],
  prefix: string,
  step: RecordedStep,
  names: {
    slots: ReadonlyMap<string, string>;
    handles: ReadonlyMap<string, string>;
    values: ReadonlyMap<string, string>;
  },
): StepNames {
  const { slots, handles, values } = names;
  // TensorFlow refuses to hand back the very tensor that was fed.
  const given = new Map([...step.inputs, ...step.variables].map((slot) => [`${slot.name}:0`, slot]));
  const outputs = Object.entries(step.outputs).map(([name, value], k): [string, string] => {
    const slot = given.get(value);
    if (!slot) return [name, values.get(value)!];
    nodes.push(unary('Identity', `${prefix}/o${k}`, values.get(value)!, slot.dtype));
    return [name, `${prefix}/o${k}:0`];
  });
  const updates = Object.entries(step.updates).map(([name, value]) => [name, values.get(value)!] as const);
  const all = [...outputs.map(([, value]) => value), ...updates.map(([, value]) => value)];
  const ready = `${prefix}/ready`;
  nodes.push({
    name: ready,
    op: 'NoOp',
    inputs: [...new Set(all.map((value) => `^${splitReference(value)[0]}`))],
    attributes: {},
  });
  const dtypes = new Map(step.variables.map(({ name, dtype }) => [name, dtype]));
  const assigned = updates.map(([name, value], k) => {
    const after = [`^${ready}`, `^${slots.get(name)!}`];
    nodes.push(assign(`${prefix}/w${k}`, handles.get(name)!, value, dtypes.get(name)!, after));
    return `^${prefix}/w${k}`;
  });
  const done = `${prefix}/done`;
  nodes.push(finished(done, [`^${ready}`, ...assigned]));
  const inputs = new Map(step.inputs.map(({ name }) => [name, slots.get(name)!]));
  return { inputs, outputs: new Map(outputs), done };
}
