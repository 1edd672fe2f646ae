// A synthetic head: an invented person in an invented scanner, seeded, for work without data. Not anatomy to learn from.
import { InputError } from '../base/errors';
import { Random } from '../base/random';
import type { Affine, Triple } from '../volume/affine';
import type { Volume } from '../volume/volume';
import { volumeOf } from '../volume/volume';
import type { Contrast } from './head-anatomy';
import { HeadAnatomy } from './head-anatomy';
import { addRicianNoise } from '../volume/noise';

export type { Contrast } from './head-anatomy';

/** What can be chosen about a synthetic head. */
export interface SyntheticHeadOptions {
  /** The same seed gives the same bytes on every machine. */
  seed: number | string;
  /** Voxels along each axis. */
  dims?: Triple;
  /** Millimetres along each axis. The head fills about 160 x 200 x 150 mm around the centre of the field of view. */
  spacing?: Triple;
  /** Thickness of the acquired slices in mm, a multiple of the spacing along z. */
  sliceThickness?: number;
  contrast?: Contrast;
  /** Standard deviation of the noise in each part of the complex signal, as a share of the brightest tissue. */
  noise?: number;
  /** How far the receive field departs from 1, as a share. */
  bias?: number;
  /** Whether there is a tumour with the BRATS 2015 classes. */
  lesion?: boolean;
}

/**
 * Make a head: scalp, skull, fluid, folded grey and white matter, ventricles, deep nuclei, a tumour, a smooth receive
 * field, Rician noise. Axes run LPS as in BRATS; the signal of the brightest tissue is about 1000.
 *
 * Thick slices: the noise-free signal is averaged over blocks of `sliceThickness` along z, noise is added to each block
 * once, and the block is repeated, so that the grid stays as asked (what nearest-neighbour resampling to thin slices
 * gives). The labels are those of the true anatomy at the grid's full resolution.
 * @returns image (Float32) and labels (Uint8: 0 background, 1 necrosis, 2 oedema, 3 non-enhancing, 4 enhancing) on one grid
 * @throws InputError when the slice thickness is not a multiple of the spacing, or an option is out of range
 */
export function syntheticHead(options: SyntheticHeadOptions): { image: Volume; labels: Volume } {
  const { seed, dims = [240, 240, 155], spacing = [1, 1, 1], contrast = 'flair' } = options;
  const { sliceThickness = spacing[2], noise = 0.018, bias = 0.25, lesion = true } = options;
  const slab = slicesPerSlab(sliceThickness, spacing[2]);
  if (!(noise >= 0 && noise <= 1 && bias >= 0 && bias < 1)) {
    throw new InputError({
      what: 'cannot make a synthetic head',
      given: `noise ${noise}, bias ${bias}`,
      expected: 'noise in 0..1 and bias in 0..1 (1 excluded)',
      fix: 'choose e.g. noise 0.018 and bias 0.25',
    });
  }
  const random = new Random(`synthetic head/${seed}`);
  const anatomy = new HeadAnatomy(random, contrast, lesion);
  const field = biasField(random.fork('bias'), bias);
  const [X, Y, Z] = dims;
  const signal = new Float32Array(X * Y * Z);
  const labels = new Uint8Array(X * Y * Z);
  for (let k = 0; k < Z; k++) {
    const above = (k - (Z - 1) / 2) * spacing[2];
    for (let j = 0; j < Y; j++) {
      const behind = (j - (Y - 1) / 2) * spacing[1];
      const first = X * (j + Y * k);
      anatomy.paint({ behind, above, step: spacing[0], count: X, first }, signal, labels);
      const [c0, c1, c2] = field(behind, above);
      for (let h = 0; h < X; h++) {
        const x = (h - (X - 1) / 2) * spacing[0];
        signal[first + h] *= 1000 * (c0 + x * (c1 + x * c2));
      }
    }
  }
  const data = acquire(signal, X * Y, slab, 1000 * noise, random.fork('noise'));
  const affine: Affine = [
    [-spacing[0], 0, 0, 0],
    [0, -spacing[1], 0, (Y - 1) * spacing[1]],
    [0, 0, spacing[2], 0],
    [0, 0, 0, 1],
  ];
  const source = {
    file: `synthetic head, seed ${seed}`,
    format: `generated, ${contrast}, ${sliceThickness} mm slices`,
  };
  const notes = ['synthetic: an invented head, not a patient'];
  return {
    image: volumeOf(data, dims, affine, { source, notes }),
    labels: volumeOf(labels, dims, affine, { source, notes }),
  };
}

/** Average over slabs of slices, add noise once a slab, repeat the slab. */
function acquire(
  signal: Float32Array,
  plane: number,
  slab: number,
  sigma: number,
  random: Random,
): Float32Array {
  if (slab === 1) {
    addRicianNoise(signal, sigma, random);
    return signal;
  }
  const planes = signal.length / plane;
  const slabs = Math.ceil(planes / slab);
  const acquired = new Float32Array(slabs * plane);
  for (let k = 0; k < planes; k++) {
    const at = Math.floor(k / slab) * plane;
    // The last slab may hold fewer slices.
    const weight = 1 / Math.min(slab, planes - Math.floor(k / slab) * slab);
    for (let i = 0; i < plane; i++) acquired[at + i] += weight * signal[k * plane + i];
  }
  addRicianNoise(acquired, sigma, random);
  for (let k = 0; k < planes; k++) {
    const at = Math.floor(k / slab) * plane;
    signal.set(acquired.subarray(at, at + plane), k * plane);
  }
  return signal;
}

/**
 * A smooth positive field around 1: a random polynomial of second degree over a ball of 120 mm. For a row (y, z) its
 * coefficients in x.
 */
function biasField(random: Random, amount: number): (y: number, z: number) => [number, number, number] {
  const raw = Array.from({ length: 9 }, () => 2 * random.uniform() - 1);
  const norm = amount / raw.reduce((sum, value) => sum + Math.abs(value), 0);
  const [a, b, d, e, f, g, h, m, n] = raw.map((value) => value * norm);
  return (y, z) => {
    const v = y / 120;
    const w = z / 120;
    return [1 + b * v + d * w + g * v * w + m * v * v + n * w * w, (a + e * v + f * w) / 120, h / 14400];
  };
}

function slicesPerSlab(thickness: number, spacing: number): number {
  const slab = Math.round(thickness / spacing);
  if (!(slab >= 1) || Math.abs(slab * spacing - thickness) > 1e-6 * spacing) {
    throw new InputError({
      what: 'cannot make a synthetic head',
      given: `slices ${thickness} mm thick on a grid of ${spacing} mm along z`,
      expected: 'a thickness that is a whole multiple of the spacing along z',
      fix: `choose e.g. ${Math.max(1, slab) * spacing} mm`,
    });
  }
  return slab;
}
