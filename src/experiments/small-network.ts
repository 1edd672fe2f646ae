// The study's network at the size of a laptop, with weights drawn at random and planes of a real head, ready to be asked things.
// Loads TensorFlow.js: import this file lazily.
import type { ChosenBackend } from '../backends/choose';
import { tf } from '../backends/tf';
import type { TensorTree } from '../backends/training-step';
import { flattenTree, unflattenTree } from '../backends/training-step';
import { Random } from '../base/random';
import type { IntersectionPlan, PairName } from '../losses/intersection';
import { intersectionLoss, intersectionPlan } from '../losses/intersection';
import { segmentationLosses } from '../losses/segmentation';
import type { ModelName } from '../models/registry';
import { models } from '../models/registry';
import { gridOf } from '../models/sam/config';
import { imageEncoder } from '../models/sam/image-encoder';
import { samHead } from '../models/sam-head';
import type { OfPlanes, TriSiamese, TriSiameseParameters } from '../models/tri-siamese';
import { triSiamese, triSiameseSpec } from '../models/tri-siamese';
import { loraScale } from '../nn/lora';
import type { Parameter } from '../nn/parameters';
import { filled } from '../nn/parameters';
import type { Plane, PlaneName } from '../sampling/plane';
import { planeNames } from '../sampling/plane';
import type { Interpolation } from '../sampling/resize';
import type { SquareFit } from '../sampling/square';
import { fitSquare, toSquare } from '../sampling/square';
import type { Values } from './compare-values';

/** One voxel and one draw of weights. */
export interface Drawn {
  images: Record<PlaneName, Plane>;
  /** Reference masks of the same planes. */
  labels: Record<PlaneName, Plane>;
  seed: string;
}

/** Deviation of the noise in all that starts as a constant: pre-trained weights are no constants. */
const noise = 0.1;
const average: Interpolation = { kernel: 'bilinear', convention: 'pil', antialias: true };
const nearest: Interpolation = { kernel: 'nearest', convention: 'pil', antialias: false };

export const perPlane = <T>(of: (name: PlaneName) => T): Record<PlaneName, T> => ({
  axial: of('axial'),
  coronal: of('coronal'),
  sagittal: of('sagittal'),
});

/** The matrices of the adapters: `a` leads down to the rank, `b` up again. */
export const isMatrix = (which: 'a' | 'b', path: string): boolean =>
  path.startsWith('trained/adapters/') && path.endsWith(`/${which}`);

/** Numbers of tensors by path; the tensors stay the caller's. */
export async function numbersOf(tree: TensorTree): Promise<Record<string, Float32Array>> {
  const numbers: Record<string, Float32Array> = {};
  for (const [path, tensor] of Object.entries(flattenTree(tree)))
    numbers[path] = Float32Array.from(await tensor.data());
  return numbers;
}

export class SmallNetwork {
  readonly network: TriSiamese;
  /** [1, size, size, 3] of each plane. */
  readonly planes: OfPlanes;
  /** Reference masks at the size of the network's, [1, side, side]. */
  readonly truth: OfPlanes;
  readonly losses = {
    segmentation: segmentationLosses.samed,
    consistency: (logits: OfPlanes, lines: IntersectionPlan): tf.Tensor => intersectionLoss(logits, lines),
  };
  private readonly side: number;

  constructor(
    readonly backend: ChosenBackend,
    private readonly drawn: Drawn,
    model: Extract<ModelName, `tiny-${string}`>,
  ) {
    const { config } = models[model];
    const { encoder } = config;
    this.network = {
      encoder,
      lora: { rank: 4, alpha: 4, first: 0 },
      head: samHead(config),
      input: 'images',
    };
    this.side = 4 * gridOf(encoder);
    this.planes = perPlane((name) => imageOf(drawn.images[name], encoder.imageSize));
    this.truth = perPlane((name) => maskOf(drawn.labels[name], this.side));
  }

  /** Where planes are compared, on the squares of the network's masks. */
  plan(pairs: readonly PairName[]): IntersectionPlan {
    const { images } = this.drawn;
    const fits = perPlane((name) => fitOf(images[name], this.side, nearest));
    return intersectionPlan(
      perPlane((name) => [images[name]]),
      { pairs, square: { fits, read: 'nearest' } },
    );
  }

  /**
   * Values of every parameter by its path, as the model draws them and with noise in what starts as a constant.
   * @param start  the adapters' b is zero, as where training starts
   */
  weights(start: boolean): { tensors: TriSiameseParameters; values: Record<string, Float32Array> } {
    const random = new Random(this.drawn.seed);
    const values: Record<string, Float32Array> = {};
    const draw = ({ size, start: how }: Parameter, path: string): Float32Array => {
      const stream = random.fork(path);
      const one = (): number =>
        how.kind === 'normal'
          ? how.deviation * stream.normal()
          : how.kind === 'uniform'
            ? how.low + (how.high - how.low) * stream.uniform()
            : how.value + noise * stream.normal();
      return Float32Array.from({ length: size }, start && isMatrix('b', path) ? () => 0 : one);
    };
    const tensors = filled(
      triSiameseSpec(this.network),
      (parameter, path) => (values[path] = draw(parameter, path)),
    );
    return { tensors, values };
  }

  /** Features of one plane alone; without the adapters where they are not wanted. */
  features({ trained, frozen }: TriSiameseParameters, image: tf.Tensor, adapted = true): tf.Tensor {
    const { encoder, lora } = this.network;
    const options = adapted ? { adapters: trained.adapters, scale: loraScale(lora) } : {};
    return imageEncoder(frozen.encoder, image, encoder, options);
  }

  /** Eq. 1's f: the mask of one plane alone. */
  mask(parameters: TriSiameseParameters, image: tf.Tensor, adapted = true): tf.Tensor {
    const { trained, frozen } = parameters;
    const features = this.features(parameters, image, adapted);
    return this.network.head.logits({ trained: trained.head, frozen: frozen.head }, features);
  }

  /** The three planes by one call, in whatever order they are given. */
  masks(parameters: TriSiameseParameters, planes: OfPlanes = this.planes): OfPlanes {
    return triSiamese(this.network, parameters, planes);
  }

  /** Each plane's share of L_seg, which is their mean. */
  share(logits: tf.Tensor, name: PlaneName): tf.Tensor {
    return tf.div(this.losses.segmentation(logits, this.truth[name]), planeNames.length);
  }

  /** L_seg of the three planes by one call. */
  segmentation(parameters: TriSiameseParameters): tf.Tensor {
    const logits = this.masks(parameters);
    return tf.addN(planeNames.map((name) => this.share(logits[name], name)));
  }

  /** Numbers of what `f` makes, by path. */
  async read(what: string, f: () => TensorTree): Promise<Values> {
    const tensors = await this.backend.step(what, f);
    const numbers = await numbersOf(tensors);
    tf.dispose(flattenTree(tensors));
    return numbers;
  }

  /** The gradient of a loss by all that is trained. */
  gradient(
    what: string,
    { trained, frozen }: TriSiameseParameters,
    loss: (parameters: TriSiameseParameters) => tf.Tensor,
  ): Promise<Values> {
    const tree = { trained };
    const tensors = flattenTree(tree);
    const paths = Object.keys(tensors);
    return this.read(what, () => {
      const at = (values: tf.Tensor[]): TriSiameseParameters => ({
        ...unflattenTree(tree, Object.fromEntries(paths.map((path, k) => [path, values[k]]))),
        frozen,
      });
      const gradients = tf.grads((...values: tf.Tensor[]) => loss(at(values)))(Object.values(tensors));
      return Object.fromEntries(paths.map((path, k) => [path, gradients[k]]));
    });
  }

  dispose(): void {
    tf.dispose([this.planes, this.truth]);
  }
}

const fitOf = ({ grid: { columns, rows } }: Plane, size: number, how: Interpolation): SquareFit =>
  fitSquare(columns.count, rows.count, size, 'stretch', how);

/** A plane as the network takes it: stretched, mean 0 and deviation 1, the same in three channels. */
function imageOf(plane: Plane, size: number): tf.Tensor {
  const values = toSquare(plane.pixels, fitOf(plane, size, average));
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  // Of a plane of one grey nothing is left but zeros.
  const deviation = Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / values.length) || 1;
  const channels = 3;
  const grey = (i: number): number => (values[Math.floor(i / channels)] - mean) / deviation;
  const pixels = Float32Array.from({ length: channels * values.length }, (_, i) => grey(i));
  return tf.tensor(pixels, [1, size, size, channels]);
}

/** A reference mask, 0 or 1. */
function maskOf(plane: Plane, size: number): tf.Tensor {
  const mask = Float32Array.from(plane.pixels, (v) => Number(v > 0));
  const square = toSquare(mask, fitOf(plane, size, nearest));
  return tf.tensor(Int32Array.from(square), [1, size, size], 'int32');
}
