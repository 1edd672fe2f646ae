// What happens where lambda is too large. This was added to the plan after the choice of lambda had shown it, so it is a picture of
// what was seen there and no test of anything: one training, scored on the cases for choices.
import type { Findings } from '../findings';
import { mean } from '../findings';
import type { Score } from './by-case';
import { byCase, dice } from './by-case';
import { plan } from './plan';
import type { TrainedRun, TrainingRun } from './run';
import type { Chosen } from './runs';
import { runOf } from './runs';

/** Of the values that were tried. */
const tooLarge = 0.1;

export const collapsingRun = (by: Chosen): TrainingRun =>
  runOf(plan.primary.of, plan.seeds.primary[0], { ...by, lambda: tooLarge }, { scored: 'choose' });

export const isCollapsing = ({ run }: TrainedRun): boolean => run.scored === 'choose';

export function findCollapse(found: Findings, part: TrainedRun): void {
  const scores: [id: string, what: string, score: Score][] = [
    ['dice', 'mean Dice, mean of three axes', dice('mean')],
    ['disagree', 'share of voxels where axial and coronal slices disagree', ({ agreement }) => agreement.disagree], // prettier-ignore
    ['wrong', 'share of voxels where both agree and are wrong', ({ agreement }) => agreement.wrong],
  ];
  for (const [id, what, score] of scores)
    found.observed(`collapse.${id}`, `Lambda of ${tooLarge}: ${what}`, '1', [...byCase([part], score).values()], mean); // prettier-ignore
}
