// Chooses what computes. Nothing is loaded before it is asked for.
import type * as TF from '@tensorflow/tfjs';
import { InputError, messageOf } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import type { Backend, BackendName, Candidate, Rejection } from './backend';
import { backendNames } from './backend';
import { guard } from './guard';

/** The backend that was chosen, found right by the self-test. */
export interface ChosenBackend extends Backend {
  /** TensorFlow.js, which computes on it: `const { tf } = await chooseBackend()`. */
  tf: typeof TF;
  /** Why this one. */
  why: string;
  /** Those that come before it and cannot be used here; none when it was asked for by name. */
  rejected: Rejection[];
}

export interface ChooseOptions extends Long {
  /** Use this one or fail; `COC_BACKEND` says the same where this is left out. */
  backend?: BackendName;
}

/**
 * The best backend of this machine: the first of tensorflow (on a card, else on the processor), webgpu (on a card), wasm and
 * cpu that opens and passes the self-test. What was chosen in a process stays: the next call returns it at once, and one
 * that asks for another changes to that when no tensor is left on the first.
 * @throws InputError when there is no such backend, it cannot be used (nothing takes its place), or tensors are alive on
 *   another; Interrupted
 */
export function chooseBackend(options: ChooseOptions = {}): Promise<ChosenBackend> {
  const wanted = wantedBackend(options.backend);
  // One after another: there is one current backend in a process.
  const choice = (place.last ?? Promise.resolve()).catch(() => undefined).then(() => choose(wanted, options));
  place.last = choice;
  return choice;
}

/** The backend that is asked for by name, in code or by `COC_BACKEND`. @throws InputError when there is none of that name */
export function wantedBackend(option?: string): { name: BackendName; by: string } | undefined {
  const env = process.env.COC_BACKEND;
  const given = option ?? (env === '' ? undefined : env);
  if (given === undefined) return undefined;
  const by = option === undefined ? 'COC_BACKEND' : 'its name';
  const name = backendNames.find((known) => known === given);
  if (name) return { name, by };
  throw new InputError({
    what: 'cannot choose a backend',
    given: option === undefined ? `COC_BACKEND=${given}` : given,
    expected: backendNames.join(', '),
    fix: 'choose one of these, or none: then the best of this machine is taken',
  });
}

/** The loader of a backend. */
export async function loadCandidate(name: BackendName): Promise<Candidate> {
  switch (name) {
    case 'tensorflow':
      return (await import('./tensorflow.js')).candidate;
    case 'webgpu':
      return (await import('./webgpu.js')).candidate;
    case 'wasm':
      return (await import('./wasm.js')).candidate;
    case 'cpu':
      return (await import('./cpu.js')).candidate;
  }
}

interface Place {
  chosen?: ChosenBackend;
  /** Tensors that were there before anything was chosen. */
  others?: number;
  last?: Promise<ChosenBackend>;
}

// Not in the module: the kernel loads modules anew when their source changes, and what was chosen stays.
const key = Symbol.for('cost-of-consistency.backend');
const place = ((globalThis as typeof globalThis & { [key]?: Place })[key] ??= {});

async function choose(
  wanted: ReturnType<typeof wantedBackend>,
  { signal, progress }: Long,
): Promise<ChosenBackend> {
  const { chosen } = place;
  if (chosen && (!wanted || wanted.name === chosen.name)) return chosen;
  const { tf } = await import('./tf.js');
  place.others ??= tf.memory().numTensors;
  if (chosen) requireNoTensors(chosen, wanted!.name, tf.memory().numTensors - place.others);
  const names = wanted ? [wanted.name] : backendNames;
  const meter = new Meter('choice of a backend', 'backends', names.length, { signal, progress });
  const rejected: Rejection[] = [];
  for (const name of names) {
    try {
      const backend = await openTested(name, { asked: wanted !== undefined, signal });
      meter.finish(name);
      const why = wanted
        ? `asked for by ${wanted.by}`
        : rejected.length === 0
          ? 'the first in order'
          : `the first that works here of ${backendNames.join(', ')}`;
      const now = Object.assign(backend, { why, rejected }) as ChosenBackend;
      // Printed in a cell it would fill the screen.
      Object.defineProperty(now, 'tf', { value: tf, enumerable: false, configurable: true });
      return (place.chosen = now);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (wanted) {
        if (chosen) await tf.setBackend(chosen.name);
        throw error;
      }
      rejected.push({ name, reason: error.problem.given, fix: error.problem.fix });
    }
    meter.add(1, name);
  }
  throw new InputError({
    what: 'cannot choose a backend',
    given: rejected.map(({ name, reason }) => `${name}: ${reason}`).join('; '),
    expected: 'one that opens and passes the self-test',
    fix: '`coc doctor` says more',
  });
}

/** Open a backend, and hold it to the self-test. @throws InputError with the reason why it cannot be used */
async function openTested(
  name: BackendName,
  { asked, signal }: { asked: boolean; signal?: AbortSignal },
): Promise<Backend> {
  try {
    const candidate = await loadCandidate(name);
    const code = candidate.machineCode?.() ?? [];
    if (code.length > 0) await guard(name, code, signal);
    const backend = await candidate.open({ asked, signal });
    const { selfTest } = await import('./self-test.js');
    const { refused } = await selfTest(backend, { signal });
    if (refused.length === 0) return backend;
    const notes = [...(backend.notes ?? []), `refuses ${refused.join(', ')}`];
    return Object.assign(backend, { notes });
  } catch (error) {
    if (error instanceof InputError || (error as Error).name === 'Interrupted') throw error;
    throw new InputError(
      {
        what: `cannot use the backend ${name}`,
        given: messageOf(error),
        expected: 'a backend that opens and computes',
        fix: 'choose another with COC_BACKEND; `coc doctor` lists what works here',
      },
      { cause: error },
    );
  }
}

function requireNoTensors(chosen: ChosenBackend, wanted: BackendName, tensors: number): void {
  if (tensors <= 0) return;
  throw new InputError({
    what: `cannot change from the backend ${chosen.name} to ${wanted}`,
    given: `${tensors} tensors that are alive on ${chosen.name}`,
    expected: 'none: each belongs to the backend that made it',
    fix: 'dispose of them first, or choose the backend in a process of its own',
  });
}
