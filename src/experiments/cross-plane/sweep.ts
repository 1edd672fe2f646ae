// What the studies of the plan share: the files they need, one training of many, and what is said of where its cases come from.
import type { Provenance } from '../../results/result';
import type { DataNeed, RunLong } from '../study';
import type { DatasetName, Purpose } from './data';
import { filesOf } from './data';
import { encoderFile } from './encoder-file';
import type { TrainedRun, TrainingRun } from './run';

/** Trainings, one after another. */
export interface Trainings {
  runs: TrainingRun[];
}

/** The encoder's weights, and the images and labels of cases. */
export function needsOf(names: readonly DatasetName[], purposes: readonly Purpose[]): DataNeed[] {
  const files = purposes.flatMap((purpose) => names.flatMap((name) => filesOf(name, purpose)));
  const cases = files.flatMap(({ image, labels }) => [image, labels]);
  return [encoderFile, ...new Map(cases.map((need) => [need.path, need])).values()];
}

/** One training. */
export async function runTraining(run: TrainingRun, long: RunLong): Promise<TrainedRun> {
  const { trainArm } = await import('./run.js');
  return trainArm(long.backend!, run, long);
}

/** The data that went into trainings, and their notes: each once. */
export function originOf(parts: readonly TrainedRun[]): { inputs: Provenance['inputs']; notes: string[] } {
  const inputs = new Map(parts.flatMap((part) => part.inputs.map((input) => [input.name, input])));
  return { inputs: [...inputs.values()], notes: [...new Set(parts.flatMap(({ notes }) => notes))] };
}
