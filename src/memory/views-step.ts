// Memory policies of a step over several views of one thing. The views share their weights, so the gradient is the sum of what
// each view sends (Eq. 1); only the loss joins them, and it sees what comes out of the network. So all views can run without a
// tape, the loss be differentiated by their outputs, and each view run again and differentiated alone: what a tape holds is
// then one view's, however many there are (Gao et al. 2021, GradCache, arXiv 2101.06983, have it for contrastive losses).
import { tf } from '../backends/tf';
import type {
  Differentiate,
  Optimiser,
  Parameters,
  StepDefinition,
  Tensors,
  TensorTree,
} from '../backends/training-step';
import { byOneTape, flattenTree, withGradients } from '../backends/training-step';
import type { Part } from './parts';
import { between, byRecomputing, byTape, checkParts, runParts } from './parts';
import type { Policy } from './policy';
import { under } from './under';

/** A network of one view, in parts, and a loss of the outputs of all views. */
export interface ViewsStepOptions<P extends Parameters, I extends TensorTree, G = P> {
  name: string;
  /** The network; what it makes of parameters or by itself (angles of positions) is freed with the step. */
  parts: (parameters: P) => readonly Part[];
  /** What goes into the first part, [batch, ...] of each view; all axes but the first are the same. */
  views: (inputs: I) => readonly tf.Tensor[];
  /** The loss of what comes out of the last part for each view, in the same order; it depends on every one. */
  loss: (outputs: tf.Tensor[], inputs: I, scalars: Tensors) => { loss: tf.Tensor } & Tensors;
  /** Tensors; or shapes alone, for a dry run. */
  parameters: G;
  optimiser: Optimiser;
  scalars?: Readonly<Record<string, number>>;
}
export type ViewsStep<P extends Parameters, I extends TensorTree, G = P> = Omit<
  StepDefinition<P, I>,
  'parameters'
> & { parameters: G };

/** Views one behind another in one batch. */
const joined = (views: readonly tf.Tensor[]): tf.Tensor =>
  views.length === 1 ? views[0] : tf.concat([...views], 0);

/** What came out for a batch, view by view. */
const apart = (views: readonly tf.Tensor[], outputs: tf.Tensor): tf.Tensor[] =>
  views.length === 1
    ? [outputs]
    : tf.split(
        outputs,
        views.map(({ shape }) => shape[0]),
        0,
      );

/**
 * A step by a memory policy (policy.ts). The plain tape, `lean` and `chunked` run all views as one batch.
 *
 * The price is in forward passes: one more for `recompute`, one more for `per-plane`; for both together two more, but for the
 * last view, whose turn comes first, one.
 * @throws InputError, when it is run, for parts that are not a model (`checkParts`)
 */
export function viewsStepBy<P extends Parameters, I extends TensorTree, G = P>(
  policy: Policy,
  given: ViewsStepOptions<P, I, G>,
): ViewsStep<P, I, G> {
  const { name, parameters: start, optimiser, scalars: values, views } = given;
  const loss: ViewsStep<P, I>['loss'] = (parameters, inputs, scalars) => {
    const { parts, trained } = networkOf(given, parameters);
    const each = views(inputs);
    return given.loss(apart(each, runParts(parts, trained, joined(each))), inputs, scalars);
  };
  const step = { name, parameters: start, optimiser, scalars: values, loss };
  if (policy.length === 0) return step;
  const find =
    policy.includes('per-plane') || policy.includes('recompute') ? viewByView(policy, given) : undefined;
  return {
    ...step,
    differentiate: (...now) => under(policy, () => (find ? find(...now) : byOneTape(step, ...now))),
  };
}

function networkOf<P extends Parameters, I extends TensorTree, G>(
  given: ViewsStepOptions<P, I, G>,
  parameters: P,
): { parts: readonly Part[]; trained: Tensors } {
  const parts = given.parts(parameters);
  const trained = flattenTree(parameters.trained);
  checkParts(parts, trained);
  return { parts, trained };
}

/**
 * The gradient view by view, in three steps: outputs without a tape, the loss by the outputs, and each output by the parameters.
 * With `recompute` alone the first step leaves what lies between the parts of every view, with `per-plane` as well of the last.
 */
function viewByView<P extends Parameters, I extends TensorTree, G>(
  policy: Policy,
  given: ViewsStepOptions<P, I, G>,
): Differentiate<P, I> {
  const recompute = policy.includes('recompute');
  return (parameters, inputs, scalars) => {
    const { parts, trained } = networkOf(given, parameters);
    const last = parts.at(-1)!.name;
    const passes = given.views(inputs).map((x, k, { length }) => {
      // What the last view leaves can stay, since its turn is next.
      const keep = recompute && (!policy.includes('per-plane') || k === length - 1);
      const kept = keep ? between(parts, trained, x) : undefined;
      return { x, kept, output: kept?.[last] ?? runParts(parts, trained, x) };
    });
    const { outputs, gradients: byOutput } = withGradients(
      (...each) => given.loss(each, inputs, scalars),
      passes.map(({ output }) => output),
    );
    try {
      for (const { output, kept } of passes) if (!kept) output.dispose();
      const gradients: Tensors = {};
      for (const [k, { x, kept }] of [...passes.entries()].reverse()) {
        if (recompute) byRecomputing(parts, trained, x, byOutput[k], gradients, kept);
        else byTape(parts, trained, x, byOutput[k], gradients);
        byOutput[k].dispose();
      }
      return { outputs, gradients };
    } catch (error) {
      tf.dispose(outputs);
      throw error;
    }
  };
}
