// What each kernel does to frequencies and to the way back: derived from its formula and its matrix.
import type { Interpolation } from '../sampling/resize';
import { axisMatrix, resize, shapeOf } from '../sampling/resize';
import { recoveryOf } from '../profilers/recovery';
import { axisEnergy, decibels, halfPowerFrequency, transfer } from '../profilers/spectrum';
import type { Findings } from './findings';

/** A kernel as a library has it, with the parameter of the cubic ones. */
interface NamedKernel {
  id: string;
  title: string;
  /** As it stands in a sentence. */
  phrase: string;
  interpolation: Interpolation;
}

/** Every kernel that enlarges; where two libraries have the same one it stands once. */
export const kernels: readonly NamedKernel[] = [
  {
    id: 'nearest',
    title: 'Nearest',
    phrase: 'the nearest kernel',
    interpolation: { kernel: 'nearest', convention: 'pil', antialias: false },
  },
  {
    id: 'bilinear',
    title: 'Bilinear',
    phrase: 'the bilinear kernel',
    interpolation: { kernel: 'bilinear', convention: 'pil', antialias: true },
  },
  {
    id: 'bicubic',
    title: 'Bicubic, a = −0.5 (PIL resize, torch antialias)',
    phrase: 'the bicubic kernel with a = −0.5',
    interpolation: { kernel: 'bicubic', convention: 'pil', antialias: true },
  },
  {
    id: 'bicubic-torch',
    title: 'Bicubic, a = −0.75 (torch)',
    phrase: 'the bicubic kernel with a = −0.75',
    interpolation: { kernel: 'bicubic', convention: 'torch', antialias: false },
  },
  {
    id: 'bicubic-affine',
    title: 'Bicubic, a = −1 (PIL transform)',
    phrase: 'the bicubic kernel with a = −1',
    interpolation: { kernel: 'bicubic', convention: 'pil', antialias: false },
  },
];

/** The axis that the study calls extreme. */
const [from, to] = [155, 1024];

/** Attenuation in dB and how well the samples return, for each kernel. */
export function findKernels(found: Findings): void {
  for (const { id, phrase, interpolation } of kernels) {
    const shape = shapeOf(interpolation);
    const { rank, condition } = recoveryOf(axisMatrix(from, to, interpolation));
    const loss = (f: number): number => -decibels(transfer(shape, f) ** 2);
    const formula = 'Fourier transform of the kernel (Keys 1981 for the cubic one)';
    found.derived(
      `half-power.${id}`,
      `Frequency at which ${phrase} halves the power (−3 dB), over the plane's Nyquist frequency`,
      '1',
      2 * halfPowerFrequency(shape),
      formula,
    );
    found.derived(
      `loss-at-half-nyquist.${id}`,
      `Attenuation by ${phrase} at half the plane's Nyquist frequency`,
      'dB',
      loss(0.25),
      formula,
    );
    found.derived(
      `loss-at-nyquist.${id}`,
      `Attenuation by ${phrase} at the plane's Nyquist frequency`,
      'dB',
      loss(0.5),
      formula,
    );
    found.derived(
      `rank-share.${id}`,
      `Share of ${from} samples that stay independent when enlarged to ${to} (${phrase})`,
      '1',
      rank / from,
      'rank of the interpolation matrix over its columns',
    );
    // A kernel that loses rank has no condition number; the table below would say that it is missing.
    if (condition !== null)
      found.derived(
        `condition.${id}`,
        `Condition number of enlarging ${from} samples to ${to} (${phrase})`,
        '1',
        condition,
        'ratio of the extreme singular values of the interpolation matrix',
      );
  }
  found.table('kernel-table', 'What each kernel does when it enlarges', 'derived', {
    columns: [
      { key: 'kernel', title: 'Kernel', align: 'left' },
      { key: 'halfPower', title: '−3 dB at, over Nyquist', digits: 3 },
      { key: 'half', title: 'Loss at half Nyquist', unit: 'dB', digits: 2 },
      { key: 'nyquist', title: 'Loss at Nyquist', unit: 'dB', digits: 2 },
      { key: 'rank', title: 'Rank kept', digits: 3 },
      { key: 'condition', title: 'Condition', digits: 2 },
    ],
    rows: kernels.map(({ id, title }) => ({
      kernel: title,
      halfPower: found.value(`half-power.${id}`),
      half: found.value(`loss-at-half-nyquist.${id}`),
      nyquist: found.value(`loss-at-nyquist.${id}`),
      rank: found.value(`rank-share.${id}`),
      condition: found.value(`condition.${id}`),
    })),
  });
}

/** A plane as the measurement of transfer wants it. */
interface Picture {
  pixels: ArrayLike<number>;
  width: number;
  height: number;
}

/** Frequency in units of the Nyquist frequency, and dB. */
type Point = [frequency: number, decibels: number];

/**
 * The figure of transfer functions: curves from the formula, points from pictures that were really resized along
 * their columns (155 to 1024 samples for a coronal plane of the study's grid).
 */
export function findTransfer(found: Findings, pictures: Picture[]): void {
  const drawn = kernels.filter(({ id }) => id !== 'bicubic-affine');
  const curves = drawn.map(({ id, title, interpolation }) => {
    const shape = shapeOf(interpolation);
    const curve = Array.from({ length: 121 }, (_, i): Point => [i / 40, level(transfer(shape, i / 80) ** 2)]);
    return { id, title, curve, points: measuredTransfer(pictures, interpolation) };
  });
  found.figure('transfer', 'What enlarging does to each frequency', 'kernel-transfer', {
    from: pictures[0].height,
    to,
    planes: pictures.length,
    kernels: curves,
  });
}

/** dB to two digits; what is below -60 dB is drawn there. */
function level(power: number): number {
  return Math.round(100 * Math.max(-60, decibels(power))) / 100;
}

/** Power that each frequency of the columns has after enlarging, over what it had. */
function measuredTransfer(pictures: Picture[], interpolation: Interpolation): Point[] {
  const before = new Float64Array(Math.floor(pictures[0].height / 2) + 1);
  const after = new Float64Array(before.length);
  for (const { pixels, width, height } of pictures) {
    const source = Float32Array.from(pixels);
    const same = axisMatrix(width, width, interpolation);
    const large = resize(source, same, axisMatrix(height, to, interpolation));
    // Every fourth column is plenty; energies go with the square of the number of samples.
    axisEnergy({ data: source, dims: [width, height, 1] }, 1, 4).forEach((e, k) => {
      before[k] += e / height ** 2;
    });
    const energy = axisEnergy({ data: large, dims: [width, to, 1] }, 1, 4);
    for (let k = 0; k < after.length; k++) after[k] += energy[k] / to ** 2;
  }
  const points: Point[] = [];
  const { height } = pictures[0];
  for (let k = 4; k < before.length; k += 4)
    points.push([Math.round((2e4 * k) / height) / 1e4, level(after[k] / before[k])]);
  return points;
}
