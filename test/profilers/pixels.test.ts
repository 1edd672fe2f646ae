import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random';
import { throughDecoder, throughInput } from '../../src/profilers/mask-return';
import { encoderFlopsAt, nativeSize, pixelWays, profilePixels, wayNames } from '../../src/profilers/pixels';
import { encoderFlops } from '../../src/profilers/flops';
import { leastSquaresReturn, recoveryOf } from '../../src/profilers/recovery';
import {
  axisEnergy,
  axisPower,
  cutOff,
  energyShares,
  halfPowerFrequency,
  spectrumOf,
  transfer,
} from '../../src/profilers/spectrum';
import { ledgerOf } from '../../src/sampling/ledger';
import type { Interpolation, Shape } from '../../src/sampling/resize';
import { axisMatrix, resize } from '../../src/sampling/resize';
import { fitSquare } from '../../src/sampling/square';
import type { Affine, Triple, Volume } from '../../src/volume/volume';
import { volumeOf } from '../../src/volume/volume';
import { writeNifti } from '../../src/volume/write-nifti';

const bilinear: Interpolation = { kernel: 'bilinear', convention: 'torch', antialias: true };
const bicubic: Interpolation = { kernel: 'bicubic', convention: 'pil', antialias: true };
const nearest: Interpolation = { kernel: 'nearest', convention: 'pil', antialias: false };
const shapes: Shape[] = [
  { name: 'box' },
  { name: 'triangle' },
  ...[-0.5, -0.75, -1].map((a): Shape => ({ name: 'cubic', a })),
];

/** A kernel's value at a distance, written in another form than the library's. */
function shapeValue(shape: Shape, x: number): number {
  const d = Math.abs(x);
  if (shape.name === 'box') return d < 0.5 ? 1 : 0;
  if (shape.name === 'triangle') return Math.max(0, 1 - d);
  // Keys' conditions: 1, 0, 0 at 0, 1, 2; slope 0 at 0 and 2, and `a` at 1 from both sides.
  const { a } = shape;
  return d < 1 ? 1 - (a + 3) * d ** 2 + (a + 2) * d ** 3 : d < 2 ? a * (d - 1) * (d - 2) ** 2 : 0;
}

function volume(dims: Triple, value: (i: number) => number, spacing: Triple = [1, 1, 1]): Volume {
  const data = Float32Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => value(i));
  const affine = [0, 1, 2].map((r) => [0, 1, 2, 3].map((c) => (r === c ? spacing[r] : 0)));
  return volumeOf(data, dims, [...affine, [0, 0, 0, 1]] as unknown as Affine);
}

describe('transfer functions', () => {
  it('are the Fourier transforms of the kernels (by quadrature)', () => {
    const steps = 4000;
    for (const shape of shapes) {
      for (const f of [0, 0.01, 0.1, 0.25, 0.4, 0.5, 0.9, 1.5, 2.3]) {
        let sum = 0;
        for (let i = 0; i < steps; i++) {
          const x = -2 + (4 * (i + 0.5)) / steps;
          sum += (shapeValue(shape, x) * Math.cos(2 * Math.PI * f * x) * 4) / steps;
        }
        expect(transfer(shape, f), `${JSON.stringify(shape)} at ${f}`).toBeCloseTo(sum, 5);
      }
    }
  });

  it('and their copies sum to 1 for kernels that pass through the samples', () => {
    for (const shape of shapes.slice(1))
      for (const f of [0.05, 0.3, 0.5]) {
        let sum = transfer(shape, f);
        for (let k = 1; k < 2000; k++) sum += transfer(shape, f + k) + transfer(shape, f - k);
        expect(sum).toBeCloseTo(1, 3);
      }
  });

  it('halve the power below the Nyquist frequency for smooth kernels only', () => {
    for (const shape of shapes.slice(1)) {
      const f = halfPowerFrequency(shape);
      expect(f).toBeLessThan(0.5);
      expect(transfer(shape, f) ** 2).toBeCloseTo(0.5, 6);
    }
    // A box halves it at 0.443: sinc(f)^2 = 1/2.
    expect(halfPowerFrequency({ name: 'box' })).toBeCloseTo(0.44295, 4);
  });

  it('say what a matrix does to a wave', () => {
    for (const way of [
      bilinear,
      bicubic,
      nearest,
      { ...bicubic, convention: 'torch', antialias: false } as const,
    ])
      for (const [from, to, cycles] of [
        [200, 1600, 10],
        [200, 1600, 60],
        [200, 1600, 90],
        [200, 120, 30],
      ]) {
        if (way.kernel === 'nearest' && to < from) continue;
        const matrix = axisMatrix(from, to, way);
        const one = axisMatrix(1, 1, way);
        const angle = (i: number, n: number): number => (2 * Math.PI * cycles * (i + 0.5)) / n;
        const wave = Float32Array.from({ length: from }, (_, i) => Math.cos(angle(i, from)));
        const out = resize(wave, matrix, one);
        const cos = out.reduce((s, v, i) => s + v * Math.cos(angle(i, to)), 0) * (2 / to);
        const energy = out.reduce((s, v) => s + v * v, 0) * (2 / to);
        const { kept, total } = axisPower(from, to, way, cycles / from);
        expect(Math.abs(cos ** 2 - kept)).toBeLessThan(0.03);
        if (to > from) expect(Math.abs(energy - total)).toBeLessThan(0.03);
      }
    // What the smaller grid cannot hold is not kept.
    expect(axisPower(200, 120, bilinear, 0.35).kept).toBe(0);
  });
});

describe('spectra', () => {
  const random = new Random(1);
  const noise = Float64Array.from({ length: 12 * 9 }, () => random.normal());

  it('hold the energy of the picture without its mean (Parseval)', () => {
    const { power } = spectrumOf(noise, 12, 9);
    const mean = noise.reduce((a, b) => a + b, 0) / noise.length;
    const energy = noise.reduce((s, v) => s + (v - mean) ** 2, 0);
    expect(power.reduce((a, b) => a + b, 0) / noise.length).toBeCloseTo(energy, 9);
  });

  it('hold a wave where it belongs', () => {
    const wave = Float64Array.from({ length: 12 * 9 }, (_, i) =>
      Math.cos(2 * Math.PI * ((3 * (i % 12)) / 12 + (2 * Math.floor(i / 12)) / 9)),
    );
    const { power } = spectrumOf(wave, 12, 9);
    expect(power.indexOf(Math.max(...power))).toBe(2 * 7 + 3);
    expect(power[2 * 7 + 3] / power.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
  });

  it('weighted by the kernels give the energy that a resized picture has', () => {
    // Noise in the middle of an empty picture: the kernels’ borders do not matter.
    const [w, h] = [36, 30];
    const r = new Random(2);
    const picture = Float32Array.from({ length: w * h }, (_, i) =>
      i % w > 5 && i % w < 30 && i > 5 * w && i < 25 * w ? r.normal() : 0,
    );
    const variance = (x: Float32Array): number => {
      const mean = x.reduce((a, b) => a + b, 0) / x.length;
      return x.reduce((s, v) => s + (v - mean) ** 2, 0) / x.length;
    };
    for (const way of [bilinear, bicubic]) {
      const out = resize(picture, axisMatrix(w, 288, way), axisMatrix(h, 300, way));
      const { lost, images, halved, detail, detailLost } = energyShares(
        spectrumOf(picture, w, h),
        [288, 300],
        way,
      );
      expect(variance(out) / variance(picture)).toBeCloseTo(1 - lost + images, 2);
      expect(halved).toBeGreaterThan(0.3);
      // White noise: three quarters of its energy lie above half the Nyquist frequency of one axis or both.
      expect(detail).toBeCloseTo(0.75, 1);
      expect(detailLost).toBeGreaterThan(lost);
    }
    expect(energyShares(spectrumOf(new Float64Array(12), 4, 3), [8, 8], bicubic)).toEqual({
      lost: 0,
      images: 0,
      halved: 0,
      detail: 0,
      detailLost: 0,
    });
  });

  it('along an axis find how fine it is', () => {
    // x holds 2 cycles in 16, y nothing, z noise up to half a cycle.
    const v = volume([16, 4, 10], (i) => Math.cos((2 * Math.PI * 2 * (i % 16)) / 16));
    expect(cutOff(axisEnergy(v, 0), 16, 0.99)).toBeCloseTo(2 / 16, 12);
    expect(axisEnergy(v, 1).every((e) => e === 0)).toBe(true);
    const r = new Random(3);
    const rough = volume([4, 4, 40], () => r.normal());
    expect(cutOff(axisEnergy(rough, 2), 40, 0.99)).toBeGreaterThan(0.45);
    const all = axisEnergy(rough, 2).reduce((a, b) => a + b, 0);
    expect(axisEnergy(rough, 2, 2).reduce((a, b) => a + b, 0)).toBeLessThan(all / 2);
  });
});

describe('recovery', () => {
  interface Peer extends Interpolation {
    from: number;
    to: number;
    rank: number;
    condition: number | null;
  }
  const peers = (
    JSON.parse(readFileSync(path.join(__dirname, '..', 'oracles', 'resize.json'), 'utf8')) as {
      recovery: Peer[];
    }
  ).recovery;

  it('has the ranks and condition numbers that numpy finds for the libraries’ own matrices', () => {
    expect(peers.length).toBeGreaterThan(80);
    for (const { from, to, rank, condition, ...way } of peers) {
      const found = recoveryOf(axisMatrix(from, to, way));
      const what = `${from} to ${to} ${way.convention} ${way.kernel}`;
      expect(found.rank, what).toBe(rank);
      if (condition === null) expect(found.condition, what).toBeNull();
      else expect(found.condition! / condition, what).toBeCloseTo(1, 5);
    }
  });

  it('returns every picture that grew', () => {
    const side = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(fc.constantFrom(nearest, bilinear, bicubic), side, side, side, side, (way, w, h, a, b) => {
        const [columns, rows] = [axisMatrix(w, w + a, way), axisMatrix(h, h + b, way)];
        const x = Float32Array.from({ length: w * h }, (_, i) => Math.sin(7 * i));
        const back = leastSquaresReturn(resize(x, columns, rows), columns, rows);
        expect(back.reduce((most, v, i) => Math.max(most, Math.abs(v - x[i])), 0)).toBeLessThan(2e-6);
      }),
    );
  });

  it('refuses where samples were lost, and the ledger says how many', () => {
    const fit = fitSquare(40, 20, 24, 'stretch', bicubic);
    expect(() => leastSquaresReturn(new Float32Array(576), fit.columns, fit.rows)).toThrow(
      /40 samples that became 24, of which 24 are independent/,
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (w, h) => {
        const square = fitSquare(w, h, 25, 'stretch', bilinear);
        expect(ledgerOf(square).original).toBe(
          recoveryOf(square.columns).rank * recoveryOf(square.rows).rank,
        );
      }),
      { numRuns: 30 },
    );
  });
});

describe('masks through the square', () => {
  const disc = (w: number, h: number, r: number): Float32Array =>
    Float32Array.from({ length: w * h }, (_, i) =>
      Math.hypot((i % w) - w / 2, Math.floor(i / w) - h / 2) <= r ? 1 : 0,
    );

  it('come back whole through nearest, and large ones nearly whole through every kernel', () => {
    const mask = disc(60, 40, 12);
    for (const way of ['stretch', 'pad'] as const) {
      expect(throughInput(fitSquare(60, 40, 256, way, nearest), nearest)(mask)).toBe(1);
      for (const kernel of [bilinear, bicubic])
        expect(throughInput(fitSquare(60, 40, 256, way, kernel), kernel)(mask)).toBeGreaterThan(0.99);
    }
  });

  it('lose what the grid cannot hold', () => {
    const dot = new Float32Array(64 * 64);
    dot[32 * 64 + 32] = 1;
    const small = fitSquare(64, 64, 16, 'stretch', bilinear);
    expect(throughInput(small, bilinear)(dot)).toBe(0);
    // A decoder's grid of a quarter: 64 samples for 64 pixels hold the disc, 16 do not hold its shape.
    const mask = disc(64, 64, 5);
    const fine = throughDecoder(fitSquare(64, 64, 256, 'stretch', bilinear))(mask);
    const coarse = throughDecoder(fitSquare(64, 64, 64, 'stretch', bilinear))(mask);
    expect(fine).toBeGreaterThan(0.95);
    expect(coarse).toBeLessThan(fine);
  });
});

describe('the pixel profile', () => {
  const r = new Random(4);
  const head = volume([24, 24, 15], () => r.uniform(), [1, 1, 2]);

  it('adds up for every plane and way', () => {
    const profiles = profilePixels(head, { size: 64 });
    expect(profiles.map((p) => `${p.plane} ${p.way}`)).toEqual(
      ['axial', 'coronal', 'sagittal'].flatMap((plane) => wayNames.map((way) => `${plane} ${way}`)),
    );
    for (const p of profiles) {
      expect(p.shares.original + p.shares.interpolated + p.shares.padded).toBeCloseTo(1, 12);
      expect(p.samplesPerPixel).toBe(p.size ** 2 / (p.width * p.height));
      expect(p.returned!.leastSquares).toBeLessThan(1e-6);
      expect(p.energy.lost).toBeGreaterThan(0);
      expect(p.energy.lost).toBeLessThan(1);
    }
    const coronal = profiles.find((p) => p.plane === 'coronal' && p.way === 'sam')!;
    // 24 x 15 voxels of 1 x 2 mm: padding keeps them 1:2, to 64 x 40 samples.
    expect(coronal.spacing).toEqual({ column: 24 / 64, row: 30 / 40, aspect: 2 });
    expect(coronal.shares.padded).toBe(24 / 64);
    const stretched = profiles.find((p) => p.plane === 'coronal' && p.way === 'study')!;
    expect(stretched.spacing.aspect).toBeCloseTo(30 / 24, 12);
  });

  it('counts FLOPs at the published sizes as the encoder does, and at others by the same rule', () => {
    expect(encoderFlopsAt('sam-vit-h', 1024)).toBe(encoderFlops('sam-vit-h').forward);
    expect(encoderFlopsAt('sam3', 1008)).toBe(encoderFlops('sam3').forward);
    expect(encoderFlopsAt('sam-vit-h', 512)).toBeLessThan(encoderFlopsAt('sam-vit-h', 1024) / 3);
    expect(nativeSize('sam-vit-h', 240, 155)).toBe(240);
    expect(nativeSize('sam3', 155, 240)).toBe(252);
    expect(() => encoderFlopsAt('sam-vit-h', 1000)).toThrow(
      /1000 pixels a side, expected a multiple of its patch, 16.*choose 1008/,
    );
    expect(pixelWays().study.size).toBe(1024);
  });

  it('says where nothing can return, and refuses planes that hold no numbers', () => {
    const small = profilePixels(
      volume([40, 40, 40], (i) => i % 7),
      { size: 32 },
    );
    expect(small.filter((p) => p.returned === null).map((p) => p.way)).toEqual([
      'sam',
      'study',
      'sam',
      'study',
      'sam',
      'study',
    ]);
    expect(small[0].ledger.lost).toBe(40 * 40 - 32 * 32);
    const holed = volume([8, 8, 8], () => NaN);
    expect(() => profilePixels(holed, { size: 16 })).toThrow(/the axial plane: given a pixel that is NaN/);
    expect(() => profilePixels(head, { size: 64, voxel: [0, 0, 15] })).toThrow(/voxel \(0, 0, 15\)/);
  });
});

describe('coc pixels', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'coc-pixels-'));
    await writeNifti(
      path.join(folder, 'a.nii'),
      volume([20, 20, 12], (i) => Math.sin(i)),
      { version: 1 },
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const coc = (...args: string[]) =>
    spawnSync(process.execPath, ['src/cli/coc.cjs', 'pixels', path.join(folder, 'a.nii'), ...args], {
      encoding: 'utf8',
    });

  it('prints a table a way, and the same as JSON', () => {
    const { stdout, stderr, status } = coc('--size', '64', '--voxel', '3,4,5');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/SAM: longest side, padded \(64 x 64, bilinear, pil\)/);
    expect(stdout).toMatch(/padded +0\.0 % +40\.6 % +40\.6 %/);
    const { profiles } = JSON.parse(coc('--size', '64', '--json').stdout) as { profiles: { size: number }[] };
    expect(profiles.map((p) => p.size)).toEqual([64, 1008, 64, 64, 1008, 64, 64, 1008, 64]);
  });

  it('refuses what it cannot use', () => {
    for (const [args, message] of [
      [['--voxel', '1,2'], /three whole numbers with commas/],
      [['--size', 'big'], /given 20 to NaN samples/],
      [['--size', '100'], /multiple of its patch, 16/],
    ] as const) {
      const { stderr, status } = coc(...args);
      expect(status).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/^ +at /m);
    }
  });
});
