// What a training step of Consistent View Alignment computes, from its published shapes. FLOP = 2 MAC.
//
// A batch is a number of volumes, two crops each. The student sees masked crops, forward and backward (three times its
// forward pass: every product has two gradients); the teacher sees the crops whole, forward alone. Both send a map of
// features through a projector, the student through a predictor as well. Norms, losses, alignment (a few thousand samples)
// and the moving average of the teacher are left out: below one hundredth.
import {
  primusBlockMacs,
  primusEmbeddingMacs,
  primusM,
  primusTokens,
  primusUpwardsMacs,
} from './primus-counts';
import { uNetCounts, uNetShapes } from './unet-counts';

/** Widths of the layers of the projector behind a backbone with so many channels of features, and of the predictor. */
export const projectorWidths = (channels: number): number[] => [channels, 2048, 2048, 2048];
export const predictorWidths: readonly number[] = [2048, 512, 2048];

/** Parameters of a row of linear layers with biases; its batch norms have none. */
export function mlpParameters(widths: readonly number[]): number {
  return widths.slice(1).reduce((sum, to, i) => sum + widths[i] * to + to, 0);
}

/** MAC of a row of linear layers for one vector. */
export function mlpMacs(widths: readonly number[]): number {
  return widths.slice(1).reduce((sum, to, i) => sum + widths[i] * to, 0);
}

/** A backbone of the challenge as view alignment trains it. */
export interface AlignedBackbone {
  title: string;
  /** Voxels of a crop along each axis, and of the patch that both crops are cut from. */
  crop: number;
  loaded: number;
  /** Voxels along each axis of the map of features that is aligned, and its channels. */
  features: number;
  channels: number;
  /** MAC of one crop through the student (masked, with reconstruction) and through the teacher, without heads. */
  student: number;
  teacher: number;
}

/** Volumes in a batch, two crops each; steps in an epoch. */
export const alignmentBatch = { volumes: 4, steps: 250 } as const;

const resEnc = uNetCounts(uNetShapes['resenc-l']);
const side = 160;
const tokens = primusTokens(primusM, [side, side, side]);
/** Of four tokens the student keeps one. */
const kept = tokens / 4;

export const alignedBackbones = {
  'resenc-l': {
    title: 'ResEnc-L',
    crop: 128,
    loaded: 205,
    features: 16,
    // All six stages of the encoder, pooled to one size.
    channels: uNetShapes['resenc-l'].features.reduce((a, b) => a + b, 0),
    // A convolution computes masked voxels like others. Features come from the encoder, so the teacher needs no decoder.
    student: resEnc.macs.total,
    teacher: resEnc.macs.encoder,
  },
  'primus-m': {
    title: 'Primus-M',
    crop: side,
    loaded: 257,
    features: side / primusM.patch,
    channels: primusM.width,
    // Tokens kept, then two blocks each on all tokens for reconstruction and for features, and the way back to voxels.
    student:
      primusEmbeddingMacs(primusM, tokens) +
      primusBlockMacs(primusM, kept, primusM.blocks) +
      2 * primusBlockMacs(primusM, tokens, 2) +
      primusUpwardsMacs(primusM, tokens, 1),
    teacher: primusEmbeddingMacs(primusM, tokens) + primusBlockMacs(primusM, tokens, primusM.blocks),
  },
} satisfies Record<string, AlignedBackbone>;

export type AlignedName = keyof typeof alignedBackbones;
export const alignedNames = Object.keys(alignedBackbones) as AlignedName[];

/** FLOPs of a training step over one batch. */
export function alignmentStepFlops(name: AlignedName): number {
  const { student, teacher, features, channels } = alignedBackbones[name];
  const projector = features ** 3 * mlpMacs(projectorWidths(channels));
  const predictor = features ** 3 * mlpMacs(predictorWidths);
  const crop = 3 * (student + projector + predictor) + teacher + projector;
  return 2 * 2 * alignmentBatch.volumes * crop;
}
