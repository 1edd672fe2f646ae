// Where could "about 6 GB for one view, about 18 GB for three" come from? Every way of training that the text leaves open, by what
// PyTorch keeps for the backward pass and by its peak, and which of them give both numbers.
import { derivedNeed } from '../profilers/derived/need';
import type { Setting, Trained } from '../profilers/vram/setting';
import { settingAttentions, settingPrecisions } from '../profilers/vram/setting';
import { tape } from '../memory/policy';
import type { Findings } from './findings';

/** The published numbers, and how near is near. */
const published = { one: 6, three: 18, within: 0.15 };
const GB = 1e9;

const trainings: [words: string, trained: Trained][] = [
  ['adapters in all blocks', { kind: 'lora', rank: 4, first: 0 }],
  ['adapters in the last 8 blocks', { kind: 'lora', rank: 4, first: 24 }],
  ['adapters in the last 4 blocks', { kind: 'lora', rank: 4, first: 28 }],
  ['the decoder alone', { kind: 'decoder' }],
  ['all weights', { kind: 'all' }],
];
const models = [
  { model: 'sam-vit-h', sizes: [512, 768, 1024] },
  { model: 'sam3', sizes: [1008] },
] as const;
const precisionWords = { fp32: 'float32', amp: 'mixed precision', bf16: '16 bits' } as const;
const attentionWords = {
  materialised: 'maps kept',
  'sdpa-dense-bias': 'dense bias kept',
  fused: 'fused attention',
} as const;
const readings = ['saved', 'peak'] as const;

interface Origin {
  model: string;
  size: number;
  precision: string;
  attention: string;
  trained: string;
  saved: { one: number; three: number };
  peak: { one: number; three: number };
}

/** Every reading of every way. */
export function origins(): Origin[] {
  const found: Origin[] = [];
  for (const { model, sizes } of models)
    for (const size of sizes)
      for (const precision of settingPrecisions)
        // SAM 3's trunk has no positions to add: its attention is fused.
        for (const attention of model === 'sam3' ? (['fused'] as const) : settingAttentions)
          for (const [words, trained] of trainings) {
            if (model === 'sam3' && trained.kind === 'decoder') continue;
            const need = (views: 1 | 3): { saved: number; peak: number } => {
              const shared = { model, size, views, batch: 1, precision, trained, attention } as const;
              const setting: Setting = { ...shared, optimiser: 'adam', policy: tape };
              const { savedBytes, peakBytes } = derivedNeed(setting);
              return { saved: savedBytes! / GB, peak: peakBytes / GB };
            };
            const [one, three] = [need(1), need(3)];
            found.push({
              model: model === 'sam3' ? 'SAM 3 trunk' : 'SAM ViT-H',
              size,
              precision: precisionWords[precision],
              attention: attentionWords[attention],
              trained: words,
              saved: { one: one.saved, three: three.saved },
              peak: { one: one.peak, three: three.peak },
            });
          }
  return found;
}

const near = (value: number, target: number): boolean => Math.abs(value / target - 1) <= published.within;

/** Ways that the text names, by id: whole steps, decoder and losses with them. */
const named = {
  'sam.fp32.materialised': ['SAM ViT-H', 'float32', 'maps kept', 'adapters in all blocks'],
  'sam.amp.fused': ['SAM ViT-H', 'mixed precision', 'fused attention', 'adapters in all blocks'],
  'sam.amp.fused-all': ['SAM ViT-H', 'mixed precision', 'fused attention', 'all weights'],
  'sam3.fp32.fused': ['SAM 3 trunk', 'float32', 'fused attention', 'adapters in all blocks'],
  'sam3.amp.fused': ['SAM 3 trunk', 'mixed precision', 'fused attention', 'adapters in all blocks'],
} as const;

function findNamed(found: Findings, all: readonly Origin[], source: string): void {
  for (const [id, [model, precision, attention, trained]] of Object.entries(named)) {
    const way = all.find(
      (each) =>
        each.model === model &&
        each.size >= 1008 &&
        each.precision === precision &&
        each.attention === attention &&
        each.trained === trained,
    )!;
    const words = `${model} at ${way.size} px, ${precision}, ${attention}, ${trained}`;
    for (const [views, title] of [
      ['one', 'one view'],
      ['three', 'three views'],
    ] as const) {
      found.derived(`whole.${id}.${views}`, `Kept for the backward pass of a whole step, ${title} (${words})`, 'GB', way.saved[views], source); // prettier-ignore
      found.derived(`whole-peak.${id}.${views}`, `Peak of a whole step, ${title} (${words})`, 'GB', way.peak[views], source); // prettier-ignore
    }
  }
}

/** The ways that give both published numbers, as findings and a table. */
export function findOrigins(found: Findings): void {
  const all = origins();
  const source =
    'PyTorch’s step derived from shapes (src/profilers/derived): models x sizes x precisions x attention kernels x what is trained';
  const rows = readings.flatMap((reading) =>
    all
      .filter((way) => near(way[reading].one, published.one) && near(way[reading].three, published.three))
      .map(({ model, size, precision, attention, trained, ...read }) => ({
        model,
        size,
        precision,
        attention,
        trained,
        reading: reading === 'saved' ? 'kept for backward' : 'peak',
        ...read[reading],
      })),
  );
  findNamed(found, all, source);
  found.derived(
    'origins.tried',
    'Ways of training that were tried for the origin of 6 and 18 GB',
    'ways',
    all.length,
    source,
  );
  found.derived(
    'origins.hold',
    'Readings of them within 15 % of both 6 and 18 GB',
    'readings',
    rows.length,
    source,
  );
  found.derived(
    'origins.method',
    'Of these, adapters in all blocks of SAM ViT-H at 1024 px in float32 with maps kept, as its code has them',
    'readings',
    rows.filter(
      ({ model, size, precision, attention, trained }) =>
        model === 'SAM ViT-H' && size === 1024 && precision === 'float32' && attention === 'maps kept' && trained === 'adapters in all blocks', // prettier-ignore
    ).length,
    source,
  );
  found.table('origins', 'Ways of training that give both 6 GB for one view and 18 GB for three', 'derived', {
    columns: [
      { key: 'model', title: 'Model', align: 'left' },
      { key: 'size', title: 'Pixels', digits: 0 },
      { key: 'precision', title: 'Precision', align: 'left' },
      { key: 'attention', title: 'Attention', align: 'left' },
      { key: 'trained', title: 'Trained', align: 'left' },
      { key: 'reading', title: 'Reading', align: 'left' },
      { key: 'one', title: 'One view', unit: 'GB', digits: 2 },
      { key: 'three', title: 'Three views', unit: 'GB', digits: 2 },
    ],
    rows,
  });
}
