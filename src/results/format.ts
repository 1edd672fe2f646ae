// How a number and its unit are written, everywhere: SI conventions, one place.
//
// Thousands are parted by a narrow no-break space from five digits on, minus is a minus sign, between number and unit
// stands a narrow no-break space, powers of ten are written out (1.2 × 10⁻⁷).
import { InputError } from '../base/errors';
import type { Kind } from './result';

/** U+202F: narrow, does not break. */
export const thinSpace = '\u202f';
const minus = '\u2212';

/** How many digits a number shows: decimals after the point, or significant digits in all (3 where nothing is said). */
export interface Digits {
  digits?: number;
  significant?: number;
}

/**
 * A number as text: `230 400`, `4.25`, `−0.3`, `1.2 × 10⁻⁷`.
 * @throws InputError for NaN and infinities: a missing number is said in words, not printed
 */
export function formatNumber(value: number, { digits, significant }: Digits = {}): string {
  if (!Number.isFinite(value)) {
    throw new InputError({
      what: 'cannot write a number',
      given: `${value}`,
      expected: 'a finite number',
      fix: 'leave the number out and say why it is missing',
    });
  }
  const size = Math.abs(value);
  const plain =
    digits !== undefined
      ? size.toFixed(digits)
      : Number.isInteger(size) && significant === undefined && size < 1e15
        ? size.toFixed(0)
        : size !== 0 && (size < 1e-4 || size >= 1e9)
          ? scientific(size, significant ?? 3)
          : toSignificant(size, significant ?? 3);
  // -0.001 to two decimals is 0, not -0.
  const negative = value < 0 && /[1-9]/.test(plain);
  return `${negative ? minus : ''}${groupThousands(plain)}`;
}

/** Significant digits without an exponent; digits before the point are never lost (12 345 stays 12 345). */
function toSignificant(size: number, significant: number): string {
  if (size === 0) return '0';
  const magnitude = Math.floor(Math.log10(Number(size.toPrecision(significant))));
  return size.toFixed(Math.max(0, significant - 1 - magnitude));
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A power of ten as it is written: `10⁻⁷`. */
export function powerOfTen(exponent: number): string {
  return `10${[...`${exponent}`].map((c) => (c === '-' ? '⁻' : superscripts[Number(c)])).join('')}`;
}

function scientific(size: number, significant: number): string {
  const [mantissa, exponent] = size.toExponential(significant - 1).split('e');
  return `${mantissa}${thinSpace}×${thinSpace}${powerOfTen(Number(exponent))}`;
}

function groupThousands(plain: string): string {
  const [whole, ...rest] = plain.split('.');
  if (!/^\d{5,}$/.test(whole)) return plain;
  return [whole.replace(/\B(?=(\d{3})+$)/g, thinSpace), ...rest].join('.');
}

/** Units whose code (UCUM-like, as results carry it) differs from how it is written. */
const written: Record<string, string> = { us: 'µs', um: 'µm', '1': '', 'B/s': 'B/s', 'MAC/px': 'MAC/px' };

/** A unit as it is written: `us` -> `µs`, `1` -> nothing. */
export function unitText(unit: string): string {
  return written[unit] ?? unit;
}

/** A number with its unit: `18 GB`, `4.25`, `12 %`. */
export function formatQuantity(value: number, unit: string, digits: Digits = {}): string {
  const number = formatNumber(value, digits);
  const text = unitFor(number, unit);
  return number + (text && thinSpace + text);
}

/** The unit as it stands behind a written number: `1 view`, `2 views`. */
export function unitFor(number: string, unit: string): string {
  return number === '1' ? singular(unitText(unit)) : unitText(unit);
}

/** One of what a unit counts: `views` -> `view`, `passes` -> `pass`, `data sets` -> `data set`; symbols stay. */
function singular(unit: string): string {
  if (!/[a-z]{3}s$/.test(unit)) return unit;
  return unit.replace(/(ss|ch|sh)es$/, '$1').replace(/([^s])s$/, '$1');
}

/** A range: `4.1 to 4.4`, with the unit once. */
export function formatInterval(low: number, high: number, unit: string, digits: Digits = {}): string {
  const text = unitText(unit);
  return `${formatNumber(low, digits)} to ${formatNumber(high, digits)}${text && thinSpace + text}`;
}

/** The title of an axis or a column: `Time (µs)`. */
export function titleWithUnit(title: string, unit?: string): string {
  const text = unit === undefined ? '' : unitText(unit);
  return text ? `${title} (${text})` : title;
}

const bytesOf: Record<string, number> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Convert an amount of memory between units (GB is 1e9 bytes, GiB 2^30). @throws InputError for other units */
export function convertBytes(value: number, from: string, to: string): number {
  for (const unit of [from, to]) {
    if (!(unit in bytesOf)) {
      throw new InputError({
        what: 'cannot convert an amount of memory',
        given: `the unit ${unit || '(none)'}`,
        expected: `one of ${Object.keys(bytesOf).join(', ')}`,
        fix: 'give the result a unit of memory',
      });
    }
  }
  return (value * bytesOf[from]) / bytesOf[to];
}

/** `Intel(R) Xeon(R) CPU @ 2.20GHz` -> `Intel Xeon 2.20 GHz`: the name without trade marks. */
export function plainDevice(name: string): string {
  return name
    .replace(/\((?:R|TM|tm)\)/g, '')
    .replace(/\b(?:CPU|Processor|\d+-Core)\b|@/g, '')
    .replace(/(\d)GHz/, '$1 GHz')
    .replace(/\s+/g, ' ')
    .trim();
}

/** What a kind is called in prose. */
export const kindWord: Record<Kind, string> = {
  paper: 'published',
  derived: 'derived',
  'dry-run': 'dry run',
  measured: 'measured',
  assumed: 'assumed',
};
