// The first measurement: how long does it take to read a plane out of a volume?
//
// The study says (section 4.3) that axial planes lie contiguously in memory, that coronal and sagittal ones need
// strided access, and that this is slow. The layout is derived from the grid; the time is measured: three planes
// through the same random voxels, in random order, each copied into a buffer made beforehand. It is the reading
// alone: no decompression, no resizing, no training step to compare it with.
import { median } from '../base/interval';
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { Random, shuffled } from '../base/random';
import type { Table } from '../results/result';
import type { Layout } from '../sampling/layout';
import { layoutOf, runsOf } from '../sampling/layout';
import type { PlaneGrid, PlaneName } from '../sampling/plane';
import { planeGrid, planeNames, readPlane } from '../sampling/plane';
import type { Triple, Volume, VoxelArray } from '../volume/volume';
import { Findings } from './findings';
import { bratsFlair, openHead } from './heads';
import type { StudyDefinition } from './study';

interface Spec {
  /** Random voxels whose three planes are timed. */
  voxels: number;
  /** Voxels before these, not timed: the compiler warms up. */
  warmUp: number;
  seed: number;
}

/** Microseconds for the three planes of one voxel. */
type Times = Record<PlaneName, number>;

export const planeReads: StudyDefinition<Spec> = {
  id: 'plane-reads',
  title: 'Reading three planes through a voxel',
  module: 'experiments/plane-reads',
  name: 'planeReads',
  needs: [bratsFlair],
  specs: {
    tiny: { voxels: 20, warmUp: 5, seed: 1 },
    quick: { voxels: 400, warmUp: 100, seed: 1 },
    full: { voxels: 4000, warmUp: 400, seed: 1 },
  },
  cost: { quick: { seconds: 2, memoryGiB: 0.2 }, full: { seconds: 20, memoryGiB: 0.2 } },
  timed: true,
  async run(spec, long) {
    const head = await openHead(bratsFlair, long);
    const { volume } = head;
    const grids = planeNames.map((name) => planeGrid(volume, name));
    const times = await timePlanes(volume, grids, spec, long);
    const found = new Findings('plane-reads', spec.seed);
    findLayout(layoutOf(volume, 'file'), found);
    findTimes(times, grids, found);
    found.table('table', 'Three planes through a voxel', 'measured', tableOf(found));
    found.figure(
      'figure',
      'Reading one plane: what the layout predicts and what was measured',
      'plane-read-times',
      { grid: volume.dims, times: pointsOf(times) },
    );
    return { findings: found.all, inputs: head.inputs, notes: head.notes, seed: spec.seed };
  },
};

/** Time the three planes through random voxels; order within a voxel is random too, so that none profits from another. */
async function timePlanes(volume: Volume, grids: PlaneGrid[], spec: Spec, long: Long): Promise<Times[]> {
  const random = new Random(spec.seed);
  const make = volume.data.constructor as new (n: number) => VoxelArray;
  const buffers = grids.map((l) => new make(l.columns.count * l.rows.count));
  const meter = new Meter('reading planes', 'voxels', spec.warmUp + spec.voxels, long);
  const times: Times[] = [];
  for (let i = 0; i < spec.warmUp + spec.voxels; i++) {
    const voxel = volume.dims.map((n) => random.below(n)) as Triple;
    const time: Partial<Times> = {};
    for (const k of shuffled([0, 1, 2], random)) {
      const begin = process.hrtime.bigint();
      readPlane(volume, grids[k], voxel, buffers[k]);
      time[grids[k].name] = Number(process.hrtime.bigint() - begin) / 1000;
    }
    if (i >= spec.warmUp) times.push(time as Times);
    meter.add(1);
    // Let the interrupt and the progress bar through.
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  meter.finish();
  return times;
}

/** What the grid alone says: pixels, contiguous runs and their length. */
function findLayout(layout: Layout, found: Findings): void {
  const bytes = layout.data.BYTES_PER_ELEMENT;
  for (const name of planeNames) {
    const { columns, rows } = layout.grids[name];
    const { count, length } = runsOf(layout, name);
    found.derived(
      `pixels.${name}`,
      `Pixels of the ${name} plane`,
      '1',
      columns.count * rows.count,
      'columns x rows',
    );
    found.derived(
      `runs.${name}`,
      `Contiguous runs of the ${name} plane`,
      '1',
      count,
      'pixels / voxels a run, x fastest',
    );
    found.derived(
      `run-length.${name}`,
      `Bytes in each run of the ${name} plane`,
      'B',
      length * bytes,
      `voxels a run x ${bytes} B`,
    );
  }
}

/** What was measured: medians over voxels, ratios paired within a voxel, bootstrap intervals over voxels. */
function findTimes(times: Times[], grids: PlaneGrid[], found: Findings): void {
  const pixels = Object.fromEntries(grids.map((l) => [l.name, l.columns.count * l.rows.count]));
  const observed = (id: string, title: string, unit: string, of: (t: Times) => number): void =>
    found.observed(id, title, unit, times, (rows) => median(rows.map(of)));
  for (const name of planeNames) {
    observed(`time.${name}`, `Time to read the ${name} plane, median`, 'us', (t) => t[name]);
    observed(
      `time-per-pixel.${name}`,
      `Time for each pixel of the ${name} plane, median`,
      'ns',
      (t) => (1000 * t[name]) / pixels[name],
    );
  }
  for (const name of ['coronal', 'sagittal'] as const) {
    observed(
      `ratio.${name}`,
      `Time of the ${name} plane over that of the axial one, median of pairs`,
      '1',
      (t) => t[name] / t.axial,
    );
    observed(
      `ratio-per-pixel.${name}`,
      `The same for each pixel (${name} over axial)`,
      '1',
      (t) => t[name] / pixels[name] / (t.axial / pixels.axial),
    );
  }
}

/** One row a plane: what is derived beside what is measured. */
function tableOf(found: Findings): Table {
  return {
    columns: [
      { key: 'plane', title: 'Plane', align: 'left' },
      { key: 'pixels', title: 'Pixels', digits: 0 },
      { key: 'runs', title: 'Contiguous runs', digits: 0 },
      { key: 'run', title: 'Length of a run', unit: 'B', digits: 0 },
      { key: 'time', title: 'Time', unit: 'us', digits: 1 },
      { key: 'perPixel', title: 'Time per pixel', unit: 'ns', digits: 2 },
      { key: 'ratio', title: 'Time over axial', digits: 1 },
    ],
    rows: planeNames.map((plane) => ({
      plane,
      pixels: found.value(`pixels.${plane}`),
      runs: found.value(`runs.${plane}`),
      run: found.value(`run-length.${plane}`),
      time: found.value(`time.${plane}`),
      perPixel: found.value(`time-per-pixel.${plane}`),
      ratio: plane === 'axial' ? 1 : found.value(`ratio.${plane}`),
    })),
  };
}

/** The single times, to two digits after the point, for the points of the figure. */
function pointsOf(times: Times[]): Record<PlaneName, number[]> {
  const of = (name: PlaneName): number[] => times.map((t) => Math.round(t[name] * 100) / 100);
  return { axial: of('axial'), coronal: of('coronal'), sagittal: of('sagittal') };
}
