// What a gather itself costs: the time of a row when everything lies in the first caches.
//
// Measured through `gatherPlane` on small volumes, so it follows whatever way of copying the gather chooses for a row.
import { median } from '../base/interval';
import type { Random } from '../base/random';
import type { LayoutName } from '../sampling/layout';
import { gatherPlane, layoutOf } from '../sampling/layout';
import type { PlaneName } from '../sampling/plane';
import type { Triple } from '../volume/volume';
import type { Measured } from './memory-ladder';
import { measured } from './memory-ladder';

/**
 * How the samples of a row lie: the whole plane is one run in the order of its picture, neighbours of a row are
 * neighbours in memory, or each sample lies apart from the next; the same two for the part of a row that lies in one brick.
 */
export type RowKind = 'whole' | 'adjacent' | 'apart' | 'brick-adjacent' | 'brick-apart';

/** A row of so many float32 samples, in ns. */
export interface RowCost {
  samples: number;
  time: Measured;
}

/** Costs of short to long rows of each kind. */
export type GatherCosts = Record<RowKind, RowCost[]>;

interface Case {
  plane: PlaneName;
  layout: LayoutName;
  /** Samples of a row, and the small volume (axes L, P, S) with a plane of such rows: at most 16 KiB of them. */
  rows: { samples: number; dims: Triple }[];
}

const cases: Record<RowKind, Case> = {
  whole: {
    plane: 'axial',
    layout: 'file',
    rows: [1024, 4096].map((n) => ({ samples: n, dims: [64, n / 64, 2] })),
  },
  adjacent: {
    plane: 'coronal',
    layout: 'file',
    rows: [8, 64, 256].map((n) => ({ samples: n, dims: [n, 2, 4096 / n] })),
  },
  apart: {
    plane: 'sagittal',
    layout: 'file',
    rows: [8, 64, 256].map((n) => ({ samples: n, dims: [2, n, 4096 / n] })),
  },
  'brick-adjacent': { plane: 'axial', layout: 'bricks', rows: [{ samples: 8, dims: [64, 64, 8] }] },
  'brick-apart': { plane: 'sagittal', layout: 'bricks', rows: [{ samples: 8, dims: [8, 64, 64] }] },
};
const kinds = Object.keys(cases) as RowKind[];
/** Gathers whose median is one observation, and rounds that only warm the compiler up. */
const repeats = 15;
const warmUp = 20;

/** Measure the costs of rows, in rounds that go through all of them. */
export function measureGatherCosts(rounds: number, random: Random): GatherCosts {
  const all = kinds.flatMap((kind) =>
    cases[kind].rows.map((row) => ({
      kind,
      ...row,
      ...gatherOf(cases[kind], row.dims),
      times: [] as number[],
    })),
  );
  for (let round = -warmUp; round < rounds; round++) {
    for (const { samples, pixels, time, times } of all) {
      const one = median(Array.from({ length: repeats }, time));
      if (round >= 0) times.push((one * samples) / pixels);
    }
  }
  const costs = (kind: RowKind): RowCost[] =>
    all
      .filter((a) => a.kind === kind)
      .map(({ samples, times }) => ({ samples, time: measured(times, random.fork(`${kind} ${samples}`)) }));
  return Object.fromEntries(kinds.map((kind) => [kind, costs(kind)])) as GatherCosts;
}

/** Times one gather of a plane of a small volume, in ns, each time it is called. */
function gatherOf({ plane, layout: name }: Case, dims: Triple): { pixels: number; time: () => number } {
  const data = new Float32Array(dims[0] * dims[1] * dims[2]).map((_, i) => i);
  // With these axes pictures run along the array, not against it.
  const layout = layoutOf({ data, dims, spacing: [1, 1, 1], axisCodes: 'LPS' }, name, { brick: 8 });
  const { columns, rows } = layout.grids[plane];
  const into = new Float32Array(columns.count * rows.count);
  return {
    pixels: into.length,
    time: () => {
      const begin = process.hrtime.bigint();
      gatherPlane(layout, plane, 0, into);
      return Number(process.hrtime.bigint() - begin);
    },
  };
}

/**
 * ns for a row of any length: in proportion below the shortest that was measured, and where only one was; else linear
 * through neighbours.
 */
export function rowTime(costs: readonly RowCost[], samples: number): number {
  if (samples <= costs[0].samples || costs.length === 1)
    return (costs[0].time.value * samples) / costs[0].samples;
  const next = costs.findIndex((c) => c.samples >= samples);
  const above = next < 0 ? costs.length - 1 : next;
  const [a, b] = [costs[above - 1], costs[above]];
  const slope = (b.time.value - a.time.value) / (b.samples - a.samples);
  return Math.max(0, a.time.value + slope * (samples - a.samples));
}
