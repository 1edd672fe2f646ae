// The study's network (sections 3.2 and 3.3): three orthogonal planes through one frozen encoder with low-rank adapters and
// one mask decoder, all weights shared (Eq. 1), and the step that trains it with a segmentation loss and Eq. 2.
//
// M_ax = f(I_ax), M_cor = f(I_cor), M_sag = f(I_sag): one f. Planes are squares of one size, so all three go through f as
// one batch; it is the same computation as three calls, and its products are three times as large.
import { scope } from '../backends/scope';
import { tf } from '../backends/tf';
import type { Optimiser, Parameters, StepDefinition, TensorTree } from '../backends/training-step';
import { InputError } from '../base/errors';
import type { Lora, LoraConfig } from '../nn/lora';
import { loraScale, loraSpec } from '../nn/lora';
import type { Parameter, ParameterTree, TensorsOf } from '../nn/parameters';
import type { PlaneName } from '../sampling/plane';
import { planeNames } from '../sampling/plane';
import type { ImageEncoderConfig } from './sam/config';
import type { ImageEncoder } from './sam/image-encoder';
import { imageEncoder, imageEncoderSpec } from './sam/image-encoder';
import type { DecoderConfig } from './sam/sam';

/** What makes masks of features; SAM's decoder without a prompt is one (`samHead`). */
export interface MaskHead {
  readonly trained: ParameterTree;
  readonly frozen: ParameterTree;
  /** Features [batch, grid, grid, neck] to logits [batch, height, width, classes]. */
  logits(parameters: Parameters, features: tf.Tensor): tf.Tensor;
  /** Where its parameters stand in SAM's decoder, if it is made of it: what a published SAM is loaded by. */
  readonly inSam?: {
    readonly config: DecoderConfig;
    /** The path in `decoderSpec` of each of its parameters. */
    readonly paths: ReadonlyMap<Parameter, string>;
  };
}

/** A head that knows its trees; the network does not. */
export function maskHead<T extends ParameterTree, F extends ParameterTree>(given: {
  trained: T;
  frozen: F;
  logits: (parameters: { trained: TensorsOf<T>; frozen: TensorsOf<F> }, features: tf.Tensor) => tf.Tensor;
}): MaskHead {
  return given;
}

/** The form of the network. */
export interface TriSiamese {
  readonly encoder: ImageEncoderConfig;
  readonly lora: LoraConfig;
  readonly head: MaskHead;
  /** What it is given: images, or the features before the first adapted block, which never change and may be kept. */
  readonly input: 'images' | 'features';
}

/** One of each plane. */
export type OfPlanes<T = tf.Tensor> = Readonly<Record<PlaneName, T>>;
/** Of some planes: steps with fewer show what the third costs (memory/). */
export type OfSomePlanes<T = tf.Tensor> = Readonly<Partial<OfPlanes<T>>>;

/**
 * The parameters: what is trained is adapters and the head, the encoder is frozen. With features for input it has no
 * parameters before the first adapted block (`{}` in their places).
 * @throws InputError as `loraSpec`
 */
export function triSiameseSpec({ encoder, lora, head, input }: TriSiamese): {
  trained: { adapters: ReturnType<typeof loraSpec>; head: ParameterTree };
  frozen: { encoder: ReturnType<typeof imageEncoderSpec>; head: ParameterTree };
} {
  const whole = imageEncoderSpec(encoder);
  const adapters = loraSpec(encoder, lora);
  const { blocks, neck } = whole;
  const used =
    input === 'images' ? whole : { blocks: blocks.map((own, k) => (k < lora.first ? {} : own)), neck };
  return {
    trained: { adapters, head: head.trained },
    // What is left out is not read: the encoder begins with the first adapted block.
    frozen: { encoder: used as typeof whole, head: head.frozen },
  };
}

export interface TriSiameseParameters {
  trained: { adapters: Lora; head: TensorTree };
  frozen: { encoder: ImageEncoder; head: TensorTree };
}

/**
 * Eq. 1: masks of three planes by one network.
 * @param planes  images of each plane, [k, imageSize, imageSize, channels], or features [k, grid, grid, width] where these
 *   are the input; each plane may have its own number of images
 * @returns logits of each plane, [k, height, width, classes]
 * @throws InputError for planes that are not of one size, and as `imageEncoder`
 */
export function triSiamese(
  { encoder, lora, head, input }: TriSiamese,
  { trained, frozen }: TriSiameseParameters,
  planes: OfPlanes,
): OfPlanes {
  checkSizes(planes);
  const inOrder = planeNames.map((name) => planes[name]);
  const features = scope('encoder', () =>
    imageEncoder(frozen.encoder, tf.concat(inOrder, 0), encoder, {
      adapters: trained.adapters,
      scale: loraScale(lora),
      ...(input === 'features' && { from: lora.first }),
    }),
  );
  const logits = scope('head', () => head.logits({ trained: trained.head, frozen: frozen.head }, features));
  const counts = inOrder.map(({ shape }) => shape[0]);
  const [axial, coronal, sagittal] = tf.split(logits, counts, 0);
  return { axial, coronal, sagittal };
}

function checkSizes(planes: OfPlanes): void {
  const sizes = planeNames.map((name) => planes[name].shape.slice(1).join(' x '));
  if (new Set(sizes).size === 1) return;
  throw new InputError({
    what: 'cannot run three planes through one network',
    given: planeNames.map((name, k) => `${name} ${sizes[k]}`).join(', '),
    expected: 'planes of one size',
    fix: 'bring each of them to the square of the encoder first',
  });
}

/**
 * What a step is given: planes as `triSiamese` takes them; labels, what is to be seen in each, [k, height, width] of its logits,
 * whole numbers; lines, where planes are compared: whatever the consistency term takes. Lines are tensors, so that another
 * voxel needs no other graph.
 */
export type TriSiameseInputs = Readonly<Record<'planes' | 'labels', OfPlanes> & Record<'lines', TensorTree>>;

/** The two terms of Eq. 2. Losses are of another room: they are put in. */
export interface TriSiameseLosses<Lines extends TensorTree = TensorTree> {
  /** Of one plane: logits [k, height, width, classes] and labels [k, height, width] to a scalar. L_seg is their mean over planes. */
  segmentation(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor;
  /** The sum over lines of Eq. 2, without lambda: logits of each plane to a scalar. */
  consistency(logits: OfSomePlanes, lines: Lines): tf.Tensor;
}

/**
 * Both terms at once, of one pass.
 * @returns scalars, lambda not included
 */
export function triSiameseTerms<L extends TensorTree>(
  network: TriSiamese,
  losses: TriSiameseLosses<L>,
  parameters: TriSiameseParameters,
  { planes, labels, lines }: TriSiameseInputs,
): Record<'segmentation' | 'consistency', tf.Tensor> {
  return maskTerms(losses, triSiamese(network, parameters, planes), { labels, lines });
}

/** What masks are compared with: labels of each plane, and lines. */
export type MaskInputs = Readonly<Record<'labels', OfSomePlanes> & Record<'lines', TensorTree>>;

/**
 * Both terms of masks that are there; of one plane alone the second is 0, for it has no line in common with another.
 * @param logits  of each plane, as `triSiamese` gives them
 */
export function maskTerms<L extends TensorTree>(
  losses: TriSiameseLosses<L>,
  logits: OfSomePlanes,
  { labels, lines }: MaskInputs,
): Record<'segmentation' | 'consistency', tf.Tensor> {
  const names = planeNames.filter((name) => logits[name] !== undefined);
  return scope('losses', () => ({
    segmentation: tf.div(
      tf.addN(names.map((name) => losses.segmentation(logits[name]!, labels[name]!))),
      names.length,
    ),
    consistency: names.length > 1 ? losses.consistency(logits, lines as L) : tf.scalar(0),
  }));
}

/**
 * The study's loss of masks: L_seg + lambda times the consistency term (Eq. 2), and both terms beside it.
 * @param lambda  a scalar
 */
export function maskLoss<L extends TensorTree>(
  losses: TriSiameseLosses<L>,
  logits: OfSomePlanes,
  inputs: MaskInputs,
  lambda: tf.Tensor,
): Record<'loss' | 'segmentation' | 'consistency', tf.Tensor> {
  const { segmentation, consistency } = maskTerms(losses, logits, inputs);
  const loss = tf.add(segmentation, tf.mul(lambda, consistency));
  return { loss, segmentation, consistency };
}

/** What the study's step is made of. */
export interface TriSiameseStepOptions<L extends TensorTree, P> {
  name: string;
  network: TriSiamese;
  losses: TriSiameseLosses<L>;
  /** Tensors; or shapes alone, for a dry run. */
  parameters: P;
  optimiser: Optimiser;
  lambda: number;
}
export type TriSiameseStep<P> = Omit<StepDefinition<TriSiameseParameters, TriSiameseInputs>, 'parameters'> & {
  parameters: P;
};

/** The study's step. It gives back what `maskLoss` does; `lambda` is a scalar that may change from step to step. */
export function triSiameseStep<L extends TensorTree, P>(
  given: TriSiameseStepOptions<L, P>,
): TriSiameseStep<P> {
  const { name, network, losses, parameters, optimiser, lambda } = given;
  return {
    name,
    parameters,
    optimiser,
    scalars: { lambda },
    loss: (own, inputs, scalars) =>
      maskLoss(losses, triSiamese(network, own, inputs.planes), inputs, scalars.lambda),
  };
}
