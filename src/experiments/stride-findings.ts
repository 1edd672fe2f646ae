// From a stride profile to findings: what is derived from the layout, measured, and simulated, side by side.
import { median } from '../base/interval';
import { bytesMovedPerUsed, lineBytes } from '../profilers/footprint';
import type { RowCost, RowKind } from '../profilers/gather-costs';
import { sequences } from '../profilers/gather-sequences';
import type { Warmth } from '../profilers/memory-model';
import type { PlaneProfile, StrideProfile } from '../profilers/stride';
import { planeNames } from '../sampling/plane';
import type { Findings } from './findings';
import { mean } from './findings';

const inOrder: Record<string, string> = {
  file: 'in file order',
  copies: 'from its own copy',
  bricks: 'from bricks',
};
const key = (p: Pick<PlaneProfile, 'layout' | 'plane'>): string => `${p.layout}.${p.plane}`;
const named = (p: Pick<PlaneProfile, 'layout' | 'plane'>): string =>
  `the ${p.plane} plane ${inOrder[p.layout]}`;
/** How the samples of a row lie. */
const lying: Record<RowKind, string> = {
  whole: 'in one run',
  adjacent: 'adjacent in memory',
  apart: 'apart in memory',
  'brick-adjacent': 'adjacent in a brick',
  'brick-apart': 'apart in a brick',
};
const sizeText = (bytes: number): string =>
  bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;
/** `TLB 1` -> `tlb1`, as it stands in an id. */
const levelId = (level: string): string => level.toLowerCase().replaceAll(' ', '');

/** What each layout makes of each plane: counted, not measured. */
export function footprintFindings(found: Findings, { planes, extraBytes }: StrideProfile): void {
  for (const p of planes) {
    const { footprint: f } = p;
    const add = (id: string, title: string, unit: string, value: number, source: string): void =>
      found.derived(`${id}.${key(p)}`, `${title} ${named(p)}`, unit, value, source);
    add('bytes', 'Bytes of the samples of', 'B', f.bytes, 'samples x bytes of a sample');
    add('runs', 'Contiguous runs of', '1', f.runs, 'places of all pixels, sorted');
    add('run-length', 'Bytes in each run of', 'B', f.bytes / f.runs, 'bytes / runs, a mean');
    add('lines', 'Cache lines touched by', '1', f.lines, 'distinct lines of 64 B');
    add('bytes-touched', 'Bytes in the cache lines of', 'B', f.lines * lineBytes, 'lines x 64 B');
    add(
      'moved-per-used',
      'Bytes moved for a byte used, cache lines of',
      '1',
      bytesMovedPerUsed(f),
      'lines x 64 B / bytes',
    );
    add('pages', 'Pages of 4 KiB touched by', '1', f.pages, 'distinct pages');
  }
  for (const [layout, bytes] of Object.entries(extraBytes))
    found.derived(
      `extra-bytes.${layout}`,
      `Memory of the layout ${layout} beyond the file order`,
      'B',
      bytes,
      'bytes of its array less those of the volume',
    );
}

/** What was predicted and what was measured, cold and warm. */
export function timeFindings(found: Findings, { planes }: StrideProfile): void {
  for (const warmth of ['cold', 'warm'] as const) {
    for (const p of planes) {
      found.derived(
        `predicted.${warmth}.${key(p)}`,
        `Predicted time of ${named(p)}, ${warmth}`,
        'us',
        p.predicted[warmth].total,
        'the memory model of this machine: work + waiting for lines + waiting for pages',
      );
      found.observed(
        `time.${warmth}.${key(p)}`,
        `Time of ${named(p)}, ${warmth}, median`,
        'us',
        p.times[warmth],
        median,
      );
    }
    const ratios = planes.map((p) => p.predicted[warmth].total / median(p.times[warmth]));
    const error = median(ratios.map((r) => Math.abs(r - 1)));
    const worst = ratios.reduce((a, b) => (Math.abs(Math.log(b)) > Math.abs(Math.log(a)) ? b : a));
    const source = `${ratios.length} planes and layouts, predicted over the measured median`;
    found.derived(
      `model-error.${warmth}`,
      `Error of the predicted times, ${warmth}, median`,
      '1',
      error,
      source,
    );
    found.derived(
      `model-worst.${warmth}`,
      `Prediction over measurement where it is furthest off, ${warmth}`,
      '1',
      worst,
      source,
    );
  }
  const layouts = [...new Set(planes.map((p) => p.layout))];
  for (const layout of layouts) {
    for (const warmth of ['cold', 'warm'] as const)
      found.observed(
        `triple.${warmth}.${layout}`,
        `Time of three planes through a voxel, ${inOrder[layout]}, ${warmth}, median`,
        'us',
        triplesOf(planes, layout, warmth),
        median,
      );
  }
}

/** For each voxel, the times of its three planes together, us. */
export function triplesOf(planes: readonly PlaneProfile[], layout: string, warmth: Warmth): number[] {
  const own = planes.filter((p) => p.layout === layout);
  return own[0].times[warmth].map((_, i) => own.reduce((sum, p) => sum + p.times[warmth][i], 0));
}

/** What memory does on this machine, at the ends of the ladder. */
export function ladderFindings(
  found: Findings,
  { model }: StrideProfile,
  caches: { name: string; bytes: number }[],
): void {
  const { rungs, costs } = model;
  const ends = { cache: rungs[0], memory: rungs[rungs.length - 1] };
  for (const [end, rung] of Object.entries(ends)) {
    const where = `at a working set of ${sizeText(rung.bytes)}`;
    const add = (id: string, title: string, unit: string, { value, uncertainty }: typeof rung.copy): void =>
      found.add({
        id: `${id}.${end}`,
        title: `${title} ${where}`,
        unit,
        kind: 'measured',
        value,
        uncertainty,
      });
    add('copy', 'Bandwidth of a copy', 'B/s', rung.copy);
    add('latency', 'Time of a read that waits for the one before', 'ns', rung.latency);
    add('independent', 'Time of a read that need not wait', 'ns', rung.independent);
    found.derived(
      `parallelism.${end}`,
      `Latency over the time of an independent read (overlap and prefetching) ${where}`,
      '1',
      rung.latency.value / rung.independent.value,
      'latency / time of an independent read',
    );
  }
  for (const [kind, rows] of Object.entries(costs) as [RowKind, RowCost[]][]) {
    for (const { samples, time } of rows)
      found.add({
        id: `row-cost.${kind}.${samples}`,
        title: `Gathering ${samples} samples ${lying[kind]}, in the first caches`,
        unit: 'ns',
        kind: 'measured',
        ...time,
      });
  }
  found.figure('ladder', 'What memory does on this machine, by working set', 'memory-ladder', {
    caches,
    rungs: rungs.map(({ bytes, copy, latency, independent, scattered }) => ({
      bytes,
      ...Object.fromEntries(
        Object.entries({ copy, latency, independent, scattered }).map(([name, m]) => [
          name,
          m && { value: m.value, low: m.uncertainty.low, high: m.uncertainty.high },
        ]),
      ),
    })),
  });
}

/** Misses of the stated cache: means over voxels, and how many more a sagittal sample has than an axial one. */
export function missFindings(found: Findings, { simulated }: StrideProfile, source: string): void {
  for (const { layout, ...by } of simulated) {
    for (const sequence of sequences) {
      const rows = by[sequence];
      const after = sequence === 'sorted' ? ', voxels sorted by sagittal slice' : '';
      for (const level of Object.keys(rows[0].axial)) {
        for (const plane of planeNames) {
          found.observed(
            `misses.${levelId(level)}.${layout}.${plane}${sequence === 'sorted' ? '.sorted' : ''}`,
            `Misses of ${level} for a sample of ${named({ layout, plane })}${after}`,
            '1',
            rows,
            (r) => mean(r.map((rates) => rates[plane][level])),
            { kind: 'derived', source },
          );
        }
      }
      if (sequence === 'sorted') continue;
      for (const level of Object.keys(rows[0].axial)) {
        found.observed(
          `extra-misses.${levelId(level)}.${layout}`,
          `Misses of ${level} for a sagittal sample less those for an axial one, ${inOrder[layout]}`,
          '1',
          rows,
          (r) => mean(r.map(({ sagittal, axial }) => sagittal[level] - axial[level])),
          { kind: 'derived', source },
        );
      }
    }
  }
}

/** What the order of the voxels does. */
export function sequenceFindings(found: Findings, profile: StrideProfile): void {
  for (const { layout, times } of profile.sequences) {
    for (const sequence of sequences)
      found.observed(
        `triple.${sequence}.${layout}`,
        `Time of three planes ${inOrder[layout]}, voxels ${sequence === 'random' ? 'in random order' : 'sorted by sagittal slice'}, median`,
        'us',
        times[sequence],
        median,
      );
    const pairs = times.random.map((t, i) => times.sorted[i] / t);
    found.observed(
      `sorted-over-random.${layout}`,
      `Time sorted over time in random order, ${inOrder[layout]}, median of pairs`,
      '1',
      pairs,
      median,
    );
  }
}

/** One row a plane and layout. */
export function profileTable(found: Findings, { planes }: StrideProfile): void {
  const value = (id: string, p: PlaneProfile): number => found.value(`${id}.${key(p)}`);
  found.table('table', 'Planes and layouts: touched, predicted, measured', 'measured', {
    columns: [
      { key: 'layout', title: 'Layout', align: 'left' },
      { key: 'plane', title: 'Plane', align: 'left' },
      { key: 'runs', title: 'Runs', digits: 0 },
      { key: 'length', title: 'Run', unit: 'B', digits: 0 },
      { key: 'lines', title: 'Lines', digits: 0 },
      { key: 'pages', title: 'Pages', digits: 0 },
      { key: 'moved', title: 'Moved/used', digits: 2 },
      { key: 'pc', title: 'Cold, predicted', unit: 'us', digits: 0 },
      { key: 'mc', title: 'measured', unit: 'us', digits: 0 },
      { key: 'pw', title: 'Warm, predicted', unit: 'us', digits: 0 },
      { key: 'mw', title: 'measured', unit: 'us', digits: 0 },
    ],
    rows: planes.map((p) => ({
      layout: p.layout,
      plane: p.plane,
      runs: value('runs', p),
      length: value('run-length', p),
      lines: value('lines', p),
      pages: value('pages', p),
      moved: value('moved-per-used', p),
      pc: value('predicted.cold', p),
      mc: value('time.cold', p),
      pw: value('predicted.warm', p),
      mw: value('time.warm', p),
    })),
  });
}

/** Misses for a sample, by level: one row a plane and layout. */
export function missTable(found: Findings, { simulated }: StrideProfile): void {
  const levels = Object.keys(simulated[0].random[0].axial);
  found.table('misses', 'Simulated misses for a sample, voxels in random order', 'derived', {
    columns: [
      { key: 'layout', title: 'Layout', align: 'left' },
      { key: 'plane', title: 'Plane', align: 'left' },
      ...levels.map((level) => ({ key: levelId(level), title: level, digits: 4 })),
    ],
    rows: simulated.flatMap(({ layout }) =>
      planeNames.map((plane) => ({
        layout,
        plane,
        ...Object.fromEntries(
          levels.map((l) => [levelId(l), found.value(`misses.${levelId(l)}.${layout}.${plane}`)]),
        ),
      })),
    ),
  });
}
