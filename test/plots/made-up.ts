// Results for tests. Every number here is made up; none may leave the tests.
import type { Finding, Provenance, Result } from '../../src/results/result';
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
  identity: 'made up',
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
  const more = others
    ? (['derived', 'dry-run', 'measured', 'assumed'] as const).flatMap((kind, i) => [
        amount(`made-up.one.${kind}`, 8 + i, 'GiB', kind),
        amount(`made-up.three.${kind}`, 21 + 2 * i, 'GiB', kind),
      ])
    : [];
  const ids = (n: string): string[] => more.map((r) => r.id).filter((id) => id.includes(`.${n}.`));
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
          bars: [
            { label: '1 view', ids: ['paper.vram-one-view', ...ids('one')] },
            { label: '3 views', ids: ['paper.vram-three-views', ...ids('three')] },
          ],
          limits: [
            { label: 'NVIDIA T4', id: 'card.t4' },
            { label: 'NVIDIA A100', id: 'card.a100' },
          ],
        },
      },
    }),
  ]);
}
