// The pixel profiler: what a plane costs, gains and loses on its way to a square input (section 4.2 of the study).
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import type { PixelLedger } from '../sampling/ledger';
import { ledgerOf } from '../sampling/ledger';
import type { PlaneName } from '../sampling/plane';
import { planeGrid, planeNames, readPlane } from '../sampling/plane';
import type { Interpolation } from '../sampling/resize';
import { axisMatrix, resize } from '../sampling/resize';
import type { SquareFit, SquareWay } from '../sampling/square';
import { fitSquare } from '../sampling/square';
import type { Triple, Volume } from '../volume/volume';
import type { EncoderName } from './encoders';
import { encoderShapes } from './encoders';
import { encoderMacs } from './flops';
import type { AxisRecovery } from './recovery';
import { leastSquaresReturn, recoveryOf } from './recovery';
import type { EnergyShares } from './spectrum';
import { energyShares, spectrumOf } from './spectrum';

export type WayName = 'sam' | 'sam3' | 'study';
export const wayNames: readonly WayName[] = ['sam', 'sam3', 'study'];

/** A published way from a plane to the input of an encoder. */
export interface PixelWay {
  title: string;
  /** As it stands in a sentence. */
  phrase: string;
  size: number;
  way: SquareWay;
  interpolation: Interpolation;
  encoder: EncoderName;
  source: string;
}

/**
 * The three ways that are compared. SAM and the study at `size`; SAM 3 has one size, 1008.
 * The study names no library for its bicubic kernel: PIL's `resize` stands for it here (a = -0.5).
 */
export function pixelWays(size = encoderShapes['sam-vit-h'].input): Record<WayName, PixelWay> {
  const pil = { convention: 'pil', antialias: true } as const;
  return {
    sam: {
      title: 'SAM: longest side, padded',
      phrase: 'SAM’s padded square',
      size,
      way: 'pad',
      interpolation: { ...pil, kernel: 'bilinear' },
      encoder: 'sam-vit-h',
      source: 'facebookresearch/segment-anything, utils/transforms.py and modeling/sam.py',
    },
    sam3: {
      title: 'SAM 3: stretched',
      phrase: 'SAM 3’s stretched square',
      size: encoderShapes.sam3.input,
      way: 'stretch',
      interpolation: { kernel: 'bilinear', convention: 'torch', antialias: true },
      encoder: 'sam3',
      source: 'facebookresearch/sam3 at 99d02f2, sam3/model/sam3_image_processor.py',
    },
    study: {
      title: 'The study: stretched, bicubic',
      phrase: 'the study’s stretched square',
      size,
      way: 'stretch',
      interpolation: { ...pil, kernel: 'bicubic' },
      encoder: 'sam-vit-h',
      source: 'The cost of consistency, sections 3.1 and 4.2',
    },
  };
}

/** FLOPs of one image through an encoder at another input size (FLOP = 2 MAC). @throws InputError for broken patches */
export function encoderFlopsAt(name: EncoderName, size: number): number {
  const shape = encoderShapes[name];
  if (!Number.isSafeInteger(size) || size < 1 || size % shape.patch !== 0) {
    throw new InputError({
      what: `cannot count the FLOPs of ${shape.title}`,
      given: `an input of ${size} pixels a side`,
      expected: `a multiple of its patch, ${shape.patch}`,
      fix: `choose ${Math.max(1, Math.round(size / shape.patch)) * shape.patch}`,
    });
  }
  const { linear, attention, position } = encoderMacs({ ...shape, input: size });
  return 2 * (linear + attention + position);
}

/** The smallest input that holds a picture unchanged: its longest side, rounded up to whole patches. */
export function nativeSize(name: EncoderName, width: number, height: number): number {
  const { patch } = encoderShapes[name];
  return Math.ceil(Math.max(width, height) / patch) * patch;
}

/** How exactly the given pixels come back, as shares of the picture's range (its greatest minus its least value). */
export interface Returned {
  /** Largest error by least squares from the resized picture as float32. */
  leastSquares: number;
  /** The same, root mean square, from the resized picture rounded and clipped to 8 bits. */
  leastSquares8Bit: number;
  /** Root mean square error of rounding the plane itself to 8 bits: what `leastSquares8Bit` is to be compared with. */
  rounding8Bit: number;
  /** Root mean square error when it is resized back with the same kernel instead. */
  resizedBack: number;
}

/** Everything about one plane and one way. */
export interface PixelProfile {
  plane: PlaneName;
  way: WayName;
  /** Pixels of the plane. */
  width: number;
  height: number;
  size: number;
  ledger: PixelLedger;
  /** Shares of all samples. */
  shares: { original: number; interpolated: number; padded: number };
  /** Samples of the square for one of the plane. */
  samplesPerPixel: number;
  /** Encoder FLOPs (forward) for each pixel of the plane. */
  flopsPerPixel: number;
  /** The encoder's FLOPs at the smallest input that holds the plane, as a share of those at this size. */
  nativeShare: number;
  /** mm between samples along a row and along a column, and their ratio (above 1: the picture is squashed). */
  spacing: { column: number; row: number; aspect: number };
  energy: EnergyShares;
  recovery: { columns: AxisRecovery; rows: AxisRecovery };
  /** Null where the plane shrinks: nothing returns it. */
  returned: Returned | null;
}

/**
 * Profile the three planes through a voxel, in every way.
 * @param size   samples a side for SAM's and the study's way
 * @param voxel  where the planes meet; the middle of the volume when left out
 * @throws InputError for a voxel outside, a size the encoders cannot take, and planes with NaN or infinities
 */
export function profilePixels(
  volume: Volume,
  { size, voxel, ...long }: Long & { size?: number; voxel?: Triple } = {},
): PixelProfile[] {
  const ways = pixelWays(size);
  const at = voxel ?? (volume.dims.map((d) => d >> 1) as Triple);
  const meter = new Meter('profiling pixels', 'planes', planeNames.length * wayNames.length, long);
  const profiles = planeNames.flatMap((name) => {
    const grid = planeGrid(volume, name);
    const { pixels } = readPlane(volume, grid, at);
    const [width, height] = [grid.columns.count, grid.rows.count];
    checkFinite(name, pixels);
    const spectrum = spectrumOf(pixels, width, height);
    return wayNames.map((way): PixelProfile => {
      const { interpolation, encoder, ...target } = ways[way];
      const fit = fitSquare(width, height, target.size, target.way, interpolation);
      const ledger = ledgerOf(fit);
      const flops = encoderFlopsAt(encoder, target.size);
      const recovery = { columns: recoveryOf(fit.columns), rows: recoveryOf(fit.rows) };
      const column = (grid.columns.spacing * width) / fit.columns.to;
      const row = (grid.rows.spacing * height) / fit.rows.to;
      meter.add(1, `${name}, ${ways[way].title}`);
      return {
        plane: name,
        way,
        ...{ width, height, size: target.size, ledger },
        shares: {
          original: ledger.original / ledger.total,
          interpolated: ledger.interpolated / ledger.total,
          padded: ledger.padded / ledger.total,
        },
        samplesPerPixel: ledger.total / (width * height),
        flopsPerPixel: flops / (width * height),
        nativeShare: encoderFlopsAt(encoder, nativeSize(encoder, width, height)) / flops,
        spacing: { column, row, aspect: Math.max(column, row) / Math.min(column, row) },
        energy: energyShares(spectrum, [fit.columns.to, fit.rows.to], interpolation),
        recovery,
        returned: ledger.lost > 0 ? null : returnedFrom(Float32Array.from(pixels), fit, interpolation),
      };
    });
  });
  meter.finish();
  return profiles;
}

function checkFinite(plane: PlaneName, pixels: ArrayLike<number>): void {
  for (let i = 0; i < pixels.length; i++) {
    if (Number.isFinite(pixels[i])) continue;
    throw new InputError({
      what: `cannot profile the ${plane} plane`,
      given: `a pixel that is ${pixels[i]}`,
      expected: 'finite pixels',
      fix: 'choose another voxel, or mend the volume (`coc nifti check FILE` counts such voxels)',
    });
  }
}

/** Send a picture to its square (before padding) and back in three ways. */
export function returnedFrom(
  pixels: Float32Array,
  { columns, rows }: SquareFit,
  interpolation: Interpolation,
): Returned {
  let [least, greatest] = [Infinity, -Infinity];
  for (const value of pixels) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  const range = greatest - least || 1;
  const resized = resize(pixels, columns, rows);
  // As a file of 8 bits a sample has it: 256 levels from the least to the greatest value, overshoot clipped.
  const level = range / 255;
  const to8Bit = (values: Float32Array): Float32Array =>
    values.map((v) => Math.min(255, Math.max(0, Math.round((v - least) / level))) * level + least);
  const difference = (values: ArrayLike<number>): { most: number; rms: number } => {
    let most = 0;
    let sum = 0;
    for (let i = 0; i < pixels.length; i++) {
      const d = Math.abs(values[i] - pixels[i]);
      if (d > most) most = d;
      sum += d * d;
    }
    return { most: most / range, rms: Math.sqrt(sum / pixels.length) / range };
  };
  const acrossBack = axisMatrix(columns.to, columns.from, interpolation);
  const downBack = axisMatrix(rows.to, rows.from, interpolation);
  return {
    leastSquares: difference(leastSquaresReturn(resized, columns, rows)).most,
    leastSquares8Bit: difference(leastSquaresReturn(to8Bit(resized), columns, rows)).rms,
    rounding8Bit: difference(to8Bit(pixels)).rms,
    resizedBack: difference(resize(resized, acrossBack, downBack)).rms,
  };
}
