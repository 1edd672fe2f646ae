// Brightness and contrast, channel by channel; as MultiplicativeBrightnessTransform and ContrastTransform of
// batchgeneratorsv2 0.3.6.
import { eachChannel, type Patch } from './patch';

/** Every value times a factor. */
export interface Brightness {
  op: 'brightness';
  /** One a channel; null leaves it. */
  factors: (number | null)[];
}

/** Distances from the channel's mean times a factor, cut to the range that the channel had. */
export interface Contrast {
  op: 'contrast';
  /** One a channel; null leaves it. */
  factors: (number | null)[];
}

/** Multiply channels by their factors. */
export function applyBrightness(patch: Patch, { factors }: Brightness): Patch {
  return eachChannel(patch, 'brightness', factors, (channel, factor) => {
    const out = new Float32Array(channel.length);
    for (let i = 0; i < out.length; i++) out[i] = channel[i] * factor;
    return out;
  });
}

/** Spread channels about their means or draw them together; minimum and maximum are kept as bounds. */
export function applyContrast(patch: Patch, { factors }: Contrast): Patch {
  return eachChannel(patch, 'contrast', factors, (channel, factor) => {
    const { mean, min, max } = statisticsOf(channel);
    const out = new Float32Array(channel.length);
    for (let i = 0; i < out.length; i++) {
      const value = (channel[i] - mean) * factor + mean;
      out[i] = value < min ? min : value > max ? max : value;
    }
    return out;
  });
}

/** What an operation may have to keep. */
export interface Statistics {
  min: number;
  max: number;
  mean: number;
  /** Standard deviation, divided by n - 1 as torch does. */
  deviation: number;
}

/** Range, mean and standard deviation of the values, summed up in double precision. */
export function statisticsOf(values: Float32Array): Statistics {
  // Sums about the first value: nothing is lost where the mean is far from 0.
  const origin = values[0];
  let min = origin;
  let max = origin;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    min = Math.min(min, value);
    max = Math.max(max, value);
    const d = value - origin;
    sum += d;
    squares += d * d;
  }
  const n = values.length;
  const variance = (squares - (sum * sum) / n) / (n - 1);
  return { min, max, mean: origin + sum / n, deviation: Math.sqrt(Math.max(0, variance)) };
}
