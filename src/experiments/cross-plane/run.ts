// One training of the plan, from its start to the scores of its cases. Loads TensorFlow.js: import this file lazily.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { ChosenBackend } from '../../backends/choose';
import { adam } from '../../backends/optimisers';
import { tf } from '../../backends/tf';
import { flattenTree } from '../../backends/training-step';
import { sha256OfValue } from '../../base/hash';
import { cacheDir } from '../../base/paths';
import { Random } from '../../base/random';
import { pairsOfEq2 } from '../../losses/intersection';
import { segmentationLosses } from '../../losses/segmentation';
import type { PlaneNetwork, PlaneParameters } from '../../memory/network-parts';
import { planeNetworkSpec } from '../../memory/network-parts';
import type { PlaneInputs } from '../../memory/tri-siamese';
import type { SamRow } from '../../models/registry';
import { models } from '../../models/registry';
import { gridOf } from '../../models/sam/config';
import { samHead } from '../../models/sam-head';
import { drawn } from '../../nn/parameters';
import type { PlaneName } from '../../sampling/plane';
import { planeNames } from '../../sampling/plane';
import type { BatchPlan } from '../../training/batch-plan';
import { batchInputs, DrawnBatches } from '../../training/drawn-batches';
import type { Curves } from '../../training/curves';
import { clipped } from '../../training/optimisers';
import type { PlaneTraining } from '../../training/plane-network';
import { BalanceMeter, planePredictor, planeStep, stepFlops } from '../../training/plane-network';
import { train } from '../../training/train';
import { mean } from '../findings';
import type { RunLong } from '../study';
import { amendments } from './amendments';
import type { DatasetName, Purpose } from './data';
import { openCases } from './data';
import { loadedEncoder } from './encoder';
import type { Arm, Thick } from './plan';
import { plan } from './plan';
import type { AgreementPicture, CaseScores } from './score-cases';
import { agreementPicture, scoreAll } from './score-cases';

/** A training of the plan. Plain data: the identity of a run. */
export interface TrainingRun {
  arm: Arm;
  seed: number;
  data: DatasetName;
  thick: Thick;
  /** Which cases are scored at the end. */
  scored: Exclude<Purpose, 'learn'>;
  /** Steps really run, the learning rate at its highest, and lambda where the arm is consistent. */
  steps: number;
  learningRate: number;
  lambda: number;
  /** Fewer steps of the same schedule, for a replay; all where left out. */
  only?: number;
  /** No more cases than so many to score, and to learn from; all where left out. */
  most?: { score: number; learn?: number };
}

/** What a training leaves. */
export interface TrainedRun {
  run: TrainingRun;
  device: string;
  curves: Curves;
  /** At the end, of all cases that are scored; and before the first step, of those that are watched. */
  scores: Record<'before' | 'after', CaseScores[]>;
  /** Of the first of these, before and after. */
  pictures: Record<'before' | 'after', AgreementPicture>;
  /** FLOPs of one step, and of a scored case's prediction along one axis and along three (their mean). */
  flop: Record<'step' | 'axial' | 'mean', number>;
  seconds: number;
  /** Time of processors, of all threads. */
  coreSeconds: number;
  inputs: { name: string; sha256: string }[];
  notes: string[];
}

function coreSecondsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1e6;
}

/**
 * Where the training's state is kept: a name that its checkpoint knows, so that no other code goes on from it. Without a checkpoint
 * none is kept.
 */
function stateFile({ checkpoint }: RunLong): string | undefined {
  if (!checkpoint) return undefined;
  const known = checkpoint.load();
  if (typeof known === 'string') return known;
  const file = path.join(cacheDir('training'), `${randomUUID()}.safetensors`);
  checkpoint.save(file);
  return file;
}

/** The network of an arm. */
export function networkOf({ trained }: Pick<Arm, 'trained'>): PlaneNetwork {
  const { config } = models[plan.network.model] as SamRow;
  const { rank, classes } = plan.network;
  const head = samHead(config, classes);
  return trained === 'all'
    ? { encoder: config.encoder, lora: null, encoderTrained: true, head, input: 'images' }
    : { encoder: config.encoder, lora: { rank, alpha: rank, first: 0 }, head, input: 'images' };
}

/** Train an arm and score it. @throws Interrupted, its state saved */
export async function trainArm(
  backend: ChosenBackend,
  given: TrainingRun,
  long: RunLong = {},
): Promise<TrainedRun> {
  const began = performance.now();
  const cores = process.cpuUsage();
  const { arm, seed, steps, learningRate, only = steps } = given;
  const state = stateFile(long);
  const learning = await openCases(given.data, 'learn', given.thick, long, given.most?.learn);
  const scoring = await openCases(given.data, given.scored, given.thick, long, given.most?.score);
  const looking = amendments.watched[given.data];
  const watched = await openCases(given.data, 'choose', given.thick, long, looking.cases);
  const training = await start(given);
  const { network } = training;
  const { imageSize: size, channels } = network.encoder as SamRow['config']['encoder'];
  const side = 4 * gridOf(network.encoder);
  const batches: BatchPlan = {
    kind: 'planes',
    cases: learning.cases.map(({ thick }) => thick),
    options: {
      draw: arm.draw,
      ...plan.batch,
      seed: `${seed}`,
      size,
      side,
      channels,
      pairs: arm.draw === 'triplets' ? pairsOfEq2 : [],
    },
  };
  const inputs = batchInputs(batches);
  const step = await planeStep(backend, training, inputs);
  const { classes } = plan.network;
  const flops = stepFlops(training, inputs);
  const predictor = await planePredictor(backend, training, { size, side, channels, classes, batch: 8 });
  const balance = arm.draw === 'triplets' ? await BalanceMeter.open(backend, training, inputs) : undefined;
  tf.dispose(flattenTree(training.parameters));
  try {
    const before = await scoreAll(predictor, watched.cases, given.thick, long);
    const pictureBefore = await agreementPicture(predictor, watched.cases[0], given.thick);
    const done = await train<PlaneInputs>(
      {
        name: `${arm.title}, seed ${seed}`,
        step,
        batches: (from, to) => new DrawnBatches<PlaneInputs>(batches, { from, to }, { signal: long.signal }),
        schedule: { peak: learningRate, warmUp: Math.round(plan.optimiser.warmUpShare * steps), steps, power: plan.optimiser.power }, // prettier-ignore
        stopAt: only,
        watch: {
          every: Math.ceil(steps / looking.looks),
          async measure(trained, batch) {
            predictor.write(trained);
            const found = await scoreAll(predictor, watched.cases, given.thick, { signal: long.signal });
            return {
              dice: mean(found.map(({ dice }) => dice.mean[0])),
              disagree: mean(found.map(({ agreement }) => agreement.disagree)),
              wrong: mean(found.map(({ agreement }) => agreement.wrong)),
              ...(balance && (await balance.measure(trained, batch))),
            };
          },
        },
        ...(state !== undefined && {
          save: { file: state, every: Math.ceil(steps / 20), identity: sha256OfValue(given) },
        }),
      },
      long,
    );
    predictor.write(done.trained);
    tf.dispose(done.trained);
    const after = await scoreAll(predictor, scoring.cases, given.thick, long);
    const pictureAfter = await agreementPicture(predictor, watched.cases[0], given.thick);
    if (state !== undefined) rmSync(state, { force: true });
    const along = (plane: PlaneName): number =>
      predictor.flops! * mean(scoring.cases.map(({ thick }) => thick.image.grids[plane].count));
    return {
      run: given,
      device: backend.device,
      curves: done.curves,
      scores: { before, after },
      pictures: { before: pictureBefore, after: pictureAfter },
      flop: { step: flops, axial: along('axial'), mean: planeNames.reduce((sum, plane) => sum + along(plane), 0) }, // prettier-ignore
      seconds: (performance.now() - began) / 1000,
      coreSeconds: coreSecondsSince(cores),
      inputs: [...learning.inputs, ...scoring.inputs, ...watched.inputs],
      notes: [...learning.notes, ...scoring.notes],
    };
  } finally {
    step.dispose();
    predictor.dispose();
    balance?.dispose();
  }
}

/** Network, parameters and losses of a run at its start: the same for every arm of a seed, but for what the arm changes. */
async function start({ arm, seed, learningRate, lambda }: TrainingRun): Promise<PlaneTraining> {
  const network = networkOf(arm);
  const parameters = drawn(
    planeNetworkSpec(network) as never,
    new Random(`parameters ${seed}`),
  ) as PlaneParameters;
  const place = arm.trained === 'all' ? 'trained' : 'frozen';
  const { encoder: random, ...others } = parameters[place];
  const known = arm.encoder === 'masked' ? await loadedEncoder((models[plan.network.model] as SamRow).config.encoder) : random; // prettier-ignore
  if (known !== random) tf.dispose(flattenTree(random));
  return {
    name: arm.title,
    network,
    parameters: { ...parameters, [place]: { ...others, encoder: known } },
    optimiser: clipped(
      adam({ learningRate, weightDecay: plan.optimiser.weightDecay }),
      plan.optimiser.longestGradient,
    ),
    segmentation: segmentationLosses.samed,
    lambda: arm.consistent ? lambda : 0,
  };
}
