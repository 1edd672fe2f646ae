// Cases as training and prediction take them: an image of mean 0 and deviation 1 and its labels, in memory that threads share.
import { InputError } from '../base/errors';
import type { Layout } from '../sampling/layout';
import { layoutOf } from '../sampling/layout';
import type { Volume } from '../volume/volume';
import { centred, momentsOf } from './moments';

/** A volume to learn from. Plain data and shared memory: it can be posted to a thread. */
export interface TrainingCase {
  name: string;
  /** float32, mean 0 and deviation 1 over the whole volume. */
  image: Layout;
  /** Whole numbers; 0 is background. */
  labels: Layout;
  /** Where labels are above 0, in file order. */
  foreground: Int32Array;
}

/**
 * A volume whose voxels have mean 0 and deviation 1; one of a single grey becomes zeros.
 * @throws InputError for voxels that are no numbers
 */
export function normalised(volume: Volume): Volume {
  const moments = momentsOf(volume.data);
  if (!Number.isFinite(moments.deviation))
    throw new InputError({
      what: 'cannot bring a volume to mean 0 and deviation 1',
      given: 'voxels that are no finite numbers',
      expected: 'finite numbers only',
      fix: 'look at it with `coc nifti`, and leave the case out or mend it',
    });
  return { ...volume, data: centred(volume.data, moments) };
}

/**
 * Make a case to learn from.
 * @param labels  on the image's voxels, in the same directions
 * @throws InputError for labels on another grid, without foreground, or above 255
 */
export function trainingCase(name: string, image: Volume, labels: Volume): TrainingCase {
  const refuse = (given: string, expected: string): never => {
    throw new InputError({
      what: `cannot learn from the case ${name}`,
      given,
      expected,
      fix: 'leave it out, or bring its labels to the image first',
    });
  };
  if (labels.dims.some((d, a) => d !== image.dims[a]) || labels.axisCodes !== image.axisCodes)
    refuse(
      `labels of ${labels.dims.join(' x ')} (${labels.axisCodes}) for an image of ${image.dims.join(' x ')} (${image.axisCodes})`,
      'labels on the voxels of the image',
    );
  const whole = Uint8Array.from(labels.data);
  if (whole.some((value, i) => value !== labels.data[i])) refuse('labels that are no whole numbers up to 255', 'classes 0, 1, 2, ...'); // prettier-ignore
  const places: number[] = [];
  whole.forEach((value, place) => {
    if (value > 0) places.push(place);
  });
  if (places.length === 0)
    refuse('labels without foreground', 'at least one voxel with a label of 1 or more');
  const foreground = new Int32Array(new SharedArrayBuffer(4 * places.length));
  foreground.set(places);
  return {
    name,
    image: layoutOf(normalised(image), 'file', { shared: true }),
    labels: layoutOf({ ...labels, data: whole }, 'file', { shared: true }),
    foreground,
  };
}
