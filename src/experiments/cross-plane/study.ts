// The first training on real volumes, by the plan (plan.ts). In quick mode the first steps of two of its runs are done again and
// compared with the curves of the record; no verdict rests on them.
import { InputError } from '../../base/errors';
import { loadStudy, recordedDir } from '../../results/store';
import { Findings } from '../findings';
import type { StudyDefinition, StudyOutcome } from '../study';
import { sweepStudy } from '../study';
import { chosenLambda } from './chosen-lambda';
import { chosenRate } from './chosen-rate';
import { collapsingRun } from './collapse';
import type { ArmName } from './plan';
import { plan } from './plan';
import type { TrainedRun, TrainingRun } from './run';
import { runOf, scoredRuns, shortRun } from './runs';
import { findScores } from './scores';
import type { Trainings } from './sweep';
import { needsOf, originOf, runTraining } from './sweep';

const pair: ArmName[] = [plan.primary.against, plan.primary.of];
/** Steps of a stored run that quick mode does again. */
const replayed = 60;
/** A loss that differs from the recorded one by a larger share of it is not the same training: another machine rounds otherwise. */
const agrees = 0.01;

const chosen = { ...chosenRate, lambda: chosenLambda };

export const crossPlane: StudyDefinition<Trainings, TrainingRun, TrainedRun> = sweepStudy({
  id: 'cross-plane',
  title: 'Trained on linked planes, on single ones, and with a consistency term: real volumes',
  module: 'experiments/cross-plane/study',
  name: 'crossPlane',
  needs: needsOf(['hippocampus', 'brats'], ['learn', 'choose', 'score']),
  backend: true,
  specs: {
    tiny: { runs: pair.map((name) => shortRun(name, 2)) },
    quick: { runs: pair.map((name) => replayOf(name)) },
    full: { runs: [...scoredRuns(chosen), collapsingRun(chosen)] },
  },
  cost: { quick: { seconds: 60, memoryGiB: 1.2 }, full: { seconds: 7200, memoryGiB: 1.5 } },
  sweep: { specs: ({ runs }) => runs, runOne: runTraining, combine },
});

function replayOf(name: ArmName): TrainingRun {
  return runOf(name, plan.seeds.primary[0], chosen, { only: replayed, most: { score: 2 } });
}

function combine({ runs }: Trainings, parts: TrainedRun[]): StudyOutcome {
  const found = new Findings('cross-plane', plan.seeds.primary[0]);
  const isReplay = runs.some(({ only }) => only !== undefined);
  const notes = isReplay ? findReplay(found, parts) : findScores(found, parts);
  const origin = originOf(parts);
  return { findings: found.all, ...origin, notes: [...notes, ...origin.notes], seed: runs[0].seed };
}

/** The first steps, beside those of the record: the largest relative difference of a loss. */
function findReplay(found: Findings, parts: readonly TrainedRun[]): string[] {
  const notes: string[] = [];
  for (const { run, curves, notes: own } of parts) {
    const name = run.arm.consistent ? plan.primary.of : plan.primary.against;
    found.derived(`replay.steps.${name}`, `Steps done again, ${run.arm.title}, seed ${run.seed}`, 'steps', curves.steps.length, 'counted'); // prettier-ignore
    const recorded = own.length === 0 && run.most?.learn === undefined ? recordedLosses(name) : undefined;
    if (!recorded) {
      notes.push(
        `${run.arm.title}: not compared with the record, which ${own.length > 0 ? 'is of other cases' : 'has no such curve'}`,
      );
      continue;
    }
    const gaps = curves.steps.flatMap(({ step, values }) => {
      const then = recorded.get(step);
      return then === undefined ? [] : [Math.abs(values.loss! - then) / Math.abs(then)];
    });
    const largest = Math.max(...gaps);
    found.add({
      id: `replay.difference.${name}`,
      title: `Largest relative difference of a step's loss from the recorded run, ${run.arm.title}`,
      kind: 'measured',
      unit: '1',
      value: largest,
      uncertainty: null,
      source: `the first ${gaps.length} steps of seed ${run.seed}, done again`,
    });
    if (largest > agrees)
      notes.push(`${run.arm.title}: the steps done again are NOT those of the record, by ${(100 * largest).toFixed(1)} % of a loss`); // prettier-ignore
  }
  return notes;
}

function recordedLosses(name: ArmName): Map<number, number> | undefined {
  try {
    const { findings } = loadStudy(recordedDir(), 'cross-plane');
    const table = findings.find(({ id }) => id === `cross-plane.curve.${name}`)?.table;
    return table && new Map(table.rows.map((row) => [Number(row.step), Number(row.loss)]));
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
