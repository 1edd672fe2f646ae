// What is tracked is what the recorded results draw, byte for byte.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { loadRegister } from '../../src/claims/register';
import { summarise } from '../../src/claims/summary';
import { judgeAll } from '../../src/claims/verdict';
import { paperResults } from '../../src/publish/recorded';
import { checkCrate } from '../../src/publish/ro-crate';
import { drawFigures } from '../../src/reproduce/figures';
import { headlines, verdictSection, withVerdicts } from '../../src/reproduce/readme';
import { toRecord } from '../../src/reproduce/run';
import { loadStudies, recordedDir } from '../../src/results/store';

const tracked = (dir: string): string[] =>
  readdirSync(dir)
    .filter((f) => /\.(svg|png)$/.test(f))
    .sort();

describe('the record', () => {
  it('draws the tracked figures, byte for byte', { timeout: 120_000 }, async () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'coc-figures-'));
    await drawFigures(paperResults(), { dir });
    const here = inRepo('figures');
    expect(tracked(dir)).toEqual(tracked(here));
    const differing = tracked(dir).filter(
      (f) => !readFileSync(path.join(dir, f)).equals(readFileSync(path.join(here, f))),
    );
    expect(differing).toEqual([]);
    rmSync(dir, { recursive: true });
  });

  it('of mode full is not given up for a smaller run', () => {
    const recorded = loadStudies(recordedDir());
    const modes = new Set(recorded.map(({ provenance }) => provenance.mode));
    expect(modes).toEqual(new Set(['quick', 'full']));
    const ids = [...recorded.map(({ study }) => study), 'never recorded'];
    expect(toRecord(ids, 'full', recorded)).toEqual(ids);
    const full = recorded.filter(({ provenance }) => provenance.mode === 'full').map(({ study }) => study);
    expect(full).toContain('cross-plane');
    for (const size of ['quick', 'tiny'] as const)
      expect(toRecord(ids, size, recorded)).toEqual(ids.filter((id) => !full.includes(id)));
  });

  it('is what its crate describes', () => {
    expect(checkCrate(inRepo('figures'))).toEqual([]);
  });

  it('gives the verdicts that the README shows', () => {
    const results = paperResults();
    const claims = summarise(judgeAll(loadRegister(), results), results);
    expect(readFileSync(inRepo('README.md'), 'utf8')).toContain(verdictSection(claims));
    expect(() => withVerdicts('no marks', claims)).toThrow('put the marks back');
    const ids = claims.rows.map((row) => row.id);
    expect(headlines.filter((id) => !ids.includes(id))).toEqual([]);
    // Short: a reader of the README is led to the register, not through it.
    expect(verdictSection(claims).split('\n- ').length).toBeLessThanOrEqual(headlines.length + 1);
  });
});
