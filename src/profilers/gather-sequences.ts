// Sequences of gathers: what the gather before leaves in the caches for the next one.
//
// A loader that takes its voxels in random order finds little of the last planes near; one that takes them sorted by
// sagittal slice reads neighbouring planes one after another, and sixteen float32 neighbours share each cache line.
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import type { Layout } from '../sampling/layout';
import { offsetsOf } from '../sampling/layout';
import type { PlaneName } from '../sampling/plane';
import { planeNames } from '../sampling/plane';
import type { Triple } from '../volume/volume';
import type { Hierarchy } from './cache';
import { CacheSimulator } from './cache';
import { bufferFor, CacheFlusher, timeGather } from './gather-times';

/** The orders in which the same voxels are taken. */
export const sequences = ['random', 'sorted'] as const;
export type Sequence = (typeof sequences)[number];

/** Positions of the voxels in the order of a sequence: as drawn, or by sagittal slice. */
export function orderOf(sequence: Sequence, voxels: readonly Triple[], layout: Layout): number[] {
  const order = voxels.map((_, i) => i);
  const axis = layout.grids.sagittal.normal;
  return sequence === 'random' ? order : order.sort((a, b) => voxels[a][axis] - voxels[b][axis] || a - b);
}

/** Times in us, by layout and sequence; the n-th belongs to the n-th voxel, whichever order it was taken in. */
export type SequenceTimes = { layout: Layout['name']; times: Record<Sequence, number[]> }[];

/**
 * Time the three planes of each voxel, taken in either order. Passes alternate between sequences and layouts, each
 * begins with empty caches, and a voxel's time is the median of its passes.
 */
export async function timeSequences(
  layouts: readonly Layout[],
  voxels: readonly Triple[],
  passes: number,
  long: Long = {},
): Promise<SequenceTimes> {
  const flusher = new CacheFlusher();
  const tasks = layouts.flatMap((layout) =>
    sequences.map((sequence) => ({
      layout,
      sequence,
      buffers: planeNames.map((plane) => bufferFor(layout, plane)),
      kept: voxels.map(() => [] as number[]),
    })),
  );
  const meter = new Meter('gathering in random and in sorted order', 'passes', passes * tasks.length, long);
  for (let pass = 0; pass < passes; pass++) {
    for (const { layout, sequence, buffers, kept } of tasks) {
      flusher.flush();
      for (const i of orderOf(sequence, voxels, layout)) {
        let time = 0;
        planeNames.forEach((plane, p) => (time += timeGather(layout, plane, voxels[i], buffers[p])));
        kept[i].push(time);
      }
      meter.add(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  meter.finish();
  const middle = (times: number[]): number => times.sort((a, b) => a - b)[times.length >> 1];
  return layouts.map((layout) => {
    const of = (sequence: Sequence): number[] =>
      tasks.find((t) => t.layout === layout && t.sequence === sequence)!.kept.map(middle);
    return { layout: layout.name, times: { random: of('random'), sorted: of('sorted') } };
  });
}

/** Misses for each sample of one plane, by level of the stated hierarchy. */
export type MissRates = Record<string, number>;

/** For each voxel that was counted, the miss rates of its three planes. */
export type SimulatedSequence = Record<PlaneName, MissRates>[];

/**
 * Simulate the three planes of each voxel in a sequence. The first half of the voxels fills the caches and is not
 * counted. Sources only: the buffer that samples go to is not simulated.
 */
export async function simulateSequence(
  layout: Layout,
  voxels: readonly Triple[],
  sequence: Sequence,
  hierarchy: Hierarchy,
  long: Long = {},
): Promise<SimulatedSequence> {
  const simulator = new CacheSimulator(hierarchy);
  const meter = new Meter(`simulating caches (${layout.name}, ${sequence})`, 'voxels', voxels.length, long);
  const counted: SimulatedSequence = [];
  const order = orderOf(sequence, voxels, layout);
  for (const [nth, i] of order.entries()) {
    const rates = {} as Record<PlaneName, MissRates>;
    for (const plane of planeNames) {
      const offsets = offsetsOf(layout, plane, voxels[i][layout.grids[plane].normal]);
      simulator.resetCounts();
      simulator.gather(offsets, layout.data.BYTES_PER_ELEMENT);
      rates[plane] = Object.fromEntries(simulator.counts().map((c) => [c.name, c.misses / offsets.length]));
    }
    if (nth >= order.length >> 1) counted.push(rates);
    meter.add(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  meter.finish();
  return counted;
}
