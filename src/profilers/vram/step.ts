// The study's step for a setting, in shapes: what a dry run runs, and what a real one is given values for.
import type { BlankTree } from '../../backends/meta/dry-run';
import { adam, sgd } from '../../backends/optimisers';
import { scope } from '../../backends/scope';
import { tf } from '../../backends/tf';
import { pairsOfEq2 } from '../../losses/intersection';
import type { SampleLines } from '../../losses/intersection-samples';
import { sampleIntersectionLoss } from '../../losses/intersection-samples';
import { segmentationLosses } from '../../losses/segmentation';
import type { PlaneNetwork, PlaneParameters, ViewNetwork } from '../../memory/network-parts';
import { planeNetworkSpec, planeParts } from '../../memory/network-parts';
import type { Policy } from '../../memory/policy';
import { policyName } from '../../memory/policy';
import type { PlaneInputs, PlaneStep } from '../../memory/tri-siamese';
import { triSiameseStepBy, viewsOf } from '../../memory/tri-siamese';
import { viewsStepBy } from '../../memory/views-step';
import type { ModelRow } from '../../models/registry';
import { models } from '../../models/registry';
import type { ImageEncoderConfig } from '../../models/sam/config';
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

/** The network of a setting, without its head. */
function headlessOf({ model, size, trained }: Setting): ViewNetwork {
  const { config } = models[model];
  return {
    encoder: { ...('encoder' in config ? config.encoder : config), imageSize: size },
    lora: trained.kind === 'lora' ? { rank: trained.rank, alpha: trained.rank, first: trained.first } : null,
    encoderTrained: trained.kind === 'all',
    input: 'images',
  };
}

/** The study's network of a setting. @throws Error for a model without a decoder */
export function networkOf(setting: Setting): PlaneNetwork & { encoder: ImageEncoderConfig } {
  const row: ModelRow = models[setting.model];
  if (row.family !== 'sam') throw new Error(`${row.title} has no decoder`);
  const { encoder, prompts, decoder } = row.config;
  const imageSize = setting.size;
  const head = samHead({ prompts: { ...prompts, imageSize }, decoder });
  return { ...headlessOf(setting), encoder: { ...encoder, imageSize }, head };
}

/** A step on TensorFlow.js, with parameters and inputs as shapes. */
export interface VramStep {
  readonly step: PlaneStep<ReturnType<typeof planeNetworkSpec>>;
  readonly inputs: BlankTree;
}

/** A step of an encoder alone. */
const featuresStep = (
  policy: Policy,
  network: ViewNetwork,
  given: Pick<VramStep['step'], 'name' | 'parameters' | 'optimiser'>,
): VramStep['step'] =>
  viewsStepBy<PlaneParameters, PlaneInputs, VramStep['step']['parameters']>(policy, {
    ...given,
    parts: (parameters) => planeParts(network, parameters),
    views: ({ planes }) => viewsOf(planes),
    loss: (features) => ({
      loss: scope('losses', () => tf.addN(features.map((each) => tf.mean(each)))),
    }),
  });

/**
 * The training step of a setting: forward, Eq. 2 beside the loss of segmentation, gradients by its policy, optimiser. Of SAM 3 the
 * trunk alone, whose loss is no more than a gradient for each feature, as the derived reading has it.
 * @throws InputError for a setting that there is not, or not on TensorFlow.js
 */
export function vramStep(setting: Setting): VramStep {
  checkSetting(setting);
  checkTfjsSetting(setting);
  const { model, size, views, batch, policy } = setting;
  const row: ModelRow = models[model];
  const name = `${row.title} by ${policyName(policy)}`;
  const optimiser = setting.optimiser === 'adam' ? adam() : sgd();
  const names = planeNames.slice(0, views);
  const each = (...shape: number[]): BlankTree =>
    Object.fromEntries(names.map((plane) => [plane, { shape }]));
  const pictures = (channels: number): BlankTree => each(batch, size, size, channels);
  if (row.family === 'sam3') {
    const own = headlessOf(setting);
    const parameters = planeNetworkSpec(own);
    return {
      step: featuresStep(policy, own, { name, parameters, optimiser }),
      inputs: { planes: pictures(own.encoder.channels) },
    };
  }
  const network = networkOf(setting);
  const parameters = planeNetworkSpec(network);
  const side = 4 * gridOf(network.encoder);
  const line = { shape: [batch, side] };
  const compared = pairsOfEq2.filter((pair) =>
    pair.split('-').every((plane) => names.join().includes(plane)),
  );
  return {
    step: triSiameseStepBy(policy, { name, network, losses, parameters, lambda: 1, optimiser }),
    inputs: {
      planes: pictures(network.encoder.channels),
      labels: each(batch, side, side),
      lines: Object.fromEntries(compared.map((pair) => [pair, { first: line, second: line }])),
    },
  };
}
