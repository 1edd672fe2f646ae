import { describe, expect, it } from 'vitest';
import { changesBetween, changesText, listChanges } from '../../src/results/changes';
import { driftBetween, driftOf } from '../../src/results/drift';
import type { Identity, Result } from '../../src/results/result';
import { result } from '../claims/fixtures';
import { noIdentity } from './made-up';

/** Results in tests differ from the record in what is said here. */
const recorded = (changes: Partial<Result> = {}): Result =>
  result({ versions: { node: '20.19.0' }, uncertainty: null, ...changes });
const fresh = (changes: Partial<Result> = {}): Result => recorded({ origin: 'fresh', ...changes });
const interval = (low: number, high: number): NonNullable<Result['uncertainty']> => ({
  low,
  high,
  level: 0.95,
  method: 'made up',
  n: 10,
});
const identity = (changes: Partial<Identity>): Identity => ({ ...noIdentity, hash: 'other', ...changes });
const otherDevice = { ...recorded().device, cpu: 'another CPU' };

describe('the drift of a number', () => {
  it('is identical when nothing a reader sees differs', () => {
    const drift = driftOf(recorded({ value: 2 }), fresh({ value: 2, date: '2027-01-01', commit: 'other' }));
    expect(drift).toMatchObject({ id: 'walk.ratio', class: 'identical' });
  });

  it('is within tolerance up to rounding', () => {
    const [old, now] = [
      recorded({ kind: 'derived', value: 2 }),
      fresh({ kind: 'derived', value: 2 + 1e-13 }),
    ];
    expect(driftOf(old, now).class).toBe('within tolerance');
    expect(driftOf(old, { ...now, value: 2 + 1e-11 }).class).toBe('unexplained');
  });

  it('is within tolerance when intervals overlap, be it in one point', () => {
    const old = recorded({ value: 2, uncertainty: interval(1, 3) });
    const now = (low: number, high: number): Result =>
      fresh({ value: low, uncertainty: interval(low, high) });
    expect(driftOf(old, now(3, 4))).toMatchObject({ class: 'within tolerance' });
    expect(driftOf(old, now(3.01, 4))).toMatchObject({
      class: 'unexplained',
      text: expect.stringContaining('the intervals lie apart') as string,
    });
    expect(driftOf(old, now(0.1, 0.99)).class).toBe('unexplained');
  });

  it('is explained by another device, Node, backend or package, and says which', () => {
    const old = recorded({ value: 2 });
    const explained = (changes: Partial<Result>): string => {
      const drift = driftOf(old, fresh({ value: 3, ...changes }));
      expect(drift.class).toBe('explained by device');
      return drift.text;
    };
    expect(explained({ device: otherDevice })).toBe('2.000 recorded, 3.000 now; cpu none -> another CPU');
    expect(explained({ versions: { node: '22.1.0' } })).toContain('Node 20 -> 22');
    expect(explained({ identity: identity({ backend: { wasm: '4.22.0' } }) })).toContain(
      'backend: wasm none -> 4.22.0',
    );
    expect(explained({ identity: identity({ packages: { 'node_modules/a': '1.1.0 x' } }) })).toContain(
      'package a none -> 1.1.0 (lock)',
    );
    // A minor version of Node explains nothing.
    expect(driftOf(old, fresh({ value: 3, versions: { node: '20.20.0' } })).class).toBe('unexplained');
  });

  it('is not explained by a device where code, spec or data changed, or where it is a constant', () => {
    const now = fresh({ value: 3, device: otherDevice });
    const changed = { ...now, identity: identity({ code: 'b', modules: { 'src/a.ts': 'b' } }) };
    expect(driftOf(recorded({ value: 2 }), changed)).toMatchObject({
      class: 'unexplained',
      text: '2.000 recorded, 3.000 now; src/a.ts is imported now',
    });
    const paper = { kind: 'paper' as const, value: 2 };
    expect(driftOf(recorded(paper), fresh({ ...paper, value: 3, device: otherDevice })).class).toBe(
      'unexplained',
    );
    expect(driftOf(recorded({ value: 2 }), fresh({ value: 2, unit: 's' })).text).toBe(
      'unit 1 recorded, s now',
    );
  });
});

describe('the drift of tables and figures', () => {
  const table = (a: number, name = 'x'): Partial<Result> => ({
    value: undefined,
    unit: '',
    table: {
      columns: [
        { key: 'n', title: 'Name' },
        { key: 'a', title: 'A' },
      ],
      rows: [{ n: name, a }],
    },
  });
  const figure = (times: number[], title = 't'): Partial<Result> => ({
    value: undefined,
    unit: '',
    figure: { builder: 'b', data: { title, times } },
  });

  it('counts by their numbers: a quarter where the study measures, rounding where it does not', () => {
    const measured = (a: number, b: number): string => driftOf(recorded(table(a)), fresh(table(b))).class;
    expect(measured(4, 5)).toBe('within tolerance');
    expect(measured(4, 5.01)).toBe('unexplained');
    expect(measured(0, 1e-9)).toBe('unexplained');
    const derived = { kind: 'derived' as const };
    const drift = driftOf(recorded({ ...table(4), ...derived }), fresh({ ...table(4.001), ...derived }));
    expect(drift).toMatchObject({
      class: 'unexplained',
      text: '1 of 1 numbers differ; most: 4.000 recorded, 4.001 now at rows.0.a',
    });
  });

  it('compares observations by their median and text to the letter', () => {
    const times = Array.from({ length: 11 }, (_, i) => 10 + i);
    // Single observations jump, the median stays.
    const jumped = times.map((t, i) => (i > 7 ? 100 * t : t));
    expect(driftOf(recorded(figure(times)), fresh(figure(jumped))).class).toBe('within tolerance');
    expect(driftOf(recorded(figure(times)), fresh(figure(times.map((t) => 2 * t)))).class).toBe(
      'unexplained',
    );
    expect(driftOf(recorded(figure(times)), fresh(figure(times, 'u')))).toMatchObject({
      class: 'unexplained',
      text: 'another content at data.title',
    });
    expect(driftOf(recorded(table(1, 'x')), fresh(table(1, 'y'))).text).toBe('another content at rows.0.n');
    expect(driftOf(recorded(figure([1, 2])), fresh(figure([1, 2, 3]))).class).toBe('unexplained');
  });
});

describe('the drift of a run', () => {
  it('counts classes, and names what only one side has, in studies that both have', () => {
    const map = (...results: Result[]): Map<string, Result> => new Map(results.map((r) => [r.id, r]));
    const report = driftBetween(
      map(recorded({ id: 'walk.a' }), recorded({ id: 'walk.b' }), recorded({ id: 'run.a', study: 'run' })),
      map(fresh({ id: 'walk.a' }), fresh({ id: 'walk.c' })),
    );
    expect(report.counts).toMatchObject({ identical: 1, unexplained: 0 });
    expect(report).toMatchObject({ onlyRecorded: ['walk.b'], onlyFresh: ['walk.c'] });
  });

  it('lets the numbers of a derived table move where its study measures', () => {
    const rows = (a: number): Partial<Result> => ({
      id: 'walk.table',
      kind: 'derived',
      value: undefined,
      unit: '',
      table: { columns: [{ key: 'a', title: 'A' }], rows: [{ a }] },
    });
    const time = { id: 'walk.time', value: 2, uncertainty: interval(1, 3) };
    const both = (measured: boolean): string => {
      const extra = measured ? [recorded(time)] : [];
      const old = new Map([...extra, recorded(rows(10))].map((r) => [r.id, r]));
      return driftBetween(old, new Map([['walk.table', fresh(rows(11))]])).drifts[0].class;
    };
    expect(both(true)).toBe('within tolerance');
    expect(both(false)).toBe('unexplained');
  });
});

describe('changes between identities', () => {
  const before: Identity = {
    hash: 'a',
    spec: 's',
    code: 'c',
    modules: { 'src/a.ts': '1', 'src/b.ts': '1' },
    packages: { 'node_modules/zod': '4.0.0 sha512-x', 'node_modules/a/node_modules/b': '1.0.0 sha512-y' },
    data: { 'set/flair.nii.gz': 'd' },
    backend: {},
  };
  const now = (changes: Partial<Identity>): Identity => ({ ...before, hash: 'b', ...changes });

  it('names modules, packages, data, spec and backend', () => {
    const all = now({
      spec: 't',
      code: 'd',
      modules: { 'src/a.ts': '2', 'src/c.ts': '1' },
      packages: { 'node_modules/zod': '4.1.0 sha512-z', 'node_modules/a/node_modules/b': '1.0.0 sha512-w' },
      data: { 'set/flair.nii.gz': 'e' },
      backend: { 'tfjs-node': '4.22.0' },
    });
    expect(changesBetween(before, all)).toEqual([
      'spec changed',
      'src/a.ts changed',
      'src/b.ts is not imported any more',
      'src/c.ts is imported now',
      'data set/flair.nii.gz changed',
      'package b 1.0.0: other content (lock)',
      'package zod 4.0.0 -> 4.1.0 (lock)',
      'backend: tfjs-node none -> 4.22.0',
    ]);
    expect(listChanges(before, all).map((c) => c.part)).toEqual([
      'spec',
      'code',
      'code',
      'code',
      'data',
      'packages',
      'packages',
      'backend',
    ]);
    expect(changesBetween(before, { ...all, hash: 'a' })).toEqual([]);
    expect(changesBetween(before, now({ code: 'd' }))).toEqual(['the code of the cells changed']);
    expect(changesText(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
  });
});
