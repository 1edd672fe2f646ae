// The figures of the study of pixels, from made-up numbers.
import { describe, expect, it } from 'vitest';
import { figure } from '../../src/plots/draw';
import type { JsonObject } from '../../src/plots/spec';
import type { Result } from '../../src/results/result';
import { byId, provenance } from './made-up';

function result(finding: Pick<Result, 'id'> & Partial<Result>): Result {
  return {
    title: finding.id,
    kind: 'derived',
    unit: '1',
    uncertainty: null,
    ...provenance,
    ...finding,
    study: 'made-up',
    origin: 'stored',
  };
}

const texts = (layout: JsonObject): string[] =>
  (layout.annotations as JsonObject[]).map((a) => (a.text as string).replaceAll('\u202f', ' '));

describe('pixel-ledger', () => {
  const planes = [
    ['axial', 20, 20],
    ['coronal', 20, 10],
    ['sagittal', 20, 10],
  ] as const;
  const ways = [
    { way: 'pad', title: 'Padded', size: 40 },
    { way: 'stretch', title: 'Stretched', size: 1024 },
  ];
  const numbers = ways.flatMap(({ way }) =>
    planes.flatMap(([plane, , h]) => {
      const padded = way === 'pad' && h === 10 ? 0.5 : 0;
      const of = (name: string, value: number, unit = '1'): Result =>
        result({ id: `pixels.${name}.${way}.${plane}`, value, unit });
      return [
        of('original', 0.125),
        of('interpolated', 0.875 - padded),
        of('padded', padded),
        of('flops', 77.7, 'MFLOP'),
      ];
    }),
  );
  const own = result({
    id: 'pixels.ledger',
    unit: '',
    figure: { builder: 'pixel-ledger', data: { planes, ways } as never },
  });
  const results = byId([...numbers, own]);
  const f = figure('pixels.ledger', results);

  it('draws every share, one panel a way, and no bar where there is nothing', () => {
    expect(f.spec.data).toHaveLength(6);
    expect(f.spec.data.map((t) => [t.name, t.xaxis])).toEqual(
      ['x', 'x2'].flatMap((x) => ['original', 'interpolated', 'padded'].map((name) => [name, x])),
    );
    expect(f.spec.data[1].x).toEqual([87.5, 37.5, 37.5]);
    expect(f.spec.data[2].x).toEqual([null, 50, 50]);
    // The first plane stands on top.
    const y = f.spec.data[0].y as number[];
    expect(y[0]).toBeGreaterThan(y[1]);
  });

  it('tells the parts by more than their colour', () => {
    const marks = f.spec.data.slice(0, 3).map((t) => t.marker as { color: string; pattern?: object });
    expect(marks.map((m) => [m.color === '#ffffff', m.pattern !== undefined])).toEqual([
      [false, false],
      [true, true],
      [true, false],
    ]);
  });

  it('says the numbers, and lists each once', () => {
    expect(texts(f.spec.layout)).toContain('<b>12.5 %</b> original, 77.7 MFLOP a pixel');
    expect(texts(f.spec.layout)).toContain('<b>b</b>\u00a0\u00a0Stretched, 1024');
    expect(f.rows).toHaveLength(24);
    expect(new Set(f.rows.map((r) => r.result)).size).toBe(24);
    expect(f.caption).toContain('coronal 20 × 10');
    expect(f.alt.replaceAll('\u202f', ' ')).toContain(
      'coronal 12.5 % original, 37.5 % interpolated, 50.0 % padded',
    );
  });

  it('names what is missing', () => {
    const without = new Map(results);
    without.delete('pixels.flops.pad.axial');
    expect(() => figure(own.id, without)).toThrow('given no result pixels.flops.pad.axial');
  });
});

describe('kernel-transfer', () => {
  const kernels = ['one', 'two'].map((id, k) => ({
    id,
    title: `Kernel ${id} (a library)`,
    curve: [0, 0.5, 1, 1.5, 3].map((f) => [f, 0 - 4 * f * (k + 1) - (f > 1 ? 60 : 0)]),
    points: [0.25, 0.75].map((f) => [f, -4 * f * (k + 1)]),
  }));
  const own = result({
    id: 'pixels.transfer',
    kind: 'measured',
    unit: '',
    figure: { builder: 'kernel-transfer', data: { from: 155, to: 1024, planes: 8, kernels } as never },
  });
  const numbers = ['one', 'two'].flatMap((id, k) => [
    result({ id: `pixels.half-power.${id}`, value: 0.75 / (k + 1) }),
    result({ id: `pixels.loss-at-nyquist.${id}`, value: 4 * (k + 1), unit: 'dB' }),
  ]);
  const f = figure(own.id, byId([own, ...numbers]));

  it('draws curves dashed and points filled, up to the limit in one panel and beyond it in the other', () => {
    const [near, points, far] = f.spec.data;
    expect(near).toMatchObject({ x: [0, 0.5, 1], xaxis: 'x', line: { dash: 'dash' } });
    expect(points).toMatchObject({ mode: 'markers', x: [0.25, 0.75], marker: { symbol: 'diamond' } });
    expect(far).toMatchObject({ xaxis: 'x2', y: [0, -2, -4, null, null] });
    expect(f.spec.data.at(-1)).toMatchObject({ x: [0.75, 0.375] });
    const shapes = f.spec.layout.shapes as { x0: number; y0: number }[];
    expect(shapes.filter((s) => s.x0 === 1)).toHaveLength(2);
    expect(shapes[1].y0).toBeCloseTo(-3.0103, 4);
  });

  it('says where the power is halved, and lists the points', () => {
    expect(texts(f.spec.layout)).toContain('−3 dB at<br>Kernel one: <b>0.75</b><br>Kernel two: <b>0.38</b>');
    expect(f.rows).toHaveLength(4 + 4);
    expect(f.rows.at(-1)).toMatchObject({ result: own.id, kind: 'measured', value: -6, unit: 'dB' });
    expect(f.caption).toContain('measured on 8 coronal planes');
  });

  it('refuses data of another form', () => {
    const bad = { ...own, figure: { builder: 'kernel-transfer', data: { from: 1 } } };
    expect(() => figure(own.id, byId([bad, ...numbers]))).toThrow('cannot draw pixels.transfer: given data.');
  });
});
