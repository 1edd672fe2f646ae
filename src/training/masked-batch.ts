// Pictures with most of their patches hidden, to be filled in again: what an encoder can learn from where nobody drew labels
// (He et al. 2022, arXiv 2111.06377; Xie et al. 2022, arXiv 2111.09886, who as here give the encoder all places).
//
// A picture is a window of a slice, cut at random and stretched to the square; of label maps an image is made first, each
// structure a grey of its own drawn anew for every picture (Billot et al. 2023, arXiv 2107.09559).
import { InputError } from '../base/errors';
import type { Random } from '../base/random';
import { Random as Stream, shuffled } from '../base/random';
import { inChannels } from '../sampling/channels';
import type { Layout } from '../sampling/layout';
import { planeNames } from '../sampling/plane';
import { fitSquare, toSquare } from '../sampling/square';
import type { VoxelArray } from '../volume/volume';
import type { BatchFiller, BatchForm, BatchNumbers } from './batch-form';
import { formOf } from './batch-form';
import { centred, momentsOf } from './moments';
import { imageResize, labelResize, planeOf } from './plane-batch';

/** A volume that pictures are cut from; in shared memory. */
export interface PictureSource {
  name: string;
  volume: Layout;
  /** Voxels are grey values; or labels, of which an image is made. */
  holds: 'greys' | 'labels';
}

/** How masked pictures are drawn. Plain data. */
export interface MaskedBatchOptions {
  pictures: number;
  seed: number | string;
  /** Samples along each side, and of a patch. */
  size: number;
  patch: number;
  channels: number;
  /** Share of the patches that are hidden. */
  hidden: number;
  /** Shortest and longest side of a window, in voxels. */
  window: readonly [least: number, most: number];
}

/** How often another window is looked for where one shows nothing. */
const tries = 20;
/** Less than this share of the volume's deviation is nothing: air. */
const leastDeviation = 0.1;

/**
 * `seen`, pictures whose hidden patches are 0, their mean; `patches`, the grey values of every patch, what was hidden included;
 * `hidden`, 1 for patches that are and 0 for others.
 * @throws InputError for options that do not go together
 */
export function maskedForm({
  pictures,
  size,
  patch,
  channels,
  hidden,
  window: [least, most],
}: MaskedBatchOptions): BatchForm {
  const grid = size / patch;
  const right =
    Number.isSafeInteger(grid) && pictures >= 1 && hidden > 0 && hidden < 1 && least >= 8 && most >= least;
  if (!right)
    throw new InputError({
      what: 'cannot draw masked pictures',
      given: `${pictures} pictures of ${size} samples in patches of ${patch}, a share of ${hidden} hidden, windows of ${least} to ${most} voxels`,
      expected: 'whole patches, a share between 0 and 1, windows of at least 8 voxels',
      fix: 'for example 64 samples, patches of 8, 0.6 hidden, windows of 32 to 96',
    });
  return formOf([
    { path: 'seen', type: 'float32', shape: [pictures, size, size, channels] },
    { path: 'patches', type: 'float32', shape: [pictures, grid, grid, patch * patch] },
    { path: 'hidden', type: 'float32', shape: [pictures, grid, grid] },
  ]);
}

export class MaskedBatchFiller implements BatchFiller {
  private readonly deviations: number[];

  constructor(
    private readonly sources: readonly PictureSource[],
    private readonly options: MaskedBatchOptions,
  ) {
    // Of labels nothing is compared with it.
    this.deviations = sources.map(({ volume, holds }) =>
      holds === 'labels' ? NaN : momentsOf(volume.data).deviation,
    );
  }

  fill(index: number, numbers: BatchNumbers): void {
    const { pictures, seed, channels, size, patch, hidden } = this.options;
    const random = new Stream(seed).fork(`batch ${index}`);
    const grid = size / patch;
    for (let k = 0; k < pictures; k++) {
      const picture = this.picture(random);
      const isHidden = drawHidden(grid * grid, hidden, random);
      numbers.hidden.set(isHidden, k * grid * grid);
      picture.forEach((value, i) => {
        const [row, column] = [Math.floor(i / size), i % size];
        const at = Math.floor(row / patch) * grid + Math.floor(column / patch);
        const inPatch = (row % patch) * patch + (column % patch);
        numbers.patches[(k * grid * grid + at) * patch * patch + inPatch] = value;
        if (isHidden[at] === 1) picture[i] = 0;
      });
      inChannels(picture, channels, numbers.seen, k);
    }
  }

  /** A window of a slice, mean 0 and deviation 1. */
  private picture(random: Random): Float32Array {
    const of = random.below(this.sources.length);
    const { volume, holds } = this.sources[of];
    for (let attempt = 1; ; attempt++) {
      const window = cut(volume, this.options.window, random);
      const { size } = this.options;
      const how = holds === 'labels' ? labelResize : imageResize;
      const square = toSquare(window.pixels, fitSquare(window.width, window.height, size, 'stretch', how));
      const { deviation } = momentsOf(square);
      const isNothing =
        holds === 'labels' ? deviation === 0 : deviation < leastDeviation * this.deviations[of];
      if (isNothing && attempt < tries) continue;
      return centred(holds === 'labels' ? imageOfLabels(square, size, random) : square);
    }
  }
}

/** A window at random: of any orientation, place and proportions. */
function cut(
  volume: Layout,
  [least, most]: readonly [number, number],
  random: Random,
): { pixels: VoxelArray; width: number; height: number } {
  const name = planeNames[random.below(planeNames.length)];
  const { columns, rows, count } = volume.grids[name];
  const slice = planeOf(volume, name, random.below(count));
  const length = (there: number): number => Math.min(there, least + random.below(most - least + 1));
  const [width, height] = [length(columns.count), length(rows.count)];
  const left = random.below(columns.count - width + 1);
  const top = random.below(rows.count - height + 1);
  // Rows move to the front of the slice: none over one that is still to be read.
  for (let row = 0; row < height; row++) {
    const from = (top + row) * columns.count + left;
    slice.copyWithin(row * width, from, from + width);
  }
  return { pixels: slice.subarray(0, width * height), width, height };
}

/** Every label a grey and a noise of its own, then a blur of three samples. */
function imageOfLabels(labels: Float32Array, size: number, random: Random): Float32Array {
  const greys = new Map<number, { mean: number; noise: number }>();
  const image = labels.map((label) => {
    let grey = greys.get(label);
    if (!grey) greys.set(label, (grey = { mean: random.uniform(), noise: 0.1 * random.uniform() }));
    return grey.mean + grey.noise * random.normal();
  });
  const blurred = new Float32Array(image.length);
  for (const [from, to, step, across] of [
    [image, blurred, 1, size],
    [blurred, image, size, 1],
  ] as const)
    for (let line = 0; line < size; line++)
      for (let i = 0; i < size; i++) {
        const at = (j: number): number => from[line * across + Math.min(Math.max(j, 0), size - 1) * step];
        to[line * across + i * step] = 0.25 * at(i - 1) + 0.5 * at(i) + 0.25 * at(i + 1);
      }
  return image;
}

/** 1 for hidden patches and 0 for others; exactly round(share x patches) are hidden. */
function drawHidden(patches: number, share: number, random: Random): Float32Array {
  const isHidden = Array.from({ length: patches }, (_, k) => (k < Math.round(share * patches) ? 1 : 0));
  return Float32Array.from(shuffled(isHidden, random));
}
