// What this machine's memory does: copying, waiting for one line, and reading many lines at once, by working set.
//
// As the working set outgrows each cache, copying slows and a line takes longer to come. Measured on each rung:
//   copy         `set` from one half of the working set to the other
//   latency      each read's address comes from the read before (a random cycle through all lines): nothing overlaps
//   independent  single reads 17 lines apart, whose addresses are known ahead: the processor overlaps them
//   short, long  jumps as far as these, but 8 or 64 adjacent samples are read after each: less overlap, as only so many
//                instructions are in flight
//   scattered    independent reads, each in a page of its own, as many lines as the working set has: adds translation
// Rounds are interleaved, so that a disturbance falls on all rungs alike; each number is a median over rounds.
import type { Interval } from '../base/interval';
import { bootstrap, median } from '../base/interval';
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { Random, shuffled } from '../base/random';

/** A median with its interval over rounds. */
export interface Measured {
  value: number;
  uncertainty: Interval;
}

/** One working set. Times are in ns. */
export interface Rung {
  /** Bytes of the working set. */
  bytes: number;
  /** Bytes copied a second (each is read once and written once). */
  copy: Measured;
  /** Time of a read that waits for the one before. */
  latency: Measured;
  /** Time of a read that need not wait. */
  independent: Measured;
  /** Time of a jump and the 8 samples after it. */
  short: Measured;
  /** Time of a jump and the 64 samples after it. */
  long: Measured;
  /** Time of a read that need not wait, every line in its own page; null where that would need more memory than the largest rung. */
  scattered: Measured | null;
}

/** What to measure. */
export interface LadderSpec {
  /** Bytes of the smallest and the largest working set; powers of two. */
  smallest: number;
  largest: number;
  rounds: number;
  seed: number;
}

const line = 64;
const page = 4096;
/** Ints to a line: each rung has its own, so that all random cycles fit into one buffer. */
const slots = line / 4;
/** Lines between independent reads: odd, so that all sets of a cache are used. */
const stride = 17;
/** Samples (4 B) that are read after a jump. */
export const rowSamples = { independent: 1, short: 8, long: 64 } as const;
/** Lines between scattered reads: the next page, one line on. */
const scatter = page / line + 1;
/** What each timed piece does at least: far above what the clock resolves, and short beside a time slice. */
const least = { copied: 2 ** 21, reads: 8000 };

/**
 * Measure the ladder. Takes 1.5 times the largest working set as memory, and a few seconds for 256 MiB and 7 rounds.
 * @throws InputError for sizes that are no powers of two, more than 16 rungs, or fewer than 8
 */
export async function measureLadder(spec: LadderSpec, long: Long = {}): Promise<Rung[]> {
  const sizes = sizesOf(spec);
  const random = new Random(spec.seed);
  const data = new Int32Array(spec.largest / 4);
  const copied = new Int32Array(spec.largest / 8).fill(1);
  sizes.forEach((bytes, slot) => layCycle(data, bytes / line, slot, random.fork(`cycle ${slot}`)));
  const tasks = sizes.flatMap((bytes, slot) => [
    { slot, name: 'copy' as const, run: () => timeCopy(data, copied, bytes) },
    { slot, name: 'latency' as const, run: () => timeChase(data, bytes, slot) },
    ...(['independent', 'short', 'long'] as const).map((name) => ({
      slot,
      name,
      run: () => timeRows(data, bytes, rowSamples[name]),
    })),
    ...(fitsScattered(bytes, spec.largest)
      ? [{ slot, name: 'scattered' as const, run: () => timeScattered(data, bytes / line) }]
      : []),
  ]);
  const times = sizes.map((): Times => ({
    copy: [],
    latency: [],
    independent: [],
    short: [],
    long: [],
    scattered: [],
  }));
  warmUp(data);
  // The first round is not kept.
  const meter = new Meter('measuring memory', 'pieces', (spec.rounds + 1) * tasks.length, long);
  for (let round = 0; round <= spec.rounds; round++) {
    for (const task of shuffled(tasks, random)) {
      const value = task.run();
      if (round > 0) times[task.slot][task.name].push(value);
      meter.add(1);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  meter.finish();
  return sizes.map((bytes, slot) => {
    const of = (name: keyof Times): Measured =>
      measured(times[slot][name], random.fork(`interval ${name} ${slot}`));
    return {
      bytes,
      copy: of('copy'),
      latency: of('latency'),
      independent: of('independent'),
      short: of('short'),
      long: of('long'),
      scattered: times[slot].scattered.length > 0 ? of('scattered') : null,
    };
  });
}

type Times = Record<'copy' | 'latency' | keyof typeof rowSamples | 'scattered', number[]>;

/** The median of rounds with a bootstrap interval. */
export function measured(values: readonly number[], random: Random): Measured {
  return { value: median(values), uncertainty: bootstrap(values, median, random) };
}

function sizesOf({ smallest, largest }: LadderSpec): number[] {
  const rungs = Math.log2(largest / smallest) + 1;
  const whole = Number.isInteger(Math.log2(smallest)) && Number.isInteger(rungs);
  if (!whole || smallest < page || rungs > slots || !fitsScattered(smallest, largest)) {
    throw new InputError({
      what: 'cannot measure the memory',
      given: `working sets from ${smallest} B to ${largest} B`,
      expected: `powers of two from ${page} B on, at most ${slots} of them, the largest 128 times the smallest or more`,
      fix: 'for example from 2^14 to 2^28',
    });
  }
  return Array.from({ length: rungs }, (_, i) => smallest * 2 ** i);
}

const fitsScattered = (bytes: number, largest: number): boolean => (bytes / line) * scatter * line <= largest;

/** A random cycle through the first lines of a buffer (Sattolo's shuffle): each line's slot names the next line's. */
function layCycle(data: Int32Array, lines: number, slot: number, random: Random): void {
  const order = Int32Array.from({ length: lines }, (_, i) => i);
  let state = random.below(2 ** 31 - 1) + 1;
  for (let i = lines - 1; i > 0; i--) {
    // xorshift32: a seeded generator of this length is wanted for its speed alone.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = Math.floor(((state >>> 0) / 2 ** 32) * i);
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  for (let i = 0; i < lines; i++) data[i * slots + slot] = order[i] * slots + slot;
}

/** Bring a working set as near as it fits: touch each line, in order. */
function touch(data: Int32Array, bytes: number): number {
  return walk(data, 0, slots, bytes / line, data.length - 1);
}

/** ns since some moment. */
const now = (): number => Number(process.hrtime.bigint());
/** Where sums go that nobody needs, so that no compiler leaves the reads out. */
let sink = 0;

/** Run the loops on a small working set until the compiler has done its best with them. */
function warmUp(data: Int32Array): void {
  const until = performance.now() + 150;
  while (performance.now() < until) {
    timeChase(data, page, 0);
    for (const samples of Object.values(rowSamples)) timeRows(data, page, samples);
    timeScattered(data, 64);
  }
}

function timeCopy(data: Int32Array, copied: Int32Array, bytes: number): number {
  const from = data.subarray(0, bytes / 8);
  const repeats = Math.max(1, Math.round((2 * least.copied) / bytes));
  copied.set(from);
  const begin = now();
  for (let i = 0; i < repeats; i++) copied.set(from);
  return ((repeats * bytes) / 2 / (now() - begin)) * 1e9;
}

function timeChase(data: Int32Array, bytes: number, slot: number): number {
  sink += touch(data, bytes);
  const start = data[slot + slots * ((sink >>> 1) % (bytes / line))];
  const begin = now();
  sink += chase(data, start, least.reads);
  return (now() - begin) / least.reads;
}

function chase(data: Int32Array, start: number, steps: number): number {
  let at = start;
  for (let i = 0; i < steps; i++) at = data[at];
  return at;
}

function timeRows(data: Int32Array, bytes: number, samples: number): number {
  sink += touch(data, bytes);
  const jumps = Math.max(500, Math.round(least.reads / samples));
  const mask = bytes / 4 - 1;
  const begin = now();
  sink += samples === 1 ? walk(data, 0, stride * slots, jumps, mask) : rows(data, samples, jumps, mask);
  return (now() - begin) / jumps;
}

/** Sum of rows of adjacent ints; each begins 17 lines behind the end of the last. */
function rows(data: Int32Array, samples: number, jumps: number, mask: number): number {
  const step = stride * slots + Math.ceil(samples / slots) * slots - slots;
  let sum = 0;
  for (let i = 0, at = 0; i < jumps; i++, at = (at + step) & mask) {
    const end = Math.min(at + samples, data.length);
    for (let j = at; j < end; j++) sum = (sum + data[j]) | 0;
  }
  return sum;
}

/** Sum of ints at a constant step; `mask` (2^n - 1) brings addresses back to the start. */
function walk(data: Int32Array, start: number, step: number, steps: number, mask: number): number {
  let sum = 0;
  for (let i = 0, at = start; i < steps; i++, at = (at + step) & mask) sum = (sum + data[at]) | 0;
  return sum;
}

function timeScattered(data: Int32Array, lines: number): number {
  const once = (): number => walk(data, 0, scatter * slots, lines, data.length - 1);
  const repeats = Math.max(1, Math.round(least.reads / lines));
  sink += once();
  const begin = now();
  for (let i = 0; i < repeats; i++) sink += once();
  return (now() - begin) / (repeats * lines);
}
