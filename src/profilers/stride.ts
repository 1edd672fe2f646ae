// The stride profile of a volume: what reading its planes touches, should cost, does cost and misses, for each layout.
import { Random } from '../base/random';
import type { Long } from '../base/progress';
import type { Layout, LayoutName } from '../sampling/layout';
import { extraBytes } from '../sampling/layout';
import type { PlaneName } from '../sampling/plane';
import { planeNames } from '../sampling/plane';
import type { Triple } from '../volume/volume';
import type { Hierarchy } from './cache';
import type { Footprint } from './footprint';
import { footprintOfPlane } from './footprint';
import { measureGatherCosts } from './gather-costs';
import type { SequenceTimes, SimulatedSequence } from './gather-sequences';
import { simulateSequence, timeSequences } from './gather-sequences';
import type { GatherTimes } from './gather-times';
import { timeGathers } from './gather-times';
import type { LadderSpec } from './memory-ladder';
import { measureLadder } from './memory-ladder';
import type { MemoryModel, Prediction, Warmth } from './memory-model';
import { predict, shapeOf } from './memory-model';

/** How much to measure. */
export interface StrideSpec {
  /** Voxels whose planes are timed cold and warm. */
  voxels: number;
  /** Voxels of the sequences, and passes through each. */
  sequenceVoxels: number;
  passes: number;
  /** Voxels of the simulated sequences; the first half fills the caches. */
  simulatedVoxels: number;
  ladder: Omit<LadderSpec, 'seed'>;
  seed: number;
}

/** One plane of one layout. */
export interface PlaneProfile {
  layout: LayoutName;
  plane: PlaneName;
  footprint: Footprint;
  /** Rows that the gather copies. */
  rows: number;
  predicted: Record<Warmth, Prediction>;
  /** Single times, us. */
  times: Record<Warmth, number[]>;
}

/** Everything that was found, in the order in which it was measured. */
export interface StrideProfile {
  model: MemoryModel;
  planes: PlaneProfile[];
  extraBytes: Partial<Record<LayoutName, number>>;
  sequences: SequenceTimes;
  /** Misses for a sample, by layout: taken in random order and sorted by sagittal slice. */
  simulated: { layout: LayoutName; random: SimulatedSequence; sorted: SimulatedSequence }[];
}

/** Random voxels of a volume, any of them with the same chance. */
export function anyVoxels(dims: Triple, n: number, random: Random): Triple[] {
  return Array.from({ length: n }, () => dims.map((d) => random.below(d)) as Triple);
}

/**
 * Profile the layouts of one volume.
 * @param layouts    each once; some seconds and 1.5 times the ladder's largest working set of memory
 * @param hierarchy  the caches to simulate
 */
export async function profileStrides(
  layouts: readonly Layout[],
  spec: StrideSpec,
  hierarchy: Hierarchy,
  long: Long = {},
): Promise<StrideProfile> {
  const random = new Random(spec.seed);
  const { dims } = layouts[0];
  const rungs = await measureLadder({ ...spec.ladder, seed: spec.seed }, long);
  const model = { rungs, costs: measureGatherCosts(40, random.fork('costs')) };
  const voxels = anyVoxels(dims, spec.voxels, random.fork('voxels'));
  const times: GatherTimes = await timeGathers(layouts, voxels, spec.seed, long);
  const inSequence = anyVoxels(dims, spec.sequenceVoxels, random.fork('sequence'));
  const sequences = await timeSequences(layouts, inSequence, spec.passes, long);
  const toSimulate = anyVoxels(dims, spec.simulatedVoxels, random.fork('simulated'));
  const simulated: StrideProfile['simulated'] = [];
  for (const layout of layouts) {
    simulated.push({
      layout: layout.name,
      random: await simulateSequence(layout, toSimulate, 'random', hierarchy, long),
      sorted: await simulateSequence(layout, toSimulate, 'sorted', hierarchy, long),
    });
  }
  return {
    model,
    planes: layouts.flatMap((layout) =>
      planeNames.map((plane) => {
        // Every plane of a name has the same footprint but for where it meets lines and pages: take the middle one.
        const footprint = footprintOfPlane(layout, plane, dims[layout.grids[plane].normal] >> 1);
        const shape = shapeOf(layout, plane, footprint);
        return {
          layout: layout.name,
          plane,
          footprint,
          rows: shape.rows,
          predicted: { cold: predict(model, shape, 'cold'), warm: predict(model, shape, 'warm') },
          times: times[layout.name][plane],
        };
      }),
    ),
    extraBytes: Object.fromEntries(layouts.map((layout) => [layout.name, extraBytes(layout)])),
    sequences,
    simulated,
  };
}
