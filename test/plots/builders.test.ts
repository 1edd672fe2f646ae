// Builders: the numbers of the results, and no others, in the picture.
import { describe, expect, it } from 'vitest';
import { logAxis } from '../../src/plots/axes';
import { figure } from '../../src/plots/draw';
import { wrapParts } from '../../src/plots/footer';
import type { JsonObject } from '../../src/plots/spec';
import { stampOf, stampParts } from '../../src/plots/stamp';
import { kindBar, kindLine, kindMarker, palette, planes } from '../../src/plots/theme';
import { kinds } from '../../src/results/result';
import { madeUpCost, madeUpPlaneReads } from './made-up';

const texts = (layout: JsonObject): string[] =>
  (layout.annotations as JsonObject[]).map((a) => (a.text as string).replaceAll('\u202f', ' '));

describe('plane-read-times', () => {
  const results = madeUpPlaneReads();
  const f = figure('plane-reads.figure', results);

  it('draws each result with its interval', () => {
    const [, , time] = f.spec.data;
    expect(time.x).toEqual(planes.map((p) => results.get(`plane-reads.time.${p}`)!.value));
    const axial = results.get('plane-reads.time.axial')!;
    const bars = time.error_x as { array: number[]; arrayminus: number[] };
    expect(axial.value! + bars.array[0]).toBeCloseTo(axial.uncertainty!.high, 12);
    expect(axial.value! - bars.arrayminus[0]).toBeCloseTo(axial.uncertainty!.low, 12);
  });

  it('says the numbers, their units and the ratios', () => {
    expect(texts(f.spec.layout)).toEqual(
      expect.arrayContaining([
        '230 400 B, 1 run',
        '4 B, 37 200 runs',
        '12.3 µs',
        '187 µs, <b>15 ×</b> axial',
      ]),
    );
    expect((f.spec.layout.xaxis2 as { title: object }).title).toEqual({ text: 'Time (µs)' });
  });

  it('lists every number once, single times among them', () => {
    expect(f.rows).toHaveLength(9 + 3 + 4 + 3 * 400);
    expect(new Set(f.rows.slice(0, 16).map((r) => r.result)).size).toBe(16);
    expect(f.rows[3]).toMatchObject({
      result: 'plane-reads.time.axial',
      group: 'axial',
      unit: 'us',
      kind: 'measured',
    });
  });

  it('has room for every single time', () => {
    const [low, high] = (f.spec.layout.xaxis2 as { range: number[] }).range;
    const singles = f.rows.filter((r) => r.result === f.id).map((r) => Math.log10(r.value));
    expect(Math.min(...singles)).toBeGreaterThan(low);
    expect(Math.max(...singles)).toBeLessThan(high);
    expect(f.caption).toMatch(/over 400 voxels, 120 of them drawn as points/);
  });

  it('names what is missing or wrong', () => {
    const without = new Map(results);
    without.delete('plane-reads.time.coronal');
    expect(() => figure('plane-reads.figure', without)).toThrow('given no result plane-reads.time.coronal');
    const own = results.get('plane-reads.figure')!;
    const changed = (data: unknown, builder = 'plane-read-times') =>
      new Map(results).set(own.id, { ...own, figure: { builder, data: data as null } });
    expect(() => figure(own.id, changed({ grid: [1, 2] }))).toThrow(
      'cannot draw plane-reads.figure: given data.grid',
    );
    expect(() => figure(own.id, changed({}, 'no-such'))).toThrow(/expected one of .*\bcost-of-consistency, /);
    expect(() => figure('nothing', results)).toThrow('given no result nothing');
    expect(() => figure('plane-reads.time.axial', results)).toThrow('which is not a figure');
  });
});

describe('cost-of-consistency', () => {
  it("draws the text's numbers, says that they are, and keeps a place for what is not tested yet", () => {
    const f = figure('cost-of-consistency', madeUpCost());
    expect(f.spec.data.map((t) => [t.name, t.x])).toEqual([
      ['one view, published', [6]],
      ['three views, published', [18]],
    ]);
    expect(f.caption).toContain('only the caption is at hand');
    expect(f.caption.replaceAll('\u202f', ' ')).toContain('one view 6 GB, three views 18 GB');
    expect(f.caption).toContain('Not tested yet: measured.');
    expect((f.spec.layout.shapes as { x0: number }[]).map((s) => s.x0)).toEqual([16.10612736, 40]);
    expect(texts(f.spec.layout)).toContain('NVIDIA T4: 15 360 MiB = 16.1 GB');
    expect(texts(f.spec.layout)).toContain('<i>not tested yet</i>');
    expect(f.rows.map((r) => r.value)).toEqual([6, 18, 15360, 40]);
  });

  it('sets other kinds beside them, none over another', () => {
    const f = figure('cost-of-consistency', madeUpCost(true));
    expect(f.spec.data).toHaveLength(2 * 5);
    expect(texts(f.spec.layout)).not.toContain('<i>not tested yet</i>');
    const edges = f.spec.data
      .flatMap((t) => (t.y as number[]).map((y, i) => [y, (t.width as number[])[i]]))
      .sort((a, b) => a[0] - b[0]);
    edges
      .slice(1)
      .forEach(([y, wide], i) => expect(y - wide / 2).toBeGreaterThan(edges[i][0] + wide / 2 - 1e-9));
  });
});

describe('a logarithmic axis', () => {
  it('has ticks at powers of ten, or between them where there is but one', () => {
    const ticks = (values: number[]) => (logAxis(values).ticktext as string[]).join(' ');
    expect(ticks([4, 230400])).toBe('10 100 1000 10⁴ 10⁵');
    expect(ticks([0.02, 30])).toBe('0.1 1 10');
    expect(ticks([3, 60])).toBe('5 10 20 50');
    expect(ticks([1, 1e12])).toBe('1 1000 10⁶ 10⁹ 10¹²');
    expect(() => logAxis([0, 1])).toThrow('given 0');
  });
});

describe('the theme', () => {
  it('tells every kind by more than its colour', () => {
    const distinct = (make: (kind: (typeof kinds)[number]) => unknown) =>
      new Set(kinds.map((k) => JSON.stringify(make(k)))).size;
    expect(distinct((k) => kindBar(k, '#000000'))).toBe(kinds.length);
    expect(distinct((k) => kindMarker(k, '#000000').symbol)).toBe(kinds.length);
    expect(distinct((k) => kindLine(k, '#000000').dash)).toBe(kinds.length);
  });

  it('has no colour that is lost on white', () => {
    const linear = (c: number): number => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    for (const colour of Object.values(palette)) {
      const [r, g, b] = [1, 3, 5].map((i) => linear(parseInt(colour.slice(i, i + 2), 16) / 255));
      // WCAG contrast; Okabe and Ito's orange has 2.25, their yellow 1.3.
      expect(1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05)).toBeGreaterThan(2.2);
    }
  });
});

describe('the stamp', () => {
  const some = [...madeUpPlaneReads(3).values()];
  it('says kind, run, device, date, commit, and what is synthetic', () => {
    expect(stampParts(stampOf(some))).toEqual([
      'synthetic head',
      'measured, derived',
      'stored results, quick run',
      'Made-up 2.00 GHz',
      '2026-01-02',
      'commit abcdef0',
    ]);
  });

  it('does not hide a dirty tree, a fresh result among stored ones, or several dates', () => {
    const mixed = [
      some[0],
      { ...some[1], dirty: true, origin: 'fresh' as const, date: '2026-02-03T00:00:00Z', notes: [] },
    ];
    expect(stampParts(stampOf(mixed)).join(' · ')).toContain(
      'stored and fresh results, quick run · Made-up 2.00 GHz · 2026-01-02 to 2026-02-03 · commit abcdef0, commit abcdef0 with changes',
    );
  });

  it('leaves the day and the commit of published results out, unless all are published', () => {
    const published = { ...some[0], kind: 'paper' as const, mode: 'stored' as const };
    const paper = { ...published, date: 'published', commit: 'published', notes: ['from Table 1'] };
    const mixed = stampOf([{ ...some[1], notes: [] }, paper]);
    expect(mixed).toMatchObject({ modes: ['quick'], dates: ['2026-01-02'], commits: [{ dirty: false }] });
    expect(stampParts(mixed).slice(1)).toEqual([
      'stored results, quick run',
      'Made-up 2.00 GHz',
      '2026-01-02',
      'commit abcdef0',
    ]);
    const alone = stampOf([paper]);
    expect(alone).toMatchObject({ dates: ['published'], commits: [{ commit: 'published' }] });
    expect(stampParts(alone)).toEqual(['published', 'from Table 1']);
  });

  it('is broken into lines that fit', () => {
    expect(wrapParts(['one', 'two', 'three'], 60)).toEqual(['one · two', 'three']);
    expect(wrapParts(['a very long part that fits nowhere', 'b'], 10)).toHaveLength(2);
  });
});
