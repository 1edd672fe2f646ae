// Synthetic heads: the same bytes for the same seed on every machine, the classes and the noise that are promised.
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/base/hash';
import { Random } from '../../src/base/random';
import { addRicianNoise, normalTable } from '../../src/volume/noise';
import type { SyntheticHeadOptions } from '../../src/datasets/synthetic-head';
import { syntheticHead } from '../../src/datasets/synthetic-head';
import type { Triple } from '../../src/volume/affine';
import type { Volume } from '../../src/volume/volume';

const dims: Triple = [60, 60, 39];
const small = (more: Partial<SyntheticHeadOptions> = {}) =>
  syntheticHead({ seed: 1, dims, spacing: [4, 4, 4], ...more });
const hash = ({ data }: Volume) => sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

/** Mean of the image where the label is `value`. */
function meanOf({ image, labels }: { image: Volume; labels: Volume }, value: number): number {
  let sum = 0;
  let n = 0;
  for (let i = 0; i < image.data.length; i++) {
    if (labels.data[i] === value) {
      sum += image.data[i];
      n++;
    }
  }
  return sum / n;
}

/** Millilitres of each label. */
function millilitres({ labels }: { labels: Volume }): number[] {
  const counts = [0, 0, 0, 0, 0];
  for (const value of labels.data) counts[value]++;
  const [a, b, c] = labels.spacing;
  return counts.map((n) => (n * a * b * c) / 1000);
}

describe('the head', () => {
  test('its bytes are pinned', () => {
    const { image, labels } = small();
    expect(hash(image)).toBe('ff51b5efefe46156120de7fb41e22ae7b094e702337ae4527f7811eba4741272');
    expect(hash(labels)).toBe('232cf369733ed9de981c9477cdd9ab42971c25b782238bb078f7e53852d7d751');
  });

  test('the same seed gives the same head, another seed another one', () => {
    expect(hash(small({ seed: 'x' }).image)).toBe(hash(small({ seed: 'x' }).image));
    expect(hash(small({ seed: 'x' }).image)).not.toBe(hash(small({ seed: 'y' }).image));
    expect(hash(small({ seed: 'x' }).labels)).not.toBe(hash(small({ seed: 'y' }).labels));
  });

  test('lies on the BRATS grid by default: LPS, 1 mm, 240 x 240 x 155', () => {
    const { image, labels } = syntheticHead({ seed: 1 });
    expect(image).toMatchObject({ dims: [240, 240, 155], spacing: [1, 1, 1], axisCodes: 'LPS' });
    expect(image.affine).toEqual([
      [-1, 0, 0, 0],
      [0, -1, 0, 239],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ]);
    expect(labels.affine).toEqual(image.affine);
    expect(labels.data).toBeInstanceOf(Uint8Array);
    expect(image.nonFinite).toEqual({ nan: 0, infinite: 0 });
    expect(image.notes).toEqual(['synthetic: an invented head, not a patient']);
  });

  test('is the same person at every resolution: class volumes agree within a tenth', () => {
    const fine = millilitres(syntheticHead({ seed: 5, dims: [120, 120, 78], spacing: [2, 2, 2] }));
    const coarse = millilitres(syntheticHead({ seed: 5, dims, spacing: [4, 4, 4] }));
    for (const label of [1, 2, 4]) {
      expect(coarse[label] / fine[label]).toBeGreaterThan(0.9);
      expect(coarse[label] / fine[label]).toBeLessThan(1.1);
    }
  });

  test.each([1, 2, 3, 4, 5, 6])('seed %i: every class is there, in amounts as in BRATS', (seed) => {
    const [, necrosis, oedema, solid, enhancing] = millilitres(small({ seed }));
    // The six subjects of brats2015-deepmedic: whole tumours of 63 to 217 ml, oedema the largest class.
    const whole = necrosis + oedema + solid + enhancing;
    expect(whole).toBeGreaterThan(50);
    expect(whole).toBeLessThan(220);
    expect(oedema).toBeGreaterThan(enhancing);
    for (const part of [necrosis, solid, enhancing]) expect(part).toBeGreaterThan(0.5);
  });

  test('contrasts differ as they should', () => {
    const clean = { noise: 0, bias: 0 };
    const flair = small({ ...clean, contrast: 'flair' });
    const t1c = small({ ...clean, contrast: 't1c' });
    expect(hash(flair.labels)).toBe(hash(t1c.labels));
    expect(meanOf(flair, 2)).toBeGreaterThan(meanOf(flair, 1) * 2);
    expect(meanOf(t1c, 4)).toBeGreaterThan(meanOf(t1c, 2) * 1.5);
  });

  test('without a lesion there is no label', () => {
    expect(millilitres(small({ lesion: false })).slice(1)).toEqual([0, 0, 0, 0]);
  });

  test('the bias field changes the signal by no more than it says', () => {
    const flat = small({ noise: 0, bias: 0 }).image.data;
    const bent = small({ noise: 0, bias: 0.25 }).image.data;
    let largest = 0;
    for (let i = 0; i < flat.length; i++)
      if (flat[i] > 0) largest = Math.max(largest, Math.abs(bent[i] / flat[i] - 1));
    expect(largest).toBeGreaterThan(0.02);
    expect(largest).toBeLessThan(0.3);
  });
});

describe('thick slices', () => {
  const plane = dims[0] * dims[1];

  test('are block averages of the thin ones, repeated; the labels stay', () => {
    const clean = { noise: 0 };
    const thin = small(clean);
    const thick = small({ ...clean, sliceThickness: 16 });
    for (const k of [0, 17, 18, 36, 38]) {
      const first = Math.floor(k / 4) * 4;
      const n = Math.min(4, dims[2] - first);
      for (let i = 0; i < plane; i += 7) {
        let sum = 0;
        for (let m = 0; m < n; m++) sum += thin.image.data[(first + m) * plane + i];
        expect(thick.image.data[k * plane + i]).toBeCloseTo(sum / n, 2);
      }
    }
    expect(hash(thick.labels)).toBe(hash(thin.labels));
  });

  test('carry one draw of noise a slab', () => {
    const { image } = small({ sliceThickness: 12 });
    const slice = (k: number) => image.data.subarray(k * plane, (k + 1) * plane);
    expect(slice(1)).toEqual(slice(0));
    expect(slice(2)).toEqual(slice(0));
    expect(slice(3)).not.toEqual(slice(2));
  });

  test('a thickness that is not a multiple of the spacing is refused', () => {
    expect(() => small({ sliceThickness: 6 })).toThrow(
      /given slices 6 mm thick on a grid of 4 mm along z, expected a thickness that is a whole multiple/,
    );
    expect(() => small({ sliceThickness: 0 })).toThrow(/slices 0 mm thick/);
    expect(() => small({ noise: -1 })).toThrow(/given noise -1, bias 0.25/);
  });
});

describe('the noise', () => {
  test('the table holds the quantiles of the normal distribution', () => {
    const table = normalTable();
    const quantile = (q: number) => table[Math.floor(q * 65536)];
    // From tables of the normal distribution.
    for (const [q, z] of [
      [0.5, 0],
      [0.841345, 1],
      [0.975, 1.959964],
      [0.99, 2.326348],
      [0.999, 3.090232],
      [0.025, -1.959964],
    ])
      expect(quantile(q)).toBeCloseTo(z, 2);
    const variance = table.reduce((sum, z) => sum + z * z, 0) / table.length;
    expect(variance).toBeCloseTo(1, 3);
  });

  test('is Rayleigh in air and nearly normal in tissue', () => {
    const n = 400_000;
    const moments = (signal: number) => {
      const data = new Float32Array(n).fill(signal);
      addRicianNoise(data, 20, new Random('noise'));
      const mean = data.reduce((a, b) => a + b, 0) / n;
      return { mean, sd: Math.sqrt(data.reduce((a, b) => a + (b - mean) ** 2, 0) / n) };
    };
    const air = moments(0);
    expect(air.mean).toBeCloseTo(20 * Math.sqrt(Math.PI / 2), 0);
    expect(air.sd).toBeCloseTo(20 * Math.sqrt(2 - Math.PI / 2), 0);
    const tissue = moments(500);
    // Rice: the mean of a strong signal rises by sigma^2 / (2 signal).
    expect(tissue.mean).toBeCloseTo(500 + 400 / 1000, 0);
    expect(tissue.sd).toBeCloseTo(20, 0);
  });
});
