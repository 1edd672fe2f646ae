// A network of the study's form, small enough for every backend, and heads to train it on.
import { adam } from '../../src/backends/optimisers';
import { Random } from '../../src/base/random';
import { syntheticHead } from '../../src/datasets/synthetic-head';
import { pairsOfEq2 } from '../../src/losses/intersection';
import { segmentationLosses } from '../../src/losses/segmentation';
import type { PlaneNetwork, PlaneParameters } from '../../src/memory/network-parts';
import { planeNetworkSpec } from '../../src/memory/network-parts';
import { models } from '../../src/models/registry';
import { samHead } from '../../src/models/sam-head';
import { drawn } from '../../src/nn/parameters';
import type { TrainingCase } from '../../src/training/cases';
import { trainingCase } from '../../src/training/cases';
import type { PlaneBatchOptions } from '../../src/training/plane-batch';
import type { PlaneTraining } from '../../src/training/plane-network';

const { config } = models['tiny-64'];
export const size = 32;
export const side = 16;
const encoder = { ...config.encoder, imageSize: size, patchSize: 8, width: 16, depth: 2, heads: 2, hidden: 24, window: 2, globalBlocks: [1], neck: 16 }; // prettier-ignore
const sam = {
  encoder,
  prompts: { ...config.prompts, imageSize: size, patchSize: 8, width: 16, frequencies: 8 },
  decoder: { ...config.decoder, width: 16, heads: 2, hidden: 24, iouHidden: 16 },
};

export const network: PlaneNetwork = {
  encoder,
  lora: { rank: 2, alpha: 2, first: 0 },
  head: samHead(sam, 3),
  input: 'images',
};

/** Parameters as training starts with them. */
export const parametersOf = (of: PlaneNetwork = network): PlaneParameters =>
  drawn(planeNetworkSpec(of) as never, new Random('parameters'));

export const training = (lambda = 0.01, parameters = parametersOf()): PlaneTraining => ({
  name: 'a small network',
  network,
  parameters,
  optimiser: adam({ learningRate: 1e-2 }),
  segmentation: segmentationLosses.samed,
  lambda,
});

/** Heads in three classes: nothing, oedema, and what is inside it. */
export function headCases(count: number): TrainingCase[] {
  return Array.from({ length: count }, (_, k) => {
    const { image, labels } = syntheticHead({ seed: k, dims: [30, 36, 24], spacing: [6, 6, 6] });
    const data = Uint8Array.from(labels.data, (label) => (label === 2 ? 1 : label > 0 ? 2 : 0));
    return trainingCase(`head ${k}`, image, { ...labels, data });
  });
}

export const batchOptions: PlaneBatchOptions = {
  draw: 'triplets',
  voxels: 2,
  seed: 1,
  foregroundShare: 0.5,
  size,
  side,
  channels: 3,
  pairs: pairsOfEq2,
};
