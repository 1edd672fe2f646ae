// What upsampling does to a spectrum.
//
// Frequencies are in cycles a sample of the given picture; half a cycle is its Nyquist frequency, the finest pattern
// it can hold. Making a picture larger multiplies its spectrum by the kernel's transfer function H below that limit
// (attenuation: "blur"), and leaves copies of it above (images), which an ideal kernel would take away. Both are
// known in closed form, so a picture's own loss is its spectrum weighted by H.
import type { Interpolation, Shape } from '../sampling/resize';
import { shapeOf } from '../sampling/resize';
import type { Volume } from '../volume/volume';

/** sin(pi x) / (pi x). */
function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/**
 * The transfer function of a kernel: the Fourier transform of its shape at frequency f; real, 1 at 0.
 * Keys 1981 (IEEE Trans. ASSP 29(6)) for the cubic one, with its parameter a.
 */
export function transfer(shape: Shape, f: number): number {
  if (shape.name === 'box') return sinc(f);
  if (shape.name === 'triangle') return sinc(f) ** 2;
  const w = (Math.PI * f) ** 2;
  // Below this the differences cancel; H = 1 - O(f^2) with a coefficient near 1.
  if (w < 1e-8) return 1;
  const keys = (3 / w) * (sinc(f) ** 2 - sinc(2 * f));
  return keys + shape.a * (2 / w) * (3 * sinc(2 * f) ** 2 - 2 * sinc(2 * f) - sinc(4 * f));
}

/** Power relative to 1 as decibels. */
export function decibels(power: number): number {
  return 10 * Math.log10(power);
}

/** The lowest frequency at which a kernel halves the power (-3.01 dB), in cycles a sample; by bisection. */
export function halfPowerFrequency(shape: Shape): number {
  let low = 0;
  while (low < 0.5 && transfer(shape, low) ** 2 > 0.5) low += 1e-3;
  let high = low;
  low -= 1e-3;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (transfer(shape, middle) ** 2 > 0.5) low = middle;
    else high = middle;
  }
  return high;
}

/** What becomes of the power at one frequency of an axis, given 1. */
export interface AxisPower {
  /** Where it was, below the Nyquist frequencies of both grids. */
  kept: number;
  /** Everywhere: what is kept and its copies above the given Nyquist frequency. */
  total: number;
}

/** Copies further off than this are below 1e-3 of the power together. */
const copies = 64;

/**
 * The power at frequency f (0 to 0.5) after resizing an axis from `from` to `to` samples. When the axis shrinks,
 * frequencies that the new grid cannot hold count as not kept (they are folded onto others), and an antialiasing
 * kernel is as much wider as the axis is shorter.
 */
export function axisPower(from: number, to: number, interpolation: Interpolation, f: number): AxisPower {
  const shape = shapeOf(interpolation);
  const stretch = interpolation.antialias ? Math.max(1, from / to) : 1;
  const power = (at: number): number => transfer(shape, at * stretch) ** 2;
  const own = power(f);
  let total = own;
  for (let k = 1; k <= copies; k++) total += power(f + k) + power(k - f);
  return { kept: f * from <= to / 2 ? own : 0, total };
}

/** The power spectrum of a picture, without its mean. */
export interface Spectrum {
  width: number;
  height: number;
  /**
   * Energy at frequency (u / width, v / height), u from 0 to width / 2, v from 0 to height - 1, row by row of
   * floor(width / 2) + 1; the mirrored half is added in. The mean's place holds 0.
   */
  power: Float64Array;
}

/** Discrete Fourier transform by its definition: planes are small, and 155 is no power of two. */
export function spectrumOf(pixels: ArrayLike<number>, width: number, height: number): Spectrum {
  const half = Math.floor(width / 2) + 1;
  const along = waves(width);
  // Along rows: re, im of (u, row).
  const re = new Float64Array(half * height);
  const im = new Float64Array(half * height);
  for (let row = 0; row < height; row++) {
    for (let u = 0; u < half; u++) {
      let a = 0;
      let b = 0;
      for (let x = 0, k = 0; x < width; x++) {
        const value = pixels[row * width + x];
        a += value * along.cos[k];
        b -= value * along.sin[k];
        k += u;
        if (k >= width) k -= width;
      }
      re[row * half + u] = a;
      im[row * half + u] = b;
    }
  }
  const down = waves(height);
  const power = new Float64Array(half * height);
  for (let u = 0; u < half; u++) {
    // Frequencies u and width - u hold the same energy in a real picture.
    const twice = u === 0 || 2 * u === width ? 1 : 2;
    for (let v = 0; v < height; v++) {
      let a = 0;
      let b = 0;
      for (let y = 0, k = 0; y < height; y++) {
        const [p, q] = [re[y * half + u], im[y * half + u]];
        a += p * down.cos[k] + q * down.sin[k];
        b += q * down.cos[k] - p * down.sin[k];
        k += v;
        if (k >= height) k -= height;
      }
      power[v * half + u] = twice * (a * a + b * b);
    }
  }
  power[0] = 0;
  return { width, height, power };
}

function waves(n: number): { cos: Float64Array; sin: Float64Array } {
  const angle = (2 * Math.PI) / n;
  return {
    cos: Float64Array.from({ length: n }, (_, k) => Math.cos(angle * k)),
    sin: Float64Array.from({ length: n }, (_, k) => Math.sin(angle * k)),
  };
}

/** What becomes of a picture's own energy (its mean left out), as shares of it. */
export interface EnergyShares {
  /** Taken away below the Nyquist frequency. */
  lost: number;
  /** Added above it, as images. */
  images: number;
  /** Held at frequencies whose power is more than halved. */
  halved: number;
  /** Held above half the Nyquist frequency of either axis: fine detail. */
  detail: number;
  /** The share of that detail's energy that is taken away; 0 where there is none. */
  detailLost: number;
}

/** A picture's spectrum weighted by what the two axes' kernels do to it. All 0 for a constant picture. */
export function energyShares(
  { width, height, power }: Spectrum,
  to: [number, number],
  interpolation: Interpolation,
): EnergyShares {
  const half = Math.floor(width / 2) + 1;
  const across = Array.from({ length: half }, (_, u) => axisPower(width, to[0], interpolation, u / width));
  const down = Array.from({ length: height }, (_, v) =>
    axisPower(height, to[1], interpolation, Math.min(v, height - v) / height),
  );
  let all = 0;
  let kept = 0;
  let total = 0;
  let halved = 0;
  let detail = 0;
  let detailKept = 0;
  for (let v = 0, i = 0; v < height; v++) {
    for (let u = 0; u < half; u++, i++) {
      const gain = across[u].kept * down[v].kept;
      all += power[i];
      kept += power[i] * gain;
      total += power[i] * across[u].total * down[v].total;
      if (gain < 0.5) halved += power[i];
      if (4 * u > width || 4 * Math.min(v, height - v) > height) {
        detail += power[i];
        detailKept += power[i] * gain;
      }
    }
  }
  if (all === 0) return { lost: 0, images: 0, halved: 0, detail: 0, detailLost: 0 };
  return {
    lost: 1 - kept / all,
    images: (total - kept) / all,
    halved: halved / all,
    detail: detail / all,
    detailLost: detail === 0 ? 0 : 1 - detailKept / detail,
  };
}

/**
 * The energy of a volume along one axis of its array, at k = 0 .. floor(n / 2) cycles along it; the mean of each line
 * is left out (k = 0 holds 0).
 * @param every  look at every so-many-th line in both other directions
 */
export function axisEnergy(
  { data, dims }: Pick<Volume, 'data' | 'dims'>,
  axis: number,
  every = 1,
): Float64Array {
  const n = dims[axis];
  const step = [1, dims[0], dims[0] * dims[1]];
  const [b, c] = [0, 1, 2].filter((a) => a !== axis);
  const { cos, sin } = waves(n);
  const energy = new Float64Array(Math.floor(n / 2) + 1);
  const line = new Float64Array(n);
  for (let j = 0; j < dims[c]; j += every) {
    for (let i = 0; i < dims[b]; i += every) {
      const start = i * step[b] + j * step[c];
      for (let x = 0; x < n; x++) line[x] = data[start + x * step[axis]];
      if (line.every((v) => v === line[0])) continue;
      for (let k = 1; k < energy.length; k++) {
        let re = 0;
        let im = 0;
        for (let x = 0, w = 0; x < n; x++) {
          re += line[x] * cos[w];
          im += line[x] * sin[w];
          w += k;
          if (w >= n) w -= n;
        }
        energy[k] += (2 * k === n ? 1 : 2) * (re * re + im * im);
      }
    }
  }
  return energy;
}

/** The lowest frequency, in cycles a sample, up to which an axis holds this share of its energy; n samples long. */
export function cutOff(energy: Float64Array, n: number, share: number): number {
  const all = energy.reduce((a, b) => a + b, 0);
  let sum = 0;
  for (let k = 0; k < energy.length; k++) {
    sum += energy[k];
    if (sum >= share * all) return k / n;
  }
  return 0.5;
}
