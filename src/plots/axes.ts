// Logarithmic axes with few, plainly written ticks.
import { InputError } from '../base/errors';
import { formatNumber, powerOfTen } from '../results/format';
import type { JsonObject } from './spec';

/** Room at both ends: a share of the span, and a least number of decades. */
const room = { share: 0.06, decades: 0.13 };
const mostTicks = 5;

/**
 * A logarithmic axis that holds all values. Ticks stand at powers of ten, at most five; where fewer than two powers
 * are in sight, at 1, 2 and 5 times them.
 * @throws InputError for values that have no logarithm
 */
export function logAxis(values: readonly number[]): JsonObject {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (!(low > 0 && Number.isFinite(high))) {
    throw new InputError({
      what: 'cannot draw a logarithmic axis',
      given: `${low > 0 ? high : low}`,
      expected: 'finite numbers above 0',
      fix: 'draw these numbers on a linear axis, or leave out what was not measured',
    });
  }
  const pad = Math.max(room.decades, room.share * Math.log10(high / low));
  const range = [Math.log10(low) - pad, Math.log10(high) + pad];
  const inside = (v: number): boolean => Math.log10(v) >= range[0] && Math.log10(v) <= range[1];
  const exponents = Array.from(
    { length: Math.ceil(range[1]) - Math.floor(range[0]) + 1 },
    (_, i) => Math.floor(range[0]) + i,
  );
  const powers = exponents.filter((e) => inside(10 ** e));
  const step = Math.ceil(powers.length / mostTicks);
  const tickvals =
    powers.length >= 2
      ? powers.filter((_, i) => i % step === 0).map((e) => 10 ** e)
      : exponents.flatMap((e) => [1, 2, 5].map((m) => m * 10 ** e)).filter(inside);
  return { type: 'log', range, tickvals, ticktext: tickvals.map(tickText) };
}

function tickText(value: number): string {
  const exponent = Math.round(Math.log10(value));
  return exponent > 3 || exponent < -2 ? powerOfTen(exponent) : formatNumber(value, { significant: 1 });
}
