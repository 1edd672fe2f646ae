// Parameters counted on two ways that know nothing of each other, part by part, and beside the published files of weights.
//
// By layers: arithmetic over the published shapes (profilers/parameters.ts); it knows no model. By the model: the trees that
// the networks compute with (models/), whose every tensor has its place in the reference's weights. They share no code but
// the addition. The files of weights were made by neither.
import type { EncoderShape } from '../profilers/encoders';
import { encoderShapes } from '../profilers/encoders';
import type { EncoderParameters } from '../profilers/parameters';
import {
  decoderParameters,
  encoderParameters,
  promptParameters,
  samParameters,
} from '../profilers/parameters';
import type { Findings } from './findings';

/** Parameters of a model by part; null for what a model does not have. */
export interface ModelParts extends Omit<EncoderParameters, 'total'> {
  encoder: number;
  prompt: number | null;
  decoder: number | null;
  whole: number | null;
}

const partTitles: Record<keyof ModelParts, string> = {
  patch: 'Patch embedding',
  positions: 'Positions',
  windowedBlock: 'One block, windows',
  globalBlock: 'One block, whole picture',
  blocks: 'All blocks',
  norms: 'Norms outside the blocks',
  neck: 'Neck',
  encoder: 'Image encoder',
  prompt: 'Prompt encoder',
  decoder: 'Mask decoder',
  whole: 'Whole model',
};
const partNames = Object.keys(partTitles) as (keyof ModelParts)[];
/** As it stands in ids: `windowed-block`. */
const partId = (part: keyof ModelParts): string => part.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/** By layers. @param isTrunk  nothing stands behind the encoder */
function layerParts(shape: EncoderShape): ModelParts {
  const { total: encoder, ...parts } = encoderParameters(shape);
  const isTrunk = shape.neck === 0;
  return {
    ...parts,
    encoder,
    prompt: isTrunk ? null : promptParameters(),
    decoder: isTrunk ? null : decoderParameters().total,
    whole: isTrunk ? null : samParameters(shape),
  };
}

/** Weights as they are published: bytes of the files in float32. */
const files = {
  'sam-vit-b': 375_042_383,
  'sam-vit-l': 1_249_524_607,
  'sam-vit-h': 2_564_550_879,
  medsam: 375_049_145,
} as const;
const fileSource = {
  sam: 'facebookresearch/segment-anything, length of the file of weights',
  medsam: 'zenodo.org/records/10689643, length of medsam_vit_b.pth',
};
/** Random frequencies of positions, [2, 128]: in the file, and not trained. */
const frequencies = 256;

/** Every model that is counted; MedSAM is a ViT-B by its configuration. */
export const counted = {
  'sam-vit-b': encoderShapes['sam-vit-b'],
  'sam-vit-l': encoderShapes['sam-vit-l'],
  'sam-vit-h': encoderShapes['sam-vit-h'],
  medsam: { ...encoderShapes['sam-vit-b'], title: 'MedSAM' },
  sam3: encoderShapes.sam3,
} as const satisfies Record<string, EncoderShape>;
export type CountedName = keyof typeof counted;

/** Both counts of each part with their ratio, and of each file of weights what it holds beyond the counted numbers. */
export function findCountedTwice(found: Findings, ofModel: (name: CountedName) => ModelParts): void {
  const names = Object.keys(counted) as CountedName[];
  const both = Object.fromEntries(
    names.map((name) => [name, { layers: layerParts(counted[name]), model: ofModel(name) }]),
  ) as Record<CountedName, Record<'layers' | 'model', ModelParts>>;
  for (const name of names) {
    const { title } = counted[name];
    for (const part of partNames) {
      const { layers, model } = both[name];
      if (layers[part] === null || model[part] === null || (layers[part] === 0 && model[part] === 0))
        continue;
      found.derived(
        `counted.${name}.${partId(part)}`,
        `Parameters of ${title}, ${partTitles[part].toLowerCase()}: the model's own over the sum of layers`,
        '1',
        model[part] / layers[part],
        'tree of the model (src/models) / sum over the published layers (src/profilers/parameters.ts)',
      );
    }
  }
  const dropped = both.sam3.layers.encoder - both.sam3.model.encoder;
  found.derived(
    'counted.sam3.dropped',
    'Published parameters of the vision trunk of SAM 3 that the model does not compute with: the position of a class token',
    '1',
    dropped,
    'sum over the published layers - tree of the model',
  );
  tabulate(found, 'counted', 'Parameters counted twice: SAM ViT-H and the trunk of SAM 3', both, [
    'sam-vit-h',
    'sam3',
  ]);
  tabulate(found, 'counted-others', 'Parameters counted twice: SAM ViT-B and ViT-L', both, [
    'sam-vit-b',
    'sam-vit-l',
  ]);
  findFiles(found, (name) => both[name].model.whole!);
}

function tabulate(
  found: Findings,
  id: string,
  title: string,
  both: Record<CountedName, Record<'layers' | 'model', ModelParts>>,
  names: readonly CountedName[],
): void {
  found.table(id, title, 'derived', {
    columns: [
      { key: 'part', title: 'Part', align: 'left' },
      ...names.flatMap((name) => [
        { key: `${name}-layers`, title: `${counted[name].title}, by its layers`, digits: 0 },
        { key: `${name}-model`, title: 'By the model', digits: 0 },
        { key: `${name}-ratio`, title: 'Ratio', digits: 6 },
      ]),
    ],
    rows: partNames.map((part) => ({
      part: partTitles[part],
      ...Object.fromEntries(
        names.flatMap((name) => {
          const { layers, model } = both[name];
          const ratio = layers[part] ? model[part]! / layers[part] : null;
          return [
            [`${name}-layers`, layers[part]],
            [`${name}-model`, model[part]],
            [`${name}-ratio`, ratio],
          ];
        }),
      ),
    })),
  });
}

/** The files of published weights, which no count of ours made. */
function findFiles(found: Findings, whole: (name: keyof typeof files) => number): void {
  const names = Object.keys(files) as (keyof typeof files)[];
  for (const name of names) {
    const { title } = counted[name];
    found.add({
      id: `file.${name}`,
      title: `Published weights of ${title}`,
      kind: 'paper',
      unit: 'B',
      value: files[name],
      uncertainty: null,
      source: name === 'medsam' ? fileSource.medsam : fileSource.sam,
    });
    found.derived(
      `file-ratio.${name}`,
      `Published weights of ${title} over what is counted`,
      '1',
      files[name] / (4 * (whole(name) + frequencies)),
      'bytes of the file / (4 bytes x (parameters + frequencies of positions)); beyond 1 lie names and shapes',
    );
  }
  found.table('files', 'Published files of weights', 'derived', {
    columns: [
      { key: 'model', title: 'Model', align: 'left' },
      { key: 'bytes', title: 'Published file', unit: 'B', digits: 0 },
      { key: 'counted', title: 'Counted numbers in float32', unit: 'B', digits: 0 },
      { key: 'ratio', title: 'Ratio', digits: 6 },
    ],
    rows: names.map((name) => ({
      model: counted[name].title,
      bytes: files[name],
      counted: 4 * (whole(name) + frequencies),
      ratio: found.value(`file-ratio.${name}`),
    })),
  });
}
