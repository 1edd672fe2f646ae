import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  convertBytes,
  formatInterval,
  formatNumber,
  formatQuantity,
  titleWithUnit,
} from '../../src/results/format';

const thin = '\u202f';

describe('numbers', () => {
  it.each([
    [0, {}, '0'],
    [-0, {}, '0'],
    [18, {}, '18'],
    [1024, {}, '1024'],
    [230400, {}, `230${thin}400`],
    [15_360_000, {}, `15${thin}360${thin}000`],
    [-4.5, { digits: 1 }, '\u22124.5'],
    [-0.001, { digits: 2 }, '0.00'],
    [12345.678, { digits: 1 }, `12${thin}345.7`],
    [0.21354, {}, '0.214'],
    [9.996, {}, '10.0'],
    [186.96, {}, '187'],
    [3.14159, { significant: 2 }, '3.1'],
    [14.96, { significant: 2 }, '15'],
    [186.96, { significant: 2 }, '187'],
    [6, { significant: 2 }, '6.0'],
    [1.234e-7, {}, `1.23${thin}×${thin}10⁻⁷`],
    [6.022e23, {}, `6.02${thin}×${thin}10²³`],
  ])('%d with %o is %s', (value, digits, text) => {
    expect(formatNumber(value, digits)).toBe(text);
  });

  it('refuses what is no number', () => {
    expect(() => formatNumber(NaN)).toThrow('given NaN, expected a finite number');
  });

  it('can be read back to within the digits shown', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e12, max: 1e12, noNaN: true }), (drawn) => {
        // Numbers of that smallness have lost their digits before they come here.
        const value = Math.abs(drawn) < 1e-300 ? 0 : drawn;
        const [mantissa, power] = formatNumber(value)
          .replaceAll(thin, '')
          .replace('\u2212', '-')
          .split('×10');
        const exponent = [...(power ?? '⁰')].map((c) => (c === '⁻' ? '-' : '⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(c))).join('');
        const back = Number(mantissa) * 10 ** Number(exponent);
        expect(Math.abs(back - value)).toBeLessThanOrEqual(0.00501 * Math.abs(value));
      }),
    );
  });
});

describe('units', () => {
  it('are written as people write them', () => {
    expect(formatQuantity(12.3, 'us')).toBe(`12.3${thin}µs`);
    expect(formatQuantity(4.2, '1')).toBe('4.20');
    const ones = ['views', 'passes', 'data sets', 'us', 'GB'].map((unit) => formatQuantity(1, unit));
    expect(ones).toEqual(['view', 'pass', 'data set', 'µs', 'GB'].map((unit) => `1${thin}${unit}`));
    expect(formatQuantity(2, 'views')).toBe(`2${thin}views`);
    expect(formatInterval(4.1, 4.4, 'ms', { digits: 1 })).toBe(`4.1 to 4.4${thin}ms`);
    expect(titleWithUnit('Time', 'us')).toBe('Time (µs)');
    expect(titleWithUnit('Ratio', '1')).toBe('Ratio');
  });

  it('convert memory both ways', () => {
    expect(convertBytes(15360, 'MiB', 'GB')).toBeCloseTo(16.10612736, 10);
    expect(convertBytes(convertBytes(7, 'GiB', 'kB'), 'kB', 'GiB')).toBeCloseTo(7, 12);
    expect(() => convertBytes(1, 's', 'GB')).toThrow('given the unit s');
  });
});
