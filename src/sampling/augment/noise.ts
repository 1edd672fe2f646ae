// Noise, drawn from a seed. Gaussian as in nnU-Net; Rician as in batchgenerators 1, which the CVA code uses.
import { InputError } from '../../base/errors';
import { Random } from '../../base/random';
import { addNormalNoise, addRicianNoise } from '../../volume/noise';
import type { Patch } from './patch';

export type NoiseKind = 'gaussian' | 'rician';

/** Noise of one strength on every channel, with values of its own for each. */
export interface Noise {
  op: 'noise';
  /** `rician`: sqrt((value + n1)^2 + n2^2) with the sign of the value. */
  kind: NoiseKind;
  /** Standard deviation, in the image's unit (nnU-Net's images have deviation 1). The references call it variance. */
  sigma: number;
  seed: number;
}

/** Add noise to every channel. @throws InputError for a negative strength */
export function applyNoise(patch: Patch, { kind, sigma, seed }: Noise): Patch {
  if (!(sigma >= 0 && Number.isFinite(sigma))) {
    throw new InputError({
      what: 'cannot add noise',
      given: `a standard deviation of ${sigma}`,
      expected: 'a number from 0 on',
      fix: 'give the strength in the unit of the image; nnU-Net draws 0 to 0.1 for images of deviation 1',
    });
  }
  const random = new Random(seed);
  const channels = patch.channels.map((channel, c) => {
    const out = channel.slice();
    const stream = random.fork(`channel ${c}`);
    if (kind === 'gaussian') {
      addNormalNoise(out, sigma, stream);
      return out;
    }
    addRicianNoise(out, sigma, stream);
    for (let i = 0; i < out.length; i++) out[i] *= Math.sign(channel[i]);
    return out;
  });
  return { ...patch, channels };
}
