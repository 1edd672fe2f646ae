// The tri-siamese network on paper: parameters by part, one network for three inputs, adapters by rank (section 3.2).
import type { EncoderName } from '../profilers/encoders';
import { encoderShapes } from '../profilers/encoders';
import type { LoraTarget } from '../profilers/parameters';
import { decoderParameters, encoderParameters, loraParameters, samParameters } from '../profilers/parameters';
import { findCountedTwice } from './counted-twice';
import { Findings } from './findings';
import type { StudyDefinition } from './study';

const sams = ['sam-vit-b', 'sam-vit-l', 'sam-vit-h'] as const satisfies readonly EncoderName[];
const streams = 3;
/** SAM 3 is published by its size; only its trunk is derived here, for its other parts' shapes are not all at hand. */
const sam3 = { parameters: 848e6, source: 'facebookresearch/sam3 at 99d02f2, README' };
const million = (n: number): number => n / 1e6;
const gb = (bytes: number): number => bytes / 1e9;

/** What adapters may stand beside. The study names none; SAMed takes q and v, MedSAM-3 nearly every linear layer. */
const targets: Record<string, { title: string; of: LoraTarget[] }> = {
  qv: { title: 'q and v', of: ['q', 'v'] },
  attention: { title: 'q, k, v and the projection', of: ['q', 'k', 'v', 'proj'] },
  linear: { title: 'these and both layers of the MLP', of: ['q', 'k', 'v', 'proj', 'lin1', 'lin2'] },
};
const ranks = [1, 4, 8, 16, 64];

export const triSiamese: StudyDefinition<Record<string, never>> = {
  id: 'tri-siamese',
  title: 'The tri-siamese network: what its parts weigh',
  module: 'experiments/tri-siamese',
  name: 'triSiamese',
  needs: [],
  specs: { tiny: {}, quick: {}, full: {} },
  cost: { quick: { seconds: 2, memoryGiB: 0.3 }, full: { seconds: 2, memoryGiB: 0.3 } },
  async run() {
    const { modelParts } = await import('./model-parts.js');
    const found = new Findings('tri-siamese', 1);
    findModels(found);
    findCountedTwice(found, modelParts);
    findStreams(found);
    findAdapters(found);
    tabulate(found);
    return { findings: found.all, inputs: [], notes: [], seed: null };
  },
};

/** Parameters of each model, and bytes of its weights. */
function findModels(found: Findings): void {
  const layers = 'sum over the layers of the published code (src/profilers/parameters.ts)';
  for (const name of sams) {
    const shape = encoderShapes[name];
    const total = samParameters(shape);
    found.derived(
      `parameters.${name}`,
      `Parameters of ${shape.title}`,
      'M parameters',
      million(total),
      layers,
    );
    weights(found, name, shape.title, total);
  }
  const trunk = encoderShapes.sam3;
  found.derived(
    'parameters.sam3-trunk',
    'Parameters of the vision trunk of SAM 3',
    'M parameters',
    million(encoderParameters(trunk).total),
    `sum over the layers of the published configuration: ${trunk.source}`,
  );
  found.add({
    id: 'parameters.sam3',
    title: 'Parameters of SAM 3',
    kind: 'paper',
    unit: 'M parameters',
    value: million(sam3.parameters),
    uncertainty: null,
    source: sam3.source,
  });
  weights(found, 'sam3', 'SAM 3', sam3.parameters);
}

function weights(found: Findings, id: string, title: string, parameters: number): void {
  for (const [format, bytes, words] of [
    ['fp32', 4, 'float32'],
    ['half', 2, 'half precision'],
  ] as const)
    found.derived(
      `weights.${id}.${format}`,
      `Weights of ${title} in ${words}`,
      'GB',
      gb(bytes * parameters),
      `${bytes} bytes x parameters`,
    );
}

/** Eq. 1: one set of weights for three inputs. */
function findStreams(found: Findings): void {
  const once = samParameters(encoderShapes['sam-vit-h']);
  found.derived(
    'streams.shared',
    'Parameters of three streams that share their weights, SAM ViT-H',
    'M parameters',
    million(once),
    'Eq. 1: one f for three inputs',
  );
  found.derived(
    'streams.own',
    'Parameters of three streams with weights of their own, SAM ViT-H',
    'M parameters',
    million(streams * once),
    '3 x parameters',
  );
}

/** Parameters of adapters, and their share of the model. */
function findAdapters(found: Findings): void {
  for (const name of sams) {
    const shape = encoderShapes[name];
    for (const [target, { title, of }] of Object.entries(targets))
      for (const rank of ranks) {
        const adapters = loraParameters(shape, rank, of);
        const words = `rank ${rank} on ${title} of every block, ${shape.title}`;
        found.derived(
          `lora.${name}.${target}.${rank}`,
          `Parameters of adapters of ${words}`,
          '1',
          adapters,
          'blocks x rank x sum of (channels in + channels out) over the adapted layers',
        );
        found.derived(
          `lora-share.${name}.${target}.${rank}`,
          `Share of the whole model in adapters of ${words}`,
          '1',
          adapters / (samParameters(shape) + adapters),
          'adapters / (model + adapters)',
        );
      }
    const decoder = decoderParameters().total;
    const adapters = loraParameters(shape, 4, ['q', 'v']);
    found.derived(
      `trained-share.${name}`,
      `Share of the whole model that is trained with adapters of rank 4 on q and v and the whole decoder, ${shape.title}`,
      '1',
      (adapters + decoder) / (samParameters(shape) + adapters),
      '(adapters + mask decoder) / (model + adapters)',
    );
  }
}

function tabulate(found: Findings): void {
  found.table('adapters', 'Adapters in SAM ViT-H, by rank and by the layers they stand beside', 'derived', {
    columns: [
      { key: 'rank', title: 'Rank', digits: 0 },
      ...Object.entries(targets).flatMap(([key, { title }]) => [
        { key, title: `On ${title}`, digits: 0 },
        { key: `${key}-share`, title: 'Of the model', unit: '%', digits: 3 },
      ]),
    ],
    rows: ranks.map((rank) => ({
      rank,
      ...Object.fromEntries(
        Object.keys(targets).flatMap((key) => [
          [key, found.value(`lora.sam-vit-h.${key}.${rank}`)],
          [`${key}-share`, 100 * found.value(`lora-share.sam-vit-h.${key}.${rank}`)],
        ]),
      ),
    })),
  });
  found.table('weights', 'Weights', 'derived', {
    columns: [
      { key: 'model', title: 'Model', align: 'left' },
      { key: 'parameters', title: 'Parameters', unit: 'M', digits: 1 },
      { key: 'fp32', title: 'float32', unit: 'GB', digits: 3 },
      { key: 'half', title: 'Half precision', unit: 'GB', digits: 3 },
    ],
    rows: [
      ...sams.map((name) => [name, encoderShapes[name].title]),
      ['sam3', 'SAM 3 (size as published)'],
    ].map(([name, model]) => ({
      model,
      parameters: found.value(`parameters.${name}`),
      fp32: found.value(`weights.${name}.fp32`),
      half: found.value(`weights.${name}.half`),
    })),
  });
}
