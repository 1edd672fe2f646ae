// The study's step for a setting, in shapes: what a dry run runs, and what a real one is given values for.
import type { BlankTree } from '../../backends/meta/dry-run';
import { adam, sgd } from '../../backends/optimisers';
import { pairsOfEq2 } from '../../losses/intersection';
import type { SampleLines } from '../../losses/intersection-samples';
import { sampleIntersectionLoss } from '../../losses/intersection-samples';
import { segmentationLosses } from '../../losses/segmentation';
import { policyName } from '../../memory/policy';
import type { PlaneNetwork } from '../../memory/network-parts';
import { planeNetworkSpec } from '../../memory/network-parts';
import type { PlaneStep } from '../../memory/tri-siamese';
import { triSiameseStepBy } from '../../memory/tri-siamese';
import { models } from '../../models/registry';
import { gridOf } from '../../models/sam/config';
import { samHead } from '../../models/sam-head';
import type { TriSiameseLosses } from '../../models/tri-siamese';
import { planeNames } from '../../sampling/plane';
import type { Setting } from './setting';
import { checkSetting, checkTfjsSetting } from './setting';

/** Segmentation as MONAI's Dice has it, and Eq. 2 of each sample. */
const losses: TriSiameseLosses<SampleLines> = {
  segmentation: segmentationLosses.dice,
  consistency: sampleIntersectionLoss,
};

/** The network of a setting. */
function networkOf({ model, size, trained }: Setting): PlaneNetwork {
  const row = models[model];
  if (row.family !== 'sam') throw new Error(`${row.title} has no decoder`);
  const { encoder, prompts, decoder } = row.config;
  return {
    encoder: { ...encoder, imageSize: size },
    lora: trained.kind === 'lora' ? { rank: trained.rank, alpha: trained.rank, first: trained.first } : null,
    encoderTrained: trained.kind === 'all',
    head: samHead({ prompts: { ...prompts, imageSize: size }, decoder }),
    input: 'images',
  };
}

/** A step of the study's network on TensorFlow.js, with parameters and inputs as shapes. */
export interface VramStep {
  readonly step: PlaneStep<ReturnType<typeof planeNetworkSpec>>;
  readonly inputs: BlankTree;
}

/**
 * The training step of a setting: forward, Eq. 2 beside the loss of segmentation, gradients by its policy, optimiser.
 * @throws InputError for a setting that there is not, or not on TensorFlow.js
 */
export function vramStep(setting: Setting): VramStep {
  checkSetting(setting);
  checkTfjsSetting(setting);
  const network = networkOf(setting);
  const { size, views, batch, policy } = setting;
  const side = 4 * gridOf(network.encoder);
  const names = planeNames.slice(0, views);
  const each = (...shape: number[]): BlankTree => Object.fromEntries(names.map((name) => [name, { shape }]));
  const line = { shape: [batch, side] };
  const compared = pairsOfEq2.filter((pair) => pair.split('-').every((name) => names.join().includes(name)));
  return {
    step: triSiameseStepBy(policy, {
      name: `${models[setting.model].title} by ${policyName(policy)}`,
      network,
      losses,
      parameters: planeNetworkSpec(network),
      lambda: 1,
      optimiser: setting.optimiser === 'adam' ? adam() : sgd(),
    }),
    inputs: {
      planes: each(batch, size, size, network.encoder.channels),
      labels: each(batch, side, side),
      lines: Object.fromEntries(compared.map((pair) => [pair, { first: line, second: line }])),
    },
  };
}
