// Memory policies of the study's step. The planes share their weights, so the gradient is the sum of what each plane sends (Eq. 1);
// only the loss joins them, and it sees masks. So all planes can run without a tape, the loss be differentiated by the masks,
// and each plane run again and differentiated alone: what a tape holds is then one plane's, however many there are (Gao et
// al. 2021, GradCache, arXiv 2101.06983, have it for contrastive losses).
import { tf } from '../backends/tf';
import type {
  Differentiate,
  Optimiser,
  StepDefinition,
  Tensors,
  TensorTree,
} from '../backends/training-step';
import { byOneTape, flattenTree, withGradients } from '../backends/training-step';
import type { MaskInputs, OfSomePlanes, TriSiameseLosses } from '../models/tri-siamese';
import { maskLoss } from '../models/tri-siamese';
import type { PlaneName } from '../sampling/plane';
import { planeNames } from '../sampling/plane';
import type { PlaneNetwork, PlaneParameters } from './network-parts';
import { planeParts } from './network-parts';
import { between, byRecomputing, byTape, runParts } from './parts';
import type { Policy } from './policy';
import { under } from './under';

/** What a step is given: `TriSiameseInputs`, or those of fewer planes. */
export type PlaneInputs = MaskInputs & Readonly<Record<'planes', OfSomePlanes>>;

/** What a step is made of. */
export interface PlaneStepOptions<L extends TensorTree, P> {
  name: string;
  network: PlaneNetwork;
  losses: TriSiameseLosses<L>;
  /** Tensors; or shapes alone, for a dry run. */
  parameters: P;
  optimiser: Optimiser;
  lambda: number;
}
export type PlaneStep<P> = Omit<StepDefinition<PlaneParameters, PlaneInputs>, 'parameters'> & {
  parameters: P;
};

const namesIn = (planes: OfSomePlanes): PlaneName[] =>
  planeNames.filter((name) => planes[name] !== undefined);

/** Planes one behind another in one batch. */
const joined = (tensors: readonly tf.Tensor[]): tf.Tensor =>
  tensors.length === 1 ? tensors[0] : tf.concat([...tensors], 0);

/** Logits of a batch, plane by plane. */
function masksOf(names: readonly PlaneName[], planes: OfSomePlanes, logits: tf.Tensor): OfSomePlanes {
  const counts = names.map((name) => planes[name]!.shape[0]);
  const each = names.length === 1 ? [logits] : tf.split(logits, counts, 0);
  return Object.fromEntries(names.map((name, k) => [name, each[k]]));
}

/**
 * The study's step by a memory policy (policy.ts), for one to three planes; it gives back what `maskLoss` does.
 *
 * The price is in forward passes: one more for `recompute`, one more for `per-plane`; for both together two more, but for the
 * last plane, whose turn comes first, one.
 */
export function triSiameseStepBy<L extends TensorTree, P>(
  policy: Policy,
  given: PlaneStepOptions<L, P>,
): PlaneStep<P> {
  const { name, network, losses, parameters, optimiser, lambda } = given;
  const loss: PlaneStep<P>['loss'] = (own, inputs, scalars) => {
    const { planes } = inputs;
    const names = namesIn(planes);
    const x = joined(names.map((plane) => planes[plane]!));
    const logits = runParts(planeParts(network, own), flattenTree(own.trained), x);
    return maskLoss(losses, masksOf(names, planes, logits), inputs, scalars.lambda);
  };
  const step = { name, parameters, optimiser, scalars: { lambda }, loss };
  if (policy.length === 0) return step;
  const find =
    policy.includes('per-plane') || policy.includes('recompute') ? fromMasks(policy, given) : undefined;
  return {
    ...step,
    differentiate: (...own) => under(policy, () => (find ? find(...own) : byOneTape(step, ...own))),
  };
}

/**
 * The gradient plane by plane, in three steps: masks without a tape, the loss by the masks, and each mask by the parameters. With
 * `recompute` alone the first step leaves what lies between the parts of every plane, with `per-plane` as well of the last.
 */
function fromMasks<L extends TensorTree>(
  policy: Policy,
  { network, losses }: Pick<PlaneStepOptions<L, unknown>, 'network' | 'losses'>,
): Differentiate<PlaneParameters, PlaneInputs> {
  const recompute = policy.includes('recompute');
  return (parameters, inputs, scalars) => {
    const parts = planeParts(network, parameters);
    const trained = flattenTree(parameters.trained);
    const { planes } = inputs;
    const names = namesIn(planes);
    const passes = names.map((name, k) => {
      const x = planes[name]!;
      // What the last plane leaves can stay, since its turn is next.
      const keep = recompute && (!policy.includes('per-plane') || k === names.length - 1);
      const kept = keep ? between(parts, trained, x) : undefined;
      return { x, kept, mask: kept?.at(-1) ?? runParts(parts, trained, x) };
    });
    const { outputs, gradients: byMask } = withGradients(
      (...masks) => {
        const own = Object.fromEntries(names.map((name, k) => [name, masks[k]]));
        return maskLoss(losses, own, inputs, scalars.lambda);
      },
      passes.map(({ mask }) => mask),
    );
    try {
      for (const { mask, kept } of passes) if (!kept) mask.dispose();
      const gradients: Tensors = {};
      for (const [k, { x, kept }] of [...passes.entries()].reverse()) {
        if (recompute) byRecomputing(parts, trained, x, byMask[k], gradients, kept);
        else byTape(parts, trained, x, byMask[k], gradients);
        byMask[k].dispose();
      }
      return { outputs, gradients };
    } catch (error) {
      tf.dispose(outputs);
      throw error;
    }
  };
}
