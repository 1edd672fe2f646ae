// The study's step by a memory policy, for one to three planes: the views of views-step.ts are planes, what comes out of the network
// is masks, and the loss is the study's.
import type { tf } from '../backends/tf';
import type { Optimiser, TensorTree } from '../backends/training-step';
import type { MaskInputs, OfSomePlanes, TriSiameseLosses } from '../models/tri-siamese';
import { maskLoss } from '../models/tri-siamese';
import type { PlaneName } from '../sampling/plane';
import { planeNames } from '../sampling/plane';
import type { PlaneNetwork, PlaneParameters } from './network-parts';
import { planeParts } from './network-parts';
import type { Policy } from './policy';
import type { ViewsStep } from './views-step';
import { viewsStepBy } from './views-step';

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
export type PlaneStep<P> = ViewsStep<PlaneParameters, PlaneInputs, P>;

const namesIn = (planes: OfSomePlanes): PlaneName[] =>
  planeNames.filter((name) => planes[name] !== undefined);

/** Planes that are there, in the order of their names. */
export const viewsOf = (planes: OfSomePlanes): tf.Tensor[] => namesIn(planes).map((plane) => planes[plane]!);

/** The study's step by a memory policy; it gives back what `maskLoss` does. @throws InputError as `viewsStepBy` */
export function triSiameseStepBy<L extends TensorTree, P>(
  policy: Policy,
  { name, network, losses, parameters, optimiser, lambda }: PlaneStepOptions<L, P>,
): PlaneStep<P> {
  return viewsStepBy<PlaneParameters, PlaneInputs, P>(policy, {
    name,
    parameters,
    optimiser,
    scalars: { lambda },
    parts: (own) => planeParts(network, own),
    views: ({ planes }) => viewsOf(planes),
    loss: (masks, inputs, scalars) => {
      const logits = Object.fromEntries(namesIn(inputs.planes).map((plane, k) => [plane, masks[k]]));
      return maskLoss(losses, logits, inputs, scalars.lambda);
    },
  });
}
