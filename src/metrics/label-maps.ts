// Label maps as they come: checked, brought to the grid of the image they belong to, and their classes.
import { InputError } from '../base/errors';
import type { Triple, Volume } from '../volume/volume';
import { voxelToWorld } from '../volume/affine';
import { reorient } from '../volume/reorient';

/** A class to score: a label, or several that count as one. */
export interface LabelClass {
  name: string;
  labels: readonly number[];
}

/** How far from a whole number a label may be: rounding of a header's slope. */
const rounding = 1e-6;

/** How far a voxel may be from where the other grid has it, as a share of the smallest voxel edge. */
const tolerance = 0.01;

/**
 * A label map in the voxels of an image: axes are turned to the image's where they are stored in another order or sense
 * (nothing is resampled), and labels are whole numbers.
 * @param what  what the message calls the label map, e.g. `the truth truth.nii.gz`
 * @throws InputError when shape or affine differ after that, or for values that are no labels
 */
export function onGridOf(image: Volume, labels: Volume, what: string): Volume {
  const turnable = !labels.axisCodes.includes('?') && !image.axisCodes.includes('?');
  const turned = turnable ? reorient(labels, image.axisCodes) : labels;
  const refuse = (given: string, expected: string, fix: string): InputError =>
    new InputError({ what: `cannot lay ${what} over the image`, given, expected, fix });
  if (turned.dims.join() !== image.dims.join()) {
    throw refuse(
      `${labels.dims.join(' x ')} voxels, ${labels.axisCodes}`,
      `the image's shape ${image.dims.join(' x ')}, ${image.axisCodes}`,
      'resample it to the grid of the image, with nearest neighbours',
    );
  }
  const apart = farthest(image, turned);
  if (!(apart <= tolerance * Math.min(...image.spacing))) {
    throw refuse(
      `an affine that puts a corner ${apart.toPrecision(3)} mm away from where the image has it`,
      `the image's affine: ${describe(image)}`,
      'resample it to the grid of the image, or mend its header (`coc nifti info` shows both)',
    );
  }
  return { ...turned, data: wholeNumbers(turned, refuse), affine: image.affine, spacing: image.spacing };
}

/** The greatest distance, mm, between the corners of two grids of equal dims. */
function farthest(a: Volume, b: Volume): number {
  let most = 0;
  for (let n = 0; n < 8; n++) {
    const corner = a.dims.map((d, axis) => ((n >> axis) & 1) * (d - 1)) as Triple;
    const [p, q] = [voxelToWorld(a.affine, corner), voxelToWorld(b.affine, corner)];
    most = Math.max(most, Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]));
  }
  return most;
}

function describe({ affine, spacing, axisCodes }: Volume): string {
  const short = (x: number): string => String(Number(x.toPrecision(5)));
  const origin = affine.slice(0, 3).map((row) => short(row[3]));
  return `${axisCodes}, ${spacing.map(short).join(' x ')} mm, first voxel at (${origin.join(', ')})`;
}

/** The labels in the smallest array that holds them. */
function wholeNumbers(
  { data }: Volume,
  refuse: (given: string, expected: string, fix: string) => InputError,
): Uint8Array | Uint16Array | Uint32Array {
  let most = 0;
  for (const value of data) {
    // NaN fails the comparison.
    if (!(Math.abs(value - Math.round(value)) <= rounding && value > -0.5 && value < 2 ** 32 - 1)) {
      throw refuse(
        `the value ${value}`,
        'labels: whole numbers from 0, which is background',
        'pass a label map; give probabilities a threshold first',
      );
    }
    if (value > most) most = value;
  }
  if (data instanceof Uint8Array || data instanceof Uint16Array || data instanceof Uint32Array) return data;
  const labels = new (most < 255.5 ? Uint8Array : most < 65_535.5 ? Uint16Array : Uint32Array)(data.length);
  for (let i = 0; i < data.length; i++) labels[i] = Math.round(data[i]);
  return labels;
}

/** The labels other than 0 that occur in any of some label maps, ascending. */
export function labelsIn(maps: readonly Volume[]): number[] {
  const found = new Set<number>();
  for (const { data } of maps) {
    let last = 0;
    for (const label of data) {
      // Neighbours mostly agree, and a set is slow to ask.
      if (label === last) continue;
      last = label;
      found.add(label);
    }
  }
  found.delete(0);
  return [...found].sort((a, b) => a - b);
}
