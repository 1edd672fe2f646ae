// Gamma: values taken to a power over the channel's range, plain or upside down; mean and spread can be kept.
// As GammaTransform of batchgeneratorsv2 0.3.6.
import { InputError } from '../../base/errors';
import { power } from '../elementary';
import { statisticsOf } from './intensity';
import { eachChannel, type Patch } from './patch';

/** min + range ((value - min) / range)^exponent for each channel. */
export interface Gamma {
  op: 'gamma';
  /** One a channel, above 0: below 1 dark values become brighter; null leaves the channel. */
  exponents: (number | null)[];
  /** Apply it to the negative image: bright values are moved instead of dark ones. */
  invert: boolean;
  /** Shift and scale the result to the mean and standard deviation that the channel had. */
  keepStatistics: boolean;
}

/** Smallest range and deviation that is divided by, as in the reference. */
const TINY = 1e-7;

/** @throws InputError for an exponent that is not above 0 */
export function applyGamma(patch: Patch, { exponents, invert, keepStatistics }: Gamma): Patch {
  return eachChannel(patch, 'gamma', exponents, (channel, exponent) => {
    if (!(exponent > 0 && exponent <= 16)) {
      throw new InputError({
        what: 'cannot apply gamma',
        given: `exponent ${exponent}`,
        expected: 'a number above 0, 16 at most',
        fix: 'nnU-Net draws 0.7 to 1.5',
      });
    }
    const before = statisticsOf(channel);
    const range = before.max - before.min;
    const out = new Float32Array(channel.length);
    // Place in the range, 0 to 1, from the bottom or (upside down) from the top.
    const [zero, scale] = invert
      ? [before.max, -1 / Math.max(range, TINY)]
      : [before.min, 1 / Math.max(range, TINY)];
    for (let i = 0; i < out.length; i++) {
      const place = (channel[i] - zero) * scale;
      // Rounding must not lead out of the table, nor a zero be negative.
      out[i] = place > 0 ? (place < 1 ? place : 1) : 0;
    }
    raise(out, exponent);
    let [factor, offset] = [invert ? -range : range, zero];
    if (keepStatistics) {
      const after = statisticsOf(out);
      factor *= before.deviation / Math.max(after.deviation * range, TINY);
      offset = before.mean - after.mean * factor;
    }
    for (let i = 0; i < out.length; i++) out[i] = out[i] * factor + offset;
    return out;
  });
}

/** Bits of a float32 that choose a node: sign, exponent and 8 bits of the mantissa. */
const SHIFT = 15;
const NODES = (127 << 8) + 1;

/**
 * Numbers from 0 to 1 to a power, in place. Each is node (1 + d) with a node from a table and d below 1/256, where four
 * terms of the binomial series are good to 1e-11; float32 keeps 6e-8. Several times as fast as Math.pow, and with the
 * same bits on every machine.
 */
function raise(values: Float32Array, exponent: number): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const nodes = new Float32Array(new Uint32Array(NODES).map((_, n) => n << SHIFT).buffer);
  // A node is 2^e m with m one of 256 in 1..2.
  const mantissas = Float64Array.from({ length: 256 }, (_, m) => power(1 + m / 256, exponent));
  const powersOfTwo = Float64Array.from({ length: 128 }, (_, e) => power(2, (e - 127) * exponent));
  const inverse = new Float64Array(NODES);
  const raised = new Float64Array(NODES);
  for (let n = 256; n < NODES; n++) {
    inverse[n] = 1 / nodes[n];
    raised[n] = powersOfTwo[n >> 8] * mantissas[n & 255];
  }
  // Numbers below 2^-126 have no node and go to 0.
  const c2 = (exponent - 1) / 2;
  const c3 = (exponent - 2) / 3;
  const c4 = (exponent - 3) / 4;
  for (let i = 0; i < values.length; i++) {
    const n = bits[i] >>> SHIFT;
    const d = values[i] * inverse[n] - 1;
    values[i] = raised[n] * (1 + exponent * d * (1 + c2 * d * (1 + c3 * d * (1 + c4 * d))));
  }
}
