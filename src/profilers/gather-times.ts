// How long gathers really take: cold and warm, for each layout and plane, one after another.
//
// Cold: before each gather a buffer of at least twice the last cache is read, so that no line of the volume is near.
// Warm: the same plane is taken again at once. Rounds go through all layouts and planes in a new random order, so that
// a disturbance falls on all alike. Only `gatherPlane` into a buffer made beforehand is timed.
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { Random, shuffled } from '../base/random';
import type { Layout, LayoutName } from '../sampling/layout';
import { gatherPlane } from '../sampling/layout';
import type { PlaneName } from '../sampling/plane';
import { planeNames } from '../sampling/plane';
import type { Triple, VoxelArray } from '../volume/volume';
import { hierarchyHere } from './cache-here';
import type { Warmth } from './memory-model';

/** Single times in us, by layout, plane and warmth; the n-th of each belongs to the same voxel. */
export type GatherTimes = Record<LayoutName, Record<PlaneName, Record<Warmth, number[]>>>;

/** Reads through more memory than any cache holds. */
export class CacheFlusher {
  private readonly buffer: Int32Array;
  private sum = 0;

  /** @param bytes  default: twice the last cache of this machine, at least 64 MiB */
  constructor(bytes: number = Math.max(2 ** 26, 2 * (hierarchyHere()?.caches.at(-1)?.bytes ?? 0))) {
    this.buffer = new Int32Array(bytes / 4).fill(1);
  }

  flush(): void {
    const { buffer } = this;
    let sum = this.sum;
    for (let i = 0; i < buffer.length; i += 16) sum = (sum + buffer[i]) | 0;
    this.sum = sum;
  }
}

/** Warm repeats after each cold gather; their median is one warm time. */
const warmRepeats = 5;

/**
 * Time the three planes through some voxels, in every layout, cold and warm.
 * @param layouts  of the same volume
 * @param voxels   one round each; the first also warms the compiler up, before anything is kept
 */
export async function timeGathers(
  layouts: readonly Layout[],
  voxels: readonly Triple[],
  seed: number,
  long: Long = {},
): Promise<GatherTimes> {
  const random = new Random(seed);
  const flusher = new CacheFlusher();
  const tasks = layouts.flatMap((layout) =>
    planeNames.map((plane) => ({ layout, plane, into: bufferFor(layout, plane) })),
  );
  const times = Object.fromEntries(
    layouts.map((layout) => [
      layout.name,
      Object.fromEntries(planeNames.map((plane) => [plane, { cold: [], warm: [] }])),
    ]),
  ) as unknown as GatherTimes;
  for (const { layout, plane, into } of tasks)
    for (let i = 0; i < 50; i++) timeGather(layout, plane, voxels[i % voxels.length], into);
  const meter = new Meter('gathering planes, cold and warm', 'voxels', voxels.length, long);
  for (const voxel of voxels) {
    for (const { layout, plane, into } of shuffled(tasks, random)) {
      flusher.flush();
      const kept = times[layout.name][plane];
      kept.cold.push(timeGather(layout, plane, voxel, into));
      const again = Array.from({ length: warmRepeats }, () => timeGather(layout, plane, voxel, into));
      kept.warm.push(again.sort((a, b) => a - b)[warmRepeats >> 1]);
    }
    meter.add(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  meter.finish();
  return times;
}

/** A buffer for one plane of a layout. */
export function bufferFor(layout: Layout, plane: PlaneName): VoxelArray {
  const { columns, rows } = layout.grids[plane];
  return new (layout.data.constructor as new (n: number) => VoxelArray)(columns.count * rows.count);
}

/** Time one gather, in us. */
export function timeGather(layout: Layout, plane: PlaneName, voxel: Triple, into: VoxelArray): number {
  const index = voxel[layout.grids[plane].normal];
  const begin = process.hrtime.bigint();
  gatherPlane(layout, plane, index, into);
  return Number(process.hrtime.bigint() - begin) / 1000;
}
