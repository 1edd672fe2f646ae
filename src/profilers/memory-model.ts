// How long should a gather take? A model of measured costs, small enough to be done by hand.
//
//   time = loops x loop + samples x sample                what the same instructions take with everything in the cache
//        + jumps x wait(W, samples a jump)                waiting for the first lines behind a jump
//        + further lines x (line(W) - line(cache))        waiting for the lines that follow, at the copying bandwidth
//        + pages x page                                   waiting for translations
//
// W is what must be near: the plane's lines and the buffer they go to when the same plane was read just before (warm),
// more than any cache when nothing was (cold). A wait is the time of a jump on the ladder at W less its time on the
// smallest rung; the more samples lie between two jumps, the fewer jumps overlap, so it is looked up by that number.
// loop and sample are measured on small gathers that lie in the first caches. Nothing is fitted to the gathers that are
// predicted.
import { median } from '../base/interval';
import type { Random } from '../base/random';
import type { Layout } from '../sampling/layout';
import { gatherPlane, layoutOf } from '../sampling/layout';
import type { PlaneName } from '../sampling/plane';
import type { Triple } from '../volume/volume';
import type { Footprint } from './footprint';
import { lineBytes } from './footprint';
import type { Measured, Rung } from './memory-ladder';
import { measured, rowSamples } from './memory-ladder';

/** The gather's own costs, in ns. */
export interface GatherCost {
  /** One sample that lies in the first caches. */
  sample: Measured;
  /** Starting one inner loop. */
  loop: Measured;
}

/** What is measured on a machine before anything is predicted. */
export interface MemoryModel {
  rungs: Rung[];
  /** Rows of the picture that are adjacent in memory, and rows whose samples lie apart. */
  costs: Record<'adjacent' | 'apart', GatherCost>;
}

/** Whether the plane was read just before, or its lines lie in no cache. */
export type Warmth = 'cold' | 'warm';

/** A predicted time and what it is made of, in us. */
export interface Prediction {
  total: number;
  /** Moving samples and starting loops, if nothing were waited for. */
  work: number;
  /** Waiting for lines. */
  lines: number;
  /** Waiting for translations. */
  pages: number;
}

/** What the time of a gather depends on. */
export interface GatherShape {
  footprint: Footprint;
  /** Inner loops that the gather starts. */
  loops: number;
  /** Whether neighbours in a row of the picture are neighbours in memory. */
  adjacent: boolean;
}

/** Predict the time of one gather. */
export function predict(
  model: MemoryModel,
  { footprint, loops, adjacent }: GatherShape,
  warmth: Warmth,
): Prediction {
  const cost = model.costs[adjacent ? 'adjacent' : 'apart'];
  const { rungs } = model;
  const { samples, bytes, lines, jumps, pages } = footprint;
  const largest = rungs[rungs.length - 1].bytes;
  const near = warmth === 'cold' ? largest : lines * lineBytes + bytes;
  const beyondCache = (bytes: number, of: (rung: Rung) => number): number =>
    Math.max(0, at(rungs, bytes, of) - of(rungs[0]));
  const wait = between(samples / jumps, (name) => beyondCache(near, (r) => r[name].value));
  const behindJumps = Math.min(lines, jumps * between(samples / jumps, (name) => linesOf[name]));
  const line = beyondCache(near, (r) => (lineBytes / r.copy.value) * 1e9);
  const scattered = rungs.filter((r) => r.scattered !== null);
  const page = at(scattered, warmth === 'cold' ? largest : pages * lineBytes, (r) =>
    Math.max(0, r.scattered!.value - r.independent.value),
  );
  const parts = {
    work: (loops * cost.loop.value + samples * cost.sample.value) / 1000,
    lines: (jumps * wait + (lines - behindJumps) * line) / 1000,
    pages: (pages * page) / 1000,
  };
  return { total: parts.work + parts.lines + parts.pages, ...parts };
}

type Row = keyof typeof rowSamples;
const rowNames = Object.keys(rowSamples) as Row[];
/** Lines that are read behind each jump of the ladder. */
const linesOf = { independent: 1, short: 1, long: 4 } as const;

/** A number between those of single reads, short and long rows, by the logarithm of the samples behind a jump. */
function between(samples: number, of: (row: Row) => number): number {
  const above = rowNames.findIndex((name) => rowSamples[name] >= samples);
  if (above === 0) return of(rowNames[0]);
  if (above < 0) return of(rowNames[rowNames.length - 1]);
  const [low, high] = [rowNames[above - 1], rowNames[above]];
  const share = Math.log(samples / rowSamples[low]) / Math.log(rowSamples[high] / rowSamples[low]);
  return of(low) + share * (of(high) - of(low));
}

/** A curve of the ladder at a working set: linear over the logarithm of its size, flat beyond the ends. */
function at(rungs: readonly Rung[], bytes: number, of: (rung: Rung) => number): number {
  const above = rungs.findIndex((r) => r.bytes >= bytes);
  if (above === 0) return of(rungs[0]);
  if (above < 0) return of(rungs[rungs.length - 1]);
  const [low, high] = [rungs[above - 1], rungs[above]];
  const share = Math.log(bytes / low.bytes) / Math.log(high.bytes / low.bytes);
  return of(low) + share * (of(high) - of(low));
}

/**
 * The shape of a plane's gather. Inner loops: one for each row of the picture in each brick it crosses, or one in all
 * where the whole plane is one run in the order of the picture.
 */
export function shapeOf(layout: Layout, plane: PlaneName, footprint: Footprint): GatherShape {
  const { columns, rows } = layout.places[plane];
  const { columns: across, rows: down } = layout.grids[plane];
  const adjacent = columns.step === 1;
  const whole =
    adjacent && columns.stretches.length === 1 && rows.step === across.count && footprint.runs === 1;
  return { footprint, adjacent, loops: whole ? 1 : down.count * columns.stretches.length };
}

/** Samples of the gathers that costs are measured on: 16 KiB of them, which lie in the first caches. */
const few = 16;
const many = 256;

/**
 * The costs of a sample and of a loop, each from two gathers of equally many samples: one in few long rows, one in many
 * short ones. The rows are adjacent (coronal planes) or apart by two samples (sagittal planes).
 */
export function measureGatherCosts(rounds: number, random: Random): MemoryModel['costs'] {
  const pair = (plane: PlaneName, dims: (columns: number, rows: number) => Triple): (() => number)[] =>
    [dims(many, few), dims(few, many)].map((d) => gatherOf(plane, d));
  const pairs = {
    adjacent: pair('coronal', (columns, rows) => [columns, 2, rows]),
    apart: pair('sagittal', (columns, rows) => [2, columns, rows]),
  };
  const found = { adjacent: { sample: [], loop: [] }, apart: { sample: [], loop: [] } } as Record<
    'adjacent' | 'apart',
    Record<'sample' | 'loop', number[]>
  >;
  // The first rounds are for the compiler.
  for (let round = -20; round < rounds; round++) {
    for (const kind of ['adjacent', 'apart'] as const) {
      const [long, short] = pairs[kind].map((gather) => median(Array.from({ length: 15 }, gather)));
      if (round < 0) continue;
      const loop = Math.max(0, (short - long) / (many - few));
      found[kind].loop.push(loop);
      found[kind].sample.push(Math.max(0, long - few * loop) / (few * many));
    }
  }
  const cost = (kind: 'adjacent' | 'apart'): GatherCost => ({
    sample: measured(found[kind].sample, random.fork(`${kind} sample`)),
    loop: measured(found[kind].loop, random.fork(`${kind} loop`)),
  });
  return { adjacent: cost('adjacent'), apart: cost('apart') };
}

/** The time of gathering one plane of a small volume, in ns, each time it is called. */
function gatherOf(plane: PlaneName, dims: Triple): () => number {
  const data = new Float32Array(dims[0] * dims[1] * dims[2]).map((_, i) => i);
  // Axes L, P and S: pictures then run along the array, not against it.
  const volume = { data, dims, spacing: [1, 1, 1] as Triple, axisCodes: 'LPS' };
  const layout = layoutOf(volume, 'file');
  const into = new Float32Array(few * many);
  return () => {
    const begin = process.hrtime.bigint();
    gatherPlane(layout, plane, 0, into);
    return Number(process.hrtime.bigint() - begin);
  };
}
