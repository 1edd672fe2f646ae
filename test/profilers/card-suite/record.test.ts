// The record of a card: its form, and what is refused when one comes back from another machine.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allocatorReader } from '../../../src/profilers/card-suite/allocator';
import { suiteCode, type SuiteCode } from '../../../src/profilers/card-suite/code';
import { unitMark } from '../../../src/profilers/card-suite/messages';
import type { PartState } from '../../../src/profilers/card-suite/part';
import { partsOf, unitsOf } from '../../../src/profilers/card-suite/parts';
import { dataSheetOf } from '../../../src/profilers/card-suite/peaks';
import { checkCardRecord, importRecord, studyId } from '../../../src/profilers/card-suite/record';
import { findingsOf } from '../../../src/profilers/card-suite/rows';
import { cards } from '../../../src/profilers/cards';
import { thisDevice } from '../../../src/results/provenance';
import type { Table } from '../../../src/results/result';
import { checkStudy, loadStudy, saveStudy, type Study } from '../../../src/results/store';

const parts = partsOf({ rehearse: false, python: 'python3' });
const units = unitsOf(false);
const h100 = cards['h100-80'];
const facts = { device: 'card', gpu: 'card', versions: {}, notes: [] };
const state = (found: PartState['units'], more: Partial<PartState> = {}): PartState => ({
  facts,
  refused: null,
  units: found,
  seconds: 1,
  ...more,
});

/** A suite that ran on a card, its times worked out by hand: each call takes so many milliseconds. */
function ran(ms: Record<string, number>): Record<string, PartState> {
  const timed = (engine: string): PartState['units'] =>
    Object.fromEntries(
      units.map(({ id }) => [
        id,
        { result: { samples: [1, 2, 3].map((x) => x * ms[engine]), calls: 5, aloneMs: 1, value: [0.5] } },
      ]),
    );
  const rest = Object.fromEntries(
    parts.map((part) => [part.name, state({}, { refused: { reason: 'left out', fix: 'none' } })]),
  );
  return {
    ...rest,
    'tensorflow times': state(timed('tensorflow')),
    'webgpu times': state(timed('webgpu')),
    'torch times': state(timed('torch')),
  };
}

let dir: string;
let code: SuiteCode;
beforeEach(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-record-'));
  code = await suiteCode();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function recordOf(states = ran({ tensorflow: 1, webgpu: 2, torch: 1 })): Study {
  const name = 'NVIDIA H100 80GB HBM3';
  const study = studyId(name);
  return {
    study,
    provenance: {
      mode: 'full',
      date: '2026-11-22T12:00:00.000Z',
      commit: code.commit,
      dirty: false,
      device: { ...thisDevice(), gpu: name, driver: '570.1' },
      versions: { node: '20.20.2' },
      seed: null,
      inputs: [],
      identity: code.identity,
      cost: { seconds: 60, memoryMB: 0 },
      notes: [],
    },
    findings: findingsOf(study, { parts, states }, units, h100),
  };
}
const tableOf = ({ study, findings }: Study, end: string): Table =>
  findings.find(({ id }) => id === `${study}.${end}`)!.table!;

describe('tables', () => {
  it('a record has the form of a study, and what a record of a card must have', () => {
    const study = recordOf();
    expect(checkStudy(study, 'here')).toEqual(study);
    expect(() => checkCardRecord(study, 'here')).not.toThrow();
    expect(study.study).toBe('card-suite-h100-80gb-hbm3');
  });

  it('rates and shares of the peak, by hand: 2 x 1024^3 FLOP in 2 ms', () => {
    const row = tableOf(recordOf(), 'times').rows.find(
      (r) => r.unit === 'product-1024' && r.engine === 'tensorflow',
    )!;
    expect(row).toMatchObject({ ms: 2, low: 1.5, high: 2.5, calls: 5, precision: 'float32', agrees: 'yes' });
    expect(row.rate).toBeCloseTo(1073.74, 0);
    expect(row.share).toBeCloseTo(1.07374e12 / 67e12, 5);
  });

  it('products on webgpu: at least half of the rate of PyTorch is met, less is missed', () => {
    const verdict = (webgpu: number, unit: string) =>
      tableOf(recordOf(ran({ tensorflow: 1, webgpu, torch: 1 })), 'goals').rows.find((r) => r.unit === unit)!;
    expect(verdict(2, 'product-1024')).toMatchObject({ share: 0.5, goal: 0.5, verdict: 'met' });
    expect(verdict(2.01, 'product-1024')).toMatchObject({ goal: 0.5, verdict: 'missed' });
    expect(verdict(9, 'product-256')).toMatchObject({ goal: null, verdict: 'reported' });
  });

  it('a peer that is missing, a unit that failed and another value are told', () => {
    const states = ran({ tensorflow: 1, webgpu: 2, torch: 1 });
    states['torch times'] = state({}, { refused: { reason: 'no PyTorch', fix: '' } });
    states['webgpu times'].units['product-512'] = { failed: 'out of memory' };
    const other = states['webgpu times'].units['product-2048'] as { result: { value: number[] } };
    other.result.value = [0.502];
    const study = recordOf(states);
    const goal = (unit: string) => tableOf(study, 'goals').rows.find((r) => r.unit === unit)!.verdict;
    expect(goal('product-1024')).toBe('not testable here: torch: no PyTorch');
    expect(goal('product-512')).toBe('not testable here: webgpu failed; torch: no PyTorch');
    const agrees = (engine: string, unit: string) =>
      tableOf(study, 'times').rows.find((r) => r.engine === engine && r.unit === unit)!.agrees;
    expect(agrees('webgpu', 'product-512')).toBe('failed: out of memory');
    expect(agrees('webgpu', 'product-2048')).toBe('ANOTHER VALUE than tensorflow');
    expect(agrees('tensorflow', 'product-512')).toBe('nothing to compare with');
  });
});

describe('import', () => {
  const take = (study: Study, changed: Partial<SuiteCode> = {}, knows = true) => {
    const file = saveStudy(path.join(dir, 'from'), study);
    return importRecord(
      file,
      { ...code, ...changed },
      { dir: path.join(dir, 'recorded'), knows: () => knows },
    );
  };

  it('takes a record of this code', () => {
    const study = recordOf();
    const { file } = take(study);
    expect(path.basename(file)).toBe('card-suite-h100-80gb-hbm3.json');
    expect(loadStudy(path.join(dir, 'recorded'), study.study)).toEqual(study);
  });

  it('refuses what was changed by hand', () => {
    const file = saveStudy(dir, recordOf());
    writeFileSync(file, readFileSync(file, 'utf8').replace('"met"', '"MET"'));
    expect(() => importRecord(file, code)).toThrow('changed by hand');
  });

  it.each<[string, (study: Study) => void, string]>([
    [
      'a rehearsal',
      (s) => (s.study = 'card-suite-rehearsal'),
      'given a rehearsal, expected numbers of a card',
    ],
    ['no card', (s) => (s.provenance.device.gpu = null), 'of no card'],
    ['another card', (s) => (s.provenance.device.gpu = 'NVIDIA T4'), 'expected card-suite-t4'],
    ['another table', (s) => s.findings.splice(2, 1), 'no table card-suite-h100-80gb-hbm3.times'],
    ['another column', (s) => tableOf(s, 'times').columns.pop(), 'in card-suite-h100-80gb-hbm3.times'],
    ['changes', (s) => (s.provenance.dirty = true), 'changes beyond the commit'],
    ['other code', (s) => (s.provenance.identity.code = '0'), 'a suite whose code was another'],
    [
      'an unfinished part',
      (s) => (tableOf(s, 'parts').rows[0].state = 'not finished: 3 of 162 units are missing'),
      'tensorflow checks (not finished: 3 of 162 units are missing)',
    ],
  ])('refuses %s', (_, change, message) => {
    const study = structuredClone(recordOf());
    change(study);
    expect(() => take(study)).toThrow(message);
  });

  it('refuses a commit that the clone lacks', () => {
    expect(() => take(recordOf(), {}, false)).toThrow('which this clone lacks');
  });

  it('refuses another study', () => {
    const study = { ...recordOf(), study: 'strides' };
    expect(() => take(study)).toThrow('cannot use');
  });
});

it('every card with a data sheet is told by its name', () => {
  expect(dataSheetOf('Tesla T4', 15360)).toBe(cards.t4);
  expect(dataSheetOf('NVIDIA A100-SXM4-40GB', 40960)).toBe(cards['a100-40']);
  expect(dataSheetOf('NVIDIA A100-SXM4-80GB', 81920)).toBe(cards['a100-80']);
  expect(dataSheetOf('NVIDIA L40', 46068)).toBe(cards.l40);
  expect(dataSheetOf('NVIDIA L40S', 46068)).toBeUndefined();
  expect(dataSheetOf('NVIDIA H100 80GB HBM3', 81559)).toBe(h100);
  expect(dataSheetOf('NVIDIA H100 PCIe', 81559)).toBeUndefined();
  expect(dataSheetOf('NVIDIA H200', 143771)).toMatchObject({ flops: h100.flops, memoryBandwidth: 4.8e12 });
  expect(dataSheetOf('NVIDIA GeForce RTX 4090', 24564)).toBeUndefined();
});

it("the allocator's log: what is held before, the most, and what belongs to no unit", () => {
  const reader = allocatorReader();
  const at = 'I0000 00:00:1795368051.103763   28913 bfc_allocator.cc';
  const lines = [
    `${at}:328] AllocateRaw GPU_0_bfc  1000 0x42206000`,
    `${unitMark.begin}a`,
    `${at}:281] AllocateRaw GPU_0_bfc  500`,
    `${at}:616] New Peak memory usage of 1500 bytes for GPU_0_bfc`,
    `${at}:328] AllocateRaw GPU_0_bfc  500 0x42246000`,
    `${at}:328] AllocateRaw gpu_host_bfc  64 0x1`,
    `${at}:693] DeallocateRaw GPU_0_bfc 500`,
    `${at}:328] AllocateRaw GPU_0_bfc  200 0x42246000`,
    `${unitMark.end}a`,
    `${at}:693] DeallocateRaw GPU_0_bfc 200`,
    `${unitMark.begin}b`,
    `${unitMark.end}b`,
  ];
  lines.forEach((line) => reader.line(line));
  expect(reader.results()).toEqual({
    a: [
      { allocator: 'GPU_0_bfc', before: 1000, peak: 1500, allocations: 2 },
      { allocator: 'gpu_host_bfc', before: 0, peak: 64, allocations: 1 },
    ],
    b: [
      { allocator: 'GPU_0_bfc', before: 1000, peak: 1000, allocations: 0 },
      { allocator: 'gpu_host_bfc', before: 64, peak: 64, allocations: 0 },
    ],
  });
});
