// Every model by name: what the study speaks of, as published, and small ones of the same form for processors.
import type { ImageEncoderConfig, SamConfig } from './sam/config';
import { type Sam3TrunkConfig, sam3Trunk1008 } from './sam3/config';

/** A Segment Anything Model. */
export interface SamRow {
  readonly family: 'sam';
  readonly title: string;
  readonly config: SamConfig;
  /** What it was trained to be asked with. */
  readonly prompts: readonly ('points' | 'boxes' | 'masks')[];
  /** Published weights (`coc weights convert` makes safetensors of them); none of ours are published. */
  readonly checkpoint?: string;
  readonly source: string;
}

/** SAM 3's vision trunk: its detector and tracker are not computed here. */
export interface Sam3Row {
  readonly family: 'sam3';
  readonly title: string;
  readonly config: Sam3TrunkConfig;
  readonly source: string;
}

export type ModelRow = SamRow | Sam3Row;

type Varying = 'imageSize' | 'patchSize' | 'width' | 'depth' | 'heads' | 'window' | 'globalBlocks' | 'neck';

/** What all SAMs share, and what follows from the encoder. */
function sam(
  own: Pick<ImageEncoderConfig, Varying>,
  decoder: Pick<SamConfig['decoder'], 'heads' | 'hidden'>,
): SamConfig {
  const { imageSize, patchSize, neck } = own;
  const shared = {
    channels: 3,
    hidden: 4 * own.width,
    qkvBias: true,
    absolutePositions: true,
    relativePositions: true,
    epsilon: 1e-6,
  };
  return {
    encoder: { ...own, ...shared },
    prompts: { imageSize, patchSize, width: neck, maskChannels: 16, frequencies: neck / 2, epsilon: 1e-6 },
    decoder: {
      ...decoder,
      width: neck,
      depth: 2,
      downsample: 2,
      masks: 3,
      iouDepth: 3,
      iouHidden: neck,
      // The original's layer norms in the decoder have PyTorch's default; transformers has 1e-6.
      epsilon: 1e-5,
    },
  };
}

const published = (width: number, depth: number, heads: number, globalBlocks: readonly number[]): SamConfig =>
  sam(
    { imageSize: 1024, patchSize: 16, width, depth, heads, window: 14, globalBlocks, neck: 256 },
    { heads: 8, hidden: 2048 },
  );

const original = {
  family: 'sam',
  prompts: ['points', 'boxes', 'masks'],
  source: 'Kirillov et al. 2023, arXiv 2304.02643; facebookresearch/segment-anything, build_sam.py',
} as const;
const small = {
  family: 'sam',
  prompts: ['points', 'boxes', 'masks'],
  source: 'ours: the form of SAM at the size of a processor, windows that stick out included',
} as const;
const vitB = published(768, 12, 12, [2, 5, 8, 11]);

export const models = {
  'sam-vit-b': { ...original, title: 'SAM ViT-B', config: vitB, checkpoint: 'sam_vit_b_01ec64.pth' },
  'sam-vit-l': {
    ...original,
    title: 'SAM ViT-L',
    config: published(1024, 24, 16, [5, 11, 17, 23]),
    checkpoint: 'sam_vit_l_0b3195.pth',
  },
  'sam-vit-h': {
    ...original,
    title: 'SAM ViT-H',
    config: published(1280, 32, 16, [7, 15, 23, 31]),
    checkpoint: 'sam_vit_h_4b8939.pth',
  },
  medsam: {
    family: 'sam',
    title: 'MedSAM',
    config: vitB,
    prompts: ['boxes'],
    checkpoint: 'medsam_vit_b.pth',
    source:
      'Ma et al. 2024, doi 10.1038/s41467-024-44824-z; bowang-lab/MedSAM: ViT-B, all but the prompt encoder trained',
  },
  sam3: {
    family: 'sam3',
    title: 'SAM 3 vision trunk',
    config: sam3Trunk1008,
    source: 'facebookresearch/sam3 at 99d02f2, the vision trunk without its feature pyramid',
  },
  'tiny-64': {
    ...small,
    title: 'SAM tiny, 64 px',
    config: sam(
      {
        imageSize: 64,
        patchSize: 8,
        width: 192,
        depth: 6,
        heads: 3,
        window: 3,
        globalBlocks: [2, 5],
        neck: 64,
      },
      { heads: 4, hidden: 256 },
    ),
  },
  'tiny-128': {
    ...small,
    title: 'SAM tiny, 128 px',
    config: sam(
      {
        imageSize: 128,
        patchSize: 8,
        width: 384,
        depth: 12,
        heads: 6,
        window: 6,
        globalBlocks: [2, 5, 8, 11],
        neck: 64,
      },
      { heads: 4, hidden: 256 },
    ),
  },
} satisfies Record<string, ModelRow>;

export type ModelName = keyof typeof models;
