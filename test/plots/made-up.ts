// Results for tests. Every number here is made up; none may leave the tests.
import { PNG } from 'pngjs';
import type { LinkedPlanes } from '../../src/results/linked-planes';
import type { Finding, Provenance, Result } from '../../src/results/result';
import { noIdentity } from '../results/made-up';
import { Random } from '../../src/base/random';

export const provenance: Provenance = {
  mode: 'quick',
  date: '2026-01-02T03:04:05Z',
  commit: 'abcdef0123456789abcdef0123456789abcdef01',
  dirty: false,
  device: {
    cpu: 'Made-up(R) CPU @ 2.00GHz',
    cores: 2,
    memoryGiB: 4,
    platform: 'linux-x64',
    gpu: null,
    driver: null,
  },
  versions: { node: '20.19.0' },
  seed: 1,
  inputs: [],
  identity: noIdentity,
  cost: { seconds: 1, memoryMB: 100 },
  notes: ['made-up numbers of a test on a synthetic head'],
};

function result(finding: Pick<Result, 'id'> & Partial<Result>): Result {
  return {
    title: `Made-up ${finding.id}`,
    kind: 'measured',
    unit: '1',
    uncertainty: null,
    ...provenance,
    ...finding,
    study: 'made-up',
    origin: 'stored',
  };
}

const around = (value: number): Finding['uncertainty'] => ({
  low: value * 0.93,
  high: value * 1.08,
  level: 0.95,
  method: 'made up',
  n: 400,
});

export const byId = (results: Result[]): Map<string, Result> => new Map(results.map((r) => [r.id, r]));

/** What the study of plane readings gives, with made-up times. */
export function madeUpPlaneReads(voxels = 400): Map<string, Result> {
  const random = new Random('made-up times');
  const typical = { axial: 12.3, coronal: 38.6, sagittal: 187.4 };
  const pixels = { axial: 57600, coronal: 37200, sagittal: 37200 };
  const runs = { axial: 1, coronal: 155, sagittal: 37200 };
  const results: Result[] = [];
  const times: Record<string, number[]> = {};
  for (const plane of ['axial', 'coronal', 'sagittal'] as const) {
    const time = typical[plane];
    times[plane] = Array.from({ length: voxels }, () => time * Math.exp(0.12 * Math.abs(random.normal())));
    const one = (name: string, value: number, unit: string, derived = false): void => {
      results.push(
        result({
          id: `plane-reads.${name}.${plane}`,
          value,
          unit,
          ...(derived ? { kind: 'derived' } : { uncertainty: around(value) }),
        }),
      );
    };
    one('time', time, 'us');
    one('time-per-pixel', (1000 * time) / pixels[plane], 'ns');
    one('runs', runs[plane], '1', true);
    one('run-length', (4 * pixels[plane]) / runs[plane], 'B', true);
    if (plane !== 'axial') {
      one('ratio', time / typical.axial, '1');
      one('ratio-per-pixel', time / pixels[plane] / (typical.axial / pixels.axial), '1');
    }
  }
  results.push(
    result({
      id: 'plane-reads.figure',
      title: 'Reading one plane: what the layout predicts and what was measured',
      unit: '',
      figure: { builder: 'plane-read-times', data: { grid: [240, 240, 155], times } },
    }),
  );
  return byId(results);
}

/** Figure 2's results; with `kinds`, bars of other kinds beside the published ones, made up. */
export function madeUpCost(others = false): Map<string, Result> {
  const amount = (id: string, value: number, unit: string, kind: Finding['kind'] = 'paper'): Result =>
    result({ id, value, unit, kind, notes: [] });
  const kinds = others ? (['derived', 'dry-run', 'measured', 'assumed'] as const) : [];
  const more = kinds.flatMap((kind, i) => [
    amount(`made-up.one.${kind}`, 8 + i, 'GiB', kind),
    amount(`made-up.three.${kind}`, 21 + 2 * i, 'GiB', kind),
  ]);
  const rows = [
    { label: 'as published', reading: 'paper', one: 'paper.vram-one-view', three: 'paper.vram-three-views' },
    ...kinds.map((reading) => ({
      label: `a way of its own`,
      reading,
      one: `made-up.one.${reading}`,
      three: `made-up.three.${reading}`,
    })),
    ...(others ? [] : [{ label: 'by the driver', reading: 'measured', one: null, three: null }]),
  ];
  return byId([
    amount('paper.vram-one-view', 6, 'GB'),
    amount('paper.vram-three-views', 18, 'GB'),
    amount('card.t4', 15360, 'MiB'),
    amount('card.a100', 40, 'GB'),
    ...more,
    result({
      id: 'cost-of-consistency',
      title: 'Computational cost of consistency',
      kind: 'paper',
      unit: '',
      figure: {
        builder: 'cost-of-consistency',
        data: {
          rows,
          limits: [
            { label: 'NVIDIA T4', id: 'card.t4' },
            { label: 'NVIDIA A100', id: 'card.a100' },
          ],
        },
      },
    }),
  ]);
}

/** A grey PNG in base64 from a function of column and row. */
export function madeUpPng(
  width: number,
  height: number,
  grey: (column: number, row: number) => number,
): string {
  const png = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) {
    const g = grey(i % width, Math.floor(i / width));
    png.data.set([g, g, g, 255], 4 * i);
  }
  return PNG.sync.write(png, { colorType: 0 }).toString('base64');
}

/**
 * Linked planes of a volume that nobody made: 30 x 40 x 20 voxels of 1 x 1 x 2 mm, axes LPS, in which voxel (i, j, k)
 * holds i + 2 j + 3 k, and a label in a box. The planes meet in voxel (12, 25, 8). `flawed` is a signal whose second
 * plane is off by 1 at sample 5 of every line; with `prediction` there is one, in which the axial plane says 1
 * everywhere and the others 0.
 */
export function madeUpLinkedPlanes({ prediction = false, mask = true } = {}): LinkedPlanes {
  const [I, J, K] = [30, 40, 20];
  const voxel: LinkedPlanes['voxel'] = [12, 25, 8];
  const value = (i: number, j: number, k: number): number => i + 2 * j + 3 * k;
  const label = (i: number, j: number, k: number): number =>
    i > 8 && i < 16 && j > 20 && j < 30 && k > 5 && k < 11 ? 1 : 0;
  type Voxel = [number, number, number];
  const plane = (
    name: 'axial' | 'coronal' | 'sagittal',
    [width, height]: [number, number],
    at: (c: number, r: number) => Voxel,
    edges: LinkedPlanes['planes'][0]['edges'],
    crosshair: [number, number],
    spacing: [number, number],
  ): LinkedPlanes['planes'][0] => {
    const first = at(0, 0);
    const step = (to: Voxel): Voxel => [to[0] - first[0], to[1] - first[1], to[2] - first[2]];
    return {
      name,
      width,
      height,
      spacing,
      edges,
      first,
      perColumn: step(at(1, 0)),
      perRow: step(at(0, 1)),
      crosshair,
      png: madeUpPng(width, height, (c, r) => value(...at(c, r))),
      ...(mask && { maskPng: madeUpPng(width, height, (c, r) => label(...at(c, r))) }),
      ...(prediction && {
        predictions: { guess: madeUpPng(width, height, () => (name === 'axial' ? 255 : 0)) },
      }),
    };
  };
  const down = K - 1 - voxel[2];
  const line = (
    planes: LinkedPlanes['lines'][0]['planes'],
    towards: 'L' | 'P' | 'I',
    count: number,
    spacing: number,
    at: (i: number) => Voxel,
    places: LinkedPlanes['lines'][0]['places'],
  ): LinkedPlanes['lines'][0] => {
    const values = Array.from({ length: count }, (_, i) => value(...at(i)));
    const labels = Array.from({ length: count }, (_, i) => label(...at(i)));
    const constant = (v: number): number[] => values.map(() => v);
    return {
      planes,
      towards,
      count,
      spacing,
      places,
      profiles: {
        stored: [values, values],
        flawed: [values, values.map((v, i) => (i === 5 ? v + 1 : v))],
        ...(prediction && { guess: [constant(planes[0] === 'axial' ? 1 : 0), constant(0)] }),
      },
      ...(mask && { labels: [labels, labels] }),
    };
  };
  const [i, j, k] = voxel;
  return {
    format: 'linked-planes 1',
    dims: [I, J, K],
    affine: [
      [-1, 0, 0, 15],
      [0, -1, 0, 20],
      [0, 0, 2, -10],
      [0, 0, 0, 1],
    ],
    voxel,
    world: [3, -5, 6],
    window: { black: 0, white: 255, title: 'Sum', unit: 'mV' },
    labels: mask ? [{ value: 1, name: 'box' }] : [],
    planes: [
      plane(
        'axial',
        [I, J],
        (c, r) => [c, r, k],
        { left: 'R', right: 'L', top: 'A', bottom: 'P' },
        [i, j],
        [1, 1],
      ),
      plane(
        'coronal',
        [I, K],
        (c, r) => [c, j, K - 1 - r],
        { left: 'R', right: 'L', top: 'S', bottom: 'I' },
        [i, down],
        [1, 2],
      ),
      plane(
        'sagittal',
        [J, K],
        (c, r) => [i, c, K - 1 - r],
        { left: 'A', right: 'P', top: 'S', bottom: 'I' },
        [j, down],
        [1, 2],
      ),
    ],
    lines: [
      line(['axial', 'coronal'], 'L', I, 1, (s) => [s, j, k], [
        { column: 0, row: j, dColumn: 1, dRow: 0 },
        { column: 0, row: down, dColumn: 1, dRow: 0 },
      ]),
      line(['axial', 'sagittal'], 'P', J, 1, (s) => [i, s, k], [
        { column: i, row: 0, dColumn: 0, dRow: 1 },
        { column: 0, row: down, dColumn: 1, dRow: 0 },
      ]),
      line(['coronal', 'sagittal'], 'I', K, 2, (s) => [i, j, K - 1 - s], [
        { column: i, row: 0, dColumn: 0, dRow: 1 },
        { column: j, row: 0, dColumn: 0, dRow: 1 },
      ]),
    ],
    signals: [
      { key: 'stored', title: 'as stored', kind: 'image' },
      { key: 'flawed', title: 'with a flaw', kind: 'image' },
      ...(prediction ? [{ key: 'guess', title: 'a guess', kind: 'prediction' as const }] : []),
    ],
    source: { title: 'a made-up volume', licence: 'CC0', synthetic: true },
  };
}

/** The result of a figure of linked planes. */
export function madeUpLinkedFigure(data: LinkedPlanes = madeUpLinkedPlanes()): Map<string, Result> {
  return byId([
    result({
      id: 'linked-planes.figure',
      title: 'Made-up linked planes',
      unit: '',
      figure: { builder: 'linked-planes', data },
    }),
  ]);
}
