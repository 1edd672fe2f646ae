// Activation stacking on paper: what one and three views keep for the backward pass, and which cards hold it (section 4.1).
//
// Everything here follows from shapes: PyTorch's step by closed form, our own by dry run. What the driver of a card reports joins
// the same table and figure once there was a card; until then its places say so.
import type { ModelName } from '../models/registry';
import type { CardName } from '../profilers/cards';
import { cards } from '../profilers/cards';
import { cardMemories, cardMemoryNames } from '../profilers/vram/card-memory';
import type { Regime, SavedBytes } from '../profilers/activations';
import {
  recomputedActivations,
  regimeId,
  regimes,
  regimeTitle,
  savedActivations,
  stateBytes,
  transientBytes,
} from '../profilers/activations';
import { encoderShapes } from '../profilers/encoders';
import { encoderFlops } from '../profilers/flops';
import { encoderParameters, loraParameters, samNorms, samParameters } from '../profilers/parameters';
import { uNetShapes } from '../profilers/unet-counts';
import { uNetNorms } from '../profilers/unet-inference';
import type { ShownPolicy } from './dry-runs';
import { findDryRuns, policyId, shownPolicies, tabulateDryRuns } from './dry-runs';
import { Findings } from './findings';
import { findOrigins } from './origins';
import type { StudyDefinition } from './study';

const shape = encoderShapes['sam-vit-h'];
const views = 3;
/** Rank of the adapters: that of SAMed, for the study names none. */
const rank = 4;
/** The cards the study names. */
const named = ['t4', 'a100-40'] as const satisfies readonly CardName[];
/** What the study states in section 4.1, for what follows from its own numbers. */
const published = { weights: 2.5, threeViews: 18 };
const gb = (bytes: number): number => bytes / 1e9;
/** A reading that nobody has taken yet. */
export const notTested = 'not tested yet';

const closedForm =
  'closed form over the published shape of SAM ViT-H at 1024 px (src/profilers/activations.ts)';

/** Regimes drawn in Figure 2, from SAM's own code to the least. */
const drawn = [
  'fp32-naive-adapters',
  'amp-naive-adapters',
  'fp32-fused-adapters',
  'half-naive-adapters',
  'amp-fused-all',
  'amp-fused-adapters',
  'half-fused-adapters',
];
/** The regime of SAM's own code, and one of today's habits: remedies are shown on both. */
const plain = regimes.find((r) => regimeId(r) === 'fp32-naive-adapters')!;
const lean = regimes.find((r) => regimeId(r) === 'amp-fused-adapters')!;

interface Spec {
  /** Whose step is dry-run. */
  model: ModelName;
}

export const activationStacking: StudyDefinition<Spec> = {
  id: 'activation-stacking',
  title: 'Activation stacking: what views keep, and which cards hold it',
  module: 'experiments/activation-stacking',
  name: 'activationStacking',
  needs: [],
  specs: { tiny: { model: 'tiny-64' }, quick: { model: 'sam-vit-h' }, full: { model: 'sam-vit-h' } },
  cost: { quick: { seconds: 25, memoryGiB: 0.5 }, full: { seconds: 25, memoryGiB: 0.5 } },
  async run({ model }, long) {
    const found = new Findings('activation-stacking', 1);
    findCards(found);
    for (const regime of regimes) findRegime(found, regime);
    findRemedies(found);
    findComparisons(found);
    findNorms(found);
    findOrigins(found);
    await findDryRuns(found, model, long);
    findSmallestCards(found);
    tabulate(found);
    tabulateDryRuns(found, limits);
    found.figure('figure', 'The cost of consistency', 'cost-of-consistency', figureData(), 'derived');
    return { findings: found.all, inputs: [], notes: [], seed: null };
  },
};

/** What is trained, and what stays through a step. */
function stateOf(regime: Regime): number {
  const trainable =
    regime.trained === 'all' ? encoderParameters(shape).total : loraParameters(shape, rank, ['q', 'v']);
  return stateBytes(samParameters(shape), trainable, regime).total;
}

function findCards(found: Findings): void {
  for (const name of named)
    found.add({
      id: `card.${name}`,
      title: `Memory that the driver of ${cards[name].name} shows`,
      kind: 'paper',
      unit: 'MiB',
      value: cards[name].shown / 2 ** 20,
      uncertainty: null,
      source: `nvidia-smi; ${cards[name].source}`,
    });
}

/** Bytes of one and of three views, of a whole step, and the batches that fit. */
function findRegime(found: Findings, regime: Regime): void {
  const id = regimeId(regime);
  const words = regimeTitle(regime);
  const { total } = savedActivations(shape, regime);
  const state = stateOf(regime);
  found.derived(`saved.${id}.one`, `Saved activations of one view (${words})`, 'GB', gb(total), closedForm);
  found.derived(
    `saved.${id}.three`,
    `Saved activations of three views (${words})`,
    'GB',
    gb(views * total),
    `3 x one view; ${closedForm}`,
  );
  found.derived(
    `state.${id}`,
    `Weights, gradients and optimiser (${words})`,
    'GB',
    gb(state),
    'parameters x bytes; gradients and the two moments of Adam for what is trained (adapters: q and v, rank 4)',
  );
  found.derived(
    `step.${id}.three`,
    `Weights, gradients, optimiser and saved activations of three views (${words})`,
    'GB',
    gb(state + views * total),
    'weights, gradients and optimiser + 3 x saved activations; no buffers, no decoder',
  );
  found.derived(
    `over-rest.${id}.three`,
    `Saved activations of three views over weights, gradients and optimiser (${words})`,
    '1',
    (views * total) / state,
    '3 x saved activations / (weights + gradients + optimiser)',
  );
  for (const name of named)
    found.derived(
      `batch.${name}.${id}`,
      `Samples of three views that fit ${cards[name].name} at most (${words})`,
      'samples',
      Math.max(0, Math.floor((cards[name].shown - state) / (views * total))),
      'floor((memory that the driver shows - weights, gradients and optimiser) / saved activations of three views)',
    );
}

/** Ways to the same gradient with less. */
const remedies = {
  recompute: {
    title: 'blocks recomputed',
    bytes: (regime: Regime) => recomputedActivations(shape, regime, views),
    source: 'inputs of all blocks of three views + what the largest block keeps',
    passes: 1,
  },
  'per-view': {
    title: 'one view at a time',
    bytes: (regime: Regime) => savedActivations(shape, regime).total,
    source:
      'Eq. 2 needs the masks of all views but the graph of one: forward all, then each view forward and back',
    passes: 1,
  },
  both: {
    title: 'one view at a time, recomputed',
    bytes: (regime: Regime) => recomputedActivations(shape, regime, 1),
    source: 'inputs of all blocks of one view + what the largest block keeps',
    passes: 2,
  },
} as const;
type Remedy = keyof typeof remedies;
/** What the same remedy is called among memory policies. */
const policyOf: Record<Remedy, ShownPolicy> = {
  recompute: 'recompute',
  'per-view': 'per-plane',
  both: 'per-plane+recompute',
};
const remedyNames = Object.keys(remedies) as Remedy[];

function findRemedies(found: Findings): void {
  const { forward, adapterStep } = encoderFlops('sam-vit-h');
  for (const name of remedyNames) {
    const { title, bytes, source, passes } = remedies[name];
    for (const regime of regimes) {
      const of = `${title} (${regimeTitle(regime)})`;
      const id = `${name}.${regimeId(regime)}`;
      found.derived(
        `saved.${id}`,
        `Saved activations of three views, ${of}`,
        'GB',
        gb(bytes(regime)),
        source,
      );
      found.derived(
        `step.${id}`,
        `A three-view step, ${of}, with the buffers of attention`,
        'GB',
        gb(stateOf(regime) + bytes(regime) + transientBytes(shape, regime)),
        `weights, gradients and optimiser + saved activations + two attention maps; ${source}`,
      );
    }
    found.derived(
      `work.${name}`,
      `Arithmetic of a step with adapters, ${title}, over that of a plain one`,
      '1',
      (adapterStep + passes * forward) / adapterStep,
      `(step + ${passes} forward pass${passes > 1 ? 'es' : ''}) / step, FLOPs of the encoder`,
    );
  }
}

/** What decides claims: the least and the most over regimes, and what the study's own numbers imply. */
function findComparisons(found: Findings): void {
  const ofAdapters = regimes.filter((r) => r.trained === 'adapters').map(regimeId);
  const over = (id: string) => (regime: string) => found.value(`${id}.${regime}.three`);
  const all = 'over precisions and kernels, frozen weights with adapters';
  found.derived(
    'over-rest.least',
    `Saved activations of three views over weights, gradients and optimiser, least ${all}`,
    '1',
    Math.min(...ofAdapters.map(over('over-rest'))),
    'minimum of the six regimes',
  );
  found.derived(
    'step.least',
    `Weights, gradients, optimiser and saved activations of three views, least ${all}`,
    'GB',
    Math.min(...ofAdapters.map(over('step'))),
    'minimum of the six regimes',
  );
  found.derived(
    'step.least-maps-kept',
    `Weights, gradients, optimiser and saved activations of three views, least ${all}, attention maps kept in float32 or mixed precision`,
    'GB',
    Math.min(...['fp32-naive-adapters', 'amp-naive-adapters'].map(over('step'))),
    'minimum of the two regimes',
  );
  found.derived(
    'batch.by-published-numbers',
    "Samples of three views that fit 40 GB by the study's own numbers",
    'samples',
    Math.floor((cards['a100-40'].memory / 1e9 - published.weights) / published.threeViews),
    'floor((40 - 2.5) / 18), numbers of section 4.1 and Table 1',
  );
  const { maps, total } = savedActivations(shape, plain);
  found.derived(
    'maps-share',
    `Share of attention maps in the saved activations (${regimeTitle(plain)})`,
    '1',
    maps / total,
    closedForm,
  );
}

/**
 * The card with the least memory, of those that `coc vram` knows, that holds an exact step of three views; Apple's chips, whose
 * share for graphics is a recommendation, are left out. No card: more than the largest has.
 */
function findSmallestCards(found: Findings): void {
  const sizes = cardMemoryNames
    .filter((name) => !name.startsWith('apple'))
    .map((name) => cardMemories[name])
    .sort((a, b) => a.bytes - b.bytes);
  const smallest = (id: string, words: string, bytes: number, source: string): void => {
    const card = sizes.find((one) => one.bytes >= bytes) ?? sizes.at(-1)!;
    found.derived(
      `smallest-card.${id}`,
      `Memory of the smallest card that holds an exact step of three views (${words}: ${card.title})`,
      'GB',
      gb(card.bytes),
      source,
    );
  };
  smallest(
    'plain',
    'PyTorch, SAM ViT-H, float32, maps kept, all views at once',
    found.value('whole-peak.sam.fp32.materialised.three') * 1e9,
    'the least of the cards that is no less than the derived peak',
  );
  smallest(
    'least',
    'ours on TensorFlow.js, every technique at once',
    (found.value('dry-run.per-plane-recompute-lean-chunked.3') + found.value('dry-run.weights')) * 1e9,
    'the least of the cards that is no less than weights and peak by dry run',
  );
}

/** Which models have layers that a small batch could hamper. */
function findNorms(found: Findings): void {
  const uNet = uNetShapes['nnunet-brats'];
  const models = [
    { model: 'SAM ViT-H', ...samNorms(shape), source: shape.source },
    {
      model: uNet.title,
      layer: 0,
      instance: uNetNorms(uNet),
      batch: 0,
      source: uNet.source,
    },
  ];
  found.derived(
    'batch-norm-layers',
    'Layers of batch normalisation in SAM ViT-H and in the network nnU-Net plans for BraTS',
    'layers',
    models.reduce((sum, m) => sum + m.batch, 0),
    'counted over both models; SAM 3 has layer and group norms by its published code',
  );
  found.table('norms', 'Normalisation layers of the compared models', 'derived', {
    columns: [
      { key: 'model', title: 'Model', align: 'left' },
      { key: 'layer', title: 'Layer norms', digits: 0 },
      { key: 'instance', title: 'Instance norms', digits: 0 },
      { key: 'batch', title: 'Batch norms', digits: 0 },
      { key: 'source', title: 'Source', align: 'left' },
    ],
    rows: models,
  });
}

function tabulate(found: Findings): void {
  const value = (id: string): number => found.value(id);
  found.table('readings', 'Memory of one and of three views, as PyTorch keeps it', 'derived', {
    columns: [
      { key: 'regime', title: 'Precision, attention, what is trained', align: 'left' },
      { key: 'one', title: 'One view, derived', unit: 'GB', digits: 2 },
      { key: 'three', title: 'Three views, derived', unit: 'GB', digits: 2 },
      { key: 'step', title: 'With weights and optimiser', unit: 'GB', digits: 2 },
      { key: 't4', title: 'Samples on a T4', digits: 0 },
      { key: 'a100', title: 'Samples on an A100', digits: 0 },
      { key: 'driver', title: 'Driver', align: 'left' },
    ],
    rows: regimes.map((regime) => {
      const id = regimeId(regime);
      return {
        regime: regimeTitle(regime),
        one: value(`saved.${id}.one`),
        three: value(`saved.${id}.three`),
        step: value(`step.${id}.three`),
        t4: value(`batch.t4.${id}`),
        a100: value(`batch.a100-40.${id}`),
        driver: notTested,
      };
    }),
  });
  found.table('remedies', 'The same gradient of three views with less memory', 'derived', {
    columns: [
      { key: 'way', title: 'Way', align: 'left' },
      { key: 'plain', title: regimeTitle(plain), unit: 'GB', digits: 2 },
      { key: 'least', title: regimeTitle(lean), unit: 'GB', digits: 2 },
      { key: 'work', title: 'Arithmetic of a step', digits: 2 },
      { key: 'dry', title: 'Ours, dry run', unit: 'GB', digits: 2 },
      { key: 'driver', title: 'Driver', align: 'left' },
    ],
    rows: [
      {
        way: 'all views at once',
        plain: value(`saved.${regimeId(plain)}.three`),
        least: value(`saved.${regimeId(lean)}.three`),
        work: 1,
        dry: value('dry-run.tape.3'),
        driver: notTested,
      },
      ...remedyNames.map((name) => ({
        way: remedies[name].title,
        plain: value(`saved.${name}.${regimeId(plain)}`),
        least: value(`saved.${name}.${regimeId(lean)}`),
        work: value(`work.${name}`),
        dry: value(`dry-run.${policyId(policyOf[name])}.3`),
        driver: notTested,
      })),
    ],
  });
  const parts: [keyof SavedBytes, string][] = [
    ['norms', 'Inputs of norms'],
    ['inputs', 'Inputs of trained layers'],
    ['qkv', 'Queries, keys, values'],
    ['maps', 'Attention maps'],
    ['gelu', 'Input of GELU'],
    ['total', 'Sum'],
  ];
  found.table('parts', 'What one view keeps, by what keeps it', 'derived', {
    columns: [
      { key: 'regime', title: 'Precision, attention, what is trained', align: 'left' },
      ...parts.map(([key, title]) => ({ key, title, unit: 'GB', digits: 2 })),
    ],
    rows: regimes.map((regime) => {
      const saved = savedActivations(shape, regime);
      return {
        regime: regimeTitle(regime),
        ...Object.fromEntries(parts.map(([key]) => [key, gb(saved[key])])),
      };
    }),
  });
}

const limits = named.map((card) => ({
  label: cards[card].name.replace(/ \(.*/, ''),
  id: `activation-stacking.card.${card}`,
}));

/** Figure 2: published bars, derived ones, dry runs of our own step, and a place for the reading to come. */
function figureData(): object {
  const id = (rest: string): string => `activation-stacking.${rest}`;
  const titles = new Map(regimes.map((r) => [regimeId(r), regimeTitle(r)]));
  return {
    rows: [
      {
        label: 'the text of the study',
        reading: 'paper',
        one: 'paper.vram-one-view',
        three: 'paper.vram-three-views',
      },
      ...drawn.map((regime) => ({
        label: titles.get(regime)!,
        reading: 'derived',
        one: id(`saved.${regime}.one`),
        three: id(`saved.${regime}.three`),
      })),
      ...remedyNames.map((name) => ({
        label: `${remedies[name].title}, float32, maps kept`,
        reading: 'derived',
        one: null,
        three: id(`saved.${name}.${regimeId(plain)}`),
      })),
      ...(['lean', 'per-plane+lean', 'per-plane+recompute+lean+chunked'] as const).map((policy) => ({
        label: `ours, ${shownPolicies[policy]}`,
        reading: 'dry-run',
        one: id(`dry-run.${policyId(policy)}.1`),
        three: id(`dry-run.${policyId(policy)}.3`),
      })),
      { label: 'as the driver reports', reading: 'measured', one: null, three: null },
    ],
    limits,
  };
}
