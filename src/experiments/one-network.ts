// Eq. 1 and the adapters on a network that runs, at the size of a laptop: what sharing, freezing and LoRA do, observed.
//
// Weights are drawn at random and have noise in everything that would start at zero; planes and masks are those of a real
// head. Nothing here says how well anything segments. What is observed holds of the form of the network, whatever its size.
import { InputError } from '../base/errors';
import { Meter } from '../base/progress';
import { drawVoxels } from '../sampling/draw';
import type { Plane, PlaneName } from '../sampling/plane';
import { planeGrid, planeNames, readPlane } from '../sampling/plane';
import type { Volume } from '../volume/volume';
import type { Triple } from '../volume/affine';
import { encoderShapes } from '../profilers/encoders';
import { loraParameters, samParameters } from '../profilers/parameters';
import { Findings } from './findings';
import { openHead, openMsFlair, openMsLesions } from './heads';
import type { NetworkParts } from './network-parts';
import type { Observation } from './one-network-observe';
import type { StudyDefinition } from './study';

interface Spec {
  model: 'tiny-64' | 'tiny-128';
  /** Draws of weights, each with planes through another lesion voxel. */
  draws: number;
  /** Training steps of each. */
  steps: number;
  seed: number;
}

/** Of the adapters where ViT-H is counted: SAMed's. */
const rank = 4;

export const oneNetwork: StudyDefinition<Spec> = {
  id: 'one-network',
  title: 'Eq. 1 on a network that runs: shared weights, frozen weights, adapters',
  module: 'experiments/one-network',
  name: 'oneNetwork',
  needs: [openMsFlair, openMsLesions],
  specs: {
    tiny: { model: 'tiny-64', draws: 1, steps: 2, seed: 1 },
    quick: { model: 'tiny-64', draws: 4, steps: 5, seed: 1 },
    full: { model: 'tiny-128', draws: 8, steps: 20, seed: 1 },
  },
  cost: { quick: { seconds: 20, memoryGiB: 0.8 }, full: { seconds: 900, memoryGiB: 2.5 } },
  backend: true,
  async run(spec, long) {
    const { backend } = long;
    if (!backend)
      throw new InputError({
        what: 'cannot run one-network',
        given: 'no backend',
        expected: 'what `chooseBackend` gives',
        fix: 'call `runStudy`, which chooses one',
      });
    const { observe } = await import('./one-network-observe.js');
    const found = new Findings('one-network', spec.seed);
    const head = await openHead(openMsFlair, long, openMsLesions);
    const labels = head.labels!;
    const { voxels } = drawVoxels(labels.dims, spec.draws, {
      seed: spec.seed,
      foreground: labels,
      foregroundShare: 1,
    });
    const meter = new Meter('a network of three planes', 'draws', voxels.length, long);
    const rows: Observation[] = [];
    for (const [k, voxel] of voxels.entries()) {
      const drawn = {
        images: planesOf(head.volume, voxel),
        labels: planesOf(labels, voxel),
        seed: `${spec.seed}/${k}`,
      };
      rows.push(await observe(backend, drawn, spec));
      meter.add(1);
    }
    meter.finish();
    const { networkParts } = await import('./network-parts.js');
    findNetwork(found, networkParts(rank));
    findAll(found, rows, spec);
    const notes = [...head.notes, `computed on ${backend.name} (${backend.device})`];
    return { findings: found.all, inputs: head.inputs, notes, seed: spec.seed };
  },
};

function planesOf(volume: Volume, voxel: Triple): Record<PlaneName, Plane> {
  const planes = planeNames.map((name) => [name, readPlane(volume, planeGrid(volume, name), voxel)]);
  return Object.fromEntries(planes) as Record<PlaneName, Plane>;
}

const most = (values: readonly number[]): number => Math.max(...values);
const least = (values: readonly number[]): number => Math.min(...values);

function findAll(found: Findings, rows: readonly Observation[], { steps }: Spec): void {
  const see = (
    id: string,
    title: string,
    of: (row: Observation) => number,
    statistic: (values: readonly number[]) => number = most,
  ): void => found.observed(id, title, '1', rows.map(of), statistic);
  const trained = `after ${steps} steps`;

  // Eq. 1.
  see('swap', 'Masks of two swapped planes against the masks swapped, relative difference', (r) => r.swap);
  see('apart', 'Masks of two different planes, relative difference', (r) => r.apart, least);
  see('calls', 'Masks of three planes in one batch against three calls, relative difference', (r) => r.calls);
  see(
    'gradient-sum',
    'Gradient of three planes against the sum of what each sends, relative difference',
    (r) => r.gradientSum,
  );

  // Frozen weights.
  see('frozen-change', `Change of frozen weights ${trained}, largest`, (r) => r.frozenChange);
  see(
    'elsewhere',
    'Trained weights that belong neither to the adapters nor to the mask decoder',
    (r) => r.elsewhere,
  );
  see(
    'features-change',
    `Change of the encoder's features with adapters ${trained}, relative`,
    (r) => r.featuresChange,
    least,
  );
  see(
    'features-without',
    `Change of the encoder's features without adapters ${trained}, largest`,
    (r) => r.featuresWithout,
  );
  for (const [part, whose, of] of [
    ['adapters', 'the adapters', (r: Observation) => r.movedAdapters],
    ['head', 'the mask decoder', (r: Observation) => r.movedHead],
  ] as const)
    see(`moved-share.${part}`, `Share of the weights of ${whose} that moved ${trained}`, of, least);

  // Adapters.
  see('start', 'Masks with adapters less masks without before training, largest', (r) => r.start);
  see('start-gradient.a', 'Gradient by A of the adapters before training, largest', (r) => r.gradientA);
  see(
    'start-gradient.b',
    'Gradient by B of the adapters before training, largest',
    (r) => r.gradientB,
    least,
  );
  see('first-step.a', 'Change of A of the adapters in the first step, largest', (r) => r.firstStepA);
  see('first-step.b', 'Change of B of the adapters in the first step, largest', (r) => r.firstStepB, least);
  see('last-step.a', `Change of A of the adapters ${trained}, largest`, (r) => r.lastStepA, least);
  see('last-step.b', `Change of B of the adapters ${trained}, largest`, (r) => r.lastStepB, least);
  see(
    'merge',
    'Features of merged weights against weights and adapters, relative difference',
    (r) => r.merge,
  );
  see(
    'unmerge',
    'Weights merged and taken apart again against before, relative difference',
    (r) => r.unmerge,
  );

  // Which lines Eq. 2 pulls at.
  for (const [sum, words] of [
    ['eq2', 'Eq. 2'],
    ['all', 'the sum over all three pairs'],
  ] as const)
    for (const pair of ['axial-coronal', 'axial-sagittal', 'coronal-sagittal'] as const)
      see(
        `pull.${sum}.${pair}`,
        `Share of the pixels on the line of ${pair.replace('-', ' and ')} plane at which ${words} has a gradient`,
        (r) => r.pulls[sum][pair],
        sum === 'eq2' && pair === 'coronal-sagittal' ? most : least,
      );
  tabulate(found, rows, steps);
}

/** The network with SAM ViT-H, counted: its three planes add nothing to one model and its adapters. */
function findNetwork(found: Findings, { all, trained, leftOut, adapters: own }: NetworkParts): void {
  const shape = encoderShapes['sam-vit-h'];
  const adapters = loraParameters(shape, rank, ['q', 'v']);
  found.derived(
    'network.left-out',
    'Parameters of SAM that the network of three planes leaves out: what reads prompts, and masks that it does not make',
    '1',
    leftOut,
    'tree of SAM - trees of encoder and head',
  );
  found.derived(
    'network.over-one',
    'Parameters of the network of three planes over those of one SAM ViT-H and its adapters, less what it leaves out',
    '1',
    all / (samParameters(shape) + adapters - leftOut),
    'tree of the network, rank 4 / sums over layers',
  );
  found.derived(
    'network.adapters',
    'Parameters of the adapters of the network, rank 4: its own over the sum of layers',
    '1',
    own / adapters,
    'tree of the adapters / blocks x rank x channels in and out of q and v',
  );
  found.derived(
    'network.trained-share',
    'Share of the network of three planes that is trained, SAM ViT-H with adapters of rank 4 and what makes one mask',
    '1',
    trained / all,
    'trained / all parameters of its tree',
  );
}

function tabulate(found: Findings, rows: readonly Observation[], steps: number): void {
  const value = (id: string): number => found.value(id);
  found.table('equation', 'Eq. 1 on a network that runs', 'measured', {
    columns: [
      { key: 'what', title: 'Compared', align: 'left' },
      { key: 'value', title: 'Relative difference' },
    ],
    rows: [
      { what: 'masks of two swapped planes, with the masks swapped (largest)', value: value('swap') },
      { what: 'one batch of three planes, with three calls (largest)', value: value('calls') },
      {
        what: 'gradient of three planes, with the sum of what each sends (largest)',
        value: value('gradient-sum'),
      },
      { what: 'for scale: masks of two different planes (smallest)', value: value('apart') },
    ],
  });
  found.table('training', `What moves in ${steps} steps`, 'measured', {
    columns: [
      { key: 'what', title: 'Weights', align: 'left' },
      { key: 'gradient', title: 'Gradient before the first step, largest' },
      { key: 'first', title: 'Change in the first step, largest' },
      { key: 'last', title: 'Change after all steps, largest' },
    ],
    rows: [
      {
        what: 'A of the adapters, down to the rank',
        gradient: value('start-gradient.a'),
        first: value('first-step.a'),
        last: value('last-step.a'),
      },
      {
        what: 'B of the adapters, up again',
        gradient: value('start-gradient.b'),
        first: value('first-step.b'),
        last: value('last-step.b'),
      },
      { what: 'frozen encoder', gradient: null, first: null, last: value('frozen-change') },
    ],
  });
  found.table('losses', 'Loss (segmentation and Eq. 2) of each draw', 'measured', {
    columns: [
      { key: 'draw', title: 'Draw', digits: 0 },
      { key: 'before', title: 'Before', digits: 3 },
      { key: 'after', title: `After ${steps} steps`, digits: 3 },
    ],
    rows: rows.map((r, k) => ({ draw: k + 1, before: r.lossBefore, after: r.lossAfter })),
  });
}
