import { describe, expect, it } from 'vitest';
import { publishedTableResults, publishedTables } from '../../src/claims/published-tables';
import { judge } from '../../src/claims/verdict';
import { cellText } from '../../src/plots/tables';
import { paperResults } from '../../src/publish/recorded';
import { loadPublished } from '../../src/results/published';
import { findingSchema } from '../../src/results/result';
import { claim } from './fixtures';

describe('published tables as results', () => {
  const results = publishedTableResults();
  const byId = new Map(results.map((r) => [r.id, r]));

  it('are results of kind paper, each with its source, each id once', () => {
    expect(byId.size).toBe(results.length);
    for (const r of results) {
      expect(r.kind).toBe('paper');
      expect(r.source!.length).toBeGreaterThan(5);
      const { id, title, kind, unit, value, uncertainty, table, source } = r;
      expect(
        findingSchema.safeParse({ id, title, kind, unit, value, uncertainty, table, source }).error,
      ).toBeUndefined();
    }
  });

  it('hold one number for each published one, under table, row and column', () => {
    const numbers = loadPublished().flatMap((t) =>
      t.rows.flatMap((r) => r.cells.filter((c) => typeof c === 'number')),
    );
    expect(results.filter((r) => r.value !== undefined)).toHaveLength(numbers.length);
    expect(byId.get('paper.cva-table-1.primus-m.cva-con.rank-segmentation')).toMatchObject({
      value: 2.13,
      unit: '1',
      title: 'Rank segmentation, Primus-M, MAE + CVA + Con',
      source:
        'Tenbatsu24/LatentCampus at 267c976, assets/CVA/Results.png (Table 1), Primus-M, row MAE + CVA + Con',
    });
  });

  it('are shown with the digits that were published', () => {
    const { table } = publishedTables().results.find((r) => r.id === 'paper.cva-table-1')!;
    const column = table!.columns.find((c) => c.key === 'abide-balanced-accuracy')!;
    expect(cellText(column, table!.rows[0]['abide-balanced-accuracy'])).toBe('57.30');
    expect(cellText(column, null)).toBe('–');
  });

  it('stand among the results of the paper and set no verdict', () => {
    const all = paperResults();
    expect(all.get('paper.colab.pack.price')!.value).toBe(9.99);
    const id = 'paper.colab.pack.price';
    const { verdict, reason } = judge(
      claim({ expect: { rule: 'x'.repeat(20), all: [{ result: id, is: 'above', bound: 1 }] } }),
      all,
    );
    expect(verdict).toBe('not tested yet');
    expect(reason).toContain('is published, not found');
  });
});
