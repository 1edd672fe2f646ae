// One view beside three, by steps that are really run: what each holds by the ledger of the run, whether the gradients are
// those of one tape over all views, and how long steps take. Loads TensorFlow.js: import this file lazily.
import type { Backend } from '../backends/backend';
import { eagerStep } from '../backends/eager-step';
import { keepingGradients } from '../backends/optimisers';
import { tf } from '../backends/tf';
import { trackStep } from '../backends/tracker';
import type { StepDefinition, Tensors, TensorTree } from '../backends/training-step';
import { flattenTree } from '../backends/training-step';
import type { Policy } from '../memory/policy';
import type { Setting } from '../profilers/vram/setting';
import { studySetting } from '../profilers/vram/setting';
import { vramStep } from '../profilers/vram/step';
import { drawnValues } from '../profilers/vram/values';
import { lengthOf, minus } from './compare-values';
import type { Values } from './compare-values';
import { numbersOf } from './small-network';

/** A model at a size of pictures. */
export type Sized = Pick<Setting, 'model' | 'size'>;

/** A step with numbers: adapters of rank 4 in all blocks, decoder, Eq. 2, Adam. The same numbers for every policy. */
function open(
  { model, size }: Sized,
  policy: Policy,
  views: 1 | 3,
): { definition: StepDefinition; inputs: TensorTree; free: () => void } {
  const blank = vramStep({ ...studySetting(model), size, views, policy });
  const { parameters, inputs } = drawnValues(blank, 1);
  return {
    definition: { ...blank.step, parameters } as unknown as StepDefinition,
    inputs: inputs as TensorTree,
    free: () => tf.dispose([flattenTree(parameters), flattenTree(inputs as TensorTree)]),
  };
}

/** What a run shows. */
export interface Watched {
  /** Most bytes beyond parameters, optimiser's state and inputs. */
  beyond: number;
  /** Seconds of the step, its ledger being written. */
  seconds: number;
  loss: number;
  gradients: Values;
}

/** One step under the ledger of what the engine holds. */
export async function watch(backend: Backend, sized: Sized, policy: Policy, views: 1 | 3): Promise<Watched> {
  const { definition, inputs, free } = open(sized, policy, views);
  const kept: Tensors = {};
  const optimiser = keepingGradients(definition.optimiser, kept);
  const began = performance.now();
  const { returned, ledger } = await trackStep(backend, { ...definition, optimiser }, inputs);
  const [loss] = await returned.loss.data();
  const seconds = (performance.now() - began) / 1000;
  const gradients = await numbersOf(kept);
  tf.dispose([returned, kept]);
  free();
  return { beyond: ledger.peak().beyondGiven, seconds, loss, gradients };
}

/** The length of the difference over that of the second, over all numbers of all gradients. */
export const gradientsApart = (a: Values, b: Values): number => lengthOf(minus(a, b)) / lengthOf(b);

/**
 * Seconds of steps with three views by each policy, in rounds: one of each after another, so that what else the machine does
 * meets all of them.
 * @returns as many rounds as asked for, each with a time for every policy in its order; the first of all is left out
 */
export async function timeInRounds(
  backend: Backend,
  sized: Sized,
  policies: readonly Policy[],
  rounds: number,
  tick: () => void,
): Promise<number[][]> {
  const times: number[][] = [];
  for (let round = 0; round <= rounds; round++) {
    const own: number[] = [];
    for (const policy of policies) {
      const { definition, inputs, free } = open(sized, policy, 3);
      const step = eagerStep(backend, definition);
      const began = performance.now();
      const outputs = await step.run(inputs);
      await outputs.loss.data();
      own.push((performance.now() - began) / 1000);
      tf.dispose(outputs);
      step.dispose();
      free();
      tick();
    }
    if (round > 0) times.push(own);
  }
  return times;
}
