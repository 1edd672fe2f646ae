// Tables as danfojs data frames: the same numbers, loaded by who asks for them and by nobody else.
import { execFileSync } from 'node:child_process';
import { DataFrame } from 'danfojs-node';
import { describe, expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { display, frame, frameBundle } from '../../src/kernel/frame';
import type { Result, Table } from '../../src/results/result';
import { loadResults, recordedDir } from '../../src/results/store';
import { provenance } from '../plots/made-up';

const table: Table = {
  columns: [
    { key: 'plane', title: 'Plane' },
    { key: 'pixels', title: 'Pixels', digits: 0 },
    { key: 'time', title: 'Time', unit: 'us', digits: 1 },
    { key: 'note', title: 'Note' },
  ],
  rows: [
    { plane: 'axial', pixels: 57600, time: 12.3456789012345, note: 3 },
    { plane: 'coronal', pixels: 37200, time: null, note: null },
    { plane: 'a < b', pixels: 37200, time: 30, note: 'few' },
  ],
};
const result = {
  ...provenance,
  id: 's.table',
  title: 'Times',
  kind: 'measured',
  unit: '',
  uncertainty: null,
  study: 's',
  origin: 'fresh',
  table,
} satisfies Result;
const number = { ...result, id: 's.number', table: undefined, value: 3, unit: 's' } satisfies Result;
const study = { results: [result, number] };

describe('a frame', () => {
  it('has the units in its names, numbers as numbers, and a missing one as NaN', async () => {
    const made = await frame('s.table', study);
    expect(made).toBeInstanceOf(DataFrame);
    expect(made.columns).toEqual(['Plane', 'Pixels', 'Time (µs)', 'Note']);
    expect(made.values).toEqual([
      ['axial', 57600, 12.3456789012345, 3],
      ['coronal', 37200, NaN, null],
      ['a < b', 37200, 30, 'few'],
    ]);
    expect((made as DataFrame).dtypes).toEqual(['string', 'int32', 'float32', 'string']);
    expect(made.shape).toEqual([3, 4]);
  });

  it('tells columns of one title apart by their keys', async () => {
    const twice: Table = {
      columns: ['cold', 'warm'].map((key) => ({ key, title: 'measured', unit: 'us' })),
      rows: [{ cold: 1, warm: 2 }],
    };
    const made = await frame('s.table', { results: [{ ...result, table: twice }] });
    expect(made.columns).toEqual(['measured, cold (µs)', 'measured, warm (µs)']);
  });

  it('computes: what is missing is left out of a mean', async () => {
    const made = await frame('s.table', study);
    expect(made.column('Time (µs)').mean()).toBeCloseTo((12.3456789012345 + 30) / 2, 12);
    const planes = made.groupby(['Pixels']).count();
    expect(planes.shape[0]).toBe(2);
    expect(made.loc({ rows: made.column('Pixels').gt(40_000) }).values).toHaveLength(1);
    expect(made.sortValues('Time (µs)', { ascending: false }).column('Plane').values).toContain('axial');
  });

  it('holds what each recorded table holds, value by value', async () => {
    const tables = [...loadResults(recordedDir()).values()].filter((r) => r.table);
    expect(tables.length).toBeGreaterThan(5);
    for (const recorded of tables) {
      const made = await frame(recorded.id, { results: [recorded] });
      const { columns, rows } = recorded.table!;
      expect(made.shape, recorded.id).toEqual([rows.length, columns.length]);
      rows.forEach((row, i) =>
        columns.forEach(({ key }, k) => {
          const cell = (made.values as unknown[][])[i][k];
          expect(Number.isNaN(cell) ? null : cell, `${recorded.id} ${i} ${key}`).toBe(row[key] ?? null);
        }),
      );
    }
  });

  it('that the study does not have says so, and what there is', async () => {
    await expect(frame('s.tabel', study)).rejects.toThrow(/s\.tabel[^]*no such result[^]*s\.table/);
    await expect(frame('s.number', study)).rejects.toThrow('a result that is no table');
  });
});

describe('a frame that is shown', () => {
  it('looks as tables do, with text beside it, and names its rows only where they have names', async () => {
    const bundle = frameBundle(await frame('s.table', study));
    expect(Object.keys(bundle)).toEqual(['text/html', 'text/plain']);
    expect(bundle['text/html']).toContain('<th scope="col" style="text-align:right">Time (µs)</th>');
    expect(bundle['text/html']).toContain('<td style="text-align:left">a &lt; b</td>');
    expect(bundle['text/plain']).toBe(
      [
        'Plane    Pixels  Time (µs)  Note',
        '-------  ------  ---------  ----',
        'axial    57\u202f600       12.3     3',
        'coronal  37\u202f200          –     –',
        'a < b    37\u202f200         30   few',
        '3 rows, 4 columns',
      ].join('\n'),
    );
    const described = frameBundle((await frame('s.table', study)).describe());
    expect(described['text/plain']).toMatch(/^mean\s+44/m);
  });

  it('is cut where it is long, and says so', () => {
    const long = new DataFrame(Array.from({ length: 80 }, (_, i) => [i, i / 3]));
    const text = frameBundle(long)['text/plain'];
    expect(text.split('\n')).toHaveLength(2 + 50 + 1);
    expect(text).toContain('80 rows, 2 columns; the first 50');
  });

  it('wants a notebook', async () => {
    const made = await frame('s.table', study);
    expect(() => display(made)).toThrow('a notebook cell');
  });
});

describe('danfojs and TensorFlow.js', () => {
  const loaded = (code: string): string =>
    execFileSync(
      process.execPath,
      [
        '-e',
        `process.on('exit', () => console.log('LOADED', Object.keys(require.cache).filter((f) => /danfojs|tfjs/.test(f)).length));${code}`,
      ],
      { cwd: inRepo(), encoding: 'utf8' },
    );

  it('are loaded neither by the library nor by the help', () => {
    expect(loaded(`require('./dist')`)).toContain('LOADED 0\n');
    expect(loaded(`void require('./dist/cli/main').main(['--help'])`)).toMatch(/Usage: coc[^]*LOADED 0\n/);
  });

  it('are loaded by the first frame', () => {
    const table = JSON.stringify({ columns: [{ key: 'a', title: 'A' }], rows: [{ a: 1 }] });
    const code = `require('./dist').frame('t', {results: [{id: 't', table: ${table}}]})`;
    expect(loaded(code)).toMatch(/LOADED [1-9]/);
  });
});
