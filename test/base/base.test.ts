import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, Interrupted } from '../../src/base/errors';
import { canonicalJson, sha256 } from '../../src/base/hash';
import { bootstrap, median, quantile } from '../../src/base/interval';
import type { ProgressEvent } from '../../src/base/progress';
import { formatBytes, formatSeconds, Meter, progressLine } from '../../src/base/progress';
import { Random } from '../../src/base/random';

describe('errors', () => {
  it('says what was given, what was expected and what to do', () => {
    const error = new InputError({ what: 'cannot do X', given: 'a', expected: 'b', fix: 'do c' });
    expect(error.message).toBe('cannot do X: given a, expected b. What to do: do c');
  });
});

describe('hash', () => {
  it('is SHA-256 (FIPS 180-2, "abc")', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (o) => {
        const reversed = Object.fromEntries(Object.entries(o).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(o));
      }),
    );
  });
});

describe('random', () => {
  it('gives the same numbers for the same seed, on every machine', () => {
    const random = new Random(1);
    const drawn = [random.below(1000), random.below(1000), random.uniform(), random.normal()];
    expect(drawn).toEqual([28, 77, 0.8277363544330001, -0.4838027221139511]);
  });
  it('forks streams that do not shift each other', () => {
    const a = new Random(1).fork('a').uniform();
    const random = new Random(1);
    random.uniform();
    expect(random.fork('a').uniform()).toBe(a);
    expect(new Random(1).fork('b').uniform()).not.toBe(a);
  });
  it('is uniform and normal as far as moments tell', () => {
    const random = new Random('moments');
    const n = 100_000;
    let mean = 0;
    let square = 0;
    let uniform = 0;
    for (let i = 0; i < n; i++) {
      const x = random.normal();
      mean += x / n;
      square += (x * x) / n;
      uniform += random.uniform() / n;
    }
    // Five standard errors.
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(square - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(uniform - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
  });
});

describe('interval', () => {
  it('has numpy’s quantiles', () => {
    // np.quantile([3, 1, 2, 10], [0, .25, .5, .9, 1])
    const quantiles = [0, 0.25, 0.5, 0.9, 1].map((q) => quantile([3, 1, 2, 10], q));
    [1, 1.75, 2.5, 7.9, 10].forEach((expected, i) => expect(quantiles[i]).toBeCloseTo(expected, 12));
    expect(median([])).toBeNaN();
  });
  it('covers the true median about as often as it says', () => {
    const random = new Random('coverage');
    let covered = 0;
    for (let t = 0; t < 200; t++) {
      const rows = Array.from({ length: 60 }, () => random.normal());
      const { low, high } = bootstrap(rows, median, random, { resamples: 200 });
      if (low <= 0 && 0 <= high) covered++;
    }
    expect(covered / 200).toBeGreaterThan(0.88);
    expect(covered / 200).toBeLessThan(0.995);
  });
});

describe('progress', () => {
  it('reports the start and the end, and time left in between', () => {
    const events: ProgressEvent[] = [];
    const meter = new Meter('reading', 'files', 4, { progress: (e) => events.push(e) });
    meter.add(4);
    meter.finish();
    expect(events[0]).toMatchObject({ task: 'reading', done: 0, total: 4, finished: false });
    expect(events.at(-1)).toMatchObject({ done: 4, finished: true });
  });
  it('stops at the signal', () => {
    const controller = new AbortController();
    const meter = new Meter('reading', 'files', 4, { signal: controller.signal });
    controller.abort();
    expect(() => meter.add(1)).toThrow(Interrupted);
  });
  it('reads well', () => {
    const event = {
      task: 'fetch',
      done: 5e6,
      total: 2e7,
      unit: 'B',
      seconds: 3,
      secondsLeft: 9,
      finished: false,
    };
    expect(progressLine(event)).toBe('fetch [#####...............] 5.00 MB/20.0 MB, 9.0 s left');
    expect([0.04, 83, 250, 7500].map(formatSeconds)).toEqual(['0.0 s', '83 s', '4 min 10 s', '2 h 05 min']);
    expect([999, 3_120_170, 2_564_362_432].map(formatBytes)).toEqual(['999 B', '3.12 MB', '2.56 GB']);
  });
});
