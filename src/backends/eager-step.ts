// A training step that is called operation by operation, on whatever backend was chosen.
import { InputError } from '../base/errors';
import type { Backend } from './backend';
import type { Parameters, StepDefinition, Tensors, TensorTree, TrainingStep } from './training-step';
import {
  computeStep,
  disposedError,
  flattenTree,
  keptCopies,
  scalarsOf,
  scalarTensors,
  unflattenTree,
} from './training-step';
import { prefixed } from './tree';
import { tf } from './tf';

const keptAll = (tensors: Tensors): Tensors => {
  for (const tensor of Object.values(tensors)) tf.keep(tensor);
  return tensors;
};

/** @throws InputError naming what is missing, what is too much, and what has another shape or type */
export function checkState(name: string, expected: Tensors, given: Tensors): void {
  const said = (tensor: tf.Tensor): string => `[${tensor.shape.join(', ')}] ${tensor.dtype}`;
  const wrong = [
    ...Object.keys(expected)
      .filter((key) => !(key in given))
      .map((key) => `${key} is missing`),
    ...Object.keys(given)
      .filter((key) => !(key in expected))
      .map((key) => `${key} is not part of this step`),
    ...Object.keys(expected)
      .filter((key) => key in given && said(given[key]) !== said(expected[key]))
      .map((key) => `${key} is ${said(given[key])} instead of ${said(expected[key])}`),
  ];
  if (wrong.length > 0)
    throw new InputError({
      what: `cannot restore ${name}`,
      given: wrong.join('; '),
      expected: 'the state of the same step',
      fix: 'give what `read` returned for the same model and optimiser',
    });
}

/** Open a step that runs eagerly on this backend. */
export function eagerStep<P extends Parameters, I extends TensorTree>(
  backend: Backend,
  definition: StepDefinition<P, I>,
): TrainingStep<I> {
  const frozen = keptCopies(flattenTree(definition.parameters.frozen));
  const frozenTree = unflattenTree<P['frozen']>(definition.parameters.frozen, frozen);
  let trained = keptCopies(flattenTree(definition.parameters.trained));
  let state = keptAll(tf.tidy(() => definition.optimiser.start(trained)));
  let disposed = false;
  const open = (): void => {
    if (!disposed) return;
    const fix = 'open it again, and write the state that was read before';
    throw disposedError(definition.name, 'step', fix);
  };
  const replace = (next: { trained: Tensors; state: Tensors }): void => {
    const before = [trained, state];
    trained = keptAll(next.trained);
    state = keptAll(next.state);
    tf.dispose(before);
  };
  const all = (): Tensors => ({ ...prefixed('trained', trained), ...prefixed('optimiser', state) });

  return {
    async run(inputs, scalars = {}) {
      open();
      const result = await backend.step(definition.name, () => {
        const tensors = scalarTensors(definition.name, scalarsOf(definition), scalars);
        return computeStep(definition, { trained, frozen: frozenTree, state, inputs, scalars: tensors });
      });
      replace(result);
      return result.outputs;
    },
    read() {
      open();
      return Promise.resolve(keptCopies(all()));
    },
    write(given) {
      open();
      checkState(definition.name, all(), given);
      const part = (prefix: string, like: Tensors): Tensors =>
        Object.fromEntries(Object.keys(like).map((name) => [name, given[`${prefix}/${name}`].clone()]));
      replace({ trained: part('trained', trained), state: part('optimiser', state) });
      return Promise.resolve();
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      tf.dispose([frozen, trained, state]);
    },
  };
}
