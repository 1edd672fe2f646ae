import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { publishedResults } from '../../src/claims/published';
import { loadRegister, parseRegister, resultProblems } from '../../src/claims/register';
import { numbersIn } from '../../src/claims/signals';
import { judgeAll } from '../../src/claims/verdict';
import type { Result } from '../../src/results/result';
import { loadResults, recordedDir } from '../../src/results/store';
import { byId, claim, result, row } from './fixtures';

const parse = (...rows: unknown[]): unknown => parseRegister(JSON.stringify(rows), 'a test');

describe('a register', () => {
  it.each([
    ['an unknown key', row({ verdict: 'reproduced' }), 'speed, the row: Unrecognized key: "verdict"'],
    ['a missing field', row({ flip: undefined }), 'speed, flip: '],
    [
      'a notebook nobody has',
      row({ test: { notebook: '99-x', by: ['measured'], what: 'something' } }),
      'speed, test.notebook',
    ],
    [
      'a value without unit',
      row({ published: { value: 1, text: ['1'] }, tolerance: 0 }),
      '`value` and `unit` go together',
    ],
    [
      'a number without tolerance',
      row({ published: { value: 1, unit: 'GB', text: ['1'] } }),
      'a tolerance belongs to',
    ],
    ['a tolerance without number', row({ tolerance: 0.1 }), 'a tolerance belongs to'],
    ['a long quotation', row({ published: { text: ['word '.repeat(20)] } }), 'speed, published.text.0'],
    ['an id in capitals', row({ id: 'Speed' }), 'ids are lower-case words'],
    [
      'a condition on nothing',
      row({ expect: { rule: 'It has to hold somehow.', all: [{ is: 'above', bound: 1 }] } }),
      'exactly one of `result` and `cited`',
    ],
    [
      'a bound that is not published',
      row({
        expect: { rule: 'It has to hold somehow.', all: [{ result: 'a', is: 'equals', bound: 'published' }] },
      }),
      'needs a numeric published value',
    ],
    ['a reason by hand', row({ reason: 'It is so.' }), 'Unrecognized key: "reason"'],
    [
      'a number by hand where the reason is made',
      row({ notTestable: { tried: 'a card of 12 GB.', settles: 'a large card.', proxy: 'a smaller one.' } }),
      'speed, notTestable.tried: no number by hand',
    ],
    [
      'a citation without its source',
      row({
        expect: {
          rule: 'It has to hold somehow.',
          all: [{ cited: { title: 'legs of a dog', value: 4, unit: '' }, is: 'above', bound: 1 }],
        },
      }),
      'speed, expect.all.0.cited.source',
    ],
    [
      'conditions on what is said to be untestable',
      row({
        notTestable: { tried: 'all there is.', settles: 'a miracle, say.', proxy: 'a smaller one.' },
        expect: { rule: 'It has to hold somehow.', all: [{ result: 'a', is: 'above', bound: 1 }] },
      }),
      'exclude each other',
    ],
  ])('refuses %s and names the row', (_, bad, message) => {
    expect(() => parse(bad)).toThrow(message);
    expect(() => parse(bad)).toThrow('cannot use the claims in a test');
  });

  it('refuses an id used twice, a text that is no list, and broken YAML', () => {
    expect(() => parse(row(), row())).toThrow('given the id speed twice, expected each id once');
    expect(() => parseRegister('a: 1', 'a test')).toThrow('given no list');
    expect(() => parseRegister('- [', 'a test')).toThrow('expected valid YAML');
    expect(() => parseRegister('- { id: a, id: b }', 'a test')).toThrow('Map keys must be unique');
  });

  it('says which file is missing and how to get it back', () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'coc-claims-'));
    try {
      expect(() => loadRegister(path.join(dir, 'none.yaml'))).toThrow('git checkout paper/claims.yaml');
      writeFileSync(path.join(dir, 'one.yaml'), JSON.stringify([row()]));
      expect(loadRegister(path.join(dir, 'one.yaml'))).toHaveLength(1);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('names conditions on results nobody has, unless they are said to come later', () => {
    const on = (extra: object): ReturnType<typeof claim> =>
      claim({
        expect: {
          rule: 'It has to hold somehow.',
          all: [{ result: 'a.b', is: 'above', bound: 1, ...extra }],
        },
      });
    expect(resultProblems([on({})], new Set())).toEqual([
      'speed looks at the result a.b, which no recorded study has',
    ]);
    expect(resultProblems([on({ notYet: true })], new Set())).toEqual([]);
    expect(resultProblems([on({ notYet: true })], new Set(['a.b']))).toEqual([
      'speed says `notYet` of the result a.b, which is recorded',
    ]);
    expect(resultProblems([on({})], new Set(['a.b']))).toEqual([]);
  });
});

describe('paper/claims.yaml', () => {
  const claims = loadRegister();

  it('holds the claims of both documents, the 15 cells of Table 1 among them', () => {
    expect(claims.filter((c) => c.seed === 'cost').length).toBeGreaterThan(60);
    expect(claims.filter((c) => c.seed === 'cva').length).toBeGreaterThan(20);
    const cells = claims.filter((c) => c.id.startsWith('table-1.')).map((c) => c.id.split('.').slice(1));
    expect(cells).toHaveLength(15);
    expect(new Set(cells.map(([r]) => r)).size).toBe(5);
    expect(new Set(cells.map(([, c]) => c)).size).toBe(3);
  });

  it('looks at no result that no recorded study has', () => {
    expect(resultProblems(claims, new Set(loadResults(recordedDir()).keys()))).toEqual([]);
  });

  const layout = (id: string, value: number): Result =>
    result({ id: `plane-reads.${id}`, kind: 'derived', value, uncertainty: null });
  const times = (id: string, low: number, high: number): Result =>
    result({
      id: `plane-reads.${id}`,
      value: (low + high) / 2,
      uncertainty: { low, high, level: 0.95, method: 'made up', n: 10 },
    });
  const verdictsOf = (...results: Result[]): Record<string, string> =>
    Object.fromEntries(
      judgeAll(claims, byId(...results))
        // Verdicts that rest on citations alone are the same whatever the results.
        .filter((j) => j.verdict !== 'not tested yet' && j.results.length > 0)
        .map((j) => [j.claim.id, j.verdict]),
    );

  it('holds the published preprocessing against what the study says of it', () => {
    const verdicts = new Map(judgeAll(claims, new Map()).map((j) => [j.claim.id, j.verdict]));
    expect(verdicts.get('sam3-square-1024')).toBe('contradicted by its source');
    expect(verdicts.get('bicubic')).toBe('contradicted by its source');
  });

  it('decides nothing but what a result or a cited number decides: without results only citations speak', () => {
    for (const judged of judgeAll(claims, new Map())) {
      if (['not tested yet', 'not testable here'].includes(judged.verdict)) continue;
      const conditions = judged.claim.expect.all ?? [];
      expect(
        conditions.some((c) => c.cited),
        judged.claim.id,
      ).toBe(true);
      expect(judged.reason, judged.claim.id).toMatch(/By citation, nothing was run\./);
    }
  });

  it('writes no number into a reason that neither a result, a citation nor a bound holds', () => {
    const results = loadResults(recordedDir());
    for (const { claim: c, reason, verdict, results: used } of judgeAll(claims, results)) {
      if (verdict === 'not tested yet') continue;
      const allowed = JSON.stringify([c.expect, c.published, used.map((id) => results.get(id))]);
      const known = new Set(numbersIn(allowed.replace(/["':,{}[\]]/g, ' ')).map(Number));
      const slack = c.tolerance ?? 0;
      const rounded = [...known].flatMap((n) => [
        n,
        Number(n.toPrecision(4)),
        100 * n,
        n * (1 + slack),
        n * (1 - slack),
      ]);
      for (const number of numbersIn(
        reason
          .replaceAll('−', '-')
          .replace(/\u202f(?=\d)/g, '')
          .replace(/×.*?[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, ''),
      )) {
        const value = Number(number);
        const found = rounded.some((n) => Math.abs(n - value) <= 1e-9 || Number(n.toPrecision(4)) === value);
        const mantissa = reason.includes(`${number}\u202f×`);
        expect(found || mantissa, `${c.id}: ${number} in ${reason}`).toBe(true);
      }
    }
  });

  it('turns pixels into the verdicts a reader would give', () => {
    const number = (id: string, value: number): Result =>
      result({ id: `pixels.${id}`, kind: 'derived', value, uncertainty: null });
    const shares = [
      number('interpolated.study.coronal', 0.96),
      number('interpolated.study.sagittal', 0.96),
      number('interpolated.study.axial', 0.95),
    ];
    const verdicts = verdictsOf(...shares, number('interpolated-excess.coronal', 0.02));
    expect(verdicts['phantom-pixels']).toBe('reproduced under a condition');
    expect(verdictsOf(...shares, number('interpolated-excess.coronal', 0.3))['phantom-pixels']).toBe(
      'reproduced',
    );
    const blur = [number('half-power.bicubic', 0.8), number('condition.bicubic', 1.4)];
    const returned = (value: number): Result[] =>
      ['coronal', 'sagittal'].map((plane) => number(`returned.study.${plane}`, value));
    expect(verdictsOf(...blur, ...returned(1e-8))['upsampling-blur']).toBe('reproduced under a condition');
    expect(verdictsOf(...blur, ...returned(0.1))['upsampling-blur']).toBe('reproduced');
    expect(verdictsOf(number('half-power.bicubic', 1), ...returned(0))['upsampling-blur']).toBe(
      'not reproduced',
    );
    const time = (t4: number): Result[] => [number('time-share.t4', t4), number('time-share.a100-40', 0.2)];
    expect(verdictsOf(...time(0.02))['interpolation-overhead']).toBe('not reproduced');
    expect(verdictsOf(...time(0.2))['interpolation-overhead']).toBe('reproduced');
    expect(verdictsOf(...time(0.02), number('added-work.study', 0.9))['interpolation-overhead']).toBe(
      'reproduced under a condition',
    );
    expect(verdictsOf(number('spacing-z', 1), number('spacing-anisotropy', 1))).toEqual({
      'z-lower-resolution': 'not reproduced',
      'anisotropic-data': 'not reproduced',
    });
  });

  it('turns layouts and times of three planes into the verdicts a reader would give', () => {
    const runs = [layout('runs.axial', 1), layout('runs.coronal', 155), layout('runs.sagittal', 37200)];
    expect(verdictsOf(...runs)).toEqual({
      'axial-contiguous': 'reproduced',
      'coronal-strided': 'reproduced',
      'sagittal-strided': 'reproduced',
    });
    expect(verdictsOf(layout('runs.axial', 240), layout('runs.coronal', 1))).toEqual({
      'axial-contiguous': 'not reproduced',
      'coronal-strided': 'not reproduced',
    });
    const measured = [
      times('ratio.coronal', 0.8, 0.9),
      times('ratio-per-pixel.coronal', 1.2, 1.4),
      times('ratio.sagittal', 3, 5),
      times('ratio-per-pixel.sagittal', 4, 6),
    ];
    expect(verdictsOf(...measured)).toEqual({
      'coronal-read-slower': 'reproduced under a condition',
      'sagittal-read-slower': 'reproduced',
    });
    expect(verdictsOf(times('ratio.coronal', 0.8, 0.9), times('ratio-per-pixel.coronal', 0.9, 1.1))).toEqual({
      'coronal-read-slower': 'not reproduced',
    });
  });

  it('gives each numeric published value as a result of kind paper', () => {
    const results = publishedResults(claims);
    const find = (id: string): unknown => {
      const { value, unit, kind, origin } = results.find((r) => r.id === id)!;
      return { value, unit, kind, origin };
    };
    expect(find('paper.vram-one-view')).toEqual({ value: 6, unit: 'GB', kind: 'paper', origin: 'stored' });
    expect(find('paper.vram-three-views')).toEqual({
      value: 18,
      unit: 'GB',
      kind: 'paper',
      origin: 'stored',
    });
    expect(results).toHaveLength(claims.filter((c) => c.published?.value !== undefined).length);
    expect(new Set(results.map((r) => r.id)).size).toBe(results.length);
  });
});
