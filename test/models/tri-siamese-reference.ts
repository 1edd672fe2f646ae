// The reference's step of three planes (test/oracles/tri_siamese.py, in float64) with our code: its weights, its inputs, its losses.
import { tf } from '../../src/backends/tf';
import { flattenTree } from '../../src/backends/training-step';
import type { IntersectionPlan } from '../../src/losses/intersection';
import { intersectionLoss } from '../../src/losses/intersection';
import { segmentationLosses } from '../../src/losses/segmentation';
import { loadTriSiamese } from '../../src/models/load-tri-siamese';
import { decoderNames } from '../../src/models/sam/decoder-names';
import { encoderNames } from '../../src/models/sam/encoder-names';
import { fromTransformers } from '../../src/models/sam/transformers-config';
import type { OfPlanes, OfSomePlanes, TriSiamese, TriSiameseParameters } from '../../src/models/tri-siamese';
import { triSiameseSpec } from '../../src/models/tri-siamese';
import { filled, uniform } from '../../src/nn/parameters';
import type { TensorSource } from '../../src/nn/tensor-source';
import type { Theirs } from '../../src/nn/weight-names';
import { planeNames } from '../../src/sampling/plane';
import { valuesOf } from '../bench/nets/values';
import oracle from '../oracles/tri-siamese.json';
import { between as drawn, weightOf } from './encoder-cases';

export const config = fromTransformers(oracle.config);
const [size, side] = [20, 20];
/** The reference's model as a file: its tensors by its names, with the values that the oracle gave them. */
const reference: TensorSource = (() => {
  const places = [encoderNames(config.encoder, 'transformers'), decoderNames(config, 'transformers')];
  const theirs = new Map(places.flatMap(Object.values<Theirs>).map((place) => [place.name, place]));
  return {
    file: 'tri_siamese.py',
    names: () => [...theirs.keys()],
    shapeOf: (name) => theirs.get(name)!.shape,
    read: (name) => Promise.resolve(weightOf(theirs.get(name)!)),
  };
})();

/** The reference's weights, and noise in adapters, which would start as nothing. */
export async function loaded(network: TriSiamese): Promise<TriSiameseParameters> {
  const { trained, frozen } = await loadTriSiamese(network, reference, { seed: 1 });
  tf.dispose(Object.values(flattenTree(trained.adapters)));
  const adapters = filled(triSiameseSpec(network).trained.adapters, ({ size }, path) =>
    valuesOf(size, uniform(-0.3, 0.3), `lora/${path}`),
  );
  return { trained: { ...trained, adapters }, frozen };
}

const line = (at: number): tf.Tensor2D =>
  tf.oneHot(tf.tensor1d([at], 'int32'), side, 1, 0, 'float32').as2D(1, side);
const ofPlanes = (of: (name: string) => tf.Tensor): OfPlanes =>
  Object.fromEntries(planeNames.map((name) => [name, of(name)])) as unknown as OfPlanes;
export const losses = {
  segmentation: segmentationLosses.samed,
  consistency: (logits: OfSomePlanes, lines: IntersectionPlan) => intersectionLoss(logits, lines),
};

/** What the step is given: one plane of each name. */
export const referenceInputs = (): Record<'planes' | 'labels', OfPlanes> & { lines: IntersectionPlan } => ({
  planes: ofPlanes((view) => drawn([1, size, size, 3], `planes/${view}`, -2, 2)),
  labels: ofPlanes((view) =>
    tf.cast(tf.greater(drawn([1, side, side], `labels/${view}`, -1, 1), 0.3), 'int32'),
  ),
  lines: {
    'axial-coronal': { first: { across: line(4) }, second: { across: line(11) } },
    'axial-sagittal': { first: { across: line(7) }, second: { across: line(11) } },
  },
});
