// Runs the cases on a backend and says of each: right, refused, or wrong.
import { InputError, messageOf } from '../../base/errors';
import { type Long, Meter } from '../../base/progress';
import { type Backend, type BackendName, backendNames } from '../backend';
import { tf } from '../tf';
import type { Check, OpCase, Tensor } from './case';
import { relativeError } from './compare';
import { projected, type Truth, truthOf } from './finite-differences';
import { recordKernels } from './record-kernels';
import type { Array64 } from './reference/array';

export type Status = 'right' | 'refused' | 'wrong';

/** What came out of one setting of a case, for its values or its gradients. */
export interface Outcome {
  setting: string;
  part: 'value' | 'gradient';
  status: Status;
  /** The largest relative error (see compare.ts); null when nothing came out. */
  error: number | null;
  /** What was wrong, or why it was refused; empty when right. */
  message: string;
  /** The backends that a refusal names. */
  use: BackendName[];
  /** Kernels that ran. */
  kernels: string[];
  /** Gradients that were taken, by input: `Conv3D by filter`. */
  gradientKernels: string[];
}

/** One case on one backend. */
export interface ProofRow {
  case: string;
  /** Kernels that ran forward. */
  kernels: string[];
  /** Further kernels that ran in the backward pass. */
  backwardKernels: string[];
  /** Gradients that were taken, by input: `Conv3D by filter`. */
  gradientKernels: string[];
  /** The worst of its outcomes. */
  status: Status;
  /** The largest errors of what is right; null where nothing is. */
  valueError: number | null;
  gradientError: number | null;
  /** What is wrong or refused, setting by setting; empty when all is right. */
  message: string;
  outcomes: Outcome[];
}

/**
 * Every case on an open backend: values against the float64 reference, gradients against its central differences, inputs
 * left as they were, and no tensor left behind.
 * @throws Interrupted when aborted; what a case throws is its outcome, not an error
 */
export async function prove(
  backend: Backend,
  cases: readonly OpCase[],
  long: Long = {},
): Promise<ProofRow[]> {
  await tf.setBackend(backend.name);
  const meter = new Meter(`proof on ${backend.name}`, 'cases', cases.length, long);
  const rows: ProofRow[] = [];
  for (const opCase of cases) {
    rows.push(await proveCase(backend, opCase));
    meter.add(1, opCase.name);
  }
  meter.finish();
  return rows;
}

async function proveCase(backend: Backend, opCase: OpCase): Promise<ProofRow> {
  const outcomes: Outcome[] = [];
  for (const check of opCase.checks) {
    const truth = truthOf(opCase, check);
    const value = await outcomeOf(opCase, check, 'value', () => valueError(backend, check, truth));
    outcomes.push(value);
    // What is refused forward has no gradient to look at.
    if (truth.gradients.length === 0 || value.status === 'refused') continue;
    outcomes.push(await outcomeOf(opCase, check, 'gradient', () => gradientError(backend, check, truth)));
  }
  const namesIn = (part: Outcome['part'], of: (outcome: Outcome) => string[]): string[] =>
    [...new Set(outcomes.filter((o) => o.part === part).flatMap(of))].sort();
  const kernels = namesIn('value', (o) => o.kernels);
  const statuses = outcomes.map(({ status }) => status);
  const worst = (part: Outcome['part']): number | null => {
    const errors = outcomes.flatMap((o) => (o.part === part && o.status === 'right' ? [o.error ?? 0] : []));
    return errors.length > 0 ? Math.max(...errors) : null;
  };
  return {
    case: opCase.name,
    kernels,
    backwardKernels: namesIn('gradient', (o) => o.kernels).filter((name) => !kernels.includes(name)),
    gradientKernels: namesIn('gradient', (o) => o.gradientKernels),
    status: statuses.includes('wrong') ? 'wrong' : statuses.includes('refused') ? 'refused' : 'right',
    valueError: worst('value'),
    gradientError: worst('gradient'),
    message: outcomes
      .filter(({ status }) => status !== 'right')
      .map(({ setting, part, status, message }) => `${part} of ${setting} ${status}: ${message}`)
      .join('; '),
    outcomes,
  };
}

/** Judges one measurement, and that nothing is left in memory after it. */
async function outcomeOf(
  opCase: OpCase,
  check: Check,
  part: Outcome['part'],
  measure: () => Promise<number>,
): Promise<Outcome> {
  const before = held();
  const {
    value: measured,
    kernels,
    gradients,
  } = await recordKernels(() => measure().catch((thrown: unknown) => ({ thrown })));
  const outcome = { setting: check.setting, part, kernels, gradientKernels: gradients };
  if (typeof measured !== 'number') {
    const refused = measured.thrown instanceof InputError;
    const message = messageOf(measured.thrown);
    const use = refused ? backendNames.filter((name) => message.includes(`COC_BACKEND=${name}`)) : [];
    return { ...outcome, status: refused ? 'refused' : 'wrong', error: null, message, use };
  }
  const error = measured;
  const after = held();
  const faults: string[] = [];
  if (!(error <= opCase.tolerance))
    faults.push(`error ${error.toExponential(1)}, allowed ${opCase.tolerance}`);
  if (after.tensors !== before.tensors || after.bytes !== before.bytes || after.buffers !== before.buffers) {
    faults.push(
      `leaves ${after.tensors - before.tensors} tensors, ${after.bytes - before.bytes} bytes and ${after.buffers - before.buffers} buffers behind`,
    );
  }
  return {
    ...outcome,
    status: faults.length > 0 ? 'wrong' : 'right',
    error,
    message: faults.join(', '),
    use: [],
  };
}

/** What TensorFlow.js counts as live. */
function held(): { tensors: number; bytes: number; buffers: number } {
  const { numTensors, numBytes } = tf.memory();
  return { tensors: numTensors, bytes: numBytes, buffers: tf.engine().backend.numDataIds() };
}

const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

function upload(check: Check, truth: Truth): Tensor[] {
  return check.inputs.map(({ dtype }, k) => toTensor(truth.inputs[k], dtype));
}

function toTensor({ data, shape }: Array64, dtype: 'float32' | 'int32' | 'bool' = 'float32'): Tensor {
  const values =
    dtype === 'float32'
      ? Float32Array.from(data)
      : dtype === 'int32'
        ? Int32Array.from(data)
        : Uint8Array.from(data);
  return tf.tensor(values, shape, dtype);
}

/** The largest error of the outputs. @throws Error when a shape differs or an input was changed */
async function valueError(backend: Backend, check: Check, truth: Truth): Promise<number> {
  const inputs = upload(check, truth);
  let outputs: Tensor[] = [];
  try {
    outputs = await backend.step('values', () => listOf(check.run(tf, inputs)));
    let worst = 0;
    for (const [k, { shape, data }] of truth.outputs.entries()) {
      if (outputs[k].shape.join() !== shape.join()) {
        throw new Error(
          `output ${k} has the shape [${outputs[k].shape.join(', ')}], not [${shape.join(', ')}]`,
        );
      }
      worst = Math.max(worst, relativeError(await outputs[k].data(), data));
    }
    await assertSame(inputs, truth);
    return worst;
  } finally {
    tf.dispose([inputs, outputs]);
  }
}

/** The largest error of the gradients. @throws Error when an input was changed */
async function gradientError(backend: Backend, check: Check, truth: Truth): Promise<number> {
  const inputs = upload(check, truth);
  const weights = truth.weights.map((w) => toTensor(w));
  const which = truth.gradients.map(({ input }) => input);
  const f = (...moved: Tensor[]): Tensor[] =>
    listOf(
      check.run(
        tf,
        inputs.map((x, k) => (which.includes(k) ? moved[which.indexOf(k)] : x)),
      ),
    );
  let gradients: Tensor[] = [];
  try {
    gradients = await backend.step('gradients', () => {
      const xs = which.map((k) => inputs[k]);
      if (weights.length === 1) return tf.grads((...x: Tensor[]) => f(...x)[0])(xs, weights[0]);
      const weighted = (...x: Tensor[]): Tensor =>
        tf.addN(f(...x).map((y, k) => tf.sum(tf.mul(y, weights[k]))));
      return tf.grads(weighted)(xs);
    });
    let worst = 0;
    for (const [k, { numbers }] of truth.gradients.entries()) {
      worst = Math.max(worst, relativeError(projected(await gradients[k].data()), numbers));
    }
    await assertSame(inputs, truth);
    return worst;
  } finally {
    tf.dispose([inputs, weights, gradients]);
  }
}

async function assertSame(inputs: Tensor[], truth: Truth): Promise<void> {
  for (const [k, input] of inputs.entries()) {
    if (relativeError(await input.data(), truth.inputs[k].data) !== 0)
      throw new Error(`input ${k} was changed`);
  }
}
