// Parameters and multiply-adds of nnU-Net's two 3-D networks, from their published shapes. FLOP = 2 MAC.
//
// Plain (`PlainConvUNet`): every stage is a row of convolutions. Residual (`ResidualEncoderUNet`, the presets): the encoder
// is a stem and blocks of two convolutions; where a block changes the number of channels its skip is a 1x1x1 convolution.
// Every convolution of both has a bias and an instance norm with weights; the skip has a norm alone. The decoder goes up
// by a transposed convolution whose kernel is its stride, joins the skip and convolves. Each of its stages has a head
// (deep supervision). MACs are convolutions only: norms and activations are far below one hundredth of them.
import { InputError } from '../base/errors';
import type { Triple } from '../volume/volume';

/** A 3-D U-Net as nnU-Net's plans state it. */
export interface UNetShape {
  title: string;
  /** Channels of the input, and classes of the output. */
  input: number;
  classes: number;
  /** Channels of each stage; each stage but the first begins by halving each axis. */
  features: readonly number[];
  encoder: 'plain' | 'residual';
  /** Convolutions (plain) or blocks of two (residual) of each stage of the encoder. */
  encoderDepth: readonly number[];
  /** Convolutions of each stage of the decoder. */
  decoderDepth: number;
  /** Voxels along the longest axis of the patch that the plan trains with. */
  patch: number;
  source: string;
}

export const uNetShapes = {
  'nnunet-brats': {
    title: 'nnU-Net, default 3-D network for BraTS',
    input: 4,
    classes: 4,
    features: [32, 64, 128, 256, 320, 320],
    encoder: 'plain',
    encoderDepth: [2, 2, 2, 2, 2, 2],
    decoderDepth: 2,
    patch: 128,
    source: 'MIC-DKFZ/nnUNet at 0e49508, its plan for MSD BrainTumour; dynamic-network-architectures',
  },
  'resenc-l': {
    title: 'ResEnc-L',
    input: 1,
    classes: 1,
    features: [32, 64, 128, 256, 320, 320],
    encoder: 'residual',
    encoderDepth: [1, 3, 4, 6, 6, 6],
    decoderDepth: 1,
    patch: 128,
    source: 'Tenbatsu24/LatentCampus at 267c976, architectures; dynamic-network-architectures',
  },
} satisfies Record<string, UNetShape>;

export type UNetName = keyof typeof uNetShapes;

/** What a network is made of, and what one forward pass over one patch computes. */
export interface UNetCounts {
  parameters: { encoder: number; decoder: number; heads: number; total: number };
  /** MAC of one forward pass; the decoder's heads of deep supervision are in `heads`. */
  macs: { encoder: number; decoder: number; heads: number; total: number };
}

/**
 * Count the parameters of a U-Net and the MACs of one patch.
 * @param patch  voxels along each axis, default the shape's own cube
 * @throws InputError for a patch that cannot be halved as often as the network does
 */
export function uNetCounts(shape: UNetShape, patch?: Readonly<Triple>): UNetCounts {
  const { features, encoderDepth } = shape;
  const dims = patch ?? [shape.patch, shape.patch, shape.patch];
  const halvings = 2 ** (features.length - 1);
  if (dims.some((n) => !Number.isSafeInteger(n) || n < halvings || n % halvings !== 0)) {
    throw new InputError({
      what: `cannot count ${shape.title}`,
      given: `a patch of ${dims.join(' x ')} voxels`,
      expected: `multiples of ${halvings}, since it is halved ${features.length - 1} times`,
      fix: 'pad the patch to such a size, as nnU-Net’s planner does',
    });
  }
  const voxels = features.map((_, s) => (dims[0] * dims[1] * dims[2]) / 8 ** s);
  const encoder = new Tally();
  const stem = shape.encoder === 'residual' ? features[0] : shape.input;
  if (shape.encoder === 'residual') encoder.convolution(27, shape.input, features[0], voxels[0]);
  let channels = stem;
  features.forEach((out, s) => {
    for (let k = 0; k < encoderDepth[s]; k++) {
      encoder.convolution(27, channels, out, voxels[s]);
      if (shape.encoder === 'residual') {
        encoder.convolution(27, out, out, voxels[s]);
        if (channels !== out) encoder.projection(channels, out, voxels[s]);
      }
      channels = out;
    }
  });
  const decoder = new Tally();
  const heads = new Tally();
  for (let s = features.length - 2; s >= 0; s--) {
    decoder.upwards(features[s + 1], features[s], voxels[s + 1]);
    for (let k = 0; k < shape.decoderDepth; k++)
      decoder.convolution(27, k === 0 ? 2 * features[s] : features[s], features[s], voxels[s]);
    heads.head(features[s], shape.classes, voxels[s]);
  }
  const sums = (of: (part: Tally) => number): UNetCounts['macs'] => ({
    encoder: of(encoder),
    decoder: of(decoder),
    heads: of(heads),
    total: of(encoder) + of(decoder) + of(heads),
  });
  return { parameters: sums((part) => part.parameters), macs: sums((part) => part.macs) };
}

/** Sums over layers. */
class Tally {
  parameters = 0;
  macs = 0;

  /** Weights, bias, and scale and shift of the norm behind it; `voxels` are those of the output. */
  convolution(kernel: number, from: number, to: number, voxels: number): void {
    this.parameters += kernel * from * to + 3 * to;
    this.macs += kernel * from * to * voxels;
  }

  /** The 1x1x1 convolution of a skip: no bias, but a norm. */
  projection(from: number, to: number, voxels: number): void {
    this.parameters += from * to + 2 * to;
    this.macs += from * to * voxels;
  }

  /** A transposed convolution whose kernel is its stride of 2; `voxels` are those of the input. */
  upwards(from: number, to: number, voxels: number): void {
    this.parameters += 8 * from * to + to;
    this.macs += 8 * from * to * voxels;
  }

  /** The 1x1x1 convolution to the classes. */
  head(from: number, to: number, voxels: number): void {
    this.parameters += from * to + to;
    this.macs += from * to * voxels;
  }
}
