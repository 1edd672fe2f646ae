// Patches that the tests of augmentations share.
import { Random } from '../../src/base/random';
import type { Patch } from '../../src/sampling/augment/patch';
import type { Triple } from '../../src/volume/volume';

/** Normal noise in the image, labels of the set in the mask. */
export function randomPatch(dims: Triple, seed: number | string, labels = [0, 1, 2, 7], channels = 1): Patch {
  const random = new Random(seed);
  const n = dims[0] * dims[1] * dims[2];
  return {
    dims,
    channels: Array.from({ length: channels }, () => Float32Array.from({ length: n }, () => random.normal())),
    mask: Uint8Array.from({ length: n }, () => labels[random.below(labels.length)]),
  };
}

/** A patch whose image is its mask: a few boxes of labels. */
export function labelled(dims: Triple, labels: number[]): Patch {
  const mask = new Uint8Array(dims[0] * dims[1] * dims[2]);
  for (let k = 0, n = 0; k < dims[2]; k++)
    for (let j = 0; j < dims[1]; j++)
      for (let i = 0; i < dims[0]; i++, n++)
        if (i > 1 && j > 1 && k > 1) mask[n] = labels[(i > dims[0] / 2 ? 1 : 0) % labels.length];
  return { dims, channels: [Float32Array.from(mask)], mask };
}
