// The loop of training: batches in, steps, now and then a look at what was learnt, and a state to go on from.
//
// All that changes a step's numbers is the step itself, its batch and its learning rate; a batch and a rate are functions of the
// step's number. So a training that goes on from a saved state gives the numbers of one that was never stopped.
import { InputError, Interrupted } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { tf } from '../backends/tf';
import type { Tensors, TensorTree, TrainingStep } from '../backends/training-step';
import { flattenTree } from '../backends/training-step';
import { under } from '../backends/tree';
import type { CurvePoint, Curves } from './curves';
import { finite } from './curves';
import type { Schedule } from './schedule';
import { checkSchedule, rateAt } from './schedule';
import type { TrainingState } from './state-file';
import { loadState, saveState } from './state-file';

/** Batches in their order; `PlaneBatches` is one. */
export interface Batches<I extends TensorTree> {
  /** Tensors, the caller's to free; undefined after the last. */
  next(): I | undefined;
  close(): Promise<void>;
}

/** A look at a training from time to time. */
export interface Watch<I extends TensorTree> {
  /** After how many steps; after the last step as well. */
  every: number;
  /**
   * Numbers by name.
   * @param trained  the parameters by path, and `inputs` the batch that was just learnt from: both the caller's
   */
  measure(trained: Tensors, inputs: I): Promise<Record<string, number>>;
}

export interface TrainingOptions<I extends TensorTree> {
  /** In words, for progress: `axial planes, seed 1`. */
  name: string;
  /** An open step, eager or captured, at its start; its optimiser has the scalar `learningRate`. It stays the caller's. */
  step: TrainingStep<I>;
  /** Batches from one step's number (counted from 0) to before another's. */
  batches(from: number, to: number): Batches<I>;
  /** `steps` of it are how long a training is. */
  schedule: Schedule;
  /** Stop after so many steps of the schedule: the first steps of a longer training, to the same numbers. */
  stopAt?: number;
  /** Scalars of the loss, where they are not the definition's. */
  scalars?: Readonly<Record<string, number>>;
  watch?: Watch<I>;
  /** End when a watched number, the higher the better, was no better for so many looks; the best parameters are given back. */
  early?: { by: string; patience: number };
  /** Where to go on from after a stop, written after every so many steps. `identity`: what is trained and how. */
  save?: { file: string; every: number; identity: string };
}

/** A training at its end. */
export interface Training {
  /** Steps done. */
  steps: number;
  ended: 'all steps' | 'no better';
  curves: Curves;
  /** The parameters by path, of the last step or, where it may end early, of the best look. The caller's to free. */
  trained: Tensors;
  /** Which step they are of. */
  of: number;
}

/**
 * Train.
 * @throws InputError for a schedule that is none, an early end by what is not watched, or a saved state of another training;
 *   Interrupted, when the state was saved; Error where a loss is no finite number
 */
export async function train<I extends TensorTree>(
  options: TrainingOptions<I>,
  long: Long = {},
): Promise<Training> {
  const { name, step, schedule, stopAt = schedule.steps, scalars = {}, watch, early, save } = options;
  checkSchedule(schedule);
  if (early && !watch) throw earlyError(name, early.by, 'no watch', 'give `watch`, whose numbers include it');
  const steps = Math.min(stopAt, schedule.steps);
  const found = save && (await loadState(save.file, save.identity));
  const state: Omit<TrainingState, 'tensors'> = found ?? {
    identity: save?.identity ?? name,
    done: 0,
    curves: { steps: [], watched: [] },
    best: null,
    bestTensors: null,
  };
  if (found) {
    await step.write(found.tensors);
    tf.dispose(found.tensors);
  }
  const keep = async (): Promise<void> => {
    if (!save) return;
    const tensors = await step.read();
    await saveState(save.file, { ...state, tensors });
    tf.dispose(tensors);
  };
  const { curves } = state;
  const isOver = (): boolean => early !== undefined && looksSinceBest(state) >= early.patience;
  const meter = new Meter(name, 'steps', steps, long);
  meter.add(state.done);
  const batches = options.batches(state.done, steps);
  try {
    while (state.done < steps && !isOver()) {
      const inputs = batches.next()!;
      const rate = rateAt(schedule, state.done);
      const outputs = await step.run(inputs, { ...scalars, learningRate: rate });
      const values = await numbersOf(outputs);
      tf.dispose(outputs);
      state.done++;
      if (!Number.isFinite(values.loss)) {
        tf.dispose(flattenTree(inputs));
        throw new Error(
          `${name}: the loss of step ${state.done} is ${values.loss}, at a learning rate of ${rate}`,
        );
      }
      curves.steps.push({ step: state.done, values: finite(values) });
      if (watch && (state.done % watch.every === 0 || state.done === steps)) await look(inputs);
      tf.dispose(flattenTree(inputs));
      if (save && state.done % save.every === 0) await keep();
      meter.add(1, saidOf(curves));
      // The event loop has its turn: an interrupt is heard.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    if (error instanceof Interrupted) await keep();
    throw error;
  } finally {
    await batches.close();
  }
  await keep();
  meter.finish(saidOf(curves));
  const ended = state.done < steps ? 'no better' : 'all steps';
  const { best, bestTensors } = state;
  if (early && best && bestTensors)
    return { steps: state.done, ended, curves, trained: bestTensors, of: best.step };
  const all = await step.read();
  const trained = under('trained', all);
  tf.dispose(under('optimiser', all));
  return { steps: state.done, ended, curves, trained, of: state.done };

  async function look(inputs: I): Promise<void> {
    const all = await step.read();
    const trained = under('trained', all);
    const values = await watch!.measure(trained, inputs);
    curves.watched.push({ step: state.done, values: finite(values) });
    const value = early && values[early.by];
    if (early && value === undefined)
      throw earlyError(
        name,
        early.by,
        `a watch that measures ${Object.keys(values).join(', ') || 'nothing'}`,
        'name one of these',
      );
    if (value !== undefined && (!state.best || value > state.best.value)) {
      if (state.bestTensors) tf.dispose(state.bestTensors);
      state.best = { step: state.done, value };
      state.bestTensors = trained;
      tf.dispose(under('optimiser', all));
    } else tf.dispose(all);
  }
}

const earlyError = (name: string, by: string, given: string, fix: string): InputError =>
  new InputError({
    what: `cannot end ${name} early`,
    given: `\`early\` by ${by}, and ${given}`,
    expected: `a watch that measures ${by}`,
    fix,
  });

/** How many looks were no better than the best one. */
const looksSinceBest = ({ best, curves }: Pick<TrainingState, 'best' | 'curves'>): number =>
  best ? curves.watched.filter(({ step }) => step > best.step).length : 0;

async function numbersOf(outputs: Tensors): Promise<Record<string, number>> {
  const numbers: Record<string, number> = {};
  for (const [name, tensor] of Object.entries(outputs)) numbers[name] = (await tensor.data())[0];
  return numbers;
}

/** The last numbers in words: `loss 0.41, segmentation 0.40, dice 0.71`. */
function saidOf({ steps, watched }: Curves): string {
  const last = (points: readonly CurvePoint[]): string[] =>
    Object.entries(points.at(-1)?.values ?? {}).map(
      ([name, value]) => `${name} ${value?.toPrecision(3) ?? '–'}`,
    );
  return [...last(steps), ...last(watched)].join(', ');
}
