import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random';
import { statedHierarchy } from '../../src/profilers/cache';
import { hierarchyHere } from '../../src/profilers/cache-here';
import { parsePerf, readCounters } from '../../src/profilers/counters';
import { bytesMovedPerUsed, footprintOf, footprintOfPlane } from '../../src/profilers/footprint';
import { orderOf, simulateSequence } from '../../src/profilers/gather-sequences';
import { measureLadder } from '../../src/profilers/memory-ladder';
import type { Measured, Rung } from '../../src/profilers/memory-ladder';
import type { RowKind } from '../../src/profilers/gather-costs';
import { measureGatherCosts, rowTime } from '../../src/profilers/gather-costs';
import { predict, shapeOf } from '../../src/profilers/memory-model';
import type { MemoryModel } from '../../src/profilers/memory-model';
import {
  factorOf,
  recomputedFactor,
  secondsForShare,
  shareOfStep,
  viewSeconds,
} from '../../src/profilers/step-share';
import { anyVoxels } from '../../src/profilers/stride';
import { layoutNames, layoutOf } from '../../src/sampling/layout';
import { planeNames } from '../../src/sampling/plane';
import type { Triple } from '../../src/volume/volume';

const lps = (dims: Triple) => ({
  data: new Float32Array(dims[0] * dims[1] * dims[2]),
  dims,
  spacing: [1, 1, 1] as Triple,
  axisCodes: 'LPS',
});

let dir: string;
beforeAll(() => (dir = mkdtempSync(path.join(os.tmpdir(), 'coc-strides-test-'))));
afterAll(() => rmSync(dir, { recursive: true }));

describe('the footprint of a plane', () => {
  it("of the study's grid is the one worked out by hand", () => {
    const file = layoutOf(lps([240, 240, 155]), 'file');
    // float32: 16 samples a line, 1024 a page; x fastest, rows of 960 B = 15 lines.
    expect(footprintOfPlane(file, 'axial', 0)).toEqual({
      samples: 57600,
      bytes: 230400,
      runs: 1,
      lines: 3600,
      jumps: 1,
      pages: 57,
    });
    const coronal = footprintOfPlane(file, 'coronal', 100);
    expect(coronal).toMatchObject({ runs: 155, lines: 155 * 15, jumps: 155, bytes: 148800 });
    const sagittal = footprintOfPlane(file, 'sagittal', 100);
    expect(sagittal).toMatchObject({ runs: 37200, lines: 37200, jumps: 37200 });
    // Four or five rows lie in each page, so every page of the volume is touched.
    expect(sagittal.pages).toBe(Math.ceil((240 * 240 * 155 * 4) / 4096));
    expect(bytesMovedPerUsed(sagittal)).toBe(16);
    const brick = footprintOfPlane(layoutOf(lps([240, 240, 160]), 'bricks', { brick: 8 }), 'sagittal', 0);
    // A brick of 8 x 8 x 8 floats has 32 lines; a sagittal plane takes 64 samples of each, two a line.
    expect(brick).toMatchObject({ lines: 30 * 20 * 32, runs: 240 * 160 });
  });

  it('agrees with sets of lines and pages, whatever the places and their order', () => {
    const places = fc.uniqueArray(fc.integer({ min: 0, max: 20000 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(places, fc.constantFrom(1, 2, 4, 8), (places, bytes) => {
        const lines = new Set(places.map((p) => Math.floor((p * bytes) / 64)));
        const pages = new Set(places.map((p) => Math.floor((p * bytes) / 4096)));
        const all = new Set(places);
        expect(footprintOf(Int32Array.from(places), bytes)).toEqual({
          samples: places.length,
          bytes: places.length * bytes,
          runs: places.filter((p) => !all.has(p - 1)).length,
          lines: lines.size,
          jumps: [...lines].filter((l) => !lines.has(l - 1)).length,
          pages: pages.size,
        });
      }),
    );
  });
});

describe('simulated gathers', () => {
  it('of a volume far larger than the caches cost what the lines say', async () => {
    const layout = layoutOf(lps([64, 64, 64]), 'file');
    const tiny = {
      caches: [{ name: 'L1', bytes: 1024, ways: 2, line: 64 }],
      translation: [],
      source: 'made up',
    };
    const [rates] = await simulateSequence(
      layout,
      [
        [1, 1, 1],
        [40, 40, 40],
      ],
      'random',
      tiny,
    );
    // 16 neighbours share a line; a sagittal sample has none that is near in time.
    expect(rates).toEqual({ axial: { L1: 1 / 16 }, coronal: { L1: 1 / 16 }, sagittal: { L1: 1 } });
  });

  it('sorts voxels by sagittal slice and takes each once', () => {
    const layout = layoutOf(lps([50, 8, 8]), 'file');
    const voxels = anyVoxels([50, 8, 8], 30, new Random(1));
    const order = orderOf('sorted', voxels, layout);
    expect([...order].sort((a, b) => a - b)).toEqual(voxels.map((_, i) => i));
    const x = order.map((i) => voxels[i][0]);
    expect(x).toEqual([...x].sort((a, b) => a - b));
    expect(orderOf('random', voxels, layout)).toEqual(voxels.map((_, i) => i));
  });

  it('are the same for the same seed', async () => {
    const layout = layoutOf(lps([40, 30, 20]), 'bricks');
    const run = () =>
      simulateSequence(layout, anyVoxels([40, 30, 20], 4, new Random(3)), 'sorted', statedHierarchy);
    expect(await run()).toEqual(await run());
  });
});

describe('the memory model', () => {
  const exact = (value: number): Measured => ({
    value,
    uncertainty: { low: value, high: value, level: 0.95, method: 'made up', n: 1 },
  });
  const rung = (bytes: number, copy: number, times: [number, number, number, number, number?]): Rung => ({
    bytes,
    copy: exact(copy),
    latency: exact(times[0]),
    independent: exact(times[1]),
    short: exact(times[2]),
    long: exact(times[3]),
    scattered: times[4] === undefined ? null : exact(times[4]),
  });
  // Two rungs: 1 KiB at 64 B/ns (1 ns a line), 1 MiB at 16 B/ns (4 ns a line).
  const model: MemoryModel = {
    rungs: [rung(2 ** 10, 64e9, [2, 1, 8, 64, 1]), rung(2 ** 20, 16e9, [100, 11, 38, 164, 21])],
    // A row of n samples: 10 + n ns where they are adjacent, 10 + 2 n ns where they are apart.
    costs: {
      whole: [64, 256].map((samples) => ({ samples, time: exact(samples / 4) })),
      adjacent: [8, 64].map((samples) => ({ samples, time: exact(10 + samples) })),
      apart: [8, 64].map((samples) => ({ samples, time: exact(10 + 2 * samples) })),
      'brick-adjacent': [{ samples: 8, time: exact(20) }],
      'brick-apart': [{ samples: 8, time: exact(40) }],
    },
  };
  const shape = (footprint: object, kind: RowKind) => ({
    footprint: { samples: 0, bytes: 0, runs: 0, lines: 0, jumps: 0, pages: 0, ...footprint },
    rows: 100,
    kind,
  });

  it('adds up by hand: single samples, each in a line of its own', () => {
    const single = shape({ samples: 1000, bytes: 4000, lines: 1000, jumps: 1000, pages: 50 }, 'apart');
    const { work, lines, pages, total } = predict(model, single, 'cold');
    expect(work).toBeCloseTo((100 * 10 + 1000 * 2) / 1000, 9);
    // Each jump waits 11 - 1 ns; no line follows another.
    expect(lines).toBeCloseTo((1000 * 10) / 1000, 9);
    expect(pages).toBeCloseTo((50 * (21 - 11)) / 1000, 9);
    expect(total).toBeCloseTo(work + lines + pages, 12);
  });

  it('adds up by hand: long runs', () => {
    const runs = shape({ samples: 12800, bytes: 51200, lines: 800, jumps: 10, pages: 0 }, 'adjacent');
    const { work, lines } = predict(model, runs, 'cold');
    expect(work).toBeCloseTo((100 * 10 + 12800) / 1000, 9);
    // Ten jumps wait 164 - 64 ns and bring four lines each; the other 760 wait 4 - 1 ns.
    expect(lines).toBeCloseTo((10 * 100 + 760 * 3) / 1000, 9);
  });

  it('waits for nothing that lies in the smallest working set, and for more the colder it is', () => {
    const small = shape({ samples: 100, bytes: 400, lines: 7, jumps: 7, pages: 1 }, 'apart');
    expect(predict(model, small, 'warm').lines).toBe(0);
    expect(predict(model, small, 'cold').lines).toBeGreaterThan(0);
  });

  it('takes the time of a row from its measured neighbours', () => {
    const { apart } = model.costs;
    expect([4, 8, 36, 64, 100].map((n) => rowTime(apart, n))).toEqual([13, 26, 82, 138, 210]);
    expect([4, 16].map((n) => rowTime(model.costs['brick-apart'], n))).toEqual([20, 80]);
  });

  it('measures rows of each kind, from short to long', () => {
    for (const rows of Object.values(measureGatherCosts(3, new Random(1)))) {
      const lengths = rows.map(({ samples }) => samples);
      expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
      // Which of two near lengths takes longer is for a quiet machine to say.
      for (const { time } of rows) expect(time.value).toBeGreaterThan(0);
    }
  });

  it('counts the rows that a gather copies', () => {
    const volume = lps([24, 16, 8]);
    const of = (name: 'file' | 'bricks', plane: 'axial' | 'coronal' | 'sagittal') => {
      const layout = layoutOf(volume, name, { brick: 8 });
      const { rows, kind } = shapeOf(layout, plane, footprintOfPlane(layout, plane, 0));
      return [rows, kind];
    };
    expect(of('file', 'axial')).toEqual([1, 'whole']);
    expect(of('file', 'coronal')).toEqual([8, 'adjacent']);
    expect(of('file', 'sagittal')).toEqual([8, 'apart']);
    expect(of('bricks', 'axial')).toEqual([16 * 3, 'brick-adjacent']);
  });
});

describe('the ladder', () => {
  it('measures each rung, with intervals around the medians', async () => {
    const rungs = await measureLadder({ smallest: 2 ** 14, largest: 2 ** 21, rounds: 3, seed: 1 });
    expect(rungs.map((r) => r.bytes)).toEqual([14, 15, 16, 17, 18, 19, 20, 21].map((e) => 2 ** e));
    for (const { copy, latency, independent, short, long, scattered } of rungs) {
      for (const { value, uncertainty } of [
        copy,
        latency,
        independent,
        short,
        long,
        ...(scattered ? [scattered] : []),
      ]) {
        expect(value).toBeGreaterThan(0);
        expect(uncertainty.low).toBeLessThanOrEqual(value);
        expect(uncertainty.high).toBeGreaterThanOrEqual(value);
      }
    }
    // One line a page for 256 lines needs 1 MiB and a little; for 1024 lines more than there is.
    expect(rungs.map((r) => r.scattered !== null)).toEqual([true, ...Array<boolean>(7).fill(false)]);
  });

  it('can be stopped, and refuses sizes that make no ladder', async () => {
    const controller = new AbortController();
    controller.abort();
    const spec = { smallest: 2 ** 14, largest: 2 ** 21, rounds: 1, seed: 1 };
    await expect(measureLadder(spec, { signal: controller.signal })).rejects.toThrow('interrupted');
    await expect(measureLadder({ ...spec, smallest: 10000 })).rejects.toThrow('expected powers of two');
    await expect(measureLadder({ ...spec, largest: 2 ** 20 })).rejects.toThrow('128 times the smallest');
    await expect(measureLadder({ ...spec, largest: 2 ** 30 })).rejects.toThrow('at most 16 of them');
  });
});

describe('the caches of this machine', () => {
  it('are read from the files of the system', () => {
    const cache = (index: number, files: Record<string, string>) => {
      const folder = path.join(dir, 'cache', `index${index}`);
      mkdirSync(folder, { recursive: true });
      for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), `${text}\n`);
    };
    const common = { coherency_line_size: '64' };
    cache(0, { ...common, level: '1', type: 'Data', size: '48K', ways_of_associativity: '12' });
    cache(1, { ...common, level: '1', type: 'Instruction', size: '32K', ways_of_associativity: '8' });
    cache(3, { ...common, level: '3', type: 'Unified', size: '36M', ways_of_associativity: '12' });
    cache(2, { ...common, level: '2', type: 'Unified', size: '2048K', ways_of_associativity: '16' });
    expect(hierarchyHere(path.join(dir, 'cache'))!.caches).toEqual([
      { name: 'L1', bytes: 48 * 1024, ways: 12, line: 64 },
      { name: 'L2', bytes: 2 ** 21, ways: 16, line: 64 },
      { name: 'L3', bytes: 36 * 2 ** 20, ways: 12, line: 64 },
    ]);
    expect(hierarchyHere(path.join(dir, 'nothing'))).toBeUndefined();
  });
});

describe('hardware counters', () => {
  /** A program in perf's place that prints this to stderr. */
  const fake = (name: string, body: string): string => {
    const file = path.join(dir, name);
    writeFileSync(file, `#!/bin/sh\n${body}\n`);
    chmodSync(file, 0o755);
    return file;
  };

  it('reads what perf prints, with and without a modifier', () => {
    const text = '1234,,cache-misses:u,1000,100.00,,\n<not supported>,,dTLB-load-misses,0,100.00,,\n';
    expect(parsePerf(text)).toEqual(
      new Map<string, unknown>([
        ['cache-misses', 1234],
        ['dTLB-load-misses', '<not supported>'],
      ]),
    );
  });

  it("gives the reason where they cannot be read, in perf's words", () => {
    const unsupported = fake('unsupported', 'echo "<not supported>,,cache-misses,0,100.00,," >&2');
    expect(readCounters([8, 8, 8], { perf: unsupported })).toEqual({
      readable: false,
      reason:
        'perf said nothing of L1-dcache-load-misses, <not supported> of cache-misses, nothing of dTLB-load-misses',
    });
    const refused = fake(
      'refused',
      'echo "Error: access to performance monitoring is limited" >&2; exit 255',
    );
    expect(readCounters([8, 8, 8], { perf: refused })).toMatchObject({
      reason: 'perf said: Error: access to performance monitoring is limited',
    });
    expect(readCounters([8, 8, 8], { perf: path.join(dir, 'none') })).toMatchObject({
      readable: false,
      reason: `no program ${path.join(dir, 'none')} could be run (ENOENT)`,
    });
  });

  it('divides what the gathers add by their samples', () => {
    // Runs with no gather report 100 misses, runs with gathers 100 + 6400.
    const counting = fake(
      'counting',
      'for last; do :; done\ncase "$*" in *" 0 8 8 8") n=100;; *--version*) echo perf version 1; exit;; *) n=6500;; esac\necho "$n,,cache-misses:u,1,100.00,," >&2',
    );
    expect(readCounters([8, 8, 8], { perf: counting, planes: 100 })).toMatchObject({
      readable: true,
      perf: 'perf version 1',
      perSample: { axial: { 'cache-misses': 1 }, sagittal: { 'cache-misses': 1 } },
    });
  });
});

describe('the share of a step', () => {
  it('is that of waiting in waiting and computing', () => {
    expect(shareOfStep(1, 1, 3)).toBe(0.25);
    expect(secondsForShare(1 / 3, 2)).toBeCloseTo(3, 12);
    expect(shareOfStep(secondsForShare(0.2, 0.7), 0.7)).toBeCloseTo(0.2, 12);
  });

  it('leaves three where nothing is waited for, and three where each view waits alike', () => {
    expect(factorOf({ three: 0, one: 0 }, 0.01)).toBeCloseTo(3, 12);
    expect(factorOf({ three: 0.3, one: 0.1 }, 0.01)).toBeCloseTo(3, 12);
    expect(factorOf({ three: 0.015, one: 0 }, 0.01)).toBeCloseTo(4.5, 12);
  });

  it('derives the time of a view from FLOPs and data sheet', () => {
    // 12.42 TFLOP at 312 TFLOP/s.
    expect(viewSeconds('a100-40', 1)).toBeCloseTo(12.4186e12 / 312e12, 5);
    expect(viewSeconds('a100-40', 0.5)).toBeCloseTo(2 * viewSeconds('a100-40', 1), 12);
    expect(() => viewSeconds('t4', 0)).toThrow('given a utilisation of 0');
    // A forward pass more on top of somewhat over two: 3 x (2.08 + 1) / 2.08.
    expect(recomputedFactor()).toBeGreaterThan(4.4);
    expect(recomputedFactor()).toBeLessThan(4.5);
  });
});

describe('every layout', () => {
  it('has a footprint of as many samples as the picture has pixels', () => {
    const volume = lps([20, 12, 9]);
    for (const name of layoutNames) {
      const layout = layoutOf(volume, name);
      for (const plane of planeNames) {
        const { columns, rows } = layout.grids[plane];
        expect(footprintOfPlane(layout, plane, 3).samples).toBe(columns.count * rows.count);
      }
    }
  });
});
