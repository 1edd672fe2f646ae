// A function, recorded as a graph: what it asks of TensorFlow for given shapes.
import { setTimeout as wait } from 'node:timers/promises';
import { tf } from '../tf';
import type { Tensors } from '../training-step';
import { typeNumber } from './binding';
import { byShapes, ShapesUnknown } from './by-shapes';
import type { RecordedStep } from './graph';
import { again, execution, requireSameEnd } from './makers';
import { type RecordedFunction, type RecordedNode, Recorder, type Recording, slotOf } from './recorder';
import { refuseCapture } from './refusal';
import type { Specs } from './specs';

/** How shapes were found: from rules, without computing anything, or by running the function once. */
export type RecordedBy = 'shapes' | 'execution';

/** What is recorded: names, shapes and types of what the function is given, and the function. */
export interface Recordable {
  /** In words, for errors. */
  name: string;
  /** Fed at every run. */
  inputs: Specs;
  /** What lives in the session. */
  variables: Specs;
  /** Called several times, each time on stand-ins for `inputs` and `variables`, by their names. */
  compute: RecordedFunction;
}

export interface Recorded {
  step: RecordedStep;
  recordedBy: RecordedBy;
  /** Why in this way. */
  why: string;
  /** Shapes and types of what every node gives, as the recording took them to be. */
  results: readonly RecordedNode['results'][];
  /** Of both recordings together. */
  recordMs: number;
  /** Record it once more, and refuse what has changed since. @throws CaptureRefusal */
  recheck(): void;
}

/**
 * Record a function, twice: what differs between the two is refused. The first time it is recorded by shapes alone where
 * all are known, else it runs once; the second time nothing is computed.
 * @throws CaptureRefusal; whatever the function throws
 */
export async function record(recordable: Recordable, by?: RecordedBy): Promise<Recorded> {
  const started = performance.now();
  const { name, inputs, variables, compute } = recordable;
  const slots = { ...inputs, ...variables };
  requireFedTypes(name, slots);
  const { recording, recordedBy, why } = first(recordable, by);
  const recheck = (): void => {
    requireSameEnd(name, recording, new Recorder(name, again(name, recording)).record(slots, compute));
  };
  // A clock that is read inside must have moved on.
  await wait(2);
  recheck();
  return {
    step: stepOf(recordable, recording),
    results: recording.nodes.map(({ results }) => results),
    recordedBy,
    why,
    recordMs: performance.now() - started,
    recheck,
  };
}

function requireFedTypes(name: string, slots: Specs): void {
  for (const [slot, { dtype }] of Object.entries(slots)) {
    if (typeNumber(dtype) === undefined)
      throw refuseCapture(name, `${slot} of type ${dtype}`, {
        expected: 'float32, int32 or bool, which can be fed',
        fix: 'give it as one of these',
      });
  }
}

/** The first recording: by shapes where it can be. */
function first(
  recordable: Recordable,
  by: RecordedBy | undefined,
): { recording: Recording } & Pick<Recorded, 'recordedBy' | 'why'> {
  if (by === 'execution')
    return { recording: recordByExecution(recordable), recordedBy: by, why: 'it was asked for' };
  const { name, inputs, variables, compute } = recordable;
  try {
    const recording = new Recorder(name, byShapes()).record({ ...inputs, ...variables }, compute);
    return {
      recording,
      recordedBy: 'shapes',
      why: by ? 'it was asked for' : 'all shapes follow from those of the inputs',
    };
  } catch (error) {
    if (!(error instanceof ShapesUnknown)) throw error;
    if (by === 'shapes')
      throw refuseCapture(name, error.message, {
        expected: 'operations whose shapes are known without running them',
        fix: "let it run once (recordBy: 'execution', or nothing)",
      });
    const recording = recordByExecution(recordable);
    return { recording, recordedBy: 'execution', why: `shapes alone do not do: ${error.message}` };
  }
}

/** Run the function once; where an input is only a shape, on zeros. */
function recordByExecution({ name, inputs, variables, compute }: Recordable): Recording {
  const made: Tensors = {};
  const real = (specs: Specs): Specs =>
    Object.fromEntries(
      Object.entries(specs).map(([key, spec]) => [
        key,
        spec instanceof tf.Tensor ? spec : (made[key] = tf.zeros([...spec.shape], spec.dtype)),
      ]),
    );
  try {
    return new Recorder(name, execution()).record({ ...real(inputs), ...real(variables) }, compute);
  } finally {
    tf.dispose(made);
  }
}

function stepOf({ inputs, variables }: Recordable, { nodes, outputs, updates }: Recording): RecordedStep {
  const slots = (specs: Specs): RecordedStep['inputs'] =>
    Object.entries(specs).map(([name, spec]) => slotOf(name, spec));
  return {
    nodes: nodes.map(({ name, op, inputs, attributes }) => ({ name, op, inputs, attributes })),
    inputs: slots(inputs),
    variables: slots(variables),
    outputs,
    updates,
  };
}
