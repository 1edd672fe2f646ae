// The figure of verdicts by section: its bars are the counts of the register.
import { describe, expect, it } from 'vitest';
import { loadRegister } from '../../src/claims/register';
import { judgeAll, verdicts } from '../../src/claims/verdict';
import { figure } from '../../src/plots/draw';
import { placeOf } from '../../src/publish/claims-view';
import { paperResults } from '../../src/publish/recorded';
import { verdictFigure, verdictFigureId } from '../../src/publish/verdict-figure';
import { byId, claim, result } from '../claims/fixtures';

describe('the figure of verdicts', () => {
  it('counts each claim of the register once, at its place, under its verdict', () => {
    const results = paperResults();
    const judged = judgeAll(loadRegister(), results);
    const { rows, alt, stamp } = figure(verdictFigureId, results);
    expect(rows.reduce((sum, row) => sum + row.value, 0)).toBe(judged.length);
    for (const verdict of verdicts) {
      const here = rows.filter((row) => row.quantity === `Claims: ${verdict}`);
      expect(here.reduce((sum, row) => sum + row.value, 0)).toBe(
        judged.filter((j) => j.verdict === verdict).length,
      );
    }
    for (const { group } of rows) expect(judged.some((j) => placeOf(j.claim) === group)).toBe(true);
    expect(alt).toContain('Study\u00a0§4.3: ');
    expect(stamp).toMatchObject({ kinds: ['derived'], origins: ['stored'] });
  });

  it('moves when a verdict does, and is dated by the newest result', () => {
    const rule = {
      rule: 'The ratio lies above one.',
      all: [{ result: 'walk.ratio', is: 'above', bound: 1 }],
    };
    const [older, newer] = [
      result(),
      result({ id: 'other', date: '2026-02-01T00:00:00Z', commit: 'b'.repeat(40) }),
    ];
    const draw = (value: number): unknown => {
      const results = byId(
        { ...older, value, uncertainty: { ...older.uncertainty!, low: value, high: value } },
        newer,
      );
      const [own] = verdictFigure(judgeAll([claim({ expect: rule })], results), results.values());
      expect(own).toMatchObject({ date: newer.date, commit: newer.commit, kind: 'derived', mode: 'stored' });
      return own.figure!.data;
    };
    expect(draw(2)).toEqual({
      verdicts: [...verdicts],
      places: [{ title: 'Study\u00a0§1', counts: [1, 0, 0, 0, 0, 0] }],
    });
    expect(draw(0.5)).toMatchObject({ places: [{ counts: [0, 0, 1, 0, 0, 0] }] });
  });

  it('is not drawn where nothing is recorded', () => {
    expect(verdictFigure([], [])).toEqual([]);
  });
});
