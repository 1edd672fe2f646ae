// What the trainings of the plan say: scores by arm and way of predicting, the primary difference with both of its intervals, what
// averaging alone does, and thick slices.
import type { Findings } from '../findings';
import { mean } from '../findings';
import type { Score } from './by-case';
import { byCase, dice, differences, meanDice, nameOf, pairsByCase, wayNames, ways } from './by-case';
import { findCollapse, isCollapsing } from './collapse';
import type { ArmName } from './plan';
import { armNames, arms, plan } from './plan';
import type { TrainedRun } from './run';
import { drawAgreement, drawCurves, drawScores, tabulateCurves } from './score-figures';
import { studentInterval } from './student';
import { findThick } from './thick-scores';

const disagree: Score = ({ agreement }) => agreement.disagree;
const wrong: Score = ({ agreement }) => agreement.wrong;
const leftOut: Score = ({ leftOut: shares }) => shares.disagree;

/** @returns notes */
export function findScores(found: Findings, all: readonly TrainedRun[]): string[] {
  const parts = all.filter((part) => !isCollapsing(part));
  const thin = parts.filter(({ run: { data, thick } }) => data === 'hippocampus' && thick.factor === 1);
  const of = (name: ArmName): TrainedRun[] => thin.filter((part) => nameOf(part) === name);
  for (const name of armNames) findArm(found, name, of(name));
  const bySeed = findPrimary(found, of(plan.primary.of), of(plan.primary.against));
  findOthers(found, of);
  findWatched(found, of);
  findThick(found, parts);
  tabulate(found, of);
  tabulateCurves(found, of);
  drawScores(found, of, bySeed);
  const collapsing = all.find(isCollapsing);
  if (collapsing) findCollapse(found, collapsing);
  drawAgreement(found, of, collapsing);
  drawCurves(found, of, parts, collapsing);
  const hours = all.reduce((sum, { coreSeconds }) => sum + coreSeconds / 3600, 0);
  found.add({ id: 'core-hours', title: 'Trainings and their scores, all of them', kind: 'measured', unit: 'core-hours', value: hours, uncertainty: null, source: 'time of processors as the system counts it' }); // prettier-ignore
  return [`${all.length} trainings, ${hours.toFixed(2)} core-hours in all`];
}

function findArm(found: Findings, name: ArmName, parts: readonly TrainedRun[]): void {
  const { title } = arms[name];
  const say = (id: string, what: string, score: Score): void =>
    found.observed(id, `${what}: ${title}`, '1', [...byCase(parts, score).values()], mean);
  for (const way of wayNames) {
    const by = `predicted by ${ways[way]}`;
    say(`dice.${name}.${way}`, `Mean Dice of the hippocampus, ${by}`, dice(way));
    say(`jitter.${name}.${way}`, `Mean through-plane jitter, ${by}`, ({ jitter }) => jitter[way]);
  }
  say(`disagree.${name}`, 'Share of voxels where axial and coronal slices disagree', disagree);
  say(`wrong.${name}`, 'Share of voxels where both agree and are wrong', wrong);
  say(`disagree-left-out.${name}`, 'Share of voxels where coronal and sagittal slices disagree, the pair that Eq. 2 leaves out', leftOut); // prettier-ignore
  const averaging = pairsByCase(
    parts,
    parts,
    ({ jitter }) => jitter.mean,
    ({ jitter }) => jitter.axial,
  );
  found.observed(`jitter-left.${name}`, `Jitter of the mean of three axes over that of axial slices: ${title}`, '1', averaging, (pairs) => mean(pairs.map(({ first }) => first)) / mean(pairs.map(({ second }) => second))); // prettier-ignore
  const [first] = parts;
  found.derived(`flop.training.${name}`, `Arithmetic of one training: ${title}`, 'TFLOP', (first.run.steps * first.flop.step) / 1e12, 'steps times FLOPs of one, counted on shapes'); // prettier-ignore
  for (const way of wayNames)
    found.derived(`flop.predicting.${name}.${way}`, `Arithmetic of a case's prediction by ${ways[way]}, mean over cases: ${title}`, 'GFLOP', first.flop[way] / 1e9, 'slices times FLOPs of one, counted on shapes'); // prettier-ignore
}

/** Disagreement before the first step and after the last, on cases that are looked at during training: not those that are scored. */
function findWatched(found: Findings, of: (name: ArmName) => TrainedRun[]): void {
  for (const name of [plan.primary.against, plan.primary.of])
    for (const [key, words] of [
      ['disagree', 'disagree'],
      ['wrong', 'agree and are wrong'],
    ] as const) {
      const each = of(name).map(({ scores, curves }) => ({
        before: mean(scores.before.map(({ agreement }) => agreement[key])),
        after: curves.watched.at(-1)?.values[key] ?? NaN,
      }));
      for (const when of ['before', 'after'] as const)
        found.add({
          id: `watched.${key}.${when}.${name}`,
          title: `Share of voxels where axial and coronal slices ${words}, ${when} training, watched cases: ${arms[name].title}`,
          kind: 'measured',
          unit: '1',
          value: mean(each.map((own) => own[when])),
          uncertainty: studentInterval(each.map((own) => own[when])),
          source: `${each.length} seeds`,
        });
    }
}

/** @returns the difference of every seed */
function findPrimary(found: Findings, of: readonly TrainedRun[], against: readonly TrainedRun[]): number[] {
  const way = plan.primary.predicted;
  const title = `Dice with consistency minus without, predicted by ${ways[way]}`;
  const cases = pairsByCase(of, against, dice(way)).map(({ name, first, second }) => ({ name, with: first, without: second, difference: first - second })); // prettier-ignore
  found.observed('primary.cases', `${title}: mean over cases`, '1', cases.map(({ difference }) => difference), mean); // prettier-ignore
  const bySeed = plan.seeds.primary.map((seed) => {
    const own = (parts: readonly TrainedRun[]): TrainedRun[] => parts.filter(({ run }) => run.seed === seed);
    return mean(differences(own(of), own(against), dice(way)));
  });
  found.add({
    id: 'primary.seeds',
    title: `${title}: mean over seeds`,
    kind: 'measured',
    unit: '1',
    value: mean(bySeed),
    uncertainty: studentInterval(bySeed),
    source: `${bySeed.length} seeds`,
  });
  const difference = { key: 'difference', title: 'Difference', digits: 4 };
  found.table('primary.by-seed', `${title}, seed by seed`, 'measured', {
    columns: [{ key: 'seed', title: 'Seed', digits: 0 }, difference],
    rows: bySeed.map((value, k) => ({ seed: plan.seeds.primary[k], difference: value })),
  });
  found.table('primary.by-case', `${title}, case by case`, 'measured', {
    columns: [
      { key: 'name', title: 'Case', align: 'left' },
      { key: 'without', title: 'Without', digits: 4 },
      { key: 'with', title: 'With', digits: 4 },
      difference,
    ],
    rows: cases,
  });
  return bySeed;
}

/** Other differences that the plan asks for; paired over cases. */
function findOthers(found: Findings, of: (name: ArmName) => TrainedRun[]): void {
  const compared: [string, ArmName, ArmName][] = [
    ['linked', 'triplets', 'single-equal-flops'],
    ['linked-steps', 'triplets', 'single-equal-steps'],
    ['axial', 'triplets', 'axial-equal-flops'],
    ['axial-steps', 'triplets', 'axial-equal-steps'],
    ['orientations', 'single-equal-flops', 'axial-equal-flops'],
    ['longer', 'axial-equal-flops', 'axial-equal-steps'],
    ['pretraining', 'triplets', 'random-encoder'],
    ['freezing', 'all-trained', 'triplets'],
  ];
  for (const [id, a, b] of compared)
    for (const way of wayNames)
      found.observed(`difference.${id}.${way}`, `Dice, ${arms[a].title} minus ${arms[b].title}, predicted by ${ways[way]}`, '1', differences(of(a), of(b), dice(way)), mean); // prettier-ignore
  for (const name of armNames)
    found.observed(`averaging.${name}`, `Dice of the mean of three axes minus that of axial slices: ${arms[name].title}`, '1', differences(of(name), of(name), dice('mean'), dice('axial')), mean); // prettier-ignore
  const others: [id: string, what: string, score: Score][] = [
    ['disagree', 'share of voxels where axial and coronal slices disagree', disagree],
    ['right', 'share of voxels where both agree and are right', ({ agreement }) => agreement.right],
    ['wrong', 'share of voxels where both agree and are wrong', wrong],
    ['disagree-left-out', 'share of voxels where coronal and sagittal slices disagree', leftOut],
    ['jitter', 'jitter of axial predictions', ({ jitter }) => jitter.axial],
    ['axial', 'Dice predicted by axial slices', dice('axial')],
  ];
  for (const [id, what, score] of others)
    found.observed(`primary.${id}`, `With consistency minus without: ${what}`, '1', differences(of(plan.primary.of), of(plan.primary.against), score), mean); // prettier-ignore
}

function tabulate(found: Findings, of: (name: ArmName) => TrainedRun[]): void {
  const value = (id: string): number => found.value(id);
  found.table('arms', 'Every arm on the cases that are scored', 'measured', {
    columns: [
      { key: 'arm', title: 'Trained on', align: 'left' },
      { key: 'seeds', title: 'Seeds', digits: 0 },
      { key: 'axial', title: 'Dice, axial slices', digits: 3 },
      { key: 'mean', title: 'Dice, mean of three axes', digits: 3 },
      { key: 'jitter', title: 'Jitter, axial', digits: 3 },
      { key: 'disagree', title: 'Disagree', digits: 3 },
      { key: 'wrong', title: 'Agree and wrong', digits: 3 },
      { key: 'training', title: 'Training', unit: 'TFLOP', digits: 1 },
      { key: 'predicting', title: 'A case along three axes', unit: 'GFLOP', digits: 1 },
      { key: 'minutes', title: 'Training and scoring', unit: 'min', digits: 1 },
    ],
    rows: armNames.map((name) => ({
      arm: arms[name].title,
      seeds: of(name).length,
      axial: value(`dice.${name}.axial`),
      mean: value(`dice.${name}.mean`),
      jitter: value(`jitter.${name}.axial`),
      disagree: value(`disagree.${name}`),
      wrong: value(`wrong.${name}`),
      training: value(`flop.training.${name}`),
      predicting: value(`flop.predicting.${name}.mean`),
      minutes: mean(of(name).map(({ seconds }) => seconds / 60)),
    })),
  });
  const part = (name: ArmName, k: 1 | 2): number =>
    mean([...byCase(of(name), (scores) => scores.dice.mean[k]).values()]);
  found.table(
    'parts',
    'Dice of both parts of the hippocampus, predicted by the mean of three axes',
    'measured',
    {
      columns: [
        { key: 'arm', title: 'Trained on', align: 'left' },
        { key: 'anterior', title: 'Anterior', digits: 3 },
        { key: 'posterior', title: 'Posterior', digits: 3 },
      ],
      rows: armNames.map((name) => ({
        arm: arms[name].title,
        anterior: part(name, 1),
        posterior: part(name, 2),
      })),
    },
  );
  found.table('points', 'Every training: mean Dice over cases', 'measured', {
    columns: [
      { key: 'arm', title: 'Trained on', align: 'left' },
      { key: 'seed', title: 'Seed', digits: 0 },
      { key: 'axial', title: 'Axial slices', digits: 4 },
      { key: 'mean', title: 'Mean of three axes', digits: 4 },
    ],
    rows: armNames.flatMap((name) =>
      of(name).map((part) => ({
        arm: arms[name].title,
        seed: part.run.seed,
        axial: meanDice(part, 'axial'),
        mean: meanDice(part, 'mean'),
      })),
    ),
  });
}
