// A cache on paper: which accesses of a gather find their line in a cache of stated size, and which do not.
//
// The cache is a chain of levels. Each is set-associative with true LRU; a level is asked only where the one before
// missed, and keeps what it was asked for (neither inclusive nor exclusive). The translation of addresses (TLB) is the
// same thing with pages for lines. There is no prefetcher, no victim cache and no replacement trick: counts from here
// say what an access pattern needs, and hardware that prefetches well does better.
import { InputError } from '../base/errors';

/** One level: `sets = bytes / (ways * line)`. */
export interface CacheLevel {
  name: string;
  bytes: number;
  /** Lines that share a set. */
  ways: number;
  /** Bytes that are moved together. */
  line: number;
}

/** A machine's caches and its translation of addresses, each from the fastest level on. */
export interface Hierarchy {
  caches: CacheLevel[];
  /** Levels of the TLB; `line` is the page, `bytes` what all entries reach. */
  translation: CacheLevel[];
  source: string;
}

const page = 4096;
/** A level of a TLB, described by its entries. */
const tlb = (name: string, entries: number, ways: number): CacheLevel => ({
  name,
  bytes: entries * page,
  ways,
  line: page,
});

/** The caches that simulated results state: one core of a server CPU of 2022, all of its core complex's L3. */
export const statedHierarchy: Hierarchy = {
  caches: [
    { name: 'L1', bytes: 32 * 2 ** 10, ways: 8, line: 64 },
    { name: 'L2', bytes: 2 ** 20, ways: 8, line: 64 },
    { name: 'L3', bytes: 32 * 2 ** 20, ways: 16, line: 64 },
  ],
  translation: [tlb('TLB 1', 72, 72), tlb('TLB 2', 3072, 8)],
  source:
    'AMD EPYC of family 25, model 17 (Zen 4): sizes and ways from CPUID leaves 8000_0005, 8000_0006 and 8000_001D',
};

/** Accesses that reached a level, and those that did not find their line there. */
export interface LevelCount {
  name: string;
  accesses: number;
  misses: number;
}

/** One level with its content. Sets hold line numbers from the most to the least recently used. */
class Level {
  accesses = 0;
  misses = 0;
  private readonly sets: number;
  private readonly ways: number;
  private readonly linesPerByte: number;
  private readonly lines: Int32Array;

  constructor(readonly of: CacheLevel) {
    const { name, bytes, ways, line } = of;
    this.sets = bytes / (ways * line);
    this.ways = ways;
    // A power of two, so that the product below is exact; addresses may lie above 2^31, where shifts end.
    this.linesPerByte = 1 / line;
    if (![bytes, ways, line, this.sets, Math.log2(line)].every((n) => Number.isInteger(n) && n > 0)) {
      throw new InputError({
        what: `cannot simulate the cache ${name}`,
        given: `${bytes} B in ${ways} ways of lines of ${line} B`,
        expected: 'a whole number of sets, and lines of a power of two',
        fix: 'correct size, ways or line',
      });
    }
    this.lines = new Int32Array(this.sets * ways).fill(-1);
  }

  empty(): void {
    this.lines.fill(-1);
  }

  /** Whether the line of this address was there; it is now, as the most recently used of its set. */
  finds(address: number): boolean {
    this.accesses++;
    const { lines, ways } = this;
    const line = Math.floor(address * this.linesPerByte) | 0;
    const first = (line % this.sets) * ways;
    if (lines[first] === line) return true;
    const end = first + ways;
    let at = first + 1;
    while (at < end && lines[at] !== line) at++;
    const found = at < end;
    if (!found) {
      this.misses++;
      at = end - 1;
    }
    for (; at > first; at--) lines[at] = lines[at - 1];
    lines[first] = line;
    return found;
  }
}

/** Counts hits and misses of reads. It starts empty. Deterministic: the same addresses give the same counts. */
export class CacheSimulator {
  private readonly caches: Level[];
  private readonly translation: Level[];

  constructor(hierarchy: Hierarchy = statedHierarchy) {
    this.caches = hierarchy.caches.map((level) => new Level(level));
    this.translation = hierarchy.translation.map((level) => new Level(level));
  }

  /** Read one address (in bytes; whole numbers below 2^43 for lines of 4 KiB, below 2^37 for lines of 64 B). */
  read(address: number): void {
    for (const level of this.translation) if (level.finds(address)) break;
    for (const level of this.caches) if (level.finds(address)) break;
  }

  /**
   * Read the samples of a gather in its order.
   * @param offsets  places in an array, in elements
   * @param bytes    bytes of an element
   * @param base     address of the array's first element
   */
  gather(offsets: ArrayLike<number>, bytes: number, base = 0): void {
    for (let i = 0; i < offsets.length; i++) this.read(base + offsets[i] * bytes);
  }

  /** Accesses and misses of each level so far: caches first, then the TLB. */
  counts(): LevelCount[] {
    return [...this.caches, ...this.translation].map(({ of, accesses, misses }) => ({
      name: of.name,
      accesses,
      misses,
    }));
  }

  /** Set all counts to zero; the content stays. */
  resetCounts(): void {
    for (const level of [...this.caches, ...this.translation]) level.accesses = level.misses = 0;
  }

  /** Forget the content; the counts stay. */
  empty(): void {
    for (const level of [...this.caches, ...this.translation]) level.empty();
  }
}
