// What the trainings of the plan say: scores by arm and way of predicting, the primary difference with both of its intervals, what
// averaging alone does, and thick slices.
import { smoothed } from '../../training/curves';
import type { Findings } from '../findings';
import { mean } from '../findings';
import type { DatasetName } from './data';
import type { ArmName, Thick } from './plan';
import { armNames, arms, plan } from './plan';
import type { CaseScores, TrainedRun } from './run';
import { thinSlices } from './runs';
import { studentInterval } from './student';

const ways = { axial: 'axial slices', mean: 'mean of three axes' } as const;
type Way = keyof typeof ways;
const wayNames = Object.keys(ways) as Way[];

const nameOf = ({ run }: TrainedRun): ArmName => armNames.find((name) => arms[name].title === run.arm.title)!;
const isThin = ({ run: { data, thick } }: TrainedRun): boolean =>
  data === 'hippocampus' && thick.factor === 1;

/** A number of every case of an arm, each the mean over seeds; cases without it are left out. */
function byCase(
  parts: readonly TrainedRun[],
  of: (scores: CaseScores) => number | null,
): Map<string, number> {
  const values = new Map<string, number[]>();
  for (const { scores } of parts)
    for (const own of scores.after) {
      const value = of(own);
      if (value !== null && Number.isFinite(value))
        values.set(own.name, [...(values.get(own.name) ?? []), value]);
    }
  return new Map([...values].map(([name, each]) => [name, mean(each)]));
}

/** Of both parts together. */
const dice =
  (way: Way) =>
  (scores: CaseScores): number =>
    scores.dice[way][0];

/** Mean over the cases of one training. */
const meanDice = ({ scores }: TrainedRun, way: Way): number => mean(scores.after.map(dice(way)));

/** The first training of each arm of the primary pair. */
const firstOfPair = (
  of: (name: ArmName) => TrainedRun[],
): { name: ArmName; title: string; part: TrainedRun }[] =>
  [plan.primary.against, plan.primary.of].flatMap((name) => {
    const part = of(name).find(({ run }) => run.seed === plan.seeds.primary[0]);
    return part ? [{ name, title: `${arms[name].title}, seed ${part.run.seed}`, part }] : [];
  });

/** @returns notes */
export function findScores(found: Findings, parts: readonly TrainedRun[]): string[] {
  const thin = parts.filter(isThin);
  const of = (name: ArmName): TrainedRun[] => thin.filter((part) => nameOf(part) === name);
  for (const name of armNames) findArm(found, name, of(name));
  findPrimary(found, of(plan.primary.of), of(plan.primary.against));
  findOthers(found, of);
  findWatched(found, of);
  findCurves(found, of);
  findThick(found, parts);
  tabulate(found, of);
  drawAll(found, of);
  const seconds = parts.reduce((sum, part) => sum + part.seconds, 0);
  return [`${parts.length} trainings, ${(seconds / 3600).toFixed(2)} hours in all`];
}

function findArm(found: Findings, name: ArmName, parts: readonly TrainedRun[]): void {
  const { title } = arms[name];
  for (const way of wayNames) {
    const say = (id: string, what: string, value: (scores: CaseScores) => number | null): void =>
      found.observed(`${id}.${name}.${way}`, `${what}: ${title}, predicted by ${ways[way]}`, '1', [...byCase(parts, value).values()], mean); // prettier-ignore
    say('dice', 'Mean Dice of the hippocampus', dice(way));
    say('jitter', 'Mean through-plane jitter', ({ jitter }) => jitter[way]);
  }
  const say = (id: string, what: string, value: (scores: CaseScores) => number | null): void =>
    found.observed(`${id}.${name}`, `${what}: ${title}`, '1', [...byCase(parts, value).values()], mean);
  say(
    'disagree',
    'Share of voxels where axial and coronal slices disagree',
    ({ agreement }) => agreement.disagree,
  );
  say('wrong', 'Share of voxels where both agree and are wrong', ({ agreement }) => agreement.wrong);
  const [first] = parts;
  found.derived(`flop.training.${name}`, `Arithmetic of one training: ${title}`, 'TFLOP', (first.run.steps * first.flop.step) / 1e12, 'steps times FLOPs of one, counted on shapes'); // prettier-ignore
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

/** Differences of two arms, case by case. */
function differences(
  a: readonly TrainedRun[],
  b: readonly TrainedRun[],
  of: (scores: CaseScores) => number | null,
  ofSecond = of,
): number[] {
  const [first, second] = [byCase(a, of), byCase(b, ofSecond)];
  return [...first].flatMap(([name, value]) => (second.has(name) ? [value - second.get(name)!] : []));
}

function findPrimary(found: Findings, of: readonly TrainedRun[], against: readonly TrainedRun[]): void {
  const way = plan.primary.predicted;
  const title = `Dice with consistency minus without, predicted by ${ways[way]}`;
  found.observed(
    'primary.cases',
    `${title}: mean over cases`,
    '1',
    differences(of, against, dice(way)),
    mean,
  );
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
  found.table('primary.points', `${title}, seed by seed`, 'measured', {
    columns: [
      { key: 'seed', title: 'Seed', digits: 0 },
      { key: 'difference', title: 'Difference of mean Dice', digits: 4 },
    ],
    rows: bySeed.map((difference, k) => ({ seed: plan.seeds.primary[k], difference })),
  });
}

/** Other differences that the plan asks for; paired over cases. */
function findOthers(found: Findings, of: (name: ArmName) => TrainedRun[]): void {
  const compared: [string, ArmName, ArmName][] = [
    ['linked', 'triplets', 'single-equal-flops'],
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
  for (const [id, value] of [
    ['disagree', ({ agreement }: CaseScores) => agreement.disagree],
    ['wrong', ({ agreement }: CaseScores) => agreement.wrong],
    ['jitter', ({ jitter }: CaseScores) => jitter.axial],
  ] as const)
    found.observed(`primary.${id}`, `With consistency minus without: ${id === 'jitter' ? 'jitter of axial predictions' : `share of voxels, ${id === 'wrong' ? 'agree and wrong' : 'disagree'}`}`, '1', differences(of(plan.primary.of), of(plan.primary.against), value), mean); // prettier-ignore
}

/** The curves of the primary pair's first seed: what a replay is compared with, and what notebooks draw. */
function findCurves(found: Findings, of: (name: ArmName) => TrainedRun[]): void {
  for (const { name, title, part } of firstOfPair(of)) {
    const columns = ['loss', 'segmentation', 'consistency'];
    found.table(`curve.${name}`, `Losses of every step: ${title}`, 'measured', {
      columns: [
        { key: 'step', title: 'Step', digits: 0 },
        ...columns.map((key) => ({ key, title: key, digits: 4 })),
      ],
      rows: part.curves.steps.map(({ step, values }) => ({ step, ...values })),
    });
    found.table(`watched.${name}`, `What was looked at now and then: ${title}`, 'measured', {
      columns: ['step', 'dice', 'disagree', 'wrong', 'ratio', 'cosine'].map((key) => ({
        key,
        title: key,
        digits: key === 'step' ? 0 : 3,
      })),
      rows: part.curves.watched.map(({ step, values }) => ({ step, ...values })),
    });
  }
}

/** The same curves as a figure, and every arm's scores as another. */
function drawAll(found: Findings, of: (name: ArmName) => TrainedRun[]): void {
  const runs = firstOfPair(of).map(({ title, part }) => {
    const { steps, watched } = part.curves;
    const before = mean(part.scores.before.map(({ agreement }) => agreement.disagree));
    const width = Math.ceil(steps.length / 40);
    const curves = {
      segmentation: smoothed(steps, 'segmentation', width),
      consistency: smoothed(steps, 'consistency', width),
      ratio: smoothed(watched, 'ratio', 1),
      dice: smoothed(watched, 'dice', 1),
      disagree: [[0, before] as [number, number], ...smoothed(watched, 'disagree', 1)],
      wrong: smoothed(watched, 'wrong', 1),
    };
    return { title, curves };
  });
  found.figure('curves-figure', 'What two trainings showed of themselves', 'training-curves', {
    panels: [
      { name: 'segmentation', title: 'Loss of segmentation', scale: 'linear' },
      { name: 'consistency', title: 'Consistency term, without lambda', scale: 'log' },
      { name: 'ratio', title: 'Gradients: consistency over segmentation', scale: 'log' },
      { name: 'dice', title: 'Dice of watched cases', scale: 'linear' },
      { name: 'disagree', title: 'Axial and coronal slices disagree', scale: 'linear' },
      { name: 'wrong', title: 'They agree and are wrong', scale: 'linear' },
    ],
    runs,
  });
  found.figure('scores-figure', 'Every way to train, on cases that none of them saw', 'arm-scores', {
    score: 'Dice of the hippocampus',
    rows: armNames.map((name) => ({
      title: arms[name].title,
      ways: wayNames.map((way) => ({
        name: `predicted by ${ways[way]}`,
        result: `${found.study}.dice.${name}.${way}`,
        points: of(name).map((part) => meanDice(part, way)),
      })),
    })),
  });
}

/** Arms in thick slices, scored on the thin grid. */
function findThick(found: Findings, parts: readonly TrainedRun[]): void {
  const settings: { data: DatasetName; slices: readonly Thick[]; names: readonly ArmName[] }[] = [
    {
      data: 'hippocampus',
      slices: [thinSlices, ...plan.thick.hippocampus.slices],
      names: plan.thick.hippocampus.arms,
    },
    { data: 'brats', slices: plan.thick.brats.slices, names: plan.thick.brats.arms },
  ];
  const rows = settings.flatMap(({ data, slices, names }) =>
    slices.flatMap((thick) =>
      names.map((name) => {
        const own = parts.filter(
          (part) =>
            nameOf(part) === name &&
            part.run.data === data &&
            part.run.thick.factor === thick.factor &&
            plan.seeds.others.includes(part.run.seed as 1),
        );
        const of = (way: Way): number => mean([...byCase(own, dice(way)).values()]);
        return { data, factor: thick.factor, axis: 'xyz'[thick.axis], arm: arms[name].title, axial: of('axial'), mean: of('mean'), cases: byCase(own, dice('mean')).size }; // prettier-ignore
      }),
    ),
  );
  found.table('thick', 'Dice in thick slices, on the thin grid, first three seeds', 'measured', {
    columns: [
      { key: 'data', title: 'Data', align: 'left' },
      { key: 'axis', title: 'Along', align: 'left' },
      { key: 'factor', title: 'Voxels together', digits: 0 },
      { key: 'arm', title: 'Arm', align: 'left' },
      { key: 'axial', title: 'Axial slices', digits: 3 },
      { key: 'mean', title: 'Mean of three axes', digits: 3 },
      { key: 'cases', title: 'Cases', digits: 0 },
    ],
    rows,
  });
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
      predicting: of(name)[0].flop.mean / 1e9,
      minutes: mean(of(name).map(({ seconds }) => seconds / 60)),
    })),
  });
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
