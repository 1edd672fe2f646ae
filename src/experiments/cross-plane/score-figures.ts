// Curves of trainings, and figures of the plan.
import { loadManifest } from '../../datasets/manifest';
import { smoothed } from '../../training/curves';
import type { Findings } from '../findings';
import { mean } from '../findings';
import { dice, meanDice, nameOf, pairsByCase, wayNames, ways } from './by-case';
import type { ArmName } from './plan';
import { armNames, arms, plan } from './plan';
import type { TrainedRun } from './run';
import type { CaseScores } from './score-cases';

/** The first training of each arm of the primary pair. */
const firstOfPair = (of: (name: ArmName) => TrainedRun[]): TrainedRun[] =>
  [plan.primary.against, plan.primary.of].flatMap(
    (name) => of(name).find(({ run }) => run.seed === plan.seeds.primary[0]) ?? [],
  );
const titleOf = ({ run }: TrainedRun): string => `${run.arm.title}, seed ${run.seed}`;

/** Every number of the primary pair's first trainings: what a replay is compared with. */
export function tabulateCurves(found: Findings, of: (name: ArmName) => TrainedRun[]): void {
  for (const part of firstOfPair(of)) {
    const table = (id: string, title: string, names: string[], points: TrainedRun['curves']['steps']): void =>
      found.table(`${id}.${nameOf(part)}`, `${title}: ${titleOf(part)}`, 'measured', {
        columns: [
          { key: 'step', title: 'Step', digits: 0 },
          ...names.map((key) => ({ key, title: key, digits: 4 })),
        ],
        rows: points.map(({ step, values }) => ({ step, ...values })),
      });
    const { steps, watched } = part.curves;
    table('curve', 'Losses of every step', ['loss', 'segmentation', 'consistency'], steps);
    table('watched', 'What was looked at now and then', ['dice', 'disagree', 'wrong', 'ratio', 'cosine'], watched); // prettier-ignore
  }
}

/** One plane of a watched case before the pair's first trainings, whose start is the same, and after each. */
export function drawAgreement(
  found: Findings,
  of: (name: ArmName) => TrainedRun[],
  collapsing?: TrainedRun,
): void {
  const pair = firstOfPair(of);
  const { pictures, notes } = pair[0];
  const { name, slice, rows } = pictures.before;
  const { title, licence } = loadManifest(plan.hippocampus.dataset);
  found.figure(
    'agreement-figure',
    'Where axial and coronal slices agree, and where both are wrong',
    'agreement-maps',
    {
      name,
      slice,
      // Notes say that cases are synthetic.
      source: notes.length === 0 ? { title, licence: licence.name } : { title: 'synthetic head, generated from a seed', licence: 'CC BY 4.0' }, // prettier-ignore
      panels: [
        { title: 'before training', rows },
        ...[...pair, ...(collapsing ? [collapsing] : [])].map((part) => ({ title: `lambda ${part.run.lambda}`, rows: part.pictures.after.rows })), // prettier-ignore
      ],
    },
  );
}

/** Curves of every training, a figure for each arm and kind of slices; the primary pair's first two beside each other. */
export function drawCurves(
  found: Findings,
  of: (name: ArmName) => TrainedRun[],
  parts: readonly TrainedRun[],
  collapsing?: TrainedRun,
): void {
  const named = ({ run }: TrainedRun): string => `lambda ${run.lambda}`;
  drawTrainings(found, 'curves-figure', `What ${collapsing ? 'three' : 'two'} trainings showed of themselves`, [...firstOfPair(of), ...(collapsing ? [collapsing] : [])], named); // prettier-ignore
  const groups = new Map<string, TrainedRun[]>();
  for (const part of parts) {
    const { data, thick } = part.run;
    const id = [nameOf(part), data, 'xyz'[thick.axis], thick.factor].join('-');
    groups.set(id, [...(groups.get(id) ?? []), part]);
  }
  for (const [id, own] of groups) {
    const { arm, data, thick } = own[0].run;
    const slices =
      thick.factor === 1
        ? 'slices as they are'
        : `${thick.factor} voxels together along ${'xyz'[thick.axis]}`;
    drawTrainings(found, `curves.${id}-figure`, `Every training: ${arm.title}; ${data}, ${slices}`, own, ({ run }) => `seed ${run.seed}`); // prettier-ignore
  }
}

function drawTrainings(
  found: Findings,
  id: string,
  title: string,
  parts: readonly TrainedRun[],
  nameRun: (part: TrainedRun) => string,
): void {
  const runs = parts.map((part) => {
    const { steps, watched } = part.curves;
    // Scores are there before the first step as well.
    const looked = (name: string, score: (scores: CaseScores) => number): [number, number][] => [
      [0, mean(part.scores.before.map(score))],
      ...smoothed(watched, name, 1),
    ];
    const width = Math.ceil(steps.length / 40);
    const curves = {
      segmentation: smoothed(steps, 'segmentation', width),
      consistency: smoothed(steps, 'consistency', width),
      ratio: smoothed(watched, 'ratio', 1),
      dice: looked('dice', dice('mean')),
      disagree: looked('disagree', ({ agreement }) => agreement.disagree),
      wrong: looked('wrong', ({ agreement }) => agreement.wrong),
    };
    return { title: nameRun(part), curves };
  });
  const panels = [
    { name: 'segmentation', title: 'Loss of segmentation', scale: 'linear' },
    { name: 'consistency', title: 'Consistency term, without lambda', scale: 'log' },
    { name: 'ratio', title: 'Gradients: consistency over segmentation', scale: 'log' },
    { name: 'dice', title: 'Dice of watched cases', scale: 'linear' },
    { name: 'disagree', title: 'Axial and coronal slices disagree', scale: 'linear' },
    { name: 'wrong', title: 'They agree and are wrong', scale: 'linear' },
  ] as const;
  // One-plane arms have no lines, so no consistency and no ratio: a term that is 0 throughout is not drawn.
  const isThere = ({ name }: (typeof panels)[number]): boolean =>
    runs.some(({ curves }) => curves[name].some(([, value]) => value !== 0));
  found.figure(id, title, 'training-curves', { panels: panels.filter(isThere), runs });
}

/** Scores of every arm, and the primary difference: every case and every seed. */
export function drawScores(
  found: Findings,
  of: (name: ArmName) => TrainedRun[],
  bySeed: readonly number[],
): void {
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
  const cases = pairsByCase(of(plan.primary.of), of(plan.primary.against), dice(plan.primary.predicted));
  found.figure('primary-figure', 'What the consistency term changes, case by case and seed by seed', 'paired-differences', {
    score: 'Dice with consistency minus without',
    smallest: plan.primary.smallest,
      sides: ['without is better', 'with is better'],
    groups: [
      { title: 'cases', result: `${found.study}.primary.cases`, points: cases.map(({ first, second }) => first - second) },
      { title: 'seeds', result: `${found.study}.primary.seeds`, points: [...bySeed] },
    ],
  }); // prettier-ignore
}
