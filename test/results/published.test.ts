import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPublished, parsePublished, published, shownTable } from '../../src/results/published';

const table = {
  id: 'heights',
  title: 'Heights of some hills',
  source: 'A book of hills, page 3',
  columns: [
    { key: 'hill', title: 'Hill', text: true },
    { key: 'height', title: 'Height', unit: 'm', digits: 0 },
  ],
  rows: [
    { id: 'low', cells: ['Low hill', 120] },
    { id: 'high', source: 'its footnote', cells: ['High hill', null] },
  ],
};
/** JSON is YAML. */
const parse = (...tables: object[]) => parsePublished(JSON.stringify(tables), 'a test');

describe('published tables', () => {
  it('give cells by row and column, and say which are not there', () => {
    const values = published('heights', parse(table));
    expect(values.rows).toEqual(['low', 'high']);
    expect(values.number('low', 'height')).toBe(120);
    expect(values.text('low', 'hill')).toBe('Low hill');
    expect(() => values.number('high', 'height')).toThrow('heights.high.height holds no number');
    expect(() => values.number('low', 'hill')).toThrow('heights.low.hill holds no number');
    expect(() => values.text('low', 'height')).toThrow('holds no text');
    expect(() => values.number('middle', 'height')).toThrow('no cell middle.height');
    expect(() => published('depths', parse(table))).toThrow(/given +depths[\s\S]*one of heights/);
  });

  it('have a digest that follows every cell', () => {
    const digest = (t: object) => published('heights', parse(t)).input.sha256;
    const other = { ...table, rows: [{ id: 'low', cells: ['Low hill', 121] }, table.rows[1]] };
    expect(digest(table)).toMatch(/^[0-9a-f]{64}$/);
    expect(digest(other)).not.toBe(digest(table));
    expect(digest({ ...table, source: 'Another book' })).not.toBe(digest(table));
  });

  it('are shown with a column of sources where rows have their own', () => {
    const [whole] = parse(table);
    expect(shownTable(whole).columns.map((c) => c.title)).toEqual(['Hill', 'Height']);
    const rows = table.rows.map((row) => ({ ...row, source: 'A book of hills, page 3' }));
    const [apart] = parse({ ...table, source: undefined, rows });
    expect(shownTable(apart).rows[0]).toEqual({
      hill: 'Low hill',
      height: 120,
      source: 'A book of hills, page 3',
    });
  });

  it.each<[string, object, RegExp]>([
    ['no source', { ...table, source: undefined }, /row low: neither it nor the table has a source/],
    [
      'a cell too few',
      { ...table, rows: [{ id: 'low', cells: ['Low hill'] }] },
      /row low: 1 cells for 2 columns/,
    ],
    [
      'text where a number belongs',
      { ...table, rows: [{ id: 'low', cells: ['Low hill', '120'] }] },
      /row low, height: "120" where a number belongs/,
    ],
    [
      'a number where text belongs',
      { ...table, rows: [{ id: 'low', cells: [7, 120] }] },
      /row low, hill: 7 where text belongs/,
    ],
    ['a row twice', { ...table, rows: [table.rows[0], table.rows[0]] }, /two rows have one id/],
    [
      'a column twice',
      { ...table, columns: [table.columns[0], table.columns[0]] },
      /two columns have one key/,
    ],
    ['an unknown key', { ...table, colour: 'green' }, /colour/],
    ['a bad id', { ...table, id: 'Heights' }, /lower-case words/],
  ])('are refused for %s', (_, wrong, message) => {
    expect(() => parse(wrong)).toThrow(message);
  });

  it('are refused where two have one id, where they are no list and where the YAML is broken', () => {
    expect(() => parse(table, table)).toThrow(/the id heights twice/);
    expect(() => parsePublished('id: heights', 'a test')).toThrow(/no list/);
    expect(() => parsePublished('- id: [', 'a test')).toThrow(/valid YAML/);
    const dir = mkdtempSync(path.join(os.tmpdir(), 'published-'));
    expect(() => loadPublished(path.join(dir, 'none.yaml'))).toThrow(
      /no file .*none\.yaml[\s\S]*git checkout/,
    );
    writeFileSync(path.join(dir, 'one.yaml'), JSON.stringify([table]));
    expect(loadPublished(path.join(dir, 'one.yaml'))).toHaveLength(1);
  });
});

describe('the tables of this project', () => {
  it('hold all of Table 1 of view alignment: seven ways for each of two backbones', () => {
    const values = published('cva-table-1');
    expect(values.rows).toHaveLength(14);
    for (const backbone of ['resenc-l', 'primus-m'])
      expect(values.rows.filter((r) => r.startsWith(backbone))).toHaveLength(7);
    // Printed averages weigh segmentation twice: a number typed wrong would show here.
    for (const row of values.rows) {
      const [average, segmentation, classification] = ['average', 'segmentation', 'classification'].map(
        (of) => values.number(row, `rank-${of}`),
      );
      expect(average).toBeCloseTo((2 * segmentation + classification) / 3, 1);
    }
  });
});
