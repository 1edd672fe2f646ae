// Each bottleneck with its cheapest fix, on paper: what it saves, what it costs, and whether the result is the same.
import { regimeId, regimes, savedActivations } from '../profilers/activations';
import { encoderShapes, tokensOf } from '../profilers/encoders';
import { encoderFlops } from '../profilers/flops';
import { encoderParameters } from '../profilers/parameters';
import { encoderFlopsAt, nativeSize } from '../profilers/pixels';
import { uNetCounts, uNetShapes } from '../profilers/unet-counts';
import { nnUNetDefaults, slidingPatches } from '../profilers/unet-inference';
import { formatQuantity } from '../results/format';
import { Findings } from './findings';
import type { Weights } from './replay';
import { gradientAtOnce, gradientByView, smallProblem } from './replay';
import type { StudyDefinition } from './study';

const sam = encoderShapes['sam-vit-h'];
/** Of SAM's own code with adapters: float32, attention maps kept. */
const plain = regimes[0];
const fused = { ...plain, attention: 'fused' } as const;
/** The study's grid. */
const grid = [240, 240, 155] as const;
const slices = { axial: grid[2], all: grid[0] + grid[1] + grid[2] };
const notTested = 'not tested yet';
const gb = (bytes: number): number => bytes / 1e9;

interface Spec {
  /** Small networks on which two gradients are compared. */
  networks: number;
  seed: number;
}

export const remedies: StudyDefinition<Spec> = {
  id: 'remedies',
  title: 'Each bottleneck with its cheapest fix',
  module: 'experiments/remedies',
  name: 'remedies',
  needs: [],
  specs: {
    tiny: { networks: 2, seed: 1 },
    quick: { networks: 100, seed: 1 },
    full: { networks: 100, seed: 1 },
  },
  cost: { quick: { seconds: 1, memoryGiB: 0.2 }, full: { seconds: 1, memoryGiB: 0.2 } },
  run(spec) {
    const found = new Findings('remedies', spec.seed);
    findReplay(found, spec);
    findAttention(found);
    findEncoders(found);
    findInput(found);
    findCache(found);
    findInference(found);
    tabulate(found);
    found.figure(
      'figure',
      'Three views with less memory, and what it costs',
      'remedy-ladder',
      {
        ways: [
          { id: 'at-once', title: 'all views at once' },
          { id: 'recompute', title: 'blocks recomputed' },
          { id: 'per-view', title: 'one view at a time' },
          { id: 'both', title: 'one view, recomputed' },
        ],
        regimes: (
          [
            ['fp32-naive-adapters', 'float32, maps kept'],
            ['amp-naive-adapters', 'mixed, maps kept'],
            ['half-fused-adapters', '16 bits, fused'],
          ] as const
        ).map(([id, title]) => ({ id, title })),
        cards: [
          { id: 't4', title: 'T4' },
          { id: 'a100-40', title: 'A100' },
        ],
      },
      'derived',
    );
    return Promise.resolve({ findings: found.all, inputs: [], notes: [], seed: spec.seed });
  },
};

/** The same gradient view by view, on networks that are differentiated by hand. */
function findReplay(found: Findings, { networks, seed }: Spec): void {
  const runs = Array.from({ length: networks }, (_, i) => {
    const { weights, views } = smallProblem(seed + i);
    return { atOnce: gradientAtOnce(weights, views), byView: gradientByView(weights, views) };
  });
  const most = (values: number[]): number => Math.max(...values);
  const source = `Eq. 2 on ${networks} small networks, differentiated by hand`;
  found.derived(
    'replay.held',
    'Views whose activations an exact gradient of Eq. 2 holds at once, view by view',
    'views',
    most(runs.map((r) => r.byView.held)),
    source,
  );
  found.derived(
    'replay.held-at-once',
    'Views whose activations the gradient of Eq. 2 holds at once, as the study describes it',
    'views',
    most(runs.map((r) => r.atOnce.held)),
    source,
  );
  found.derived(
    'replay.difference',
    'Largest difference between the two gradients, over the largest entry',
    '1',
    most(runs.map(({ atOnce, byView }) => relativeDifference(atOnce.gradient, byView.gradient))),
    source,
  );
  const { forward, adapterStep } = encoderFlops('sam-vit-h');
  found.derived(
    'replay.work.adapters',
    'Arithmetic of a step view by view over that of a plain one, frozen weights with adapters',
    '1',
    (adapterStep + forward) / adapterStep,
    '(step + forward) / step, FLOPs of SAM ViT-H',
  );
  const { fullStep } = encoderFlops('sam-vit-h');
  found.derived(
    'replay.work.all',
    'Arithmetic of a step view by view over that of a plain one, all weights trained',
    '1',
    (fullStep + forward) / fullStep,
    '(step + forward) / step, FLOPs of SAM ViT-H',
  );
}

function relativeDifference(a: Weights, b: Weights): number {
  const [x, y] = [a, b].map((w) => [...w.first, ...w.second]);
  const scale = Math.max(...x.map(Math.abs));
  return Math.max(...x.map((value, i) => Math.abs(value - y[i]))) / scale;
}

function findAttention(found: Findings): void {
  const [kept, without] = [plain, fused].map((regime) => savedActivations(sam, regime).total);
  found.derived(
    'fused.share',
    'Share of one view’s saved activations that fused attention saves (float32, adapters)',
    '1',
    1 - without / kept,
    `1 - ${regimeId(fused)} / ${regimeId(plain)}`,
  );
}

const smaller = ['sam-vit-b', 'sam-vit-l'] as const;

function findEncoders(found: Findings): void {
  const whole = encoderFlops('sam-vit-h').adapterStep;
  for (const name of ['sam-vit-b', 'sam-vit-l', 'sam-vit-h'] as const) {
    const shape = encoderShapes[name];
    found.derived(
      `encoder.parameters.${name}`,
      `Parameters of the image encoder, ${shape.title}`,
      'M',
      encoderParameters(shape).total / 1e6,
      'sum over layers',
    );
    found.derived(
      `encoder.work.${name}`,
      `Arithmetic of a step with adapters over that with ViT-H, ${shape.title}`,
      '1',
      encoderFlops(name).adapterStep / whole,
      'FLOPs of a step / FLOPs of a step of ViT-H',
    );
    found.derived(
      `encoder.saved.${name}`,
      `Saved activations of three views, ${shape.title} (float32, attention maps kept, adapters)`,
      'GB',
      gb(3 * savedActivations(shape, plain).total),
      '3 x one view, closed form of the shape',
    );
  }
}

function findInput(found: Findings): void {
  const native = nativeSize('sam-vit-h', grid[0], grid[2]);
  found.derived(
    'input.work',
    'Forward arithmetic of ViT-H at the smallest input that holds a slice, over that at its own input',
    '1',
    encoderFlopsAt('sam-vit-h', native) / encoderFlopsAt('sam-vit-h', sam.input),
    `FLOPs at ${native} pixels / FLOPs at ${sam.input}`,
  );
  // The longest side fills the input; rows below the picture are padding.
  const rows = Math.ceil((sam.input * grid[2]) / grid[0] / sam.patch);
  const { side, all } = tokensOf(sam);
  found.derived(
    'padding.tokens',
    'Share of tokens that lie wholly in the padding of a coronal slice',
    '1',
    (side * (side - rows)) / all,
    'rows of tokens below the picture / all rows',
  );
}

/** Embeddings of a frozen encoder, stored once. */
function findCache(found: Findings): void {
  const { side } = tokensOf(sam);
  const slice = 2 * sam.neck * side ** 2;
  found.derived(
    'cached.slice',
    'Bytes of the embedding of one slice, in 16 bits',
    'MB',
    slice / 1e6,
    '256 channels x 64 x 64 x 2 bytes',
  );
  for (const [id, count, words] of [
    ['axial', slices.axial, 'all axial slices'],
    ['all', slices.all, 'all slices in three directions'],
  ] as const) {
    found.derived(
      `cached.volume.${id}`,
      `Bytes of the embeddings of a volume of ${grid.join(' x ')} voxels, ${words}`,
      'GB',
      gb(slice * count),
      'bytes of a slice x slices',
    );
    found.derived(
      `cached.flops.${id}`,
      `Arithmetic that computing them once takes, ${words}`,
      'PFLOP',
      (encoderFlops('sam-vit-h').forward * count) / 1e15,
      'forward FLOPs of ViT-H x slices',
    );
  }
  found.derived(
    'cached.flops-per-byte',
    'Arithmetic that a stored byte of an embedding saves each time it is read',
    'MFLOP/B',
    encoderFlops('sam-vit-h').forward / slice / 1e6,
    'forward FLOPs of a slice / bytes of its embedding',
  );
}

/** A whole volume through either network. */
function findInference(found: Findings): void {
  const unet = uNetShapes['nnunet-brats'];
  // BraTS cropped to the head, as nnU-Net does: its median in the plan.
  const patches = slidingPatches([138, 169, 138], unet.patch);
  const volume = patches * uNetCounts(unet).macs.total;
  const byPatches = 'patches at half overlap of a volume of 138 x 169 x 138 voxels x MAC of a patch';
  found.derived(
    'inference.unet',
    'Multiply-adds of a volume by patches through nnU-Net’s 3-D network',
    'TMAC',
    volume / 1e12,
    byPatches,
  );
  const forward = encoderFlops('sam-vit-h').forward / 2;
  for (const [id, count, words] of [
    ['axial', slices.axial, 'axial slices'],
    ['all', slices.all, 'slices in three directions'],
  ] as const)
    found.derived(
      `inference.sam.${id}`,
      `Multiply-adds of a volume by ${words} through SAM ViT-H`,
      'TMAC',
      (forward * count) / 1e12,
      'MAC of a slice x slices',
    );
  const ratio = (forward * slices.axial) / volume;
  found.derived(
    'inference.ratio',
    'Multiply-adds of axial slices through SAM ViT-H over those of nnU-Net',
    '1',
    ratio,
    'ratio of the two',
  );
  found.derived(
    'inference.ratio-mirrored',
    'Multiply-adds of axial slices through SAM ViT-H over those of nnU-Net with all mirror images',
    '1',
    ratio / nnUNetDefaults.mirrored,
    'ratio / 8',
  );
}

/** One row a remedy: what it saves, what it costs, whether the result is the same, of what kind the numbers are. */
function tabulate(found: Findings): void {
  const text = (id: string): string => {
    const { value, unit } = found.all.find((f) => f.id === `remedies.${id}`)!;
    return formatQuantity(value!, unit);
  };
  const percent = (share: number): string => formatQuantity(100 * share, '%', { digits: 0 });
  const more = (factor: number): string => `${percent(factor - 1)} more arithmetic`;
  const three = gb(3 * savedActivations(sam, plain).total);
  const copies = 2 * grid[0] * grid[1] * grid[2] * 4;
  const rows: [
    bottleneck: string,
    remedy: string,
    saves: string,
    costs: string,
    exact: string,
    kind: string,
    where: string,
  ][] = [
    [
      'Memory',
      'one view at a time',
      `two thirds of ${formatQuantity(three, 'GB', { digits: 1 })}`,
      `${more(found.value('replay.work.adapters'))} (adapters), ${percent(found.value('replay.work.all') - 1)} (all weights)`,
      'yes',
      'measured',
      'notebook 04, really run',
    ],
    [
      'Memory',
      'blocks recomputed',
      'all but the blocks’ inputs',
      more(found.value('replay.work.adapters')),
      'yes',
      'measured',
      'notebook 04, really run',
    ],
    [
      'Memory',
      'fused attention',
      `${percent(found.value('fused.share'))} of a view`,
      'recomputes maps; SAM’s position term needs a kernel of its own',
      'to rounding',
      'derived',
      notTested,
    ],
    ...smaller.map((name): (typeof rows)[number] => [
      'Memory',
      encoderShapes[name].title,
      `${percent(1 - found.value(`encoder.work.${name}`))} of arithmetic, ${text(`encoder.saved.${name}`)} for three views`,
      'another model; accuracy unknown',
      'no',
      'derived',
      notTested,
    ]),
    [
      'Resizing',
      'padding instead of stretching',
      'the change of aspect',
      `${percent(found.value('padding.tokens'))} of tokens see padding only`,
      'as SAM was trained',
      'derived',
      notTested,
    ],
    [
      'Resizing',
      'an input as small as the slice',
      `${percent(1 - found.value('input.work'))} of arithmetic`,
      'positions must be resized; accuracy unknown',
      'no',
      'derived',
      notTested,
    ],
    [
      'Resizing',
      'features computed once',
      text('cached.flops.all') + ' a volume and epoch',
      `${text('cached.volume.all')} a volume; no adapters in the encoder, no augmentation`,
      'for a frozen encoder',
      'derived',
      notTested,
    ],
    [
      'Striding',
      'a copy of the volume for each plane',
      'strided reads',
      formatQuantity(copies / 1e6, 'MB', { digits: 0 }) + ' a volume',
      'yes',
      'measured',
      'notebook 06',
    ],
    ['Striding', 'reading ahead', 'waiting', 'a thread and a buffer', 'yes', 'measured', 'bench of prefetch'],
    [
      'Striding',
      'the volume kept open',
      'decompression',
      'the volume in memory',
      'yes',
      'measured',
      'notebook 06',
    ],
  ];
  found.table('table', 'Remedies', 'derived', {
    columns: [
      { key: 'bottleneck', title: 'Bottleneck', align: 'left' },
      { key: 'remedy', title: 'Remedy', align: 'left' },
      { key: 'saves', title: 'Saves', align: 'left' },
      { key: 'costs', title: 'Costs', align: 'left' },
      { key: 'exact', title: 'Same result', align: 'left' },
      { key: 'kind', title: 'Numbers are', align: 'left' },
      { key: 'where', title: 'Measured in', align: 'left' },
    ],
    rows: rows.map(([bottleneck, remedy, saves, costs, exact, kind, where]) => ({
      bottleneck,
      remedy,
      saves,
      costs,
      exact,
      kind,
      where,
    })),
  });
}
