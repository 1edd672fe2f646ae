// The study's network ready to be trained and asked: its step, its predictions with the parameters of the moment, and how hard
// both losses pull on them. Captured as graphs where the backend has them, eager elsewhere.
import type { Backend } from '../backends/backend';
import type { CapturedStep } from '../backends/capture/capture';
import { captureStep } from '../backends/capture/capture';
import type { CapturedFunction } from '../backends/capture/function';
import { captureFunction } from '../backends/capture/function';
import type { Compiler } from '../backends/capture/session';
import type { SpecTree } from '../backends/capture/specs';
import { dryRun, dryRunStep } from '../backends/meta/dry-run';
import type { FlopCounter } from '../backends/meta/flops';
import { tf } from '../backends/tf';
import type { Optimiser, Tensors } from '../backends/training-step';
import { flattenTree } from '../backends/training-step';
import { prefixed } from '../backends/tree';
import type { PlanePredictor } from '../inference/volume';
import { gradientBalance } from '../losses/gradient-balance';
import type { SampleLines } from '../losses/intersection-samples';
import { sampleIntersectionLoss } from '../losses/intersection-samples';
import type { SegmentationLoss } from '../losses/segmentation';
import type { PlaneNetwork, PlaneParameters } from '../memory/network-parts';
import { planeParts } from '../memory/network-parts';
import { runParts } from '../memory/parts';
import type { PlaneInputs } from '../memory/tri-siamese';
import { triSiameseStepBy } from '../memory/tri-siamese';
import type { OfSomePlanes } from '../models/tri-siamese';
import { imageResize } from './plane-batch';

/** A network, its parameters, and how it is trained. */
export interface PlaneTraining {
  name: string;
  network: PlaneNetwork;
  parameters: PlaneParameters;
  optimiser: Optimiser;
  /** Of one plane; L_seg is its mean over planes. */
  segmentation: SegmentationLoss;
  /** In front of the mean over voxels of Eq. 2's sum over lines. */
  lambda: number;
}

/** Eq. 2 of each voxel's three planes, its mean over voxels; 0 where no lines are given. */
function consistency(logits: OfSomePlanes, lines: SampleLines): tf.Tensor {
  const voxels = Object.values(logits)[0].shape[0];
  return Object.keys(lines).length === 0
    ? tf.scalar(0)
    : tf.div(sampleIntersectionLoss(logits, lines), voxels);
}

/** The step by the plain tape: a graph frees and joins as it likes. */
const stepOf = ({ segmentation, ...training }: PlaneTraining) =>
  triSiameseStepBy([], { ...training, losses: { segmentation, consistency } });

/**
 * Capture the step, for inputs of these shapes (`batchInputs`); it gives back `loss`, `segmentation` and `consistency`. Eager where
 * the backend has no graphs.
 * @param compiler  `xla` gives the same bits every time; as a graph, threads add in an order of their own and roundings differ
 */
export function planeStep(
  backend: Backend,
  training: PlaneTraining,
  inputs: SpecTree,
  compiler: Compiler = 'graph',
): Promise<CapturedStep<PlaneInputs>> {
  return captureStep<PlaneParameters, PlaneInputs>(backend, stepOf(training), {
    inputs,
    compiler,
    onRefusal: 'eager',
  });
}

/** FLOPs of a step: forwards, backwards and update, counted on shapes. */
export function stepFlops(training: PlaneTraining, inputs: SpecTree): number {
  const { flops } = dryRunStep(stepOf(training), inputs, { like: 'tensorflow' });
  return allOf(flops);
}

function allOf(counted: FlopCounter): number {
  const { products, elements } = counted.total();
  return products + elements;
}

/** How hard both losses pull: `ratio` is |gradient of consistency| / |gradient of segmentation|, lambda not in it. */
export class BalanceMeter {
  private constructor(private readonly captured: CapturedFunction) {}

  static async open(backend: Backend, training: PlaneTraining, inputs: SpecTree): Promise<BalanceMeter> {
    const { loss } = stepOf(training);
    const captured = await captureFunction<PlaneParameters, PlaneInputs>(
      backend,
      {
        name: `gradients of ${training.name}`,
        parameters: training.parameters,
        compute: ({ trained, frozen }, given) => {
          const lambda = tf.scalar(training.lambda);
          const term = (name: 'segmentation' | 'consistency') => (own: PlaneParameters['trained']) =>
            (loss({ trained: own, frozen }, given, { lambda }) as Tensors)[name];
          const { ratio, cosine } = gradientBalance(
            { segmentation: term('segmentation'), consistency: term('consistency') },
            trained,
          );
          return { ratio, cosine };
        },
      },
      { inputs, onRefusal: 'eager' },
    );
    return new BalanceMeter(captured);
  }

  /** @param trained  by path; stays the caller's */
  async measure(trained: Tensors, inputs: PlaneInputs): Promise<{ ratio: number; cosine: number }> {
    this.captured.write(prefixed('trained', trained));
    const found = await this.captured.run(inputs);
    const [[ratio], [cosine]] = [await found.ratio.data(), await found.cosine.data()];
    tf.dispose(found);
    return { ratio, cosine };
  }

  dispose(): void {
    this.captured.dispose();
  }
}

/** Prediction of planes with parameters that may be changed. */
export interface TrainedPredictor extends PlanePredictor {
  /** Take other trained parameters, by path; they stay the caller's. */
  write(trained: Tensors): void;
  dispose(): void;
}

/** Its FLOPs are counted on shapes. */
export async function planePredictor(
  backend: Backend,
  { name, network, parameters }: Pick<PlaneTraining, 'name' | 'network' | 'parameters'>,
  { size, side, channels, classes, batch }: Omit<PlanePredictor, 'logits' | 'resize' | 'flops'>,
): Promise<TrainedPredictor> {
  const shape = [batch, size, size, channels];
  const compute = (own: PlaneParameters, { pictures }: { pictures: tf.Tensor }): tf.Tensor =>
    runParts(planeParts(network, own), flattenTree(own.trained), pictures);
  const { flops } = dryRun(
    `masks of ${name}`,
    { weights: { ...parameters }, inputs: { pictures: { shape: [1, size, size, channels] } } },
    ({ weights, inputs }) => compute(weights as PlaneParameters, inputs as { pictures: tf.Tensor }),
    { like: 'tensorflow' },
  );
  const captured = await captureFunction<PlaneParameters, { pictures: tf.Tensor }>(
    backend,
    { name: `masks of ${name}`, parameters, compute },
    { inputs: { pictures: { shape, dtype: 'float32' } }, onRefusal: 'eager' },
  );
  return {
    size,
    side,
    channels,
    classes,
    batch,
    flops: allOf(flops),
    resize: imageResize,
    async logits(given) {
      const pictures = tf.tensor(given, shape);
      const { value } = await captured.run({ pictures });
      const logits = (await value.data()) as Float32Array;
      tf.dispose([pictures, value]);
      return logits;
    },
    write: (trained) => captured.write(prefixed('trained', trained)),
    dispose: () => captured.dispose(),
  };
}
