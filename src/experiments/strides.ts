// Strides: what reading planes touches, should cost and does cost, and how much of a slow epoch that can be.
//
// The study says (section 4.3) that strided access defeats coalescing, misses the cache often, shifts the bottleneck to
// input and output, and so makes an epoch 4.5 times as long. Here each link of that chain gets a number of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { median } from '../base/interval';
import type { Long } from '../base/progress';
import { Random } from '../base/random';
import { hierarchyHere } from '../profilers/cache-here';
import type { Hierarchy } from '../profilers/cache';
import { statedHierarchy } from '../profilers/cache';
import type { ControlTimes } from '../profilers/copy-controls';
import { controlNames, controls, timeControls } from '../profilers/copy-controls';
import type { Counters } from '../profilers/counters';
import { counterEvents, readCounters } from '../profilers/counters';
import { timeDecompression } from '../profilers/decompression';
import type { StrideSpec } from '../profilers/stride';
import { anyVoxels, profileStrides } from '../profilers/stride';
import type { Finding } from '../results/result';
import type { LayoutName } from '../sampling/layout';
import { layoutNames, layoutOf } from '../sampling/layout';
import { planeNames } from '../sampling/plane';
import type { Volume } from '../volume/volume';
import { writeNifti } from '../volume/write-nifti';
import { epochFindings } from './epoch-factor';
import { Findings } from './findings';
import { bratsFlair, openHead } from './heads';
import {
  footprintFindings,
  ladderFindings,
  missFindings,
  missTable,
  profileTable,
  sequenceFindings,
  timeFindings,
} from './stride-findings';
import type { StudyDefinition } from './study';

/** The size of a run: the profile's, and how often the controls and the opening of the file are timed. */
export interface StridesSpec extends StrideSpec {
  controlRounds: number;
  /** Times that the file is opened anew. */
  openings: number;
}

const quick: StridesSpec = {
  voxels: 30,
  sequenceVoxels: 80,
  passes: 3,
  simulatedVoxels: 40,
  controlRounds: 30,
  openings: 7,
  ladder: { smallest: 2 ** 14, largest: 2 ** 28, rounds: 11 },
  seed: 1,
};

export const strides: StudyDefinition<StridesSpec> = {
  id: 'strides',
  title: 'Strides: what reading planes touches, costs and can explain',
  module: 'experiments/strides',
  name: 'strides',
  needs: [bratsFlair],
  specs: {
    tiny: {
      voxels: 3,
      sequenceVoxels: 4,
      passes: 1,
      simulatedVoxels: 2,
      controlRounds: 3,
      openings: 2,
      ladder: { smallest: 2 ** 14, largest: 2 ** 21, rounds: 2 },
      seed: 1,
    },
    quick,
    full: {
      ...quick,
      voxels: 200,
      sequenceVoxels: 400,
      passes: 5,
      simulatedVoxels: 120,
      controlRounds: 200,
      openings: 25,
      ladder: { ...quick.ladder, rounds: 41 },
    },
  },
  cost: { quick: { seconds: 13, memoryGiB: 0.8 }, full: { seconds: 150, memoryGiB: 0.8 } },
  timed: true,
  async run(spec, long) {
    const head = await openHead(bratsFlair, long);
    const { findings, notes } = await findStrides(
      head.volume,
      spec,
      { file: head.volume.source?.file },
      long,
    );
    return { findings, inputs: head.inputs, notes: [...head.notes, ...notes], seed: spec.seed };
  },
};

/** What to profile, beside the size of the run. */
export interface StrideOptions {
  /** The file the volume came from; where there is none, the volume is written to a temporary one. */
  file?: string;
  layouts?: readonly LayoutName[];
  /** The caches to simulate; the stated ones by default. */
  hierarchy?: Hierarchy;
}

/**
 * Profile a volume: all that `coc stride` and the study report.
 * @returns findings with ids `strides.*`, and what could not be tested here, with the reason
 */
export async function findStrides(
  volume: Volume,
  spec: StridesSpec,
  { file, layouts = layoutNames, hierarchy = statedHierarchy }: StrideOptions,
  long: Long = {},
): Promise<{ findings: Finding[]; notes: string[] }> {
  const notes: string[] = [];
  const loadBefore = os.loadavg()[0];
  const profile = await profileStrides(
    layouts.map((name) => layoutOf(volume, name)),
    spec,
    hierarchy,
    long,
  );
  const controlTimes = await timeControls(volume, spec.controlRounds, spec.seed, long);
  const opened = await openings(volume, file, spec, notes, long);
  const counters = readCounters(volume.dims);
  notes.push(
    `load of the machine (processes that want to run, over ${os.availableParallelism()} cores): ` +
      `${loadBefore.toFixed(1)} before, ${os.loadavg()[0].toFixed(1)} after`,
  );

  const found = new Findings('strides', spec.seed);
  const grids = layoutOf(volume, 'file').grids;
  for (const plane of planeNames)
    found.derived(
      `step-over-width.${plane}`,
      `Distance in memory between neighbours in a row of the ${plane} picture, over the width of a row of the volume`,
      '1',
      Math.abs(grids[plane].columns.step) / volume.dims[0],
      'step of the picture in file order / voxels along the first axis',
    );
  footprintFindings(found, profile);
  ladderFindings(found, profile, hierarchyHere()?.caches ?? []);
  timeFindings(found, profile);
  missFindings(found, profile, `simulated LRU caches: ${hierarchy.source}`);
  sequenceFindings(found, profile);
  controlFindings(found, controlTimes);
  if (layouts.includes('file')) epochFindings(found, profile, opened);
  counterFindings(found, counters, notes);
  profileTable(found, profile);
  missTable(found, profile);
  found.figure('figure', 'Predicted and measured time of each plane, by layout', 'stride-times', {
    layouts: [...layouts],
  });
  if (layouts.includes('file'))
    found.figure('apportioned', 'What can make a three-view epoch 4.5 times as long', 'epoch-factor', {
      layouts: [...layouts],
      opened: opened ? 'a100-40' : null,
    });
  return { findings: found.all, notes };
}

/** Time opening the file for each sample; a volume that came from no file is written to a temporary one. */
async function openings(
  volume: Volume,
  file: string | undefined,
  spec: StridesSpec,
  notes: string[],
  long: Long,
): Promise<Awaited<ReturnType<typeof timeDecompression>> | undefined> {
  if (file !== undefined && !file.endsWith('.gz')) {
    notes.push(
      `opening the file for each sample: not testable here, ${path.basename(file)} is not compressed`,
    );
    return undefined;
  }
  const voxels = anyVoxels(volume.dims, spec.openings, new Random(spec.seed).fork('openings'));
  if (file !== undefined) return timeDecompression(file, voxels, long);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'coc-strides-'));
  try {
    const written = path.join(folder, 'volume.nii.gz');
    await writeNifti(written, volume, long);
    return await timeDecompression(written, voxels, long);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The six ways of copying, and the three comparisons that they are there for. */
function controlFindings(found: Findings, times: ControlTimes): void {
  for (const name of controlNames) {
    for (const warmth of ['cold', 'warm'] as const)
      found.observed(
        `control.${name}.${warmth}`,
        `Time of ${controls[name]}, ${warmth}, median`,
        'us',
        times[name][warmth],
        median,
      );
  }
  const compared = [
    ['number-of-copies', 'Many copies over one, all adjacent', 'row-copies-adjacent', 'one-copy'],
    [
      'distance-of-rows',
      'Rows a slice apart over adjacent rows, a copy for each',
      'row-copies-apart',
      'row-copies-adjacent',
    ],
    [
      'loop-for-copies',
      'A loop over samples over a copy for each row, rows a slice apart',
      'loop-rows-apart',
      'row-copies-apart',
    ],
    [
      'distance-of-samples',
      'Samples a row apart over samples in rows, in a loop',
      'loop-samples-apart',
      'loop-rows-apart',
    ],
  ] as const;
  for (const warmth of ['cold', 'warm'] as const) {
    for (const [id, title, over, under] of compared) {
      const pairs = times[over][warmth].map((t, i) => t / times[under][warmth][i]);
      found.observed(`effect.${id}.${warmth}`, `${title}, ${warmth}, median of rounds`, '1', pairs, median);
    }
  }
  found.table(
    'controls',
    'Stride or number of copies? Equally many samples, copied in six ways',
    'measured',
    {
      columns: [
        { key: 'way', title: 'Way', align: 'left' },
        { key: 'cold', title: 'Cold', unit: 'us', digits: 1 },
        { key: 'warm', title: 'Warm', unit: 'us', digits: 1 },
      ],
      rows: controlNames.map((name) => ({
        way: controls[name],
        cold: found.value(`control.${name}.cold`),
        warm: found.value(`control.${name}.warm`),
      })),
    },
  );
}

/** Hardware counters, or a table and a note that say why there are none. */
function counterFindings(found: Findings, counters: Counters, notes: string[]): void {
  if (!counters.readable)
    notes.push(`hardware counters of cache misses: not testable here, ${counters.reason}`);
  found.table('counters', 'Cache misses for a sample, by the hardware counters (file order)', 'measured', {
    columns: [
      { key: 'event', title: 'Event', align: 'left' },
      ...(counters.readable
        ? planeNames.map((plane) => ({ key: plane, title: plane, digits: 4 }))
        : [{ key: 'reason', title: 'Not testable here', align: 'left' as const }]),
    ],
    rows: counters.readable
      ? counterEvents.map((event) => ({
          event,
          ...Object.fromEntries(planeNames.map((plane) => [plane, counters.perSample[plane][event] ?? null])),
        }))
      : [{ event: counterEvents.join(', '), reason: counters.reason }],
  });
}
