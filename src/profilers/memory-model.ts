// How long should a gather take? A model of measured costs, small enough to be done by hand.
//
//   time = rows x row(samples a row)                      what the same instructions take with everything in the cache
//        + jumps x wait(W, samples a jump)                waiting for the first lines behind a jump
//        + further lines x (line(W) - line(cache))        waiting for the lines that follow, at the copying bandwidth
//        + pages x page                                   waiting for translations
//
// W is what must be near: the plane's lines and the buffer they go to when the same plane was read just before (warm),
// more than any cache when nothing was (cold). A wait is the time of a jump on the ladder at W less its time on the
// smallest rung; the more samples lie between two jumps, the fewer jumps overlap, so it is looked up by that number.
// A row is what the gather copies in one go; its cost is measured on small gathers that lie in the first caches. Nothing
// is fitted to the gathers that are predicted.
import type { Layout } from '../sampling/layout';
import type { PlaneName } from '../sampling/plane';
import type { Footprint } from './footprint';
import { lineBytes } from './footprint';
import type { GatherCosts, RowKind } from './gather-costs';
import { rowTime } from './gather-costs';
import type { Rung } from './memory-ladder';
import { rowSamples } from './memory-ladder';

/** What is measured on a machine before anything is predicted. */
export interface MemoryModel {
  rungs: Rung[];
  costs: GatherCosts;
}

/** Whether the plane was read just before, or its lines lie in no cache. */
export type Warmth = 'cold' | 'warm';

/** A predicted time and what it is made of, in us. */
export interface Prediction {
  total: number;
  /** Moving samples, if nothing were waited for. */
  work: number;
  /** Waiting for lines. */
  lines: number;
  /** Waiting for translations. */
  pages: number;
}

/** What the time of a gather depends on. */
export interface GatherShape {
  footprint: Footprint;
  /** Rows that the gather copies, and how their samples lie. */
  rows: number;
  kind: RowKind;
}

/** Predict the time of one gather. */
export function predict(
  model: MemoryModel,
  { footprint, rows, kind }: GatherShape,
  warmth: Warmth,
): Prediction {
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
    work: (rows * rowTime(model.costs[kind], samples / rows)) / 1000,
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
 * The shape of a plane's gather: one row for each row of the picture in each brick it crosses, or one in all where the
 * whole plane is one run in the order of the picture.
 */
export function shapeOf(layout: Layout, plane: PlaneName, footprint: Footprint): GatherShape {
  const { columns, rows } = layout.places[plane];
  const { columns: across, rows: down } = layout.grids[plane];
  const adjacent = columns.step === 1;
  const count = down.count * columns.stretches.length;
  if (layout.brick > 0) return { footprint, kind: adjacent ? 'brick-adjacent' : 'brick-apart', rows: count };
  const inOrder = adjacent && rows.step === across.count && footprint.runs === 1;
  if (inOrder) return { footprint, kind: 'whole', rows: 1 };
  return { footprint, kind: adjacent ? 'adjacent' : 'apart', rows: count };
}
