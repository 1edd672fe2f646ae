// What the plan leaves open is chosen on cases that nothing is learnt from and that are not scored in the end. Each choice is a
// study of its own, so that what it found stays of the present code when the next one takes it from there.
import { Findings, mean } from '../findings';
import type { StudyDefinition, StudyOutcome } from '../study';
import { sweepStudy } from '../study';
import { plan } from './plan';
import type { ArmName } from './plan';
import type { TrainedRun, TrainingRun } from './run';
import { shortRun } from './runs';
import type { Trainings } from './sweep';
import { needsOf, originOf, runTraining } from './sweep';

/** A run by which something is chosen, and its mean Dice. */
export interface Tried {
  run: TrainingRun;
  dice: number;
}

/** What a rule of the plan makes of the runs, by what it chooses. */
export type Rule = (tried: readonly Tried[]) => Partial<Record<'learning-rate' | 'steps' | 'lambda', number>>;

const best = (tried: readonly Tried[]): Tried => tried.reduce((a, b) => (b.dice > a.dice ? b : a));

/** The learning rate whose longest training has the highest Dice; of it the fewest steps that have nearly the Dice of the best. */
export const rateRule: Rule = (tried) => {
  const longest = Math.max(...tried.map(({ run }) => run.steps));
  const { learningRate } = best(tried.filter(({ run }) => run.steps === longest)).run;
  const own = tried.filter(({ run }) => run.learningRate === learningRate);
  const enough = own.filter(({ dice }) => dice >= best(own).dice - plan.choices.enoughDice);
  return { 'learning-rate': learningRate, steps: Math.min(...enough.map(({ run }) => run.steps)) };
};

/** The lambda above 0 with the highest Dice. */
export const lambdaRule: Rule = (tried) => ({ lambda: best(tried).run.lambda });

/**
 * A study that tries and chooses.
 * @param study  its id, title, and the file and export that it is defined in
 * @param name   the arm that is trained
 */
export function choiceStudy(
  study: Pick<StudyDefinition, 'id' | 'title' | 'module' | 'name'>,
  name: ArmName,
  runs: TrainingRun[],
  rule: Rule,
): StudyDefinition<Trainings, TrainingRun, TrainedRun> {
  const short = (only: number): Trainings => ({ runs: [shortRun(name, only, { scored: 'choose' })] });
  return sweepStudy({
    ...study,
    needs: needsOf(['hippocampus'], ['learn', 'choose']),
    backend: true,
    specs: { tiny: short(2), quick: short(20), full: { runs } },
    cost: {
      quick: { seconds: 30, memoryGiB: 1 },
      full: { seconds: 110 * runs.length, memoryGiB: 1.5 },
    },
    sweep: {
      specs: ({ runs: own }) => own,
      runOne: runTraining,
      combine: (_, parts) => outcomeOf(study.id, parts, rule),
    },
  });
}

/** `learning-rate-0.003.steps-400`, `lambda-0.03`; and `first-20-steps` of a run that is only tried out. */
function idOf({ arm, learningRate, steps, lambda, only }: TrainingRun): string {
  if (only !== undefined) return `first-${only}-steps`;
  return arm.consistent ? `lambda-${lambda}` : `learning-rate-${learningRate}.steps-${steps}`;
}

function outcomeOf(id: string, parts: readonly TrainedRun[], rule: Rule): StudyOutcome {
  const found = new Findings(id, plan.choices.seed);
  const tried = parts.map(({ run, scores, curves }) => {
    const each = scores.after.map(({ dice }) => dice.mean[0]);
    found.observed(`dice.${idOf(run)}`, `Mean Dice, ${run.arm.title}, learning rate ${run.learningRate}, ${run.only ?? run.steps} steps, lambda ${run.lambda}`, '1', each, mean); // prettier-ignore
    return { run, dice: mean(each), looks: curves.watched.at(-1)?.values };
  });
  const isWhole = tried.every(({ run }) => run.only === undefined);
  for (const [what, value] of Object.entries(isWhole ? rule(tried) : {}))
    found.derived(`chosen.${what}`, `Chosen: ${what.replace('-', ' ')}`, '1', value, 'the rule of the plan (src/experiments/cross-plane/plan.ts)'); // prettier-ignore
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
    rows: tried.map(({ run, dice, looks }) => ({
      arm: run.arm.title,
      rate: run.learningRate,
      steps: run.steps,
      lambda: run.lambda,
      dice,
      ratio: looks?.ratio ?? null,
      cosine: looks?.cosine ?? null,
    })),
  });
  return { findings: found.all, ...originOf(parts), seed: plan.choices.seed };
}
