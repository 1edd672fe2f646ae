// The figures of strides, drawn from made-up numbers.
import { describe, expect, it } from 'vitest';
import { figure } from '../../src/plots/draw';
import type { JsonObject } from '../../src/plots/spec';
import type { Result } from '../../src/results/result';
import { byId, provenance } from './made-up';

const result = (id: string, rest: Partial<Result>): Result => ({
  title: `Made-up ${id}`,
  kind: 'derived',
  unit: '1',
  uncertainty: null,
  ...provenance,
  ...rest,
  id,
  study: 'strides',
  origin: 'stored',
});
const texts = (layout: JsonObject): string[] =>
  (layout.annotations as JsonObject[]).map((a) => a.text as string);

describe('epoch-factor', () => {
  const factor = (name: string, value: number, rest: Partial<Result> = {}) =>
    result(`strides.factor.${name}`, { value, ...rest });
  const results = (data: object) =>
    byId([
      factor('published', 4.5, { kind: 'paper' }),
      factor('arithmetic', 3),
      factor('recompute', 4.44),
      factor('gathers.file', 3.2),
      factor('gathers.copies', 2.99),
      factor('anew.a100-40', 3.7),
      factor('anew.h100-80', 5.1),
      result('strides.apportioned', { unit: '', figure: { builder: 'epoch-factor', data: data as never } }),
    ]);

  it('builds each bar from one view, two more, and what is added', () => {
    const f = figure('strides.apportioned', results({ layouts: ['file', 'copies'], opened: 'a100-40' }));
    const ends = f.spec.data.map((t) => [
      t.name,
      (t.base as number[]).map((b, i) => b + (t.x as number[])[i]),
    ]);
    expect(ends).toEqual([
      ['published', [4.5]],
      ['one view', Array(5).fill(1)],
      ['two more views', Array(5).fill(3)],
      // Where nothing is added there is no segment: the copies' factor lies below three.
      ['gathers', [3.2]],
      ['opening', [3.7, 5.1]],
      ['recompute', [4.44]],
    ]);
    expect(texts(f.spec.layout)).toEqual(
      expect.arrayContaining(['<b>2.99</b>', '<b>5.10</b>', 'published 4.5']),
    );
    expect(f.rows.map((r) => r.value)).toEqual([4.5, 3, 3.2, 2.99, 3.7, 5.1, 4.44]);
  });

  it('shows no opening of files that was not timed, and names what is missing', () => {
    const f = figure('strides.apportioned', results({ layouts: ['file'], opened: null }));
    expect(f.spec.data.map((t) => t.name)).not.toContain('opening');
    expect(() => figure('strides.apportioned', results({ layouts: ['bricks'], opened: null }))).toThrow(
      'no result strides.factor.gathers.bricks',
    );
  });
});

describe('memory-ladder', () => {
  const m = (value: number) => ({ value, low: value * 0.9, high: value * 1.2 });
  const rung = (bytes: number, scattered: number | null) => ({
    bytes,
    copy: m(20e9),
    latency: m(bytes / 1000),
    independent: m(2),
    scattered: scattered === null ? null : m(scattered),
  });
  const drawn = (caches: object[]) =>
    figure(
      'strides.ladder',
      byId([
        result('strides.ladder', {
          kind: 'measured',
          unit: '',
          figure: {
            builder: 'memory-ladder',
            data: { caches, rungs: [rung(2 ** 14, 3), rung(2 ** 16, 5), rung(2 ** 18, null)] } as never,
          },
        }),
      ]),
    );

  it('draws each curve as far as it was measured, with whiskers in sight', () => {
    const { spec } = drawn([{ name: 'L1', bytes: 2 ** 15 }]);
    expect(spec.data.map((t) => (t.x as number[]).length)).toEqual([3, 3, 2, 3]);
    expect(spec.data[0].y).toEqual([20, 20, 20]);
    const [low, high] = (spec.layout.yaxis2 as { range: number[] }).range;
    expect(Math.log10(2 * 0.9)).toBeGreaterThan(low);
    expect(Math.log10((2 ** 18 / 1000) * 1.2)).toBeLessThan(high);
  });

  it('marks the caches it knows within the ladder, and none else', () => {
    const known = drawn([
      { name: 'L1', bytes: 2 ** 15 },
      { name: 'L3', bytes: 2 ** 30 },
    ]);
    expect(texts(known.spec.layout).filter((t) => /^L\d$/.test(t))).toEqual(['L1', 'L1']);
    expect(known.caption).toContain('Dotted');
    expect(drawn([]).caption).not.toContain('Dotted');
  });
});

describe('stride-times', () => {
  const cells = ['axial', 'coronal', 'sagittal'].flatMap((plane, i) => [
    result(`strides.bytes-touched.file.${plane}`, { value: 1000 * (i + 2), unit: 'B' }),
    ...['cold', 'warm'].flatMap((w) => [
      result(`strides.predicted.${w}.file.${plane}`, { value: 90 * (i + 1), unit: 'us' }),
      result(`strides.time.${w}.file.${plane}`, {
        value: 100 * (i + 1),
        unit: 'us',
        kind: 'measured',
        uncertainty: { low: 90, high: 400, level: 0.95, method: 'made up', n: 30 },
      }),
    ]),
  ]);
  const own = result('strides.figure', {
    unit: '',
    figure: { builder: 'stride-times', data: { layouts: ['file'] } },
  });

  it('sets predicted beside measured, hollow beside filled', () => {
    const f = figure('strides.figure', byId([...cells, own]));
    const [touched, cold, predicted] = f.spec.data;
    expect(touched.x).toEqual([2, 3, 4]);
    expect(cold.x).toEqual([100, 200, 300]);
    expect(predicted.x).toEqual([90, 180, 270]);
    expect((cold.marker as JsonObject).symbol).toEqual(['circle', 'square', 'triangle-up']);
    expect((predicted.marker as JsonObject).symbol).toEqual([
      'circle-open',
      'square-open',
      'triangle-up-open',
    ]);
    expect(f.rows).toHaveLength(3 * 5);
    expect(f.caption).toContain('over 30 voxels');
  });

  it('names a time that is missing', () => {
    const without = cells.filter((r) => r.id !== 'strides.time.warm.file.coronal');
    expect(() => figure('strides.figure', byId([...without, own]))).toThrow(
      'no result strides.time.warm.file.coronal',
    );
  });
});
