// Recorded steps that run: a session of TensorFlow in which the variables stay from step to step.
//
// Memory. What a session holds and peaks at cannot be asked for through the binding (TF_CPU_ALLOCATOR_USE_BFC and
// TF_CPU_BFC_MEM_LIMIT_IN_MB, set before TensorFlow loads, put a limit on it, so that a need can be found by trying). Both
// compilers merge equal expressions, so **a recomputation that is written out is folded back into the forward pass**, and
// saves nothing. As a graph it stays where its nodes wait for the backward pass (`^node` among their inputs); for XLA that
// is not enough: it drops such order, and wants an XlaOptimizationBarrier. Seen on a product of 1024 that is used twice, in
// processor time: once 43 ms; written twice 43 by graph and by XLA; tied with `^node` 64 by graph, 44 by XLA.
import { InputError, messageOf } from '../../base/errors';
import type { DataType, GraphSlot, RecordedStep } from './graph';
import { savedModel, graphTag, withModelFolder } from './saved-model';
import { sessionGraph } from './session-graph';
import type { Compiler, SessionGraph } from './session-graph';

export type { Compiler } from './session-graph';
import { disposedError, type Tensors } from '../training-step';
import { tf } from '../tf';

export interface SessionOptions {
  compiler: Compiler;
  /** In words, for errors: `LoRA-ViT XS, three views`. */
  name?: string;
}

/** A session: use it on the backend `tensorflow`, where it was opened. */
export interface Session {
  /**
   * One step: of the recorded steps the one whose inputs have these names, shapes and types.
   * @returns the outputs by name: the caller's to free
   * @throws InputError when no recorded step takes these; Error with TensorFlow's message when the step fails inside, and
   *   then the variables are what they were
   */
  run(feeds: Tensors): Tensors;
  /** The variables by name, all unless told which: the caller's to free, and no later step changes them. */
  read(names?: readonly string[]): Tensors;
  /** Give variables other values; those not named stay. @throws InputError naming what is unknown, or of another shape or type */
  write(values: Tensors): void;
  /**
   * Take another recording of the same variables, for inputs of other shapes. The graph is built and optimised anew, with
   * the values carried over; which costs what opening costs, once a shape.
   * @throws InputError when its variables are others, or when there is already one for such inputs
   */
  add(recorded: RecordedStep): void;
  /** Free everything. A session that is used afterwards throws. */
  dispose(): void;
}

/** What we use of tfjs-node's backend. */
interface NodeBackend {
  binding: Binding;
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  createOutputTensor(found: TensorMetadata): tf.Tensor;
}
interface TensorMetadata {
  id: number;
}
interface Binding {
  loadSavedModel(folder: string, tags: string): number;
  runSavedModel(id: number, tensors: number[], feeds: string, fetches: string): TensorMetadata[];
  deleteSavedModel(id: number): void;
  deleteTensor(id: number): void;
}

/**
 * Open a session on recorded steps.
 * @param recorded  a step, or several over the same variables that take inputs of different shapes
 * @param initial   a value for each variable: copied into the session
 * @throws InputError when a value is missing or of another shape, when recordings do not go together, or when the graph passes
 *   2 GiB; Error with TensorFlow's message when it refuses the graph
 */
export function openSession(
  recorded: RecordedStep | readonly RecordedStep[],
  initial: Tensors,
  { name = 'a captured step', compiler }: SessionOptions,
): Session {
  const backend = tf.backend() as unknown as NodeBackend;
  const { binding } = backend;
  let steps: readonly RecordedStep[] = [recorded].flat();
  const slots = steps[0].variables;
  const all = slots.map((slot) => slot.name);
  let open: { id: number; graph: SessionGraph } | undefined;

  const session = (): { id: number; graph: SessionGraph } => {
    if (open) return open;
    throw disposedError(name, 'session', 'open it again, with the values that were read before');
  };
  const call = (feeds: readonly [string, tf.Tensor][], fetches: readonly string[]): TensorMetadata[] => {
    const ids = backend.getInputTensorIds(feeds.map(([, tensor]) => tensor));
    const names = feeds.map(([node]) => `${node}:0`).join(',');
    return said(name, () => binding.runSavedModel(session().id, ids, names, fetches.join(',')));
  };
  const free = (found: TensorMetadata): void => binding.deleteTensor(found.id);

  // Only two sets of variables are ever fed or fetched, for TensorFlow keeps a plan of the graph for each set, for good.
  const groupFor = (names: readonly string[]): readonly string[] => {
    const updated = new Set(steps.flatMap((step) => Object.keys(step.updates)));
    return names.every((one) => updated.has(one)) ? all.filter((one) => updated.has(one)) : all;
  };
  const readGroup = (group: readonly string[]): Tensors => {
    const { variables } = session().graph;
    if (group.length === 0) return {};
    const found = call(
      [],
      group.map((one) => `${variables.get(one)!.read}:0`),
    );
    return Object.fromEntries(found.map((metadata, k) => [group[k], backend.createOutputTensor(metadata)]));
  };
  const writeGroup = (values: Tensors, group: readonly string[]): void => {
    const { variables } = session().graph;
    if (group.length === 0) return;
    const feeds = group.map((one): [string, tf.Tensor] => [variables.get(one)!.given, values[one]]);
    call(
      feeds,
      group.map((one) => `${variables.get(one)!.assigned}:0`),
    ).forEach(free);
  };
  const load = (next: readonly RecordedStep[], values: Tensors): void => {
    checkTogether(name, next);
    const graph = sessionGraph(name, slots, next, compiler);
    const file = savedModel(name, graph.nodes, graph.functions);
    const before = open;
    const id = said(name, () => withModelFolder(file, (folder) => binding.loadSavedModel(folder, graphTag)));
    open = { id, graph };
    try {
      writeGroup(values, all);
    } catch (error) {
      open = before;
      binding.deleteSavedModel(id);
      throw error;
    }
    steps = next;
    if (before) binding.deleteSavedModel(before.id);
  };

  checkTensors(name, 'a variable', slots, initial);
  load(steps, initial);

  return {
    run(feeds) {
      const { graph } = session();
      const k = steps.findIndex((step) => differences('an input', step.inputs, feeds).length === 0);
      if (k < 0) throw noStepFor(name, steps, feeds);
      const { inputs, outputs, done } = graph.steps[k];
      const found = call(
        [...inputs].map(([input, node]) => [node, feeds[input]]),
        [`${done}:0`, ...outputs.values()],
      );
      free(found[0]);
      const names = [...outputs.keys()];
      return Object.fromEntries(
        found.slice(1).map((metadata, at) => [names[at], backend.createOutputTensor(metadata)]),
      );
    },
    read(names = all) {
      session();
      checkNames(name, all, names);
      const group = readGroup(groupFor(names));
      const wanted = new Set(names);
      tf.dispose(Object.entries(group).flatMap(([one, tensor]) => (wanted.has(one) ? [] : [tensor])));
      return Object.fromEntries(names.map((one) => [one, group[one]]));
    },
    write(values) {
      session();
      const names = Object.keys(values);
      checkNames(name, all, names);
      checkTensors(
        name,
        'a variable',
        slots.filter((slot) => slot.name in values),
        values,
      );
      const group = groupFor(names);
      const rest = group.length > names.length ? readGroup(group) : {};
      try {
        writeGroup({ ...rest, ...values }, group);
      } finally {
        tf.dispose(rest);
      }
    },
    add(another) {
      session();
      const values = readGroup(all);
      try {
        load([...steps, another], values);
      } finally {
        tf.dispose(values);
      }
    },
    dispose() {
      if (!open) return;
      binding.deleteSavedModel(open.id);
      open = undefined;
    },
  };
}

/** The binding's errors, with the step's name in front. */
function said<T>(name: string, f: () => T): T {
  try {
    return f();
  } catch (error) {
    const message = messageOf(error).replace(
      /^(?:Session fail to run with error|Failed to load SavedModel): /,
      'TensorFlow: ',
    );
    throw new Error(`${name}: ${message}`, { cause: error });
  }
}

const typeNames: Record<DataType, string> = { 1: 'float32', 3: 'int32', 9: 'int64', 10: 'bool' };
const slotText = ({ shape, dtype }: GraphSlot): string => `[${shape.join(', ')}] ${typeNames[dtype]}`;
const tensorText = ({ shape, dtype }: tf.Tensor): string => `[${shape.join(', ')}] ${dtype}`;

/** What is missing, what is too much, and what has another shape or type. */
function differences(what: string, slots: readonly GraphSlot[], tensors: Tensors): string[] {
  const known = new Set(slots.map((slot) => slot.name));
  return [
    ...slots.filter(({ name }) => !(name in tensors)).map(({ name }) => `${name} is missing`),
    ...Object.keys(tensors).flatMap((name) => (known.has(name) ? [] : [`${name} is not ${what} of it`])),
    ...slots.flatMap((slot) => {
      const tensor = tensors[slot.name];
      if (!tensor || tensorText(tensor) === slotText(slot)) return [];
      return [`${slot.name} is ${tensorText(tensor)} instead of ${slotText(slot)}`];
    }),
  ];
}

function checkTensors(name: string, what: string, slots: readonly GraphSlot[], tensors: Tensors): void {
  const wrong = differences(what, slots, tensors);
  if (wrong.length === 0) return;
  throw new InputError({
    what: name,
    given: wrong.join('; '),
    expected: 'the variables of the recorded step, with their shapes and types',
    fix: 'give what the step was recorded with, or what `read` returned',
  });
}

function checkNames(name: string, all: readonly string[], names: readonly string[]): void {
  const unknown = names.filter((one) => !all.includes(one));
  if (unknown.length === 0) return;
  throw new InputError({
    what: name,
    given: `${unknown.join(', ')}, which it has no variables for`,
    expected: `variables of the recorded step: ${all.join(', ')}`,
    fix: 'use their names',
  });
}

const inputsText = (step: RecordedStep): string =>
  step.inputs.map((slot) => `${slot.name} ${slotText(slot)}`).join(', ');

function noStepFor(name: string, steps: readonly RecordedStep[], feeds: Tensors): InputError {
  // Of several recordings, the differences from the nearest one say most.
  const nearest = steps
    .map((step) => differences('an input', step.inputs, feeds))
    .reduce((a, b) => (b.length < a.length ? b : a));
  return new InputError({
    what: name,
    given: nearest.join('; '),
    expected: steps.map(inputsText).join('; or '),
    fix: 'give inputs as recorded, or record the step for these',
  });
}

/** Recordings in one session have the same variables, and inputs by which they can be told apart. */
function checkTogether(name: string, steps: readonly RecordedStep[]): void {
  const variablesText = (step: RecordedStep): string =>
    step.variables.map((slot) => `${slot.name} ${slotText(slot)}`).join(', ');
  const [first, ...others] = steps;
  const other = others.find((step) => variablesText(step) !== variablesText(first));
  if (other)
    throw new InputError({
      what: name,
      given: `a recording with the variables ${variablesText(other)}`,
      expected: `those of the first: ${variablesText(first)}`,
      fix: 'record the same step, or open a session of its own',
    });
  const inputs = steps.map(inputsText);
  const twice = inputs.find((text, k) => inputs.indexOf(text) !== k);
  if (twice !== undefined)
    throw new InputError({
      what: name,
      given: `two recordings for the inputs ${twice}`,
      expected: 'one for each set of shapes',
      fix: 'run the one that is there',
    });
}
