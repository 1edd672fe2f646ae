// Table 1 on paper: what of its cells follows from shapes, plans and published code (section 5 and Table 1).
//
// The unit of work is the FLOP (2 MAC). A volume is BraTS's, cropped to the head for nnU-Net as its plan does. Times,
// accuracies and the language model's own work need a run and have no number here.
import { encoderFlops } from '../profilers/flops';
import { encoderShapes } from '../profilers/encoders';
import { samParameters } from '../profilers/parameters';
import { uNetCounts, uNetShapes } from '../profilers/unet-counts';
import { nnUNetDefaults, slidingPatches, widestWithin } from '../profilers/unet-inference';
import type { Triple } from '../volume/volume';
import { Findings } from './findings';
import type { StudyDefinition } from './study';

const uNet = uNetShapes['nnunet-brats'];
/** Voxels of a BraTS volume, and its median size once cropped to what is not background. */
const volume: Triple = [240, 240, 155];
const cropped: Triple = [138, 169, 138];
/** SAM 3 by its published size; Table 1 by its text. */
const sam3 = { parameters: 848e6, source: 'facebookresearch/sam3 at 99d02f2, README' };
const published = { unet: 3e6, agent: 850e6, crossPlane: 650e6, source: 'The cost of consistency, Table 1' };
const notTested = 'not tested yet';
const million = (n: number): number => n / 1e6;
const tera = (n: number): number => n / 1e12;

export const tableOne: StudyDefinition<Record<string, never>> = {
  id: 'table-one',
  title: 'Table 1: sizes and work of the three approaches, on paper',
  module: 'experiments/table-one',
  name: 'tableOne',
  needs: [],
  specs: { tiny: {}, quick: {}, full: {} },
  cost: { quick: { seconds: 1, memoryGiB: 0.2 }, full: { seconds: 1, memoryGiB: 0.2 } },
  run() {
    const found = new Findings('table-one', 1);
    findSizes(found);
    findVolume(found);
    findAgent(found);
    findRatios(found);
    tabulate(found);
    return Promise.resolve({ findings: found.all, inputs: [], notes: [], seed: null });
  },
};

function findSizes(found: Findings): void {
  const layers = 'sum over the layers of the planned network (src/profilers/unet-counts.ts)';
  const { parameters, macs } = uNetCounts(uNet);
  const narrow = widestWithin(uNet, published.unet);
  found.derived(
    'parameters.unet',
    'Parameters of the network that nnU-Net plans for BraTS',
    'M parameters',
    million(parameters.total),
    layers,
  );
  found.derived(
    'narrow.width',
    'Channels of the first stage of the widest such network with at most 3 M parameters',
    'channels',
    narrow.features[0],
    'largest width for which the sum over the layers stays within the published number',
  );
  found.derived(
    'narrow.parameters',
    'Parameters of that narrow network',
    'M parameters',
    million(uNetCounts(narrow).parameters.total),
    layers,
  );
  found.derived(
    'width.unet',
    'Channels of its first stage as planned',
    'channels',
    uNet.features[0],
    uNet.source,
  );
  found.derived(
    'parameters.sam-vit-h',
    'Parameters of SAM ViT-H',
    'M parameters',
    million(samParameters(encoderShapes['sam-vit-h'])),
    'sum over the layers of the published code (src/profilers/parameters.ts)',
  );
  found.derived(
    'flops.patch',
    'FLOPs of one patch, forward',
    'TFLOP',
    tera(2 * macs.total),
    '2 x MAC of its convolutions',
  );
}

/** Passes and FLOPs for one volume. */
function findVolume(found: Findings): void {
  const { mirrored, epochs, iterations, batch, source } = nnUNetDefaults;
  const patches = slidingPatches(cropped, uNet.patch);
  const how = 'sliding patches at half overlap over 138 x 169 x 138 voxels';
  const patch = found.value('flops.patch');
  const ofSam = tera(encoderFlops('sam-vit-h').forward);
  const axial = volume[2];
  const all = volume.reduce((a, b) => a + b);
  found.derived('patches.cropped', 'Patches of a cropped BraTS volume', 'patches', patches, how);
  found.derived(
    'patches.whole',
    'Patches of a BraTS volume that is not cropped',
    'patches',
    slidingPatches(volume, uNet.patch),
    'the same over 240 x 240 x 155 voxels',
  );
  found.derived(
    'passes.unet',
    "Passes of the network for one volume in nnU-Net's default inference",
    'passes',
    patches * mirrored,
    `patches x 8 mirrorings (${source})`,
  );
  const amounts: [string, string, number, string][] = [
    [
      'unet-mirrored',
      "nnU-Net's default inference",
      patch * patches * mirrored,
      'patches x 8 mirrorings x FLOPs of a patch',
    ],
    ['unet-plain', 'nnU-Net without mirroring', patch * patches, 'patches x FLOPs of a patch'],
    [
      'sam-axial',
      'the encoder of SAM ViT-H on every axial slice',
      ofSam * axial,
      '155 slices x FLOPs of the encoder',
    ],
    [
      'sam-three',
      'the encoder of SAM ViT-H on every slice of three planes',
      ofSam * all,
      '635 slices x FLOPs of the encoder',
    ],
    [
      'sam3-axial',
      'the trunk of SAM 3 on every axial slice',
      tera(encoderFlops('sam3').forward) * axial,
      '155 slices x FLOPs of the trunk',
    ],
  ];
  for (const [id, words, value, formula] of amounts)
    found.derived(`flops.${id}`, `FLOPs of ${words}, one volume`, 'TFLOP', value, formula);
  found.derived(
    'flops.training',
    "FLOPs of nnU-Net's default training",
    'TFLOP',
    3 * patch * batch * iterations * epochs,
    `3 x FLOPs of a patch x batch of 2 x 250 iterations x 1000 epochs (${source})`,
  );
  found.derived(
    'training-over-thousand',
    "nnU-Net's default training over its inference on a thousand volumes",
    '1',
    found.value('flops.training') / (1000 * found.value('flops.unet-mirrored')),
    'FLOPs of training / (1000 x FLOPs of a volume)',
  );
}

/** The agent's loop, as its published code has it. */
function findAgent(found: Findings): void {
  const source = 'facebookresearch/sam3, sam3/agent/agent_core.py';
  found.derived(
    'agent.segmenter-passes',
    'Passes of the segmenter for one volume by the agent, slice by slice, at least',
    'passes',
    volume[2],
    `155 slices x one call (${source})`,
  );
  found.derived(
    'agent.calls-for-a-mask',
    'Calls for one image in which a mask is found: of the language model and of the segmenter, at least',
    'calls',
    2 + 1,
    `the model asks for a phrase, the segmenter answers, the model selects (${source})`,
  );
}

/** Foundation model over 3-D network, in what follows from shapes. */
function findRatios(found: Findings): void {
  const value = (id: string): number => found.value(id);
  const ratios: [string, string, number, string][] = [
    [
      'parameters',
      'Parameters of SAM ViT-H over those of the planned U-Net',
      value('parameters.sam-vit-h') / value('parameters.unet'),
      'counts of the layers',
    ],
    [
      'parameters-sam3',
      'Parameters of SAM 3 over those of the planned U-Net',
      million(sam3.parameters) / value('parameters.unet'),
      `${sam3.source} / count of the layers`,
    ],
    [
      'published-parameters',
      'Parameters of the agent without language model over those of the U-Net, as published',
      published.agent / published.unet,
      `850 M / 3 M, ${published.source}`,
    ],
    [
      'axial-over-default',
      "FLOPs of SAM ViT-H on axial slices over nnU-Net's default inference",
      value('flops.sam-axial') / value('flops.unet-mirrored'),
      'FLOPs of one volume',
    ],
    [
      'three-over-default',
      "FLOPs of SAM ViT-H on three planes over nnU-Net's default inference",
      value('flops.sam-three') / value('flops.unet-mirrored'),
      'FLOPs of one volume',
    ],
    [
      'axial-over-plain',
      'FLOPs of SAM ViT-H on axial slices over nnU-Net without mirroring',
      value('flops.sam-axial') / value('flops.unet-plain'),
      'FLOPs of one volume',
    ],
    [
      'three-over-plain',
      'FLOPs of SAM ViT-H on three planes over nnU-Net without mirroring',
      value('flops.sam-three') / value('flops.unet-plain'),
      'FLOPs of one volume',
    ],
  ];
  for (const [id, title, ratio, formula] of ratios) found.derived(`ratio.${id}`, title, '1', ratio, formula);
  found.derived(
    'ratio.largest-default',
    'Largest ratio of the foundation model to the 3-D network with right counts and default inference, language model left out',
    '1',
    Math.max(
      ...['parameters', 'parameters-sam3', 'axial-over-default', 'three-over-default'].map((id) =>
        value(`ratio.${id}`),
      ),
    ),
    'maximum of the ratios of parameters and of FLOPs with mirroring',
  );
}

function tabulate(found: Findings): void {
  const value = (id: string): number => found.value(id);
  found.table('work', 'What one BraTS volume costs, by shapes', 'derived', {
    columns: [
      { key: 'way', title: 'Way', align: 'left' },
      { key: 'passes', title: 'Passes of the network', digits: 0 },
      { key: 'flops', title: 'FLOPs', unit: 'TFLOP', digits: 1 },
      { key: 'ratio', title: "Over nnU-Net's default", digits: 2 },
      { key: 'time', title: 'Time, measured', align: 'left' },
    ],
    rows: (
      [
        ['nnU-Net, default (mirrored)', value('passes.unet'), 'unet-mirrored'],
        ['nnU-Net, not mirrored', value('patches.cropped'), 'unet-plain'],
        ['SAM ViT-H, axial slices', volume[2], 'sam-axial'],
        ['SAM ViT-H, three planes', volume.reduce((a, b) => a + b), 'sam-three'],
        ['SAM 3 trunk, axial slices (one call each, no language model)', volume[2], 'sam3-axial'],
      ] as const
    ).map(([way, passes, id]) => ({
      way,
      passes,
      flops: value(`flops.${id}`),
      ratio: value(`flops.${id}`) / value('flops.unet-mirrored'),
      time: notTested,
    })),
  });
  found.table('sizes', 'Model sizes of Table 1 beside what they can be', 'derived', {
    columns: [
      { key: 'model', title: 'Column of Table 1', align: 'left' },
      { key: 'published', title: 'Published', unit: 'M', digits: 0 },
      { key: 'what', title: 'Counted', align: 'left' },
      { key: 'derived', title: 'Derived', unit: 'M', digits: 2 },
      { key: 'ratio', title: 'Derived over published', digits: 3 },
    ],
    rows: (
      [
        ['MedSAM-3 agent', published.agent, 'SAM 3, as published by its makers', sam3.parameters],
        ['Traditional 3-D', published.unet, uNet.title, 1e6 * value('parameters.unet')],
        [
          'Traditional 3-D',
          published.unet,
          `the same with ${value('narrow.width')} channels at first`,
          1e6 * value('narrow.parameters'),
        ],
        ['Cross-plane', published.crossPlane, 'SAM ViT-H', 1e6 * value('parameters.sam-vit-h')],
        ['Cross-plane', published.crossPlane, 'SAM 3, which the text names', sam3.parameters],
      ] as const
    ).map(([model, said, what, counted]) => ({
      model,
      published: million(said),
      what,
      derived: million(counted),
      ratio: counted / said,
    })),
  });
}
