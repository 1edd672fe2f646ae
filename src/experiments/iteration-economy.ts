// Iteration economy on paper: what a step, a schedule and a sweep cost in arithmetic, and what a budget of units buys.
//
// Nothing is trained. Accuracy stands in the tables as not tested yet. What rests on an assumption (units a card takes in
// an hour, the share of its peak rate that is reached, when a value of lambda has had enough) is of kind `assumed` and can
// set no verdict.
import { cards } from '../profilers/cards';
import { encoderFlops } from '../profilers/flops';
import { assumedUtilisation } from '../profilers/step-share';
import { uNetCounts, uNetShapes } from '../profilers/unet-counts';
import { nnUNetDefaults } from '../profilers/unet-inference';
import type { PublishedValues } from '../results/published';
import { published } from '../results/published';
import { Findings } from './findings';
import type { StudyDefinition } from './study';

/** What is trained, one step at a time. */
interface Trained {
  id: string;
  title: string;
  /** FLOPs of a step. */
  step: number;
  /** Voxels with a label that a step sees, each once. */
  voxels: number;
  formula: string;
}

const grid = { x: 240, y: 240, z: 155 };
const axial = grid.x * grid.y;
/** Three planes through a voxel, their lines counted once. */
const threePlanes = axial + (grid.x + grid.y) * grid.z - grid.x - grid.y - grid.z + 1;

/** The ways of training that are compared, with what a step of each computes. */
export function trainedWays(): Trained[] {
  const unet = uNetShapes['nnunet-brats'];
  const { forward, adapterStep } = encoderFlops('sam-vit-h');
  return [
    {
      id: 'unet',
      title: 'nnU-Net, 3-D, default',
      step: 3 * 2 * nnUNetDefaults.batch * uNetCounts(unet).macs.total,
      voxels: nnUNetDefaults.batch * unet.patch ** 3,
      formula: '2 patches x 3 (forward and two gradients) x 2 x MAC of a patch',
    },
    {
      id: 'one-view',
      title: 'SAM ViT-H, adapters, one view',
      step: adapterStep,
      voxels: axial,
      formula: 'forward, and backward through frozen layers to the adapters',
    },
    {
      id: 'three-views',
      title: 'SAM ViT-H, adapters, three views',
      step: 3 * adapterStep,
      voxels: threePlanes,
      formula: '3 x a step of one view',
    },
    {
      id: 'replayed',
      title: 'The same, view by view',
      step: 3 * (adapterStep + forward),
      voxels: threePlanes,
      formula: '3 x (a step of one view + one more forward pass)',
    },
  ];
}

const trainingCards = ['t4', 'a100-40'] as const;
type TrainingCard = (typeof trainingCards)[number];
const cardNames: Record<TrainingCard, string> = { t4: 'T4', 'a100-40': 'A100 (40 GB)' };

/** Compute units an hour: what users have reported over the years; no page of the provider was at hand. */
const unitsAnHour: Record<TrainingCard, { least: number; most: number }> = {
  t4: { least: 1.2, most: 2 },
  'a100-40': { least: 5.4, most: 13 },
};
const ends = ['least', 'most'] as const;

/** Three-view samples after which a value of lambda is judged; one for each step. */
const stoppingSteps = 10_000;
/** Values of lambda in a sweep. */
const sweep = 10;

export const iterationEconomy: StudyDefinition<Record<string, never>> = {
  id: 'iteration-economy',
  title: 'What a step, a schedule and a sweep cost, and what a budget buys',
  module: 'experiments/iteration-economy',
  name: 'iterationEconomy',
  needs: [],
  published: ['nnunet-benchmark', 'colab'],
  // Arithmetic has one size.
  specs: { tiny: {}, quick: {}, full: {} },
  cost: { quick: { seconds: 1, memoryGiB: 0.2 }, full: { seconds: 1, memoryGiB: 0.2 } },
  run() {
    const found = new Findings('iteration-economy', 0);
    const [benchmark, colab] = ['nnunet-benchmark', 'colab'].map((id) => published(id));
    const ways = trainedWays();
    findSteps(found, ways);
    findSchedule(found, ways, benchmark);
    findComparisons(found, benchmark);
    findBudget(found, ways, colab);
    findFigure(found, ways);
    const inputs = [benchmark.input, colab.input];
    return Promise.resolve({ findings: found.all, inputs, notes: [], seed: null });
  },
};

function findSteps(found: Findings, ways: Trained[]): void {
  const { iterations } = nnUNetDefaults;
  for (const { id, title, step, voxels, formula } of ways) {
    found.derived(`flops.step.${id}`, `FLOPs of a training step, ${title}`, 'TFLOP', step / 1e12, formula);
    found.derived(
      `flops.epoch.${id}`,
      `FLOPs of an epoch of ${iterations} steps, ${title}`,
      'PFLOP',
      (step * iterations) / 1e15,
      'FLOPs of a step x 250',
    );
    found.derived(
      `flops.voxel.${id}`,
      `FLOPs of a training step for each labelled voxel that it sees, ${title}`,
      'MFLOP',
      step / voxels / 1e6,
      'FLOPs of a step / voxels of its patches or planes, each counted once',
    );
  }
  const voxel = (id: string): number => found.value(`flops.voxel.${id}`);
  found.derived(
    'voxel-ratio',
    'FLOPs for each labelled voxel, three views of SAM over nnU-Net',
    '1',
    voxel('three-views') / voxel('unet'),
    'ratio of the two',
  );
  found.table('economy', 'Cost of training, and what it buys', 'derived', {
    columns: [
      { key: 'way', title: 'Trained', align: 'left' },
      { key: 'step', title: 'A step', unit: 'TFLOP', digits: 1 },
      { key: 'epoch', title: '250 steps', unit: 'PFLOP', digits: 2 },
      { key: 'voxel', title: 'A labelled voxel', unit: 'MFLOP', digits: 1 },
      { key: 'dice', title: 'Dice', align: 'left' },
      { key: 'nsd', title: 'NSD', align: 'left' },
      { key: 'disagreement', title: 'Disagreement', align: 'left' },
    ],
    rows: ways.map(({ id, title }) => ({
      way: title,
      step: found.value(`flops.step.${id}`),
      epoch: found.value(`flops.epoch.${id}`),
      voxel: voxel(id),
      dice: 'not tested yet',
      nsd: 'not tested yet',
      disagreement: 'not tested yet',
    })),
  });
}

/** nnU-Net's default schedule, and how many steps of the other ways the same arithmetic pays for. */
function findSchedule(found: Findings, ways: Trained[], benchmark: PublishedValues): void {
  const { epochs, iterations } = nnUNetDefaults;
  const schedule = ways[0].step * epochs * iterations;
  found.derived(
    'flops.schedule',
    'FLOPs of nnU-Net’s default schedule of training',
    'EFLOP',
    schedule / 1e18,
    `FLOPs of a step x ${iterations} x ${epochs}`,
  );
  const seconds = benchmark.number('nnunet', 'hours') * 3600;
  found.derived(
    'utilisation.nnunet',
    'Share of the peak 16-bit rate of an A100 that the published time of this schedule means',
    '1',
    schedule / seconds / cards['a100-40'].flops.half,
    'derived FLOPs / published time / data sheet',
  );
  for (const { id, title, step } of ways.slice(1))
    found.derived(
      `steps-for-schedule.${id}`,
      `Steps that the FLOPs of nnU-Net’s default schedule pay for, ${title}`,
      'steps',
      schedule / step,
      'FLOPs of the schedule / FLOPs of a step',
    );
}

const datasets = ['btcv', 'acdc', 'lits', 'brats', 'kits', 'amos'] as const;

/** What like-for-like benchmarks say: nnU-Net's presets beside transformers and beside other convolutional networks. */
function findComparisons(found: Findings, benchmark: PublishedValues): void {
  const best = (family: (name: string) => boolean, set: string): number =>
    Math.max(
      ...benchmark.rows
        .filter((row) => family(benchmark.text(row, 'family')))
        .map((row) => benchmark.number(row, set)),
    );
  const preset = (set: string): number => best((f) => f === 'nnU-Net preset', set);
  for (const [id, family, words] of [
    ['transformers', 'transformer', 'the best transformer'],
    ['convolutional', 'convolutional', 'the best other convolutional network'],
  ] as const) {
    const leads = datasets.map((set) => preset(set) - best((f) => f === family, set));
    found.derived(
      `benchmark.wins.${id}`,
      `Data sets of six on which the best preset of nnU-Net has a higher Dice than ${words}`,
      'data sets',
      leads.filter((lead) => lead > 0).length,
      'count over the published table',
    );
    found.derived(
      `benchmark.worst.${id}`,
      `Dice of nnU-Net’s best preset less that of ${words}, on the data set where it does worst`,
      '%',
      Math.min(...leads),
      'difference of the published means',
    );
  }
}

function findBudget(found: Findings, ways: Trained[], colab: PublishedValues): void {
  const assumed = (id: string, title: string, unit: string, value: number, source: string): void =>
    found.add({ id, title, unit, value, kind: 'assumed', uncertainty: null, source });
  const units = colab.number('budget', 'units');
  found.add({
    id: 'units',
    title: 'The budget of the study',
    unit: 'compute units',
    value: units,
    kind: 'paper',
    uncertainty: null,
    source: 'The cost of consistency, section 4.3',
  });
  assumed(
    'utilisation',
    'Share of its peak rate that a card reaches',
    '1',
    assumedUtilisation,
    'assumed, not measured',
  );
  assumed(
    'stopping',
    'Steps after which a value of lambda is judged',
    'steps',
    stoppingSteps,
    'assumed; the study names no rule',
  );
  const rows = trainingCards.flatMap((card) =>
    ends.map((end) => {
      const rate = unitsAnHour[card][end];
      // The least rate buys the most hours.
      const buys = end === 'least' ? 'most' : 'least';
      const hours = units / rate;
      const flops = hours * 3600 * cards[card].flops.half * assumedUtilisation;
      assumed(
        `rate.${end}.${card}`,
        `Units an hour, ${cardNames[card]}, ${end}`,
        'units/h',
        rate,
        'reported by users over the years; unverified',
      );
      assumed(
        `hours.${buys}.${card}`,
        `Hours that the budget buys, ${cardNames[card]}, ${buys}`,
        'h',
        hours,
        'units / assumed rate',
      );
      for (const { id, title, step } of ways)
        assumed(
          `steps.${buys}.${id}.${card}`,
          `Steps that the budget buys, ${title}, ${cardNames[card]}, ${buys}`,
          'steps',
          flops / step,
          'hours x peak rate x assumed utilisation / FLOPs of a step',
        );
      const steps = (id: string): number => found.value(`steps.${buys}.${id}.${card}`);
      assumed(
        `values.${buys}.${card}`,
        `Values of lambda that fit the budget, ${cardNames[card]}, ${buys}`,
        'values',
        Math.floor(steps('three-views') / stoppingSteps),
        'steps of three views / assumed stopping rule, whole values',
      );
      assumed(
        `sweep-steps.${buys}.${card}`,
        `Steps for each of ten values of lambda, ${cardNames[card]}, ${buys}`,
        'steps',
        steps('three-views') / sweep,
        'steps of three views / 10',
      );
      return {
        card: cardNames[card],
        rate,
        hours,
        schedules: flops / (found.value('flops.schedule') * 1e18),
        unet: steps('unet'),
        one: steps('one-view'),
        three: steps('three-views'),
        replayed: steps('replayed'),
        values: found.value(`values.${buys}.${card}`),
        measured: 'not tested yet',
      };
    }),
  );
  found.table(
    'budget',
    'What a hundred compute units buy where a card reaches the assumed share of its rate',
    'assumed',
    {
      columns: [
        { key: 'card', title: 'Card', align: 'left' },
        { key: 'rate', title: 'Rate', unit: 'units/h', digits: 1 },
        { key: 'hours', title: 'Time', unit: 'h', digits: 1 },
        { key: 'schedules', title: 'nnU-Net schedules', digits: 1 },
        { key: 'unet', title: 'nnU-Net steps', digits: 0 },
        { key: 'one', title: 'One-view steps', digits: 0 },
        { key: 'three', title: 'Three-view steps', digits: 0 },
        { key: 'replayed', title: 'View by view', digits: 0 },
        { key: 'values', title: 'Values of λ', digits: 0 },
        { key: 'measured', title: 'Measured', align: 'left' },
      ],
      rows,
    },
  );
}

function findFigure(found: Findings, ways: Trained[]): void {
  found.figure(
    'figure',
    'What a labelled voxel costs, and how many steps a budget buys',
    'step-budget',
    {
      ways: ways.map(({ id, title }) => ({ id, title })),
      cards: trainingCards.map((id) => ({ id, title: cardNames[id] })),
    },
    'derived',
  );
}
