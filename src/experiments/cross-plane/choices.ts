// What the plan leaves open is chosen here, on cases that are learnt from by nobody and scored for nothing else.
import { Findings, mean } from '../findings';
import type { StudyDefinition, StudyOutcome } from '../study';
import { sweepStudy } from '../study';
import { plan } from './plan';
import type { TrainedRun, TrainingRun } from './run';
import { choiceRuns, shortRun } from './runs';
import type { Trainings } from './sweep';
import { needsOf, originOf, runTraining } from './sweep';

export const crossPlaneChoices: StudyDefinition<Trainings, TrainingRun, TrainedRun> = sweepStudy({
  id: 'cross-plane-choices',
  title: 'Training on linked planes: what is chosen on cases that are not scored',
  module: 'experiments/cross-plane/choices',
  name: 'crossPlaneChoices',
  needs: needsOf(['hippocampus'], ['learn', 'choose']),
  backend: true,
  specs: {
    tiny: { runs: [shortRun('triplets', 2, { scored: 'choose' })] },
    quick: { runs: [shortRun('triplets', 20, { scored: 'choose' })] },
    full: { runs: choiceRuns() },
  },
  cost: { quick: { seconds: 40, memoryGiB: 1 }, full: { seconds: 1500, memoryGiB: 1.5 } },
  sweep: { specs: ({ runs }) => runs, runOne: runTraining, combine },
});

/** `learning-rate-0.003.steps-1000`, `lambda-0.03`. */
const idOf = ({ arm, learningRate, steps, lambda }: TrainingRun): string =>
  arm.consistent ? `lambda-${lambda}` : `learning-rate-${learningRate}.steps-${steps}`;

function combine({ runs }: Trainings, parts: TrainedRun[]): StudyOutcome {
  const found = new Findings('cross-plane-choices', plan.choices.seed);
  const rows = parts.map(({ run, scores, curves }) => {
    const each = scores.after.map(({ dice }) => dice.mean[0]);
    found.observed(`dice.${idOf(run)}`, `Mean Dice, ${run.arm.title}, learning rate ${run.learningRate}, ${run.steps} steps, lambda ${run.lambda}`, '1', each, mean); // prettier-ignore
    const looks = curves.watched.at(-1)?.values;
    return { arm: run.arm.title, rate: run.learningRate, steps: run.steps, lambda: run.lambda, dice: mean(each), ratio: looks?.ratio ?? null, cosine: looks?.cosine ?? null }; // prettier-ignore
  });
  found.table('tried', 'What was tried on the cases for choices', 'measured', {
    columns: [
      { key: 'arm', title: 'Arm', align: 'left' },
      { key: 'rate', title: 'Learning rate', digits: 4 },
      { key: 'steps', title: 'Steps', digits: 0 },
      { key: 'lambda', title: 'Lambda', digits: 3 },
      { key: 'dice', title: 'Dice', digits: 4 },
      { key: 'ratio', title: 'Ratio of gradients', digits: 3 },
      { key: 'cosine', title: 'Cosine', digits: 3 },
    ],
    rows,
  });
  return { findings: found.all, ...originOf(parts), seed: runs[0].seed };
}
