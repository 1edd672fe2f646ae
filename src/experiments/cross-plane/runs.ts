// The runs of the plan: which trainings its studies are made of, as plain data.
import { amendments } from './amendments';
import type { TrainingRun } from './run';
import type { Arm, ArmName, Thick } from './plan';
import { armNames, arms, plan } from './plan';

/** As in the file. */
export const thinSlices: Thick = { axis: 2, factor: 1 };

/** What all runs of an arm share once everything is chosen. */
export interface Chosen {
  learningRate: number;
  steps: number;
  lambda: number;
}

/** A run of an arm with what was chosen. */
export function runOf(name: ArmName, seed: number, by: Chosen, over: Partial<TrainingRun> = {}): TrainingRun {
  const arm: Arm = arms[name];
  const { learningRate, steps, lambda } = by;
  return {
    arm,
    seed,
    data: 'hippocampus',
    thick: thinSlices,
    scored: 'score',
    steps: arm.length * steps,
    learningRate,
    lambda: arm.consistent ? lambda : 0,
    ...over,
  };
}

/** The beginning of a run, for trying it out: few steps, few cases. */
export const shortRun = (name: ArmName, only: number, over: Partial<TrainingRun> = {}): TrainingRun =>
  runOf(
    name,
    1,
    { learningRate: 3e-3, steps: 400, lambda: 0.01 },
    { only, most: { score: 2, learn: 4 }, ...over },
  );

const isPrimary = (name: ArmName): boolean => name === plan.primary.of || name === plan.primary.against;

/** All runs whose scores are reported, in order: the primary pair first. */
export function scoredRuns(by: Chosen): TrainingRun[] {
  const { thick, seeds } = plan;
  const inThick = (data: TrainingRun['data']): TrainingRun[] =>
    thick[data].slices.flatMap((own) =>
      thick[data].arms.flatMap((name) =>
        seeds.others.map((seed) => runOf(name, seed, by, { data, thick: own })),
      ),
    );
  return [
    ...armNames.flatMap((name) =>
      (isPrimary(name) ? seeds.primary : seeds.others).map((seed) => runOf(name, seed, by)),
    ),
    ...inThick('hippocampus'),
    ...inThick('brats'),
  ];
}

/** Choices are made on cases that are not scored in the end. */
const choosing = { scored: 'choose' } as const;

/** Runs by which learning rate and number of steps are chosen. */
export function rateRuns(): TrainingRun[] {
  const { seed, learningRates } = plan.choices;
  return learningRates.flatMap((learningRate) =>
    amendments.steps.map((own) => runOf('triplets', seed, { learningRate, steps: own, lambda: 0 }, choosing)),
  );
}

/** Runs by which lambda is chosen, once the others are. */
export function lambdaRuns(by: Omit<Chosen, 'lambda'>): TrainingRun[] {
  const { seed, lambdas } = plan.choices;
  return lambdas.map((lambda) => runOf('triplets-consistent', seed, { ...by, lambda }, choosing));
}
