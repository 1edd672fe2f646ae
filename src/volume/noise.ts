// Normal noise and the noise of magnitude MRI, fast: one 32-bit random number for two values from a table.
import type { Random } from '../base/random';

const SIZE = 1 << 16;
let table: Float32Array | undefined;

/**
 * 65,536 equally likely values of the standard normal distribution (its quantiles at the middles of equal steps).
 * The distribution function is summed up in small steps, so that only + - * / are used.
 */
export function normalTable(): Float32Array {
  if (table) return table;
  table = new Float32Array(SIZE);
  const STEPS = 1 << 16;
  const LIMIT = 5;
  const step = LIMIT / STEPS;
  // Half of the area, from 0 to each x, by the midpoint rule; the density by a product, exp(-x^2/2) = prod exp(-x dx).
  const area = new Float64Array(STEPS + 1);
  for (let i = 0; i < STEPS; i++) {
    const x = (i + 0.5) * step;
    area[i + 1] = area[i] + expOfMinus(0.5 * x * x);
  }
  let i = 0;
  for (let q = 0; q < SIZE / 2; q++) {
    const wanted = ((q + 0.5) / (SIZE / 2)) * area[STEPS];
    while (area[i + 1] < wanted) i++;
    const x = (i + (wanted - area[i]) / (area[i + 1] - area[i])) * step;
    table[SIZE / 2 + q] = x;
    table[SIZE / 2 - 1 - q] = -x;
  }
  return table;
}

/** exp(-x) for x in 0..16 by its series and repeated squaring. */
function expOfMinus(x: number): number {
  const y = x / 64;
  let value = 1 / (1 + y * (1 + (y / 2) * (1 + (y / 3) * (1 + (y / 4) * (1 + y / 5)))));
  for (let k = 0; k < 6; k++) value *= value;
  return value;
}

/**
 * Turn a noise-free signal into the magnitude of a complex one with normal noise in both parts, in place:
 * sqrt((signal + n1)^2 + n2^2).
 * @param sigma  standard deviation of each part, in the signal's unit
 */
export function addRicianNoise(signal: Float32Array, sigma: number, random: Random): void {
  const normal = normalTable();
  let state = firstState(random);
  for (let i = 0; i < signal.length; i++) {
    state = nextState(state);
    const real = signal[i] + sigma * normal[state >>> 16];
    const imaginary = sigma * normal[state & 0xffff];
    signal[i] = Math.sqrt(real * real + imaginary * imaginary);
  }
}

/**
 * Add normal noise in place. The table ends at 4.3 standard deviations, which normal noise passes once in 65,536 values.
 * @param sigma  standard deviation, in the signal's unit
 */
export function addNormalNoise(signal: Float32Array, sigma: number, random: Random): void {
  const normal = normalTable();
  let state = firstState(random);
  for (let i = 0; i + 1 < signal.length; i += 2) {
    state = nextState(state);
    signal[i] += sigma * normal[state >>> 16];
    signal[i + 1] += sigma * normal[state & 0xffff];
  }
  if (signal.length % 2) signal[signal.length - 1] += sigma * normal[nextState(state) >>> 16];
}

/** xorshift32 (Marsaglia 2003, shifts 13, 17, 5): the two halves of a state pick two values. */
function nextState(state: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  return state ^ (state << 5);
}

/** Any state but 0, from which xorshift does not move. */
function firstState(random: Random): number {
  return (random.below(0x7fffffff) + 1) | 0;
}
