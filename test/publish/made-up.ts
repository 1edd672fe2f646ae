// Made-up results and claims: enough for the real paper to be set without any record.
import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { inRepo } from '../../src/base/paths';
import { publishedTableResults } from '../../src/claims/published-tables';
import { publishedResults } from '../../src/claims/published';
import { loadRegister } from '../../src/claims/register';
import type { Judgement } from '../../src/claims/verdict';
import { judgeAll } from '../../src/claims/verdict';
import type { Drawn } from '../../src/publish/paper';
import type { Finding, Provenance, Result } from '../../src/results/result';
import { noIdentity } from '../results/made-up';

const provenance: Provenance = {
  mode: 'quick',
  date: '2026-11-01T12:00:00.000Z',
  commit: '0123456789abcdef0123456789abcdef01234567',
  dirty: false,
  device: { cpu: 'Made-up CPU', cores: 2, memoryGiB: 8, platform: 'linux-x64', gpu: null, driver: null },
  versions: { node: '20.19.0' },
  seed: 1,
  inputs: [{ name: 'synthetic-head', sha256: 'a'.repeat(64) }],
  identity: noIdentity,
  cost: { seconds: 1, memoryMB: 100 },
  notes: ['Made-up numbers for a test.'],
};

const result = (study: string, finding: Finding): Result => ({
  ...finding,
  ...provenance,
  study,
  origin: 'stored',
});

export function number(id: string, value: number, unit: string, spread?: number): Result {
  return result(id.split('.')[0], {
    id,
    title: `The number ${id}`,
    kind: spread === undefined ? 'derived' : 'measured',
    unit,
    value,
    uncertainty:
      spread === undefined
        ? null
        : { low: value - spread, high: value + spread, level: 0.95, method: 'percentile bootstrap', n: 400 },
  });
}

function picture(width: number, height: number, value: (x: number, y: number) => number): string {
  const png = new PNG({ width, height });
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const v = value(x, y);
      png.data.set([v, v, v, 255], 4 * (y * width + x));
    }
  }
  return PNG.sync.write(png).toString('base64');
}

/** Slices of an egg with a lesion. */
function slices(): Result {
  const plane = (
    name: string,
    width: number,
    height: number,
    letters: [string, string, string, string],
  ): unknown => {
    const [cx, cy] = [0.58 * width, 0.45 * height];
    const egg = (x: number, y: number): number =>
      ((x - width / 2) / (0.42 * width)) ** 2 + ((y - height / 2) / (0.45 * height)) ** 2;
    const lesion = (x: number, y: number): boolean => (x - cx) ** 2 + (y - cy) ** 2 < (0.09 * width) ** 2;
    return {
      name,
      width,
      height,
      png: picture(width, height, (x, y) =>
        egg(x, y) > 1
          ? 0
          : lesion(x, y)
            ? 230
            : Math.round(90 + 50 * Math.sin(x / 9) * Math.cos(y / 7) + 40 * egg(x, y)),
      ),
      maskPng: picture(width, height, (x, y) => (lesion(x, y) ? 255 : 0)),
      crosshair: [Math.round(cx), Math.round(cy)],
      spacing: [1, 1],
      letters: { left: letters[0], right: letters[1], top: letters[2], bottom: letters[3] },
    };
  };
  return result('three-planes', {
    id: 'three-planes.slices',
    title: 'Three slices through one voxel',
    kind: 'derived',
    unit: '',
    uncertainty: null,
    figure: {
      builder: 'three-planes',
      data: {
        planes: [
          plane('axial', 240, 240, ['R', 'L', 'A', 'P']),
          plane('coronal', 240, 155, ['R', 'L', 'S', 'I']),
          plane('sagittal', 240, 155, ['A', 'P', 'S', 'I']),
        ],
        source: { title: 'A made-up egg', licence: 'CC BY 4.0', synthetic: true },
      } as never,
    },
  });
}

/** Every result that paper/paper.typ asks for. */
export function madeUpResults(): Map<string, Result> {
  const planes = ['axial', 'coronal', 'sagittal'];
  const results: Result[] = [slices()];
  planes.forEach((plane, i) => {
    results.push(
      number(`plane-reads.pixels.${plane}`, i ? 37200 : 57600, '1'),
      number(`plane-reads.runs.${plane}`, [1, 155, 37200][i], '1'),
      number(`plane-reads.run-length.${plane}`, [230400, 960, 4][i], 'B'),
      number(`plane-reads.time.${plane}`, [21.5, 24.25, 310.5][i], 'us', 1.5),
      number(`plane-reads.time-per-pixel.${plane}`, [0.373, 0.652, 8.35][i], 'ns', 0.05),
    );
    if (i > 0) {
      results.push(
        number(`plane-reads.ratio.${plane}`, [1.128, 14.44][i - 1], '1', 0.2),
        number(`plane-reads.ratio-per-pixel.${plane}`, [1.746, 22.36][i - 1], '1', 0.2),
      );
    }
  });
  results.push(
    result('plane-reads', {
      id: 'plane-reads.table',
      title: 'Three planes through a voxel',
      kind: 'measured',
      unit: '',
      uncertainty: null,
      table: {
        columns: [
          { key: 'plane', title: 'Plane', align: 'left' },
          { key: 'pixels', title: 'Pixels', digits: 0 },
          { key: 'run', title: 'Length of a run', unit: 'B', digits: 0 },
          { key: 'time', title: 'Time', unit: 'us', digits: 1 },
        ],
        rows: planes.map((plane, i) => ({
          plane,
          pixels: i ? 37200 : 57600,
          run: [230400, 960, 4][i],
          time: [21.5, 24.25, 310.5][i],
        })),
      },
    }),
    result('plane-reads', {
      id: 'plane-reads.figure',
      title: 'Reading one plane',
      kind: 'measured',
      unit: '',
      uncertainty: null,
      figure: { builder: 'plane-read-times', data: {} },
    }),
  );
  results.push(...publishedResults(loadRegister()), ...publishedTableResults());
  return withTheRest(new Map(results.map((r) => [r.id, r])));
}

/** Numbers and figures of the studies whose values no test looks at: one for each id that the paper's text names. */
function withTheRest(results: Map<string, Result>): Map<string, Result> {
  const text = readFileSync(inRepo('paper', 'paper.typ'), 'utf8');
  const named = [...text.matchAll(/#(num|pct|ci|fig)\(\s*"([^"]+)"/g)];
  const withInterval = new Set(named.filter(([, call]) => call === 'ci').map(([, , id]) => id));
  for (const [, call, id] of named) {
    const study = id.split('.')[0];
    if (results.has(id) || (call !== 'fig' && ['claims', 'paper'].includes(study))) continue;
    if (call === 'fig') {
      const common = {
        id,
        title: `The figure ${id}`,
        kind: 'measured' as const,
        unit: '',
        uncertainty: null,
      };
      results.set(id, result(study, { ...common, figure: { builder: 'any', data: {} } }));
    } else {
      results.set(id, number(id, 0.42, '1', withInterval.has(id) ? 0.1 : undefined));
    }
  }
  return results;
}

const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" width="336" height="180" viewBox="0 0 336 180">' +
  '<rect width="336" height="180" fill="#fff"/><path d="M30 150H320M30 150V20" stroke="#222" fill="none"/>' +
  '<circle cx="90" cy="120" r="5" fill="#0072B2"/><circle cx="180" cy="100" r="5" fill="#E69F00"/>' +
  '<circle cx="270" cy="40" r="5" fill="#009E73"/></svg>';

/** A figure that no builder drew. */
export const drawn: Drawn = {
  bare: svg,
  svg,
  alt: 'Points that stand for nothing, drawn for a test.',
  caption: 'A made-up figure.',
  spec: {
    data: [{ type: 'scatter', mode: 'markers', x: [1, 2, 3], y: [1, 2, 4] }],
    layout: { width: 336, height: 180, margin: { l: 30, r: 10, t: 10, b: 30 } },
  },
};

/** The register as it stands, judged from these results. */
export function madeUpClaims(): Judgement[] {
  return judgeAll(loadRegister(), madeUpResults());
}
