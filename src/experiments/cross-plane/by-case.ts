// Scores of trainings, case by case: what every finding of the plan is a mean of.
import { mean } from '../findings';
import type { ArmName } from './plan';
import { armNames, arms } from './plan';
import type { TrainedRun } from './run';
import type { CaseScores } from './score-cases';

/** The ways to predict, in words. */
export const ways = { axial: 'axial slices', mean: 'mean of three axes' } as const;
export type Way = keyof typeof ways;
export const wayNames = Object.keys(ways) as Way[];

/** A number of a case, where it has one. */
export type Score = (scores: CaseScores) => number | null;

/** Dice of both parts together. */
export const dice =
  (way: Way) =>
  (scores: CaseScores): number =>
    scores.dice[way][0];

export const nameOf = ({ run }: TrainedRun): ArmName =>
  armNames.find((name) => arms[name].title === run.arm.title)!;

/** Mean over the cases of one training. */
export const meanDice = ({ scores }: TrainedRun, way: Way): number => mean(scores.after.map(dice(way)));

/** A number of every case, each the mean over trainings; cases without it are left out. */
export function byCase(parts: readonly TrainedRun[], of: Score): Map<string, number> {
  const values = new Map<string, number[]>();
  for (const { scores } of parts)
    for (const own of scores.after) {
      const value = of(own);
      if (value !== null && Number.isFinite(value))
        values.set(own.name, [...(values.get(own.name) ?? []), value]);
    }
  return new Map([...values].map(([name, each]) => [name, mean(each)]));
}

/** Numbers of cases that have both, in pairs. */
export function pairsByCase(
  a: readonly TrainedRun[],
  b: readonly TrainedRun[],
  ofFirst: Score,
  ofSecond = ofFirst,
): { name: string; first: number; second: number }[] {
  const [firsts, seconds] = [byCase(a, ofFirst), byCase(b, ofSecond)];
  return [...firsts].flatMap(([name, first]) =>
    seconds.has(name) ? [{ name, first, second: seconds.get(name)! }] : [],
  );
}

/** First minus second, case by case. */
export const differences = (...given: Parameters<typeof pairsByCase>): number[] =>
  pairsByCase(...given).map(({ first, second }) => first - second);
