// The ledger of a real run: every buffer that a backend makes and frees, told by the backend's own table. A dry run
// writes the same ledger without computing, and the two agree to the byte on what the engine holds.
import type { Backend } from './backend';
import type { AllocationWatch, Declared } from './allocations';
import { watchAllocations } from './allocations';
import { watchBuffers } from './buffers';
import type { Ledger } from './ledger';
import type { Parameters, StepDefinition, StepResult, TensorTree } from './training-step';
import { flattenTree } from './training-step';
import { tf } from './tf';
import { givenToStep, watchedStep } from './watched-step';
import type { WebgpuBackend } from './webgpu/open';

export interface Tracked<T> {
  returned: T;
  ledger: Ledger;
  /** What a reader must know beside the ledger: what it cannot see. */
  notes: string[];
}

/** What a table of buffers does not show, by backend. */
const unseen: Partial<Record<Backend['name'], string>> = {
  tensorflow:
    'what TensorFlow allocates inside a kernel is not in the ledger, nor is its choice to give a result its input’s buffer',
  wasm: 'panels of matrices that products are packed into are kept by the module, and are not in the ledger',
  webgpu: 'uniforms and buffers that carry numbers to the device are not in the ledger',
  cpu: 'JavaScript frees its arrays when it sees fit, not when the ledger says that nobody holds them',
};

/**
 * Run a computation as a step of a backend, and note every buffer that it makes and frees. What kernels make for
 * themselves is noted as theirs (`kernelTemporary`). Whatever happens, the backend is as before when it ends.
 * On webgpu every kernel is submitted by itself meanwhile, so that what is freed counts as free at once.
 * @param backend  the current backend
 * @param what     the step, in words, for errors
 * @param given    tensors that are there before, by what they are for
 * @param f        may tell the watch what its tensors are for; tensors that it returns are the caller's
 * @throws Error as `backend.step`
 */
export async function track<T>(
  backend: Backend,
  what: string,
  given: Declared,
  f: (watch: AllocationWatch) => T,
): Promise<Tracked<T>> {
  const kernels = tf.backend();
  const watch = watchAllocations({
    backend: backend.name,
    given,
    buffers: (listener) => watchBuffers(backend.name, kernels, listener),
  });
  const notes = unseen[backend.name];
  try {
    const returned = await stepOn(backend, what, () => f(watch));
    return { returned, ledger: watch.stop(), notes: notes === undefined ? [] : [notes] };
  } catch (error) {
    watch.stop();
    throw error;
  }
}

async function stepOn<T>(backend: Backend, what: string, f: () => T): Promise<T> {
  if (backend.name !== 'webgpu') return backend.step(what, f);
  return (await (backend as WebgpuBackend).stepWithPeak(what, f, { exact: true })).returned;
}

/**
 * The ledger of one training step, its first: loss, gradients and update. What it computes with is `given`, and stays as
 * it is; what takes its place is alive at the end.
 * @param scalars  by name, of the loss and of the optimiser; those not named have the definition's values
 * @returns `loss` and whatever else the loss function returned: the caller's to free
 */
export async function trackStep<P extends Parameters, I extends TensorTree>(
  backend: Backend,
  definition: StepDefinition<P, I>,
  inputs: I,
  scalars: Readonly<Record<string, number>> = {},
): Promise<Tracked<StepResult['outputs']>> {
  const { optimiser, parameters, name } = definition;
  const trained = flattenTree(parameters.trained);
  const state = tf.tidy(() => optimiser.start(trained));
  for (const tensor of Object.values(state)) tf.keep(tensor);
  const tensors = { trained, frozen: parameters.frozen, state, inputs };
  try {
    const { returned, ...tracked } = await track(backend, name, givenToStep(tensors), (watch) =>
      watchedStep(watch, definition, tensors, scalars),
    );
    tf.dispose([returned.trained, returned.state]);
    return { ...tracked, returned: returned.outputs };
  } finally {
    tf.dispose(state);
  }
}
