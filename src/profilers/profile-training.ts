// What training needs, for any function of TensorFlow.js: a loss over variables as users write it, with a model of tf.layers or
// without. It is run on shapes, so it takes next to no time and memory:
//
//     const model = tf.sequential({ layers: [...] });
//     const loss = ({ x, y }) => tf.neg(tf.mean(tf.mul(y, tf.logSoftmax(model.apply(x)))));
//     const inputs = { x: { shape: [32, 28, 28, 1] }, y: { shape: [32, 10] } };
//     console.log(profileText(await profileTraining(loss, { inputs })));
import type { Backend, BackendName } from '../backends/backend';
import { namingLayers } from '../backends/layer-scopes';
import type { Ledger } from '../backends/ledger';
import { ledgerDifferences } from '../backends/ledger-difference';
import type { BlankTree } from '../backends/meta/dry-run';
import { dryRunStep } from '../backends/meta/dry-run';
import type { Flops } from '../backends/meta/flops';
import { adam, sgd } from '../backends/optimisers';
import { tf } from '../backends/tf';
import { trackStep } from '../backends/tracker';
import type { Optimiser, StepDefinition, Tensors, TensorTree } from '../backends/training-step';
import { keptCopies, withGradients } from '../backends/training-step';
import { standingIn } from '../backends/variables';
import type { Policy } from '../memory/policy';
import { policyName, tape } from '../memory/policy';
import { checkWithoutParts, under } from '../memory/under';
import type { StepSummary } from './step-summary';
import { summaryOf } from './step-summary';
import type { TrainingFunction, WhatIsRead } from './training-function';
import { checkLoss, whatIsRead } from './training-function';

export interface ProfileOptions {
  /** The function in words, for errors. */
  name?: string;
  /** What the function is called with: tensors, or shapes where they need not be there. */
  inputs?: BlankTree;
  /** How gradients change parameters; Adam where it is left out. */
  optimiser?: 'adam' | 'sgd' | Optimiser;
  /**
   * Ways to take the gradient; the plain tape and a lean one where they are left out. `chunked` is for `attention` of ours; the
   * others cut a model into parts, which a function does not show.
   */
  policies?: readonly Policy[];
  /** The backend whose ways of sharing buffers are counted with; wasm where none is named. */
  like?: BackendName;
}

/** A training step under one policy. */
export interface PolicyProfile extends StepSummary {
  readonly policy: Policy;
  /** Every allocation, by kernel, layer and what it is for. */
  readonly ledger: Ledger;
  readonly flops: Flops;
}

export interface TrainingProfile {
  readonly name: string;
  /** Numbers of variables that the loss depends on, and of others that it reads. */
  readonly parameters: { readonly trained: number; readonly frozen: number };
  /** In the order in which they were asked for. */
  readonly policies: readonly PolicyProfile[];
}

/** What is profiled where nobody asks for more. */
const usual: readonly Policy[] = [tape, ['lean']];

/**
 * The memory and FLOPs of training a function: loss, gradients by the variables that it depends on, and update. Numbers are
 * neither read nor changed, the variables keep theirs.
 * @param f  gives the loss; layers of tf.layers are told apart by their names, other parts by `scope`
 * @throws InputError as `whatIsRead`, and for a policy that needs a model's parts
 */
export function profileTraining<I extends TensorTree>(
  f: TrainingFunction<I>,
  options: ProfileOptions = {},
): TrainingProfile {
  const { name, read, like, policies, steps } = open(f, options);
  const size = (variables: readonly tf.Variable[]): number =>
    variables.reduce((sum, variable) => sum + variable.size, 0);
  return {
    name,
    parameters: { trained: size(read.trained), frozen: size(read.frozen) },
    policies: policies.map((policy, k) => {
      const { ledger, flops } = dryRunStep(steps[k].definition, steps[k].inputs, { like });
      return { policy, ledger, flops: flops.total(), ...summaryOf(ledger) };
    }),
  };
}

/** A policy's step on shapes beside the same step really run. */
export interface PolicyComparison {
  readonly policy: Policy;
  readonly dry: Ledger;
  readonly real: Ledger;
  /** Where the two differ, in words; empty where they agree to the byte. */
  readonly differences: readonly string[];
}

/**
 * Really run one step of each policy, too, and compare what was allocated. Variables have their numbers again when it ends.
 * @param backend  the current backend
 * @param options  as for `profileTraining`; inputs must be tensors
 * @throws as `profileTraining`; what the backend throws
 */
export async function checkProfile<I extends TensorTree>(
  backend: Backend,
  f: TrainingFunction<I>,
  options: Omit<ProfileOptions, 'like' | 'inputs'> & { inputs?: I } = {},
): Promise<PolicyComparison[]> {
  const { policies, steps } = open(f, { ...options, like: backend.name });
  const found: PolicyComparison[] = [];
  for (const [k, policy] of policies.entries()) {
    const { definition, inputs } = steps[k];
    const { ledger: dry } = dryRunStep(definition, inputs, { like: backend.name });
    // Shares of the variables' buffers: what is assigned to a variable must not free what it had.
    const { trained, frozen } = definition.parameters;
    const parameters = { trained: keptCopies(trained), frozen: keptCopies(frozen) };
    try {
      const { returned, ledger: real } = await trackStep(backend, { ...definition, parameters }, inputs);
      tf.dispose(returned);
      const differences = ledgerDifferences(dry, real).map(({ message }) => message);
      found.push({ policy, dry, real, differences });
    } finally {
      tf.dispose(parameters);
    }
  }
  return found;
}

type Step = StepDefinition<
  { trained: Tensors; frozen: Tensors },
  { given: TensorTree; captured: tf.Tensor[] }
>;

/** What is profiled: the steps, one for each policy, and what they are given. */
function open<I extends TensorTree>(
  f: TrainingFunction<I>,
  {
    name = f.name === '' ? 'a function' : f.name,
    inputs = {},
    optimiser = 'adam',
    policies = usual,
    like,
  }: ProfileOptions,
) {
  for (const policy of policies) checkWithoutParts(`cannot profile the training of ${name}`, policy);
  const named = (given: I): tf.Tensor => namingLayers(() => checkLoss(name, f(given)));
  const read = whatIsRead(name, named, inputs);
  const rule = optimiser === 'adam' ? adam() : optimiser === 'sgd' ? sgd() : optimiser;
  const steps = policies.map((policy) => ({
    definition: stepOf(`${name}, ${policyName(policy)}`, named, read, rule, policy),
    // Tensors from outside are used where they are; here they are counted.
    inputs: { given: inputs as TensorTree, captured: read.captured },
  }));
  return { name, read, like, policies, steps };
}

/** A step of ours over the function: its variables stand on the step's parameters while it runs. */
function stepOf<I extends TensorTree>(
  name: string,
  f: TrainingFunction<I>,
  { trained, frozen }: WhatIsRead,
  optimiser: Optimiser,
  policy: Policy,
): Step {
  const named = (variables: readonly tf.Variable[]): Tensors =>
    Object.fromEntries(variables.map((variable) => [variable.name, variable as tf.Tensor]));
  const standing = <T>(own: Step['parameters'], of: () => T): T => {
    const tensors = { ...own.trained, ...own.frozen };
    const variables = [...trained, ...frozen];
    return standingIn(variables, variables.map((variable) => tensors[variable.name]), of); // prettier-ignore
  };
  return {
    name,
    parameters: { trained: named(trained), frozen: named(frozen) },
    optimiser,
    loss: (own, { given }) => standing(own, () => f(given as I)),
    differentiate: (own, { given }) =>
      standing(own, () =>
        under(policy, () => {
          const { outputs, gradients } = withGradients(() => ({ loss: f(given as I) }), trained);
          const byName = trained.map((variable, k) => [variable.name, gradients[k]] as const);
          return { outputs, gradients: Object.fromEntries(byName) };
        }),
      ),
  };
}
