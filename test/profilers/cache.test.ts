import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Hierarchy } from '../../src/profilers/cache';
import { CacheSimulator, statedHierarchy } from '../../src/profilers/cache';

const one = (bytes: number, ways: number, line = 64): Hierarchy => ({
  caches: [{ name: 'L1', bytes, ways, line }],
  translation: [],
  source: 'made up',
});
/** Misses of the first level after reading these addresses. */
const misses = (hierarchy: Hierarchy, addresses: number[]): number => {
  const cache = new CacheSimulator(hierarchy);
  for (const a of addresses) cache.read(a);
  return cache.counts()[0].misses;
};
const lines = (...numbers: number[]): number[] => numbers.map((n) => 64 * n);

describe('a cache of four sets with two ways, by hand', () => {
  const small = one(4 * 2 * 64, 2);

  it('keeps two lines of a set and drops the one not used for longest', () => {
    // Lines 0, 4, 8 share set 0. After 0 4 0 the older is 4, so 8 replaces 4: 0 hits, 4 misses, then 8 misses.
    expect(misses(small, lines(0, 4, 0, 8, 0))).toBe(3);
    expect(misses(small, lines(0, 4, 0, 8, 0, 4))).toBe(4);
    expect(misses(small, lines(0, 4, 0, 8, 0, 4, 8))).toBe(5);
  });

  it('finds every byte of a line once it has it', () => {
    expect(misses(small, [0, 1, 63, 64, 127, 0])).toBe(2);
  });

  it('holds eight lines of a stream: a second pass is free up to there and costs all from there on', () => {
    const pass = (n: number) => Array.from({ length: n }, (_, i) => i);
    expect(misses(small, lines(...pass(8), ...pass(8)))).toBe(8);
    // Nine lines: only the set with three of them thrashes (0, 4, 8).
    expect(misses(small, lines(...pass(9), ...pass(9)))).toBe(9 + 3);
    expect(misses(small, lines(...pass(12), ...pass(12)))).toBe(24);
  });

  it('thrashes where a stride maps all to one set', () => {
    const strided = Array.from({ length: 30 }, (_, i) => (i % 3) * 4);
    expect(misses(small, lines(...strided))).toBe(30);
    // The same three lines in neighbouring sets stay.
    expect(misses(small, lines(...strided.map((n) => n / 4)))).toBe(3);
  });
});

describe('several levels', () => {
  it('asks the next level only where one misses, and pages apart from lines', () => {
    const cache = new CacheSimulator({
      caches: [
        { name: 'L1', bytes: 2 * 64, ways: 2, line: 64 },
        { name: 'L2', bytes: 4 * 64, ways: 4, line: 64 },
      ],
      translation: [{ name: 'TLB', bytes: 4096, ways: 1, line: 4096 }],
      source: 'made up',
    });
    // Three lines on two pages, twice: L1 holds two of them and L2 all; the TLB holds one page.
    cache.gather([0, 1, 64, 1024, 0, 1, 64, 1024], 4);
    // L1 has lines 0 and 4 when line 64 comes, loses 0 to it, and so on: each of the three misses in both rounds.
    expect(cache.counts()).toEqual([
      { name: 'L1', accesses: 8, misses: 6 },
      { name: 'L2', accesses: 6, misses: 3 },
      { name: 'TLB', accesses: 8, misses: 4 },
    ]);
  });

  it('starts anew when emptied, and counts anew when reset', () => {
    const cache = new CacheSimulator(one(512, 2));
    cache.read(0);
    cache.resetCounts();
    cache.read(0);
    expect(cache.counts()[0]).toEqual({ name: 'L1', accesses: 1, misses: 0 });
    cache.empty();
    cache.read(0);
    expect(cache.counts()[0].misses).toBe(1);
  });
});

describe('any cache', () => {
  it('agrees with the definition of LRU written as a list', () => {
    const sets = fc.constantFrom(1, 2, 3, 4);
    const ways = fc.integer({ min: 1, max: 5 });
    const reads = fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 200 });
    fc.assert(
      fc.property(sets, ways, reads, (sets, ways, reads) => {
        const held = Array.from({ length: sets }, () => [] as number[]);
        let expected = 0;
        for (const address of reads) {
          const line = address >> 6;
          const set = held[line % sets];
          if (!set.includes(line)) expected++;
          held[line % sets] = [line, ...set.filter((l) => l !== line)].slice(0, ways);
        }
        expect(misses(one(sets * ways * 64, ways), reads)).toBe(expected);
      }),
    );
  });

  it('refuses sizes that make no whole sets', () => {
    expect(() => new CacheSimulator(one(1000, 2))).toThrow('cannot simulate the cache L1: given 1000 B');
    expect(() => new CacheSimulator(one(96 * 8, 2, 96))).toThrow('lines of a power of two');
  });

  it('is stated with whole sets by default', () => {
    expect(new CacheSimulator(statedHierarchy).counts().map((c) => c.name)).toEqual([
      'L1',
      'L2',
      'L3',
      'TLB 1',
      'TLB 2',
    ]);
  });
});

describe('cachegrind', () => {
  interface Oracle {
    caches: Record<'D1' | 'LL', [number, number, number]>;
    patterns: Record<
      string,
      { repeat: number; outer: number; inner: number; reads: number; misses: [number, number] }
    >;
  }
  const oracle = JSON.parse(
    readFileSync(path.join(__dirname, '..', 'oracles', 'cachegrind.json'), 'utf8'),
  ) as Oracle;
  /** The offsets that cachegrind.py compiles, in bytes. */
  const offsets: Record<string, (r: number, i: number, j: number) => number> = {
    stream: (_r, _i, j) => 4 * j,
    sagittal: (r, i, j) => 4 * (60 * (j + 60 * i) + 7 + r),
    coronal: (r, i, j) => 4 * (j + 60 * (11 + r + 60 * i)),
    'one-set': (_r, _i, j) => 4096 * j,
    'fits-one-set': (_r, _i, j) => 4096 * j,
    scattered: (_r, _i, j) => 4 * ((j * 7919 + (j >> 3) * (j % 61) * 97) % 65521),
  };
  const level = (name: 'D1' | 'LL') => {
    const [bytes, ways, line] = oracle.caches[name];
    return { name, bytes, ways, line };
  };

  it.each(Object.keys(oracle.patterns))('counts the same misses of real reads: %s', (name) => {
    const { repeat, outer, inner, reads, misses } = oracle.patterns[name];
    const cache = new CacheSimulator({ caches: [level('D1'), level('LL')], translation: [], source: '' });
    for (let r = 0; r < repeat; r++)
      for (let i = 0; i < outer; i++) for (let j = 0; j < inner; j++) cache.read(offsets[name](r, i, j));
    const [d1, ll] = cache.counts();
    expect(d1.accesses).toBe(reads);
    expect([d1.misses, ll.misses]).toEqual(misses);
  });
});
