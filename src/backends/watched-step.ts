// One training step with its allocations noted, on a real backend or on shapes alone: the same calls in the same order,
// and the same word for what each tensor is for.
import type { Tensor } from '@tensorflow/tfjs';
import type { AllocationWatch, Declared } from './allocations';
import { inPhase } from './engine-events';
import type { Parameters, StepDefinition, StepResult, Tensors, TensorTree } from './training-step';
import { computeStep, flattenTree, scalarsOf, scalarTensors } from './training-step';

/** What a step computes with. */
export interface StepTensors<P extends Parameters, I extends TensorTree> {
  trained: Tensors;
  frozen: P['frozen'];
  state: Tensors;
  inputs: I;
}

const all = (tree: TensorTree): Tensor[] => Object.values(flattenTree(tree));

/** Trained parameters beside frozen ones are adapters. */
const trainedAs = (frozen: TensorTree): 'adapters' | 'weights' =>
  all(frozen).length > 0 ? 'adapters' : 'weights';

/** What each tensor is for that is there before the step. */
export function givenToStep<P extends Parameters, I extends TensorTree>(
  tensors: StepTensors<P, I>,
): Declared {
  const { trained, frozen, state, inputs } = tensors;
  return {
    weights: all(frozen),
    // Without frozen ones they are the weights.
    [trainedAs(frozen)]: Object.values(trained),
    optimiser: Object.values(state),
    inputs: all(inputs),
  };
}

/**
 * The step, with gradients, new parameters and new state told to the watch by name. What it returns is new tensors;
 * its scalars are freed by the scope that it is called in.
 * @param scalars  by name, of the loss and of the optimiser; those not named have the definition's values
 */
export function watchedStep<P extends Parameters, I extends TensorTree>(
  watch: AllocationWatch,
  definition: StepDefinition<P, I>,
  tensors: StepTensors<P, I>,
  scalars: Readonly<Record<string, number>> = {},
): StepResult {
  const { optimiser } = definition;
  const made = scalarTensors(definition.name, scalarsOf(definition), scalars);
  watch.declare({ inputs: Object.values(made) });
  const told: StepDefinition<P, I> = {
    ...definition,
    optimiser: {
      ...optimiser,
      update(given) {
        watch.declare({ gradients: Object.values(given.gradients) });
        return inPhase('update', () => optimiser.update(given));
      },
    },
  };
  const result = computeStep(told, { ...tensors, scalars: made });
  watch.declare({
    [trainedAs(tensors.frozen)]: Object.values(result.trained),
    optimiser: Object.values(result.state),
  });
  return result;
}
