import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRegister } from '../../src/claims/register';
import { claimRow, publishedText } from '../../src/claims/row';
import { claimText, countsLine, summarise, summaryText } from '../../src/claims/summary';
import { textTable, wrap } from '../../src/claims/text';
import { judge, judgeAll } from '../../src/claims/verdict';
import { loadResults, recordedDir } from '../../src/results/store';
import { byId, claim, result } from './fixtures';

const rows = [
  claim({
    id: 'walking-is-faster',
    expect: { rule: 'The ratio lies above one.', all: [{ result: 'walk.ratio', is: 'above', bound: 1 }] },
  }),
  claim({ id: 'legs', published: { value: 4000, unit: 'legs', text: ['4000'] }, tolerance: 0.05 }),
  claim({ id: 'words', section: 'abstract', published: { text: ['“fast”'] } }),
];
const results = byId(result());

describe('summarise', () => {
  const summary = summarise(judgeAll(rows, results), results);

  it('counts by verdict and puts each number in the column of its kind', () => {
    expect(summary.total).toBe(3);
    expect(summary.counts.reproduced).toBe(1);
    expect(summary.counts['not tested yet']).toBe(2);
    expect(countsLine(summary)).toBe('3 claims: 1 reproduced, 2 not tested yet');
    const { published, derived, dryRun, measured, recorded } = summary.rows[0];
    expect({ published, derived, dryRun, measured, recorded }).toEqual({
      published: '',
      derived: '',
      dryRun: '',
      measured: '',
      recorded: '2 (none)',
    });
    expect(rows.map(publishedText)).toEqual(['', '4000\u202flegs', '"fast"']);
  });

  it('makes a table of at most 100 columns', () => {
    const line = (...cells: string[]): string =>
      cells
        .map((cell, i) => cell.padEnd([24, 15, 10, 8, 10, 14, 13][i]))
        .join(' ')
        .trimEnd();
    expect(summaryText(summary)).toBe(
      [
        line('claim', 'published', 'derived', 'dry run', 'measured', 'recorded', 'verdict'),
        line('', '', '', '', 'here'),
        line(...[24, 15, 10, 8, 10, 14, 13].map((w) => '-'.repeat(w))),
        '',
        'The cost of consistency, section 1',
        line('walking-is-faster', '-', '-', '-', '-', '2 (none)', 'reproduced'),
        line('legs', '4000\u202flegs', '-', '-', '-', '-', 'not tested'),
        line('', '', '', '', '', '', 'yet'),
        '',
        'The cost of consistency, abstract',
        line('words', '"fast"', '-', '-', '-', '-', 'not tested'),
        line('', '', '', '', '', '', 'yet'),
        '',
        '3 claims: 1 reproduced, 2 not tested yet',
        'One claim in full: `coc claims ID`.',
      ].join('\n'),
    );
  });

  it('shows one claim with rule, tolerance, results and what would flip it', () => {
    expect(claimText(claimRow(judge(rows[0], results), results))).toBe(
      [
        'walking-is-faster: reproduced',
        '  Walking over standing: 2 (95 % interval 1.5 to 2.5, n = 10), above 1.',
        'claimed in The cost of consistency, section 1',
        '  Walking is faster than standing.',
        'tested in notebook 06-strides (measured)',
        '  A ratio of two times.',
        'it stands if',
        '  The ratio lies above one.',
        'what would flip the verdict',
        '  A ratio below one.',
        'recorded',
        '  Walking over standing: 2, 1.5 to 2.5 (95 %, n = 10) [walk.ratio, measured, none, full run,',
        '  2026-01-01, commit unknown]',
      ].join('\n'),
    );
    expect(claimText(claimRow(judge(rows[1], results), results))).toContain(
      '4000\u202flegs, in its words "4000"',
    );
    expect(claimText(claimRow(judge(rows[1], results), results))).toContain('Tolerance: 5 %.');
  });

  it('fits every claim of the real register, in the table and in full', () => {
    const recorded = loadResults(recordedDir());
    const summary = summarise(judgeAll(loadRegister(), recorded), recorded, recorded);
    const texts = [summaryText(summary), ...summary.rows.map(claimText)];
    for (const line of texts.join('\n').split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

describe('wrap and textTable', () => {
  it('wraps at spaces and cuts long words at hyphens', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('a failure-signature', 10)).toEqual(['a failure-', 'signature']);
    expect(wrap('', 5)).toEqual(['']);
    expect(textTable([['a b', 'c']], [1, 3])).toBe('a c\nb');
  });
});

describe('coc claims', () => {
  const coc = (...args: string[]): string =>
    execFileSync(process.execPath, [path.resolve('src/cli/coc.cjs'), 'claims', ...args], {
      encoding: 'utf8',
    });

  it('lists, filters and shows, as text and as JSON', () => {
    const all = JSON.parse(coc('--json')) as { total: number; rows: { seed: string }[] };
    expect(all.total).toBe(loadRegister().length);
    const cva = JSON.parse(coc('--json', '--seed', 'cva')) as typeof all;
    expect(cva.rows.every((r) => r.seed === 'cva')).toBe(true);
    expect(cva.total).toBeLessThan(all.total);
    expect(coc('vram-one-view')).toContain('published\n  6\u202fGB, in its words');
    expect(coc('check')).toContain('sentences agree');
    const strides = JSON.parse(coc('--json', '--notebook', '06-strides', '--section', '4.3')) as {
      rows: { notebook: string; section: string }[];
    };
    expect(strides.rows.length).toBeGreaterThan(5);
    expect(strides.rows.every((r) => r.notebook === '06-strides' && r.section === '4.3')).toBe(true);
  });

  it('writes all of them as a page, and refuses to write some', () => {
    const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'coc-claims-')), 'deep', 'claims.html');
    expect(JSON.parse(coc('--json', '--page', file))).toMatchObject({ page: file });
    expect(readFileSync(file, 'utf8')).toContain('id="claim-vram-one-view"');
    const refused = spawnSync(
      process.execPath,
      [path.resolve('src/cli/coc.cjs'), 'claims', '--seed', 'cva', '--page', file],
      { encoding: 'utf8' },
    );
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('the page holds all claims and filters them itself');
  });

  it('says what is near an id it does not know, and refuses a verdict nobody gives', () => {
    const run = (...args: string[]): { status: number | null; stderr: string } =>
      spawnSync(process.execPath, [path.resolve('src/cli/coc.cjs'), 'claims', ...args], { encoding: 'utf8' });
    const unknown = run('vram');
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain('near it are vram-primary-failure, vram-one-view');
    expect(run('--verdict', 'maybe').status).toBe(2);
    expect(run('--section', '9.9').stderr).toContain('given --section 9.9, expected title, abstract, 1');
    const nowhere = run('check', '--seeds', '/nowhere');
    expect(nowhere.status).toBe(1);
    expect(nowhere.stderr).toContain('cannot read the source documents');
  });
});
